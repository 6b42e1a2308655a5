/** Subqueries, CTEs and set operations. */
import { and, asc, desc, eq, exists, gt, inArray, notExists, notInArray, sql, count, max } from 'drizzle-orm';
import { except, intersect, union, unionAll } from 'drizzle-orm/pg-core';
import { alias } from '../../../src/index.js';
import type { Program } from './program.js';

export const composed: Program[] = [
  {
    name: 'from a subquery',
    run: (tdb, { tasks }) => {
      const sq = tdb.select({ id: tasks.id, title: tasks.title }).from(tasks).where(gt(tasks.id, 1)).as('sq');
      return tdb.select().from(sq).where(gt(sq.id, 2));
    },
  },
  {
    name: 'from a subquery of a subquery',
    run: (tdb, { tasks }) => {
      const a = tdb
        .select({ id: tasks.id, n: sql<number>`${tasks.points} * 2`.as('n') })
        .from(tasks)
        .as('a');
      const b = tdb.select({ n: a.n }).from(a).as('b');
      return tdb.select({ n: b.n }).from(b);
    },
  },
  {
    name: 'from a subquery over an outer join',
    run: (tdb, { tasks, projects }) => {
      const sq = tdb
        .select({ p: projects.name, t: tasks.title })
        .from(projects)
        .fullJoin(tasks, eq(tasks.projectId, projects.id))
        .as('sq');
      return tdb.select().from(sq);
    },
  },
  {
    name: 'exists',
    run: (tdb, { projects, tasks }) =>
      tdb
        .select()
        .from(projects)
        .where(
          exists(
            tdb
              .select()
              .from(tasks)
              .where(and(eq(tasks.projectId, projects.id), eq(tasks.title, 'secret b'))),
          ),
        ),
  },
  {
    name: 'exists on anything',
    run: (tdb, { projects, tasks }) =>
      tdb
        .select()
        .from(projects)
        .where(exists(tdb.select({ one: sql`1` }).from(tasks).where(eq(tasks.title, 'hidden')))),
  },
  {
    name: 'not exists',
    run: (tdb, { projects, tasks }) =>
      tdb
        .select({ id: projects.id })
        .from(projects)
        .where(notExists(tdb.select().from(tasks).where(eq(tasks.projectId, projects.id)))),
  },
  {
    name: 'in a subquery',
    run: (tdb, { projects, tasks }) =>
      tdb
        .select({ id: projects.id })
        .from(projects)
        .where(inArray(projects.id, tdb.select({ id: tasks.projectId }).from(tasks))),
  },
  {
    name: 'not in a subquery',
    run: (tdb, { projects, tasks }) =>
      tdb
        .select({ id: projects.id })
        .from(projects)
        .where(notInArray(projects.id, tdb.select({ id: tasks.projectId }).from(tasks))),
  },
  {
    name: 'equal to a subquery',
    run: (tdb, { tasks }) => {
      const t = alias(tasks, 't');
      return tdb
        .select({ id: tasks.id })
        .from(tasks)
        .where(eq(tasks.points, tdb.select({ m: max(t.points) }).from(t)));
    },
  },
  {
    name: 'a subquery as a field',
    run: (tdb, { projects, tasks }) =>
      tdb
        .select({
          id: projects.id,
          n: sql`${tdb.select({ n: count() }).from(tasks).where(eq(tasks.projectId, projects.id))}`.mapWith(Number),
        })
        .from(projects),
  },
  {
    name: 'a named subquery as a field',
    run: (tdb, { projects, tasks }) =>
      tdb
        .select({
          id: projects.id,
          top: tdb
            .select({ t: tasks.title })
            .from(tasks)
            .where(eq(tasks.projectId, projects.id))
            .orderBy(desc(tasks.id))
            .limit(1)
            .as('top'),
        })
        .from(projects),
  },
  {
    name: 'a subquery in order by',
    ordered: true,
    run: (tdb, { projects, tasks }) =>
      tdb
        .select({ id: projects.id })
        .from(projects)
        .orderBy(sql`(select count(*) from ${tasks} where ${tasks.projectId} = ${projects.id}) desc`, projects.id),
  },
  {
    name: 'a subquery that joins',
    run: (tdb, { users, tasks, projects }) =>
      tdb
        .select({ n: users.name })
        .from(users)
        .where(
          inArray(
            users.id,
            tdb
              .select({ id: tasks.assigneeId })
              .from(tasks)
              .innerJoin(projects, eq(tasks.projectId, projects.id))
              .where(eq(projects.status, 'open')) as any,
          ),
        ),
  },
  {
    name: 'with',
    run: (tdb, { tasks }) => {
      const cte = tdb.$with('cte').as(tdb.select().from(tasks).where(eq(tasks.done, false)));
      return tdb.with(cte).select().from(cte);
    },
  },
  {
    name: 'with, of a callback',
    run: (tdb, { tasks }) => {
      const cte = tdb.$with('cte').as((qb: any) => qb.select({ id: tasks.id }).from(tasks));
      return tdb.with(cte).select().from(cte);
    },
  },
  {
    name: 'with, joined',
    run: (tdb, { projects, tasks }) => {
      const sums = tdb.$with('sums').as(
        tdb
          .select({ p: tasks.projectId, n: sql<number>`sum(${tasks.points})`.as('n') })
          .from(tasks)
          .groupBy(tasks.projectId),
      );
      return tdb
        .with(sums)
        .select({ id: projects.id, n: sums.n })
        .from(projects)
        .leftJoin(sums, eq(sums.p, projects.id));
    },
  },
  {
    name: 'with two, the second from the first',
    run: (tdb, { tasks }) => {
      const a = tdb.$with('a').as(tdb.select({ id: tasks.id }).from(tasks));
      const b = tdb.$with('b').as(tdb.select({ id: a.id }).from(a).where(gt(a.id, 1)));
      return tdb.with(a, b).select().from(b);
    },
  },
  {
    name: 'with, in a subquery of the query',
    run: (tdb, { tasks, projects }) => {
      const a = tdb.$with('a').as(tdb.select({ p: tasks.projectId }).from(tasks));
      return tdb
        .with(a)
        .select({ id: projects.id })
        .from(projects)
        .where(inArray(projects.id, tdb.select({ p: a.p }).from(a)));
    },
  },
  {
    name: 'with, the name of a table',
    run: (tdb, { tasks }) => {
      const cte = tdb.$with('projects').as(tdb.select({ id: tasks.id }).from(tasks));
      return tdb.with(cte).select().from(cte);
    },
  },
  {
    name: "with, its own table's name",
    run: (tdb, { tasks }) => {
      const cte = tdb.$with('tasks').as(tdb.select({ id: tasks.id }).from(tasks).where(gt(tasks.id, 2)));
      return tdb.with(cte).select().from(cte);
    },
  },
  {
    name: 'with, written by hand',
    run: (tdb, { tasks }) => {
      const cte = tdb.$with('r', { id: sql<number>`id`.as('id') }).as(
        sql`select id from ${tasks} where "parentId" is null union select t.id from ${tasks} t
            join ${tasks} p on t."parentId" = p.id`,
      );
      return tdb.with(cte).select().from(cte);
    },
  },
  {
    name: 'with, as a subquery',
    run: (tdb, { tasks }) => {
      const cte = tdb.$with('cte').as(tdb.select({ id: tasks.id }).from(tasks));
      const sq = tdb.with(cte).select({ id: cte.id }).from(cte).as('sq');
      return tdb.select().from(sq);
    },
  },
  {
    name: 'with a delete',
    run: (tdb, { labels }) => {
      const gone = tdb.$with('gone').as(tdb.delete(labels).where(eq(labels.name, 'red')).returning());
      return tdb.with(gone).select().from(gone);
    },
  },
  {
    name: 'with an insert',
    run: (tdb, { labels }) => {
      const made = tdb
        .$with('made')
        .as(
          tdb.insert(labels).values({ id: 20, taskId: 1, name: 'new' }).returning({ id: labels.id, name: labels.name }),
        );
      return tdb.with(made).select().from(made);
    },
  },
  {
    name: 'with an update',
    run: (tdb, { tasks }) => {
      const changed = tdb.$with('changed').as(
        tdb
          .update(tasks)
          .set({ title: sql`${tasks.title} || '!'` })
          .where(eq(tasks.projectId, 1))
          .returning({ id: tasks.id, title: tasks.title }),
      );
      return tdb.with(changed).select().from(changed);
    },
  },
  {
    name: 'union',
    run: (tdb, { tasks, projects }) =>
      tdb
        .select({ id: tasks.id })
        .from(tasks)
        .union(tdb.select({ id: projects.id }).from(projects)),
  },
  {
    name: 'unionAll',
    ordered: true,
    run: (tdb, { tasks, projects }) =>
      tdb
        .select({ id: tasks.id, name: tasks.title })
        .from(tasks)
        .unionAll(tdb.select({ id: projects.id, name: projects.name }).from(projects))
        .orderBy(asc(sql`id`), sql`title`)
        .limit(4)
        .offset(1),
  },
  {
    name: 'intersect',
    run: (tdb, { tasks, projects }) =>
      tdb
        .select({ id: tasks.id })
        .from(tasks)
        .intersect(tdb.select({ id: projects.id }).from(projects)),
  },
  {
    name: 'except',
    run: (tdb, { tasks, projects }) =>
      tdb
        .select({ id: tasks.id })
        .from(tasks)
        .except(tdb.select({ id: projects.id }).from(projects)),
  },
  {
    name: 'union(), a function',
    run: (tdb, { tasks, projects, users }) =>
      union(
        tdb.select({ id: tasks.id }).from(tasks),
        tdb.select({ id: projects.id }).from(projects),
        tdb.select({ id: users.id }).from(users),
      ),
  },
  {
    name: 'intersect of a union',
    run: (tdb, { tasks, projects, users }) =>
      intersect(
        tdb.select({ id: users.id }).from(users),
        union(tdb.select({ id: tasks.id }).from(tasks), tdb.select({ id: projects.id }).from(projects)),
      ),
  },
  {
    name: 'except(), a function',
    run: (tdb, { tasks, users }) =>
      except(tdb.select({ id: users.id }).from(users), tdb.select({ id: tasks.assigneeId }).from(tasks) as any),
  },
  {
    name: 'union of joins',
    run: (tdb, { tasks, projects, notes }) =>
      unionAll(
        tdb.select({ x: projects.name }).from(projects).leftJoin(tasks, eq(tasks.projectId, projects.id)),
        tdb.select({ x: notes.body }).from(notes).rightJoin(tasks, eq(notes.taskId, tasks.id)) as any,
      ),
  },
  {
    name: 'union as a subquery',
    run: (tdb, { tasks, projects }) => {
      const u = unionAll(tdb.select({ id: tasks.id }).from(tasks), tdb.select({ id: projects.id }).from(projects)).as(
        'u',
      );
      return tdb.select({ id: u.id, n: count() }).from(u).groupBy(u.id);
    },
  },
  {
    name: 'union in a CTE',
    run: (tdb, { tasks, projects }) => {
      const u = tdb
        .$with('u')
        .as(union(tdb.select({ id: tasks.id }).from(tasks), tdb.select({ id: projects.id }).from(projects)));
      return tdb.with(u).select().from(u);
    },
  },
  {
    name: 'union of a tenant table and a reference table',
    run: (tdb, { tasks, countries }) =>
      tdb
        .select({ id: tasks.id })
        .from(tasks)
        .union(tdb.select({ id: countries.id }).from(countries)),
  },
  {
    name: 'exists on a union',
    run: (tdb, { projects, tasks, notes }) =>
      tdb
        .select({ id: projects.id })
        .from(projects)
        .where(
          exists(
            union(
              tdb.select({ id: tasks.id }).from(tasks).where(eq(tasks.projectId, projects.id)),
              tdb.select({ id: notes.id }).from(notes).where(eq(notes.id, 4)),
            ),
          ),
        ),
  },
];
