/** Counting, grouping, windows. */
import { avg, count, countDistinct, desc, eq, gt, max, min, sql, sum } from 'drizzle-orm';
import { alias } from '../../../src/index.js';
import type { Program } from './program.js';

const key = 'the database has the key with the tenant column in it, and only a scoped handle adds that to GROUP BY';

export const aggregates: Program[] = [
  { name: '$count', run: (tdb, { tasks }) => tdb.$count(tasks) },
  { name: '$count with a filter', run: (tdb, { tasks }) => tdb.$count(tasks, gt(tasks.points, 2)) },
  { name: '$count with an OR', run: (tdb, { tasks }) => tdb.$count(tasks, sql`false or true`) },
  { name: '$count of a reference table', run: (tdb, { countries }) => tdb.$count(countries) },
  { name: '$count in a schema', run: (tdb, { notes }) => tdb.$count(notes, gt(notes.order, 0)) },
  {
    name: '$count of an alias',
    notPlain: 'Drizzle writes the alias where the table belongs',
    run: (tdb, { tasks }) => {
      const t = alias(tasks, 't');
      return tdb.$count(t, eq(t.done, true));
    },
  },
  { name: '$count of a view', run: (tdb, { openTasks }) => tdb.$count(openTasks) },
  {
    name: '$count of a subquery',
    run: (tdb, { tasks }) => tdb.$count(tdb.select().from(tasks).where(eq(tasks.done, true)).as('done')),
  },
  { name: '$count of SQL', run: (tdb, { tasks }) => tdb.$count(sql`${tasks} t` as any, sql`t.id > 1`) },
  {
    name: '$count as a field',
    run: (tdb, { projects, tasks }) =>
      tdb.select({ id: projects.id, n: tdb.$count(tasks, eq(tasks.projectId, projects.id)) }).from(projects),
  },
  {
    name: '$count in a condition',
    run: (tdb, { projects, tasks }) =>
      tdb
        .select({ id: projects.id })
        .from(projects)
        .where(gt(tdb.$count(tasks, eq(tasks.projectId, projects.id)), 1)),
  },
  {
    name: 'count',
    run: (tdb, { tasks }) =>
      tdb.select({ n: count(), points: count(tasks.points), people: countDistinct(tasks.assigneeId) }).from(tasks),
  },
  {
    name: 'sum, avg, min, max',
    run: (tdb, { tasks }) =>
      tdb
        .select({ s: sum(tasks.points), a: avg(tasks.points), lo: min(tasks.title), hi: max(tasks.points) })
        .from(tasks),
  },
  {
    name: 'group by',
    run: (tdb, { tasks }) => tdb.select({ p: tasks.projectId, n: count() }).from(tasks).groupBy(tasks.projectId),
  },
  {
    name: 'group by, having',
    run: (tdb, { tasks }) =>
      tdb.select({ p: tasks.projectId, n: count() }).from(tasks).groupBy(tasks.projectId).having(gt(count(), 1)),
  },
  {
    name: 'having by a callback',
    run: (tdb, { tasks }) =>
      tdb
        .select({ p: tasks.projectId, n: sum(tasks.points).as('n') })
        .from(tasks)
        .groupBy(tasks.projectId)
        .having(({ n }: any) => gt(n, 1)),
  },
  {
    name: 'having an OR',
    run: (tdb, { tasks }) =>
      tdb.select({ p: tasks.projectId }).from(tasks).groupBy(tasks.projectId).having(sql`count(*) > 100 or true`),
  },
  {
    name: 'group by the primary key',
    notPlain: key,
    run: (tdb, { projects }) =>
      tdb.select({ id: projects.id, name: projects.name, n: count() }).from(projects).groupBy(projects.id),
  },
  {
    name: 'group by the primary key, joined',
    notPlain: key,
    run: (tdb, { projects, tasks }) =>
      tdb
        .select({ id: projects.id, name: projects.name, meta: projects.meta, n: count(tasks.id) })
        .from(projects)
        .leftJoin(tasks, eq(tasks.projectId, projects.id))
        .groupBy(projects.id),
  },
  {
    name: 'group by the primary key, of an alias',
    notPlain: key,
    run: (tdb, { projects }) => {
      const p = alias(projects, 'p');
      return tdb.select({ id: p.id, name: p.name }).from(p).groupBy(p.id);
    },
  },
  {
    name: 'group by SQL',
    run: (tdb, { tasks }) =>
      tdb
        .select({ odd: sql`${tasks.id} % 2`, n: count() })
        .from(tasks)
        .groupBy(sql`${tasks.id} % 2`),
  },
  {
    name: 'group by rollup',
    run: (tdb, { tasks }) =>
      tdb
        .select({ p: tasks.projectId, d: tasks.done, n: count() })
        .from(tasks)
        .groupBy(sql`rollup (${tasks.projectId}, ${tasks.done})`),
  },
  {
    name: 'group over a join',
    ordered: true,
    run: (tdb, { users, tasks }) =>
      tdb
        .select({ u: users.name, n: count(tasks.id).as('n') })
        .from(users)
        .leftJoin(tasks, eq(tasks.assigneeId, users.id))
        .groupBy(users.name)
        .orderBy((t: any) => [desc(t.n), t.u]),
  },
  {
    name: 'group over a full join',
    run: (tdb, { users, tasks }) =>
      tdb
        .select({ u: users.name, n: count() })
        .from(users)
        .fullJoin(tasks, eq(tasks.assigneeId, users.id))
        .groupBy(users.name),
  },
  {
    name: 'an aggregate with FILTER',
    run: (tdb, { tasks }) =>
      tdb.select({ done: sql`count(*) filter (where ${tasks.done})`.mapWith(Number) }).from(tasks),
  },
  {
    name: 'array_agg and json_agg',
    run: (tdb, { tasks }) =>
      tdb
        .select({
          ids: sql`array_agg(${tasks.id} order by ${tasks.id})`,
          rows: sql`json_agg(json_build_object('t', ${tasks.title}) order by ${tasks.id})`,
        })
        .from(tasks),
  },
  {
    name: 'a window',
    run: (tdb, { tasks }) =>
      tdb
        .select({
          id: tasks.id,
          n: sql`row_number() over (partition by ${tasks.projectId} order by ${tasks.id})`,
          all: sql`count(*) over ()`,
        })
        .from(tasks),
  },
  {
    name: 'a rank over everything',
    run: (tdb, { tasks }) =>
      tdb.select({ id: tasks.id, r: sql`rank() over (order by ${tasks.points} desc nulls last)` }).from(tasks),
  },
  {
    name: 'a median',
    run: (tdb, { tasks }) =>
      tdb.select({ m: sql`percentile_cont(0.5) within group (order by ${tasks.points})` }).from(tasks),
  },
];
