/**
 * The questions of peers/peer.ts to what needs no package more: this library, Drizzle by hand, and bare postgres.js.
 */
import { and, asc, count, desc, eq, gt, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { withTenancy } from '../../src/index.js';
import { relationsConfig } from '../../src/schema/relations.js';
import * as schema from '../support/schema.js';
import type { Open, Peer } from './peers/peer.js';

const { account, relations, tasks, users } = schema;
const task = ({ id, projectId, title, done, points }: any) => ({ id, projectId, title, done, points });
const read: Peer['read'] = {
  key: (rows) => rows.map(task),
  nested: (rows) => rows.map((it: any) => ({ id: it.id, name: it.name, tasks: it.tasks.map(task) })),
  join: (rows) => rows.map(({ title, user }: any) => ({ title, user })),
  page: (rows) => rows.map(task),
  count: (rows) => rows.map(({ projectId, n }: any) => ({ projectId, n: Number(n) })),
  update: () => undefined,
};

/** The floor: texts that a person tuned, prepared, whose rows stay as they came. The nested question is a join. */
export const bare: Open = async (url, max) => {
  const client = postgres(url, { max, onnotice: () => {} });
  const sql = (text: string) => (tenant: string) => client.unsafe(text, [tenant], { prepare: true });
  return {
    ask: {
      key: sql('select * from tasks where "accountId" = $1 and id = 17'),
      nested: sql(
        'select t.*, p.id as p_id, p.name as p_name, p.status, p."ownerId", p."countryId", p.budget, ' +
          'p.tags, p.meta, p."createdAt" from projects p left join tasks t on t."accountId" = $1 ' +
          'and t."projectId" = p.id where p."accountId" = $1 and p.id = 3',
      ),
      join: sql(
        'select t.title, u.name as user from tasks t join users u on u."accountId" = $1 ' +
          'and u.id = t."assigneeId" where t."accountId" = $1 and t."projectId" = 7',
      ),
      page: sql(
        'select * from tasks where "accountId" = $1 and not done and points > 5 order by points desc, id limit 10',
      ),
      count: sql(
        'select "projectId", count(*)::int as n from tasks where "accountId" = $1 and not done group by "projectId"',
      ),
      update: sql('update tasks set points = points + 1 where "accountId" = $1 and id = 19'),
    },
    read: { ...read, nested: (rows) => [{ id: rows[0].p_id, name: rows[0].p_name, tasks: rows.map(task) }] },
    close: () => client.end(),
  };
};

export const scoped: Open = async (url, max) => {
  const client = postgres(url, { max, onnotice: () => {} });
  const db = withTenancy(drizzle({ client }), { relations });
  const on = (tenant: string) => db.forTenant(account.parse(tenant));
  return {
    ask: {
      key: async (tenant) => on(tenant).select().from(tasks).where(eq(tasks.id, 17)),
      nested: async (tenant) => on(tenant).query.projects.findMany({ where: { id: 3 }, with: { tasks: true } }),
      join: async (tenant) =>
        on(tenant)
          .select({ title: tasks.title, user: users.name })
          .from(tasks)
          .innerJoin(users, eq(tasks.assigneeId, users.id))
          .where(eq(tasks.projectId, 7)),
      page: async (tenant) =>
        on(tenant)
          .select()
          .from(tasks)
          .where(and(eq(tasks.done, false), gt(tasks.points, 5)))
          .orderBy(desc(tasks.points), asc(tasks.id))
          .limit(10),
      count: async (tenant) =>
        on(tenant)
          .select({ projectId: tasks.projectId, n: count() })
          .from(tasks)
          .where(eq(tasks.done, false))
          .groupBy(tasks.projectId),
      update: async (tenant) =>
        on(tenant)
          .update(tasks)
          .set({ points: sql`${tasks.points} + 1` })
          .where(eq(tasks.id, 19)),
    },
    read,
    close: () => client.end(),
  };
};

/** Drizzle's own handle, with the predicates by hand. */
export const byHand: Open = async (url, max) => {
  const client = postgres(url, { max, onnotice: () => {} });
  const db: any = drizzle({ client, relations: relationsConfig(relations) as any });
  const of = (table: any, tenant: string) => eq(table.accountId, tenant);
  return {
    ask: {
      key: async (tenant) =>
        db
          .select()
          .from(tasks)
          .where(and(of(tasks, tenant), eq(tasks.id, 17))),
      nested: async (tenant) =>
        db.query.projects.findMany({
          where: { accountId: tenant, id: 3 },
          with: { tasks: { where: { accountId: tenant } } },
        }),
      join: async (tenant) =>
        db
          .select({ title: tasks.title, user: users.name })
          .from(tasks)
          .innerJoin(users, and(of(users, tenant), eq(tasks.assigneeId, users.id)))
          .where(and(of(tasks, tenant), eq(tasks.projectId, 7))),
      page: async (tenant) =>
        db
          .select()
          .from(tasks)
          .where(and(of(tasks, tenant), eq(tasks.done, false), gt(tasks.points, 5)))
          .orderBy(desc(tasks.points), asc(tasks.id))
          .limit(10),
      count: async (tenant) =>
        db
          .select({ projectId: tasks.projectId, n: count() })
          .from(tasks)
          .where(and(of(tasks, tenant), eq(tasks.done, false)))
          .groupBy(tasks.projectId),
      update: async (tenant) =>
        db
          .update(tasks)
          .set({ points: sql`${tasks.points} + 1` })
          .where(and(of(tasks, tenant), eq(tasks.id, 19))),
    },
    read,
    close: () => client.end(),
  };
};
