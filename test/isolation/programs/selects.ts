/** SELECT over one table. */
import {
  and,
  asc,
  between,
  desc,
  eq,
  gt,
  ilike,
  inArray,
  isNull,
  like,
  lt,
  ne,
  not,
  notInArray,
  or,
  sql,
  arrayContains,
  arrayOverlaps,
} from 'drizzle-orm';
import { alias, getColumns } from '../../../src/index.js';
import type { Program } from './program.js';

export const selects: Program[] = [
  { name: 'select all', run: (tdb, { projects }) => tdb.select().from(projects) },
  {
    name: 'select columns',
    run: (tdb, { projects }) => tdb.select({ id: projects.id, label: projects.name }).from(projects),
  },
  {
    name: 'select nested fields',
    run: (tdb, { projects }) =>
      tdb.select({ key: { id: projects.id }, text: { name: projects.name, budget: projects.budget } }).from(projects),
  },
  {
    name: 'select without a column, by getColumns',
    run: (tdb, { projects }) => {
      const { accountId: _, ...columns } = getColumns(projects);
      return tdb.select(columns).from(projects);
    },
  },
  { name: 'select the tenant column', run: (tdb, { tasks }) => tdb.select({ tenant: tasks.accountId }).from(tasks) },
  { name: 'select the root', run: (tdb, { accounts }) => tdb.select().from(accounts) },
  {
    name: 'select a reference table',
    run: (tdb, { countries }) => tdb.select().from(countries).where(eq(countries.code, 'GH')),
  },
  { name: 'select from a schema', run: (tdb, { notes }) => tdb.select().from(notes).where(gt(notes.order, 1)) },
  {
    name: 'select from a table with a made name',
    run: (tdb, { labels }) => tdb.select().from(labels).where(eq(labels.name, 'red')),
  },
  {
    name: 'select from an alias',
    run: (tdb, { tasks }) => {
      const t = alias(tasks, 't');
      return tdb.select().from(t).where(eq(t.done, true));
    },
  },
  {
    name: 'select from an alias in a schema',
    run: (tdb, { notes }) => {
      const n = alias(notes, 'n');
      return tdb.select({ id: n.id, body: n.body }).from(n).where(lt(n.id, 3));
    },
  },
  {
    name: 'select from a view',
    run: (tdb, { openTasks }) => tdb.select().from(openTasks).where(eq(openTasks.projectId, 2)),
  },
  {
    name: 'select an expression from a view',
    run: (tdb, { openTasks }) => tdb.select({ shout: openTasks.shout, id: openTasks.id }).from(openTasks),
  },
  {
    name: 'select from an alias of a view',
    run: (tdb, { openTasks }) => {
      const v = alias(openTasks, 'v');
      return tdb.select({ id: v.id }).from(v).where(gt(v.id, 2));
    },
  },
  { name: 'select from a materialized view', run: (tdb, { projectSizes }) => tdb.select().from(projectSizes) },
  {
    name: 'where or',
    run: (tdb, { tasks }) =>
      tdb
        .select()
        .from(tasks)
        .where(or(eq(tasks.id, 5), eq(tasks.title, 'rest'))),
  },
  {
    name: 'where not',
    run: (tdb, { tasks }) =>
      tdb
        .select()
        .from(tasks)
        .where(not(eq(tasks.id, 1))),
  },
  {
    name: 'where and or',
    run: (tdb, { tasks }) =>
      tdb
        .select()
        .from(tasks)
        .where(or(and(eq(tasks.done, true), gt(tasks.points, 2)), isNull(tasks.points))),
  },
  { name: 'where true, in SQL', run: (tdb, { tasks }) => tdb.select().from(tasks).where(sql`false or true`) },
  {
    name: 'where inArray',
    run: (tdb, { tasks }) =>
      tdb
        .select()
        .from(tasks)
        .where(inArray(tasks.id, [2, 5, 6])),
  },
  {
    name: 'where notInArray',
    run: (tdb, { tasks }) =>
      tdb
        .select()
        .from(tasks)
        .where(notInArray(tasks.id, [1])),
  },
  { name: 'where inArray of nothing', run: (tdb, { tasks }) => tdb.select().from(tasks).where(inArray(tasks.id, [])) },
  {
    name: 'where like',
    run: (tdb, { tasks }) =>
      tdb
        .select()
        .from(tasks)
        .where(or(like(tasks.title, 'secret%'), ilike(tasks.title, 'BUILD%'))),
  },
  {
    name: 'where between',
    run: (tdb, { tasks }) =>
      tdb
        .select()
        .from(tasks)
        .where(between(tasks.points, 1, 3)),
  },
  {
    name: 'where an array contains',
    run: (tdb, { projects }) =>
      tdb
        .select()
        .from(projects)
        .where(or(arrayContains(projects.tags, ['x']), arrayOverlaps(projects.tags, ['z', 'y']))),
  },
  {
    name: 'where in jsonb',
    run: (tdb, { projects }) =>
      tdb
        .select({ level: sql`${projects.meta}->>'level'` })
        .from(projects)
        .where(sql`${projects.meta} @> '{"level": 1}'::jsonb or ${projects.meta} ? 'label'`),
  },
  {
    name: 'where an enum',
    run: (tdb, { projects }) => tdb.select().from(projects).where(ne(projects.status, 'closed')),
  },
  {
    name: 'where an enum, cast',
    run: (tdb, { projects, status }) =>
      tdb
        .select({ s: sql`${projects.status}::text` })
        .from(projects)
        .where(sql`${projects.status} = ${'open'}::${status}`),
  },
  {
    name: 'where a generated column',
    run: (tdb, { tasks }) => tdb.select().from(tasks).where(like(tasks.slug, 'build%')),
  },
  {
    name: 'where the tenant column',
    run: (tdb, { tasks }) => tdb.select().from(tasks).where(sql`${tasks.accountId} is not null`),
  },
  {
    name: 'order and limit',
    ordered: true,
    run: (tdb, { tasks }) => tdb.select().from(tasks).orderBy(desc(tasks.points), asc(tasks.id)).limit(2),
  },
  {
    name: 'order and offset',
    ordered: true,
    run: (tdb, { tasks }) => tdb.select().from(tasks).orderBy(tasks.title).offset(1).limit(5),
  },
  {
    name: 'order by SQL',
    ordered: true,
    run: (tdb, { tasks }) =>
      tdb.select({ id: tasks.id }).from(tasks).orderBy(sql`${tasks.points} desc nulls last`, sql`2 * ${tasks.id} asc`),
  },
  {
    name: 'order by a callback',
    ordered: true,
    run: (tdb, { tasks }) =>
      tdb
        .select({ id: tasks.id, half: sql<number>`${tasks.id} / 2`.as('half') })
        .from(tasks)
        .orderBy((t: any) => [t.half, desc(t.id)]),
  },
  {
    name: 'order by a keyword',
    ordered: true,
    run: (tdb, { notes }) => tdb.select().from(notes).orderBy(notes.order, notes.from, notes.id),
  },
  { name: 'limit 0', run: (tdb, { tasks }) => tdb.select().from(tasks).limit(0) },
  {
    name: 'limit in SQL',
    ordered: true,
    run: (tdb, { tasks }) =>
      tdb
        .select({ id: tasks.id })
        .from(tasks)
        .orderBy(tasks.id)
        .limit(sql`1 + 1` as any),
  },
  {
    name: 'distinct',
    run: (tdb, { tasks }) => tdb.selectDistinct({ done: tasks.done, projectId: tasks.projectId }).from(tasks),
  },
  {
    name: 'distinct on',
    ordered: true,
    run: (tdb, { tasks }) =>
      tdb
        .selectDistinctOn([tasks.projectId], { id: tasks.id, projectId: tasks.projectId })
        .from(tasks)
        .orderBy(tasks.projectId, desc(tasks.id)),
  },
  {
    name: 'distinct on SQL',
    run: (tdb, { tasks }) => tdb.selectDistinctOn([sql`${tasks.id} % 2`], { odd: sql`${tasks.id} % 2` }).from(tasks),
  },
  {
    name: 'select an SQL expression',
    run: (tdb, { tasks }) =>
      tdb
        .select({
          loud: sql<string>`upper(${tasks.title}) || '!'`,
          one: sql`1`.mapWith(Number),
          n: sql`${tasks.id} + ${10}`.as('n'),
        })
        .from(tasks),
  },
  {
    name: 'select a CASE',
    run: (tdb, { tasks }) =>
      tdb
        .select({ x: sql`case when ${tasks.done} then 'done' else 'open' end`, y: sql`coalesce(${tasks.points}, 0)` })
        .from(tasks),
  },
  {
    name: 'select with a comment',
    run: (tdb, { tasks }) => tdb.select({ id: tasks.id }).from(tasks).comment({ route: '/tasks' }),
  },
  {
    name: 'where by a callback',
    run: (tdb, { tasks }) =>
      tdb
        .select({ id: tasks.id, t: tasks.title })
        .from(tasks)
        .where((t: any) => eq(t.t, 'rest')),
  },
  {
    name: '$dynamic',
    run: (tdb, { tasks }) => {
      const query = tdb.select().from(tasks).$dynamic();
      return query.where(gt(tasks.id, 2)).orderBy(tasks.id).limit(3);
    },
  },
  {
    name: 'a placeholder',
    run: (tdb, { tasks }) =>
      tdb
        .select()
        .from(tasks)
        .where(eq(tasks.title, sql.placeholder('title')))
        .limit(sql.placeholder('limit') as any)
        .prepare('by_title')
        .execute({ title: 'plan', limit: 5 }),
  },
  {
    name: 'values inlined',
    run: (tdb, { tasks }) =>
      tdb
        .select()
        .from(tasks)
        .where(sql`${tasks.title} = ${"it's"} or ${tasks.id} in ${[1, 5]}`.inlineParams()),
  },
  {
    name: 'lock rows',
    run: (tdb, { tasks }) => tdb.select().from(tasks).where(eq(tasks.id, 1)).for('update', { skipLocked: true }),
  },
  {
    name: 'lock rows of a table',
    run: (tdb, { tasks }) => tdb.select({ id: tasks.id }).from(tasks).for('share', { of: tasks, noWait: true }),
  },
];
