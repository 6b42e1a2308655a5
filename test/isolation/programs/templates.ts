/** Tables in `sql` templates, in each clause, and whole statements by hand. */
import { eq, gt, sql } from 'drizzle-orm';
import { alias } from '../../../src/index.js';
import type { Program } from './program.js';

export const templates: Program[] = [
  {
    name: 'a template in the fields',
    run: (tdb, { projects, tasks }) =>
      tdb
        .select({
          id: projects.id,
          n: sql`(select count(*) from ${tasks} where ${tasks.projectId} = ${projects.id})`.mapWith(Number),
        })
        .from(projects),
  },
  {
    name: 'a template in where',
    run: (tdb, { projects, tasks }) =>
      tdb
        .select({ id: projects.id })
        .from(projects)
        .where(sql`exists (select 1 from ${tasks} where ${tasks.projectId} = ${projects.id} and ${tasks.points} > 1)`),
  },
  {
    name: 'a template in where, with an alias',
    run: (tdb, { projects, tasks }) =>
      tdb
        .select({ id: projects.id })
        .from(projects)
        .where(sql`${projects.id} in (select t."projectId" from ${tasks} as t where t.done)`),
  },
  {
    name: 'a template in having',
    run: (tdb, { projects, tasks }) =>
      tdb
        .select({ p: tasks.projectId })
        .from(tasks)
        .groupBy(tasks.projectId)
        .having(sql`count(*) >= (select count(*) / 2 from ${projects})`),
  },
  {
    name: 'a template in from',
    run: (tdb, { tasks }) => tdb.select({ id: sql<number>`t.id` }).from(sql`${tasks} t`).where(sql`t.id > 1`),
  },
  {
    name: 'a template in from, joined by hand',
    run: (tdb, { tasks, projects }) =>
      tdb
        .select({ id: sql<number>`t.id`, p: sql`p.name` })
        .from(sql`${tasks} t left join ${projects} p on t."projectId" = p.id`),
  },
  {
    name: 'a template in from, and a join',
    run: (tdb, { tasks, projects }) =>
      tdb
        .select({ id: sql<number>`t.id`, p: projects.name })
        .from(sql`${tasks} t`)
        .rightJoin(projects, sql`t."projectId" = ${projects.id}`),
  },
  {
    name: 'a template in a relation of the join',
    run: (tdb, { tasks, projects }) =>
      tdb
        .select({ t: tasks.id })
        .from(tasks)
        .innerJoin(
          projects,
          sql`${projects.id} = ${tasks.projectId} and ${projects.id} = (select min(id) from ${projects} p)`,
        ),
  },
  {
    name: 'a template with an array',
    run: (tdb, { tasks }) =>
      tdb
        .select({ id: tasks.id, others: sql`array(select t.id from ${tasks} t where t.id > ${tasks.id} order by 1)` })
        .from(tasks),
  },
  {
    name: 'a template in a schema',
    run: (tdb, { notes, tasks }) =>
      tdb
        .select({
          id: tasks.id,
          n: sql`(select max(${notes.order}) from ${notes} where ${notes.taskId} = ${tasks.id})`,
        })
        .from(tasks),
  },
  {
    name: 'a template over a view',
    run: (tdb, { openTasks, projects }) =>
      tdb
        .select({
          id: projects.id,
          n: sql`(select count(*)::int from ${openTasks} where ${openTasks.projectId} = ${projects.id})`,
        })
        .from(projects),
  },
  {
    name: 'a template over an alias',
    notPlain: 'Drizzle writes the alias where the table belongs',
    run: (tdb, { tasks }) => {
      const t = alias(tasks, 't');
      return tdb
        .select({ id: tasks.id, n: sql`(select count(*)::int from ${t} where ${t.parentId} = ${tasks.id})` })
        .from(tasks);
    },
  },
  {
    name: 'execute a select',
    run: (tdb, { tasks }) => tdb.execute(sql`select id, title from ${tasks} where points > ${1} order by id`),
  },
  {
    name: 'execute a join',
    run: (tdb, { tasks, projects }) =>
      tdb.execute(sql`select p.name, ${tasks.title} from ${projects} p join ${tasks} on ${tasks.projectId} = p.id`),
  },
  {
    name: 'execute a left join with USING',
    run: (tdb, { tasks, notes }) =>
      tdb.execute(
        sql`select t.id, n.body from ${tasks} t left join (select "taskId" as id, body from ${notes}) n using (id)`,
      ),
  },
  {
    name: 'execute a full join',
    run: (tdb, { tasks, projects }) =>
      tdb.execute(
        sql`select p.id as p, t.id as t from ${projects} p full outer join ${tasks} t on t."projectId" = p.id
          and t.done`,
      ),
  },
  {
    name: 'execute a comma join',
    run: (tdb, { tasks, projects, countries }) =>
      tdb.execute(
        sql`select t.id, p.id as p, c.code from ${tasks} t, ${projects} as p, ${countries} c
          where t."projectId" = p.id and c.id = p."countryId"`,
      ),
  },
  {
    name: 'execute a lateral',
    run: (tdb, { tasks, projects }) =>
      tdb.execute(
        sql`select p.id, x.n from ${projects} p cross join lateral (select count(*)::int as n from ${tasks} t
          where t."projectId" = p.id) x`,
      ),
  },
  {
    name: 'execute a CTE',
    run: (tdb, { tasks }) =>
      tdb.execute(
        sql`with x as (select id from ${tasks} where done), y as (select id + 1 as id from x)
          select x.id, y.id as next from x, y`,
      ),
  },
  {
    name: 'execute a recursive CTE',
    run: (tdb, { tasks }) =>
      tdb.execute(
        sql`with recursive tree(id, depth) as (select id, 0 from ${tasks} where "parentId" is null
          union all select t.id, tree.depth + 1 from ${tasks} t join tree on t."parentId" = tree.id) select *
            from tree`,
      ),
  },
  {
    name: 'execute a union',
    run: (tdb, { tasks, projects }) => tdb.execute(sql`select id from ${tasks} union select id from ${projects}`),
  },
  {
    name: 'execute FETCH FIRST',
    run: (tdb, { tasks }) =>
      tdb.execute(sql`SELECT T.ID FROM ${tasks} AS T WHERE T.DONE ORDER BY T.ID FETCH FIRST 1 ROWS ONLY`),
  },
  {
    name: 'execute values',
    run: (tdb, { tasks }) =>
      tdb.execute(sql`select v.n, t.title from (values (1), (5)) v(n) left join ${tasks} t on t.id = v.n`),
  },
  {
    name: 'execute functions in from',
    run: (tdb, { projects }) =>
      tdb.execute(sql`select p.id, tag, n from ${projects} p cross join unnest(p.tags) with ordinality as u(tag, n)`),
  },
  { name: 'execute without a table', run: (tdb) => tdb.execute(sql`select 1 as one, ${'x'}::text as x`) },
  { name: 'execute a string', run: (tdb) => tdb.execute('select 1 as one') },
  {
    name: 'execute joined templates',
    run: (tdb, { tasks }) =>
      tdb.execute(
        sql.join(
          [
            sql`select count(*)::int as n from ${tasks}`,
            sql`where ${tasks.id} in (${sql.join(
              [1, 5].map((id) => sql`${id}`),
              sql`, `,
            )})`,
          ],
          sql` `,
        ),
      ),
  },
  {
    name: 'execute with identifiers',
    run: (tdb, { tasks }) =>
      tdb.execute(sql`select ${sql.identifier('title')} as ${sql.identifier('from')} from ${tasks}`),
  },
  {
    name: 'execute with a nested builder',
    run: (tdb, { tasks, projects }) =>
      tdb.execute(
        sql`select name from ${projects}
          where id in ${tdb.select({ p: tasks.projectId }).from(tasks).where(gt(tasks.id, 2))}`,
      ),
  },
  {
    name: 'execute with a named subquery',
    run: (tdb, { tasks }) =>
      tdb.execute(
        sql`select * from ${tdb.select({ id: tasks.id }).from(tasks).where(eq(tasks.done, true)).as('sq')}
          where id > 0`,
      ),
  },
  {
    name: 'execute a GROUP BY of the primary key',
    notPlain: 'the primary key is the tenant and the id, and the handle groups by both',
    run: (tdb, { projects }) => tdb.execute(sql`select p.id, p.name, count(*) from ${projects} p group by p.id`),
  },
];
