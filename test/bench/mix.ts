/** A mix of queries: on a tenant's handle, by hand on Drizzle's own, and as bare statements. */
import { and, asc, count, desc, eq, gt, sql } from 'drizzle-orm';
import type postgres from 'postgres';
import { relationsConfig } from '../../src/schema/relations.js';
import * as schema from '../support/schema.js';
import { tenantIds } from './database.js';

const { labels, projects, relations, tasks, users } = schema;
export const plainRelations = { relations: relationsConfig(relations) as any };

export type Run = (db: any, id: any) => Promise<unknown>;

/** What an application does all day, on a tenant's handle or where row-level security picks the rows. */
export const asTenant: readonly Run[] = [
  (db) => db.select().from(tasks).where(eq(tasks.id, 17)),
  (db) => db.select().from(projects).leftJoin(tasks, eq(tasks.projectId, projects.id)).where(eq(projects.id, 3)),
  (db) =>
    db.select({ p: tasks.projectId, n: count() }).from(tasks).where(eq(tasks.done, false)).groupBy(tasks.projectId),
  (db) =>
    db.query.projects.findMany({
      where: { id: { lt: 4 } },
      with: { owner: true, tasks: { orderBy: { id: 'asc' }, limit: 5 } },
    }),
  (db) =>
    db
      .select()
      .from(tasks)
      .where(and(eq(tasks.done, false), gt(tasks.points, 5)))
      .orderBy(desc(tasks.points), asc(tasks.id))
      .limit(10),
  (db) =>
    db
      .update(tasks)
      .set({ points: sql`${tasks.points} + 1` })
      .where(eq(tasks.id, 19)),
  (db) =>
    db
      .select({ n: tasks.title, u: users.name })
      .from(tasks)
      .innerJoin(users, eq(tasks.assigneeId, users.id))
      .where(eq(tasks.projectId, 7)),
  (db) => db.select().from(labels).where(eq(labels.taskId, 20)),
];

/** The same on Drizzle's own handle, with the predicates by hand. */
export const byHand: readonly Run[] = [
  (db, id) =>
    db
      .select()
      .from(tasks)
      .where(and(eq(tasks.accountId, id), eq(tasks.id, 17))),
  (db, id) =>
    db
      .select()
      .from(projects)
      .leftJoin(tasks, and(eq(tasks.accountId, id), eq(tasks.projectId, projects.id)))
      .where(and(eq(projects.accountId, id), eq(projects.id, 3))),
  (db, id) =>
    db
      .select({ p: tasks.projectId, n: count() })
      .from(tasks)
      .where(and(eq(tasks.accountId, id), eq(tasks.done, false)))
      .groupBy(tasks.projectId),
  (db, id) =>
    db.query.projects.findMany({
      where: { accountId: id, id: { lt: 4 } },
      with: {
        owner: { where: { accountId: id } },
        tasks: { where: { accountId: id }, orderBy: { id: 'asc' }, limit: 5 },
      },
    }),
  (db, id) =>
    db
      .select()
      .from(tasks)
      .where(and(eq(tasks.accountId, id), eq(tasks.done, false), gt(tasks.points, 5)))
      .orderBy(desc(tasks.points), asc(tasks.id))
      .limit(10),
  (db, id) =>
    db
      .update(tasks)
      .set({ points: sql`${tasks.points} + 1` })
      .where(and(eq(tasks.accountId, id), eq(tasks.id, 19))),
  (db, id) =>
    db
      .select({ n: tasks.title, u: users.name })
      .from(tasks)
      .innerJoin(users, and(eq(users.accountId, id), eq(tasks.assigneeId, users.id)))
      .where(and(eq(tasks.accountId, id), eq(tasks.projectId, 7))),
  (db, id) =>
    db
      .select()
      .from(labels)
      .where(and(eq(labels.accountId, id), eq(labels.taskId, 20))),
];

/**
 * The floor: what the queries by hand send, as texts that postgres.js prepares, whose rows stay as they came.
 *
 * @param plain Drizzle's own handle, for the texts
 */
export function bare(plain: unknown): readonly ((client: postgres.Sql, id: any) => Promise<unknown>)[] {
  const tenant = 'ffffffff-ffff-4fff-8fff-ffffffffffff';
  return byHand.map((query) => {
    const { sql: text, params } = (query(plain, tenant) as any).toSQL();
    return (client, id) =>
      client.unsafe(
        text,
        params.map((it: unknown) => (it === tenant ? id : it)),
        { prepare: true },
      );
  });
}

/** Calls the queries one after the other, each for the next tenant. */
export function cycle(call: (n: number, id: any) => Promise<unknown>): () => Promise<unknown> {
  let i = 0;
  return () => {
    const n = i++;
    return call(n % asTenant.length, tenantIds[n % tenantIds.length]);
  };
}
