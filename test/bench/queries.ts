/**
 * Thirty programs of the corpus, and the same by hand: Drizzle's own handle, with the tenant's predicate on every
 * table, as one writes it for Citus. `queries.test.ts` holds the two against each other on a database.
 */
import {
  and,
  asc,
  between,
  count,
  desc,
  eq,
  exists,
  gt,
  ilike,
  inArray,
  isNull,
  like,
  or,
  sql,
  sum,
} from 'drizzle-orm';
import { alias } from '../../src/index.js';
import { programs } from '../isolation/programs.js';
import type { Schema } from '../support/comparison.js';

/** One query, scoped and by hand. */
export interface Query {
  readonly name: string;
  /** On a tenant's handle: the program of the corpus. */
  readonly scoped: (tdb: any, schema: Schema) => any;
  /** On Drizzle's own handle. */
  readonly byHand: (db: any, schema: Schema, id: any) => any;
}

const byHand: Record<string, Query['byHand']> = {
  'select all': (db, { projects }, id) => db.select().from(projects).where(eq(projects.accountId, id)),
  'select columns': (db, { projects }, id) =>
    db.select({ id: projects.id, label: projects.name }).from(projects).where(eq(projects.accountId, id)),
  'select from an alias': (db, { tasks }, id) => {
    const t = alias(tasks, 't');
    return db
      .select()
      .from(t)
      .where(and(eq(t.accountId, id), eq(t.done, true)));
  },
  'where or': (db, { tasks }, id) =>
    db
      .select()
      .from(tasks)
      .where(and(eq(tasks.accountId, id), or(eq(tasks.id, 5), eq(tasks.title, 'rest')))),
  'where and or': (db, { tasks }, id) =>
    db
      .select()
      .from(tasks)
      .where(and(eq(tasks.accountId, id), or(and(eq(tasks.done, true), gt(tasks.points, 2)), isNull(tasks.points)))),
  'where inArray': (db, { tasks }, id) =>
    db
      .select()
      .from(tasks)
      .where(and(eq(tasks.accountId, id), inArray(tasks.id, [2, 5, 6]))),
  'where like': (db, { tasks }, id) =>
    db
      .select()
      .from(tasks)
      .where(and(eq(tasks.accountId, id), or(like(tasks.title, 'secret%'), ilike(tasks.title, 'BUILD%')))),
  'where between': (db, { tasks }, id) =>
    db
      .select()
      .from(tasks)
      .where(and(eq(tasks.accountId, id), between(tasks.points, 1, 3))),
  'order and limit': (db, { tasks }, id) =>
    db.select().from(tasks).where(eq(tasks.accountId, id)).orderBy(desc(tasks.points), asc(tasks.id)).limit(2),
  'select an SQL expression': (db, { tasks }, id) =>
    db
      .select({
        loud: sql<string>`upper(${tasks.title}) || '!'`,
        one: sql`1`.mapWith(Number),
        n: sql`${tasks.id} + ${10}`.as('n'),
      })
      .from(tasks)
      .where(eq(tasks.accountId, id)),
  'inner join': (db, { projects, tasks }, id) =>
    db
      .select()
      .from(projects)
      .innerJoin(tasks, and(eq(tasks.accountId, id), eq(tasks.projectId, projects.id)))
      .where(eq(projects.accountId, id)),
  'left join': (db, { projects, tasks }, id) =>
    db
      .select()
      .from(projects)
      .leftJoin(tasks, and(eq(tasks.accountId, id), eq(tasks.projectId, projects.id)))
      .where(eq(projects.accountId, id)),
  'right join': (db, { projects, tasks }, id) =>
    db
      .select()
      .from(tasks)
      .rightJoin(projects, and(eq(tasks.accountId, id), eq(tasks.projectId, projects.id)))
      .where(eq(projects.accountId, id)),
  'left join, left join': (db, { users, tasks, projects }, id) =>
    db
      .select()
      .from(users)
      .leftJoin(tasks, and(eq(tasks.accountId, id), eq(tasks.assigneeId, users.id)))
      .leftJoin(projects, and(eq(projects.accountId, id), eq(tasks.projectId, projects.id)))
      .where(eq(users.accountId, id)),
  'self join': (db, { tasks }, id) => {
    const parent = alias(tasks, 'parent');
    return db
      .select()
      .from(tasks)
      .leftJoin(parent, and(eq(parent.accountId, id), eq(tasks.parentId, parent.id)))
      .where(eq(tasks.accountId, id));
  },
  'join a reference table': (db, { projects, countries }, id) =>
    db
      .select()
      .from(projects)
      .leftJoin(countries, eq(projects.countryId, countries.id))
      .where(eq(projects.accountId, id)),
  'group by, having': (db, { tasks }, id) =>
    db
      .select({ p: tasks.projectId, n: count() })
      .from(tasks)
      .where(eq(tasks.accountId, id))
      .groupBy(tasks.projectId)
      .having(gt(count(), 1)),
  'sum, avg, min, max': (db, { tasks }, id) =>
    db
      .select({
        s: sum(tasks.points),
        a: sql`avg(${tasks.points})`,
        lo: sql`min(${tasks.title})`,
        hi: sql`max(${tasks.points})`,
      })
      .from(tasks)
      .where(eq(tasks.accountId, id)),
  'from a subquery': (db, { tasks }, id) => {
    const sq = db
      .select({ id: tasks.id, title: tasks.title })
      .from(tasks)
      .where(and(eq(tasks.accountId, id), gt(tasks.id, 1)))
      .as('sq');
    return db.select().from(sq).where(gt(sq.id, 2));
  },
  exists: (db, { projects, tasks }, id) =>
    db
      .select()
      .from(projects)
      .where(
        and(
          eq(projects.accountId, id),
          exists(
            db
              .select()
              .from(tasks)
              .where(and(eq(tasks.accountId, id), eq(tasks.projectId, projects.id), eq(tasks.title, 'secret b'))),
          ),
        ),
      ),
  with: (db, { tasks }, id) => {
    const cte = db.$with('cte').as(
      db
        .select()
        .from(tasks)
        .where(and(eq(tasks.accountId, id), eq(tasks.done, false))),
    );
    return db.with(cte).select().from(cte);
  },
  union: (db, { tasks, projects }, id) =>
    db
      .select({ id: tasks.id })
      .from(tasks)
      .where(eq(tasks.accountId, id))
      .union(db.select({ id: projects.id }).from(projects).where(eq(projects.accountId, id))),
  'a template in the fields': (db, { projects, tasks }, id) =>
    db
      .select({
        id: projects.id,
        n: sql`(select count(*) from ${tasks} where ${tasks.accountId} = ${id}
          and ${tasks.projectId} = ${projects.id})`.mapWith(Number),
      })
      .from(projects)
      .where(eq(projects.accountId, id)),
  filters: (db, _, id) =>
    db.query.tasks.findMany({
      where: { accountId: id, OR: [{ id: { gt: 3 } }, { title: { like: 'B%' } }], NOT: { title: 'ship' } },
    }),
  'with many': (db, _, id) =>
    db.query.projects.findMany({ where: { accountId: id }, with: { tasks: { where: { accountId: id } } } }),
  'three levels': (db, _, id) =>
    db.query.accounts.findMany({
      where: { id },
      with: {
        projects: {
          where: { accountId: id },
          with: { tasks: { where: { accountId: id }, with: { labels: { where: { accountId: id } } } } },
        },
      },
    }),
  'a filter on a relation': (db, _, id) =>
    db.query.projects.findMany({ where: { accountId: id, tasks: { accountId: id, title: 'hidden' } } }),
  insert: (db, { labels }, id) =>
    db.insert(labels).values({ accountId: id, id: 10, taskId: 1, name: 'blue' }).returning({ id: labels.id }),
  update: (db, { tasks }, id) =>
    db
      .update(tasks)
      .set({ title: 'changed' })
      .where(and(eq(tasks.accountId, id), eq(tasks.id, 2)))
      .returning(),
  delete: (db, { labels }, id) =>
    db
      .delete(labels)
      .where(and(eq(labels.accountId, id), eq(labels.id, 1)))
      .returning(),
};

export const queries: readonly Query[] = Object.entries(byHand).map(([name, byHand]) => {
  const program = programs.find((it) => it.name === name);
  if (!program) throw new Error(`The corpus has no program "${name}".`);
  return { name, scoped: program.run, byHand };
});
