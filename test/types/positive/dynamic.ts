/** Dynamic query building: methods called more than once, and helpers that take any query. */
import { asc, eq, gt, sql, type SQL } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { Expect, type Equal } from './expect.js';
import type { AnySelect } from './kit.js';
import { db, labels, projects, tasks, type LabelRow, type ProjectRow, type TaskRow } from './schema.js';

// conditions added one by one
{
  const filters: SQL[] = [];
  let query = db.select().from(tasks).$dynamic();
  if (filters.length === 0) query = query.where(eq(tasks.done, false));
  query = query.orderBy(asc(tasks.id)).limit(10);
  const rows = await query.limit(5);
  Expect<Equal<typeof rows, TaskRow[]>>;
}

// a helper for any select
{
  function withPaging<T extends AnySelect>(query: T, page: number) {
    return query.limit(10).offset(page * 10);
  }
  const rows = await withPaging(db.select().from(projects).$dynamic(), 2);
  Expect<Equal<typeof rows, ProjectRow[]>>;
  const partial = await withPaging(db.select({ id: tasks.id }).from(tasks).where(gt(tasks.id, 1)).$dynamic(), 2);
  Expect<Equal<typeof partial, { id: number }[]>>;
}

// helpers of helpers, with an order
{
  function sorted<T extends AnySelect>(query: T, by: PgColumn | SQL) {
    return query.orderBy(by);
  }
  function filtered<T extends AnySelect>(query: T, where: SQL | undefined) {
    return sorted(query.where(where), sql`1`);
  }
  const rows = await filtered(db.select().from(labels).$dynamic(), undefined);
  Expect<Equal<typeof rows, LabelRow[]>>;
}

// a helper that joins
{
  function withTasks<T extends AnySelect>(query: T) {
    return query.leftJoin(tasks, eq(tasks.projectId, projects.id));
  }
  const rows = await withTasks(db.select().from(projects).$dynamic());
  Expect<Equal<typeof rows, { projects: ProjectRow; tasks: TaskRow | null }[]>>;
}

// inserts, updates and deletes
{
  const inserted = await db.insert(labels).values({ id: 1, name: 'x' }).$dynamic().onConflictDoNothing().returning();
  Expect<Equal<typeof inserted, LabelRow[]>>;
  const updated = await db
    .update(labels)
    .set({ name: 'x' })
    .$dynamic()
    .where(eq(labels.id, 1))
    .where(eq(labels.id, 2))
    .returning({ id: labels.id });
  Expect<Equal<typeof updated, { id: number }[]>>;
  const deleted = await db.delete(labels).$dynamic().where(eq(labels.id, 1)).returning();
  Expect<Equal<typeof deleted, LabelRow[]>>;
}
