/** Relational queries: filters, orders, extras and relations of each kind, three levels deep and more. */
import { eq, gt, sql } from 'drizzle-orm';
import type { Program } from './program.js';

export const relational: Program[] = [
  { name: 'findMany', run: (tdb) => tdb.query.projects.findMany() },
  {
    name: 'findFirst',
    ordered: true,
    run: (tdb) => tdb.query.tasks.findFirst({ orderBy: { points: 'desc', id: 'asc' } }),
  },
  { name: 'findFirst of nothing', run: (tdb) => tdb.query.tasks.findFirst({ where: { title: 'hidden' } }) },
  { name: 'columns', run: (tdb) => tdb.query.projects.findMany({ columns: { id: true, name: true } }) },
  {
    name: 'columns left out',
    run: (tdb) => tdb.query.projects.findMany({ columns: { accountId: false, meta: false } }),
  },
  {
    name: 'filters',
    run: (tdb) =>
      tdb.query.tasks.findMany({
        where: { OR: [{ id: { gt: 3 } }, { title: { like: 'B%' } }], NOT: { title: 'ship' } },
      }),
  },
  {
    name: 'a filter on the tenant column',
    run: (tdb) => tdb.query.tasks.findMany({ where: { accountId: { isNotNull: true } } }),
  },
  {
    name: 'order, limit, offset',
    ordered: true,
    run: (tdb) => tdb.query.tasks.findMany({ orderBy: { title: 'asc' }, limit: 2, offset: 1 }),
  },
  {
    name: 'order by a callback of a relational query',
    ordered: true,
    run: (tdb) => tdb.query.tasks.findMany({ orderBy: (t: any, { desc }: any) => [desc(t.points), t.id] }),
  },
  { name: 'with many', run: (tdb) => tdb.query.projects.findMany({ with: { tasks: true } }) },
  { name: 'with one', run: (tdb) => tdb.query.tasks.findMany({ with: { project: true, assignee: true } }) },
  { name: 'with a reference table', run: (tdb) => tdb.query.projects.findMany({ with: { country: true } }) },
  {
    name: 'with many, filtered and ordered',
    ordered: true,
    run: (tdb) =>
      tdb.query.projects.findMany({
        orderBy: { id: 'asc' },
        with: { tasks: { where: { id: { gt: 1 } }, orderBy: { id: 'desc' }, limit: 1, columns: { id: true } } },
      }),
  },
  { name: 'with itself', run: (tdb) => tdb.query.tasks.findMany({ with: { parent: true, children: true } }) },
  {
    name: 'with many to many',
    run: (tdb) => tdb.query.projects.findMany({ columns: { id: true }, with: { members: true } }),
  },
  {
    name: 'with many to many, filtered',
    run: (tdb) =>
      tdb.query.projects.findMany({
        columns: { id: true },
        with: { members: { where: { name: { ne: 'ben' } }, columns: { name: true } } },
      }),
  },
  {
    name: 'with many to many, reversed',
    run: (tdb) =>
      tdb.query.users.findMany({ columns: { name: true }, with: { projects: { columns: { name: true } } } }),
  },
  {
    name: 'with a relation that has a filter',
    run: (tdb) => tdb.query.projects.findMany({ columns: { id: true }, with: { doneTasks: true } }),
  },
  {
    name: 'with a view',
    run: (tdb) => tdb.query.projects.findMany({ columns: { id: true }, with: { openTasks: true } }),
  },
  {
    name: 'with a subquery',
    run: (tdb) => tdb.query.projects.findMany({ columns: { id: true }, with: { counts: true } }),
  },
  { name: 'a subquery as the root', run: (tdb) => tdb.query.taskCounts.findMany({ where: { n: { gt: 0 } } }) },
  { name: 'a view as the root', run: (tdb) => tdb.query.openTasks.findMany({ where: { projectId: 2 } }) },
  {
    name: 'with another schema',
    run: (tdb) => tdb.query.tasks.findMany({ columns: { id: true }, with: { notes: { where: { order: { gt: 0 } } } } }),
  },
  {
    name: 'another schema as the root',
    run: (tdb) => tdb.query.notes.findMany({ where: { task: { title: 'plan' } }, with: { task: true } }),
  },
  {
    name: 'three levels',
    run: (tdb) => tdb.query.accounts.findMany({ with: { projects: { with: { tasks: { with: { labels: true } } } } } }),
  },
  {
    name: 'four levels, up and down',
    run: (tdb) =>
      tdb.query.projects.findMany({
        with: { tasks: { with: { children: { with: { assignee: { with: { manager: true, reports: true } } } } } } },
      }),
  },
  {
    name: 'three levels, many to many',
    run: (tdb) =>
      tdb.query.accounts.findMany({
        with: {
          country: true,
          projects: { columns: { name: true }, with: { members: { with: { tasks: { columns: { id: true } } } } } },
        },
      }),
  },
  {
    name: 'three levels, limited at each',
    ordered: true,
    run: (tdb) =>
      tdb.query.users.findMany({
        orderBy: { id: 'asc' },
        limit: 3,
        with: { tasks: { orderBy: { id: 'asc' }, limit: 1, with: { notes: { orderBy: { id: 'desc' }, limit: 1 } } } },
      }),
  },
  {
    name: 'a filter on a relation',
    run: (tdb) => tdb.query.projects.findMany({ where: { tasks: { title: 'hidden' } } }),
  },
  {
    name: 'a filter on the existence of a relation',
    run: (tdb) => tdb.query.projects.findMany({ columns: { id: true }, where: { tasks: true } }),
  },
  {
    name: 'a filter on the absence of a relation',
    run: (tdb) => tdb.query.projects.findMany({ columns: { id: true }, where: { tasks: false } }),
  },
  {
    name: 'a filter on NOT a relation',
    run: (tdb) => tdb.query.projects.findMany({ columns: { id: true }, where: { NOT: { tasks: { done: true } } } }),
  },
  {
    name: 'a filter on a relation of a relation',
    run: (tdb) => tdb.query.projects.findMany({ columns: { id: true }, where: { tasks: { labels: { name: 'red' } } } }),
  },
  {
    name: 'a filter on many to many',
    run: (tdb) => tdb.query.projects.findMany({ columns: { id: true }, where: { members: { name: 'ann' } } }),
  },
  {
    name: 'a filter on many to many, in OR',
    run: (tdb) =>
      tdb.query.users.findMany({
        columns: { id: true },
        where: { OR: [{ projects: { name: 'only b' } }, { manager: { name: 'ann' } }] },
      }),
  },
  {
    name: 'a filter on a relation that has a filter',
    run: (tdb) => tdb.query.projects.findMany({ columns: { id: true }, where: { doneTasks: true } }),
  },
  {
    name: 'a filter on a relation within a relation',
    run: (tdb) =>
      tdb.query.users.findMany({ columns: { id: true }, with: { tasks: { where: { project: { status: 'open' } } } } }),
  },
  {
    name: 'a filter on a reference table',
    run: (tdb) => tdb.query.projects.findMany({ columns: { id: true }, where: { country: { code: 'CL' } } }),
  },
  { name: 'RAW', run: (tdb) => tdb.query.tasks.findMany({ where: { RAW: (t: any) => sql`${t.id} > 2 or true` } }) },
  {
    name: 'RAW with a table',
    run: (tdb, { tasks }) =>
      tdb.query.projects.findMany({
        columns: { id: true },
        where: { RAW: (t: any) => sql`(select count(*) from ${tasks} where ${tasks.projectId} = ${t.id}) > 1` },
      }),
  },
  {
    name: 'RAW with a builder',
    run: (tdb, { tasks }) =>
      tdb.query.projects.findMany({
        columns: { id: true },
        where: { RAW: (t: any, { exists }: any) => exists(tdb.select().from(tasks).where(eq(tasks.projectId, t.id))) },
      }),
  },
  {
    name: 'extras',
    run: (tdb) =>
      tdb.query.tasks.findMany({ columns: { id: true }, extras: { loud: (t: any) => sql<string>`upper(${t.title})` } }),
  },
  {
    name: 'extras with a table',
    run: (tdb, { tasks }) =>
      tdb.query.projects.findMany({
        columns: { id: true },
        extras: { n: (t: any) => sql<number>`(select count(*)::int from ${tasks} where ${tasks.projectId} = ${t.id})` },
      }),
  },
  {
    name: 'extras with $count',
    run: (tdb, { tasks }) =>
      tdb.query.projects.findMany({
        columns: { id: true },
        extras: { n: (t: any) => tdb.$count(tasks, eq(tasks.projectId, t.id)) },
      }),
  },
  {
    name: 'extras with a builder',
    run: (tdb, { tasks }) =>
      tdb.query.projects.findMany({
        columns: { id: true },
        extras: {
          top: (t: any) =>
            tdb
              .select({ m: sql`max(${tasks.points})` })
              .from(tasks)
              .where(eq(tasks.projectId, t.id)),
        },
      }),
  },
  {
    name: 'extras two levels down',
    run: (tdb, { labels }) =>
      tdb.query.projects.findMany({
        columns: { id: true },
        with: {
          tasks: {
            columns: { id: true },
            extras: {
              n: (t: any) => sql<number>`(select count(*)::int from ${labels} where ${labels.taskId} = ${t.id})`,
            },
          },
        },
      }),
  },
  {
    name: 'order by a relation',
    ordered: true,
    run: (tdb) => tdb.query.tasks.findMany({ orderBy: { project: { name: 'asc' }, id: 'desc' } }),
  },
  {
    name: 'order by a count',
    ordered: true,
    run: (tdb) => tdb.query.projects.findMany({ orderBy: { tasks: 'desc(count)', id: 'asc' } as any }),
  },
  {
    name: 'order by an aggregate of a relation',
    ordered: true,
    run: (tdb) => tdb.query.projects.findMany({ orderBy: { tasks: { points: 'desc(max)' }, id: 'asc' } as any }),
  },
  {
    name: 'order by many to many',
    ordered: true,
    run: (tdb) => tdb.query.projects.findMany({ orderBy: { members: 'desc(count)', id: 'asc' } as any }),
  },
  {
    name: 'order by SQL over a table',
    ordered: true,
    run: (tdb, { tasks }) =>
      tdb.query.projects.findMany({
        orderBy: (t: any) => [sql`(select count(*) from ${tasks} where ${tasks.projectId} = ${t.id}) desc`, t.id],
      }),
  },
  {
    name: 'a placeholder in a relational query',
    run: (tdb) =>
      tdb.query.projects
        .findMany({ where: { id: { gt: sql.placeholder('id') } }, with: { tasks: true } })
        .prepare('rq')
        .execute({ id: 1 }),
  },
  {
    name: 'a relational query with a comment',
    run: (tdb) => tdb.query.projects.findMany({ columns: { id: true }, comment: { route: 'x' } } as any),
  },
  {
    name: 'a relational query, basic strategy',
    run: (tdb) =>
      tdb.query.projects.findMany({
        where: { tasks: { id: { gt: 1 } } },
        with: { tasks: true },
        strategy: 'basic',
      } as any),
  },
];
void gt;
