/** Queries that run on a PostgreSQL: latency on one connection, throughput on ten. */
import { and, asc, count, desc, eq, gt, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { withTenancy } from '../../src/index.js';
import { relationsConfig } from '../../src/schema/relations.js';
import * as schema from '../support/schema.js';
import { startDatabases, tenantIds } from './database.js';
import { ratioOf, report, spreadOf, takeTurnsAsync } from './measure.js';

const { labels, projects, relations, tasks, users } = schema;
const plainRelations = { relations: relationsConfig(relations) as any };

type Run = (db: any, id: any) => Promise<unknown>;

/** What an application does all day, on a tenant's handle or where row-level security picks the rows. */
const asTenant: readonly Run[] = [
  (db) => db.select().from(tasks).where(eq(tasks.id, 17)),
  (db) => db.select().from(projects).leftJoin(tasks, eq(tasks.projectId, projects.id)).where(eq(projects.id, 3)),
  (db) => db.select({ p: tasks.projectId, n: count() }).from(tasks).where(eq(tasks.done, false)).groupBy(tasks.projectId),
  (db) => db.query.projects.findMany({ where: { id: { lt: 4 } }, with: { owner: true, tasks: { orderBy: { id: 'asc' }, limit: 5 } } }),
  (db) => db.select().from(tasks).where(and(eq(tasks.done, false), gt(tasks.points, 5))).orderBy(desc(tasks.points), asc(tasks.id)).limit(10),
  (db) => db.update(tasks).set({ points: sql`${tasks.points} + 1` }).where(eq(tasks.id, 19)),
  (db) => db.select({ n: tasks.title, u: users.name }).from(tasks).innerJoin(users, eq(tasks.assigneeId, users.id)).where(eq(tasks.projectId, 7)),
  (db) => db.select().from(labels).where(eq(labels.taskId, 20)),
];

/** The same on Drizzle's own handle, with the predicates by hand. */
const byHand: readonly Run[] = [
  (db, id) => db.select().from(tasks).where(and(eq(tasks.accountId, id), eq(tasks.id, 17))),
  (db, id) =>
    db.select().from(projects).leftJoin(tasks, and(eq(tasks.accountId, id), eq(tasks.projectId, projects.id))).where(and(eq(projects.accountId, id), eq(projects.id, 3))),
  (db, id) => db.select({ p: tasks.projectId, n: count() }).from(tasks).where(and(eq(tasks.accountId, id), eq(tasks.done, false))).groupBy(tasks.projectId),
  (db, id) =>
    db.query.projects.findMany({
      where: { accountId: id, id: { lt: 4 } },
      with: { owner: { where: { accountId: id } }, tasks: { where: { accountId: id }, orderBy: { id: 'asc' }, limit: 5 } },
    }),
  (db, id) =>
    db.select().from(tasks).where(and(eq(tasks.accountId, id), eq(tasks.done, false), gt(tasks.points, 5))).orderBy(desc(tasks.points), asc(tasks.id)).limit(10),
  (db, id) => db.update(tasks).set({ points: sql`${tasks.points} + 1` }).where(and(eq(tasks.accountId, id), eq(tasks.id, 19))),
  (db, id) =>
    db.select({ n: tasks.title, u: users.name }).from(tasks)
      .innerJoin(users, and(eq(users.accountId, id), eq(tasks.assigneeId, users.id)))
      .where(and(eq(tasks.accountId, id), eq(tasks.projectId, 7))),
  (db, id) => db.select().from(labels).where(and(eq(labels.accountId, id), eq(labels.taskId, 20))),
];

/** Calls the queries one after the other, each for the next tenant. */
function cycle(call: (n: number, id: any) => Promise<unknown>): () => Promise<unknown> {
  let i = 0;
  return () => {
    const n = i++;
    return call(n % asTenant.length, tenantIds[n % tenantIds.length]);
  };
}

const databases = await startDatabases();
const clients: postgres.Sql[] = [];
const connect = (max: number, options: postgres.Options<{}> = {}, url = databases.url) => {
  const client = postgres(url, { max, onnotice: () => {}, ...options });
  clients.push(client);
  return client;
};

try {
  // The two are the same queries.
  const [check, plainCheck] = [withTenancy(drizzle({ client: connect(1) }), { relations }), drizzle({ client: connect(1), ...plainRelations })];
  const boundCheck = withTenancy(drizzle({ client: connect(1, {}, databases.guardedUrl) }), { relations, rls: true });
  for (const [i, run] of asTenant.entries()) {
    const [a, b] = [await run(check.forTenant(tenantIds[3]!), undefined), await byHand[i]!(plainCheck, tenantIds[3])];
    const c = await run(boundCheck.forTenant(tenantIds[3]!), undefined);
    if (JSON.stringify(a) !== JSON.stringify(b) || JSON.stringify(a) !== JSON.stringify(c)) throw new Error(`Query ${i} differs:\n${[a, b, c].map((it) => JSON.stringify(it)).join('\n')}`);
  }

  for (const [max, atOnce] of [[1, 1], [10, 20]] as const) {
    const plain = drizzle({ client: connect(max), ...plainRelations });
    const plainPrepared = byHand.slice(0, 1).map(() => connect(max))[0]!;
    const scoped = withTenancy(drizzle({ client: connect(max) }), { relations });
    const unprepared = withTenancy(drizzle({ client: connect(max) }), { relations, prepare: false });
    const bound = withTenancy(drizzle({ client: connect(max, {}, databases.guardedUrl) }), { relations, rls: true });
    const textbook = drizzle({ client: connect(max, {}, databases.guardedUrl), ...plainRelations });
    const join = (id: any) => plainPrepared.unsafe(
      'select p.*, t.* from projects p left join tasks t on t."accountId" = $1 and t."projectId" = p.id where p."accountId" = $1 and p.id = 3', [id], { prepare: true });
    const prepared = scoped.prepare(schema.account, (tdb: any) => asTenant[1]!(tdb, undefined) as any);
    const tenant = sql.placeholder('tenant');
    const ownPrepared = (byHand[1]!(plain, tenant) as any).prepare('own');
    const candidates = {
      byHand: cycle((n, id) => byHand[n]!(plain, id)),
      unprepared: cycle((n, id) => asTenant[n]!(unprepared.forTenant(id), id)),
      scoped: cycle((n, id) => asTenant[n]!(scoped.forTenant(id), id)),
      bound: cycle((n, id) => asTenant[n]!(bound.forTenant(id), id)),
      textbook: cycle((n, id) =>
        textbook.transaction(async (tx) => {
          await tx.execute(sql`select set_config('app.tenant_id', ${id}, true)`);
          return asTenant[n]!(tx, id);
        }),
      ),
      joinByHand: cycle((_, id) => byHand[1]!(plain, id)),
      joinScoped: cycle((_, id) => asTenant[1]!(scoped.forTenant(id), id)),
      prepared: cycle((_, id) => prepared.run(id)),
      ownPrepared: cycle((_, id) => ownPrepared.execute({ tenant: id })),
      joinRaw: cycle((_, id) => join(id)),
    };
    // As in an application that has run for a while.
    for (let round = 0; round < 2_000; round++) {
      for (const [n, run] of asTenant.entries()) {
        (run(scoped.forTenant(tenantIds[n]!), undefined) as any).toSQL();
        (byHand[n]!(plain, tenantIds[n]) as any).toSQL();
      }
    }
    const times = await takeTurnsAsync(candidates, { rounds: 31, calls: max === 1 ? 48 : 160, atOnce });
    const on = max === 1 ? 'one connection' : 'a pool of ten';
    const us = (name: keyof typeof times) => `${(spreadOf(times[name]).median / 1e3).toFixed(0)} us`;
    const throughput = (name: keyof typeof times, base: keyof typeof times) => ratioOf(times[base], times[name]);
    for (const name of Object.keys(times) as (keyof typeof times)[]) console.log(on, name, us(name));
    report(`throughput, ${on}: scoped / hand-written, both unprepared`, throughput('unprepared', 'byHand'), 'at least 0.97');
    report(`throughput, ${on}: scoped as it is / Drizzle as it is`, throughput('scoped', 'byHand'), 'at least 1.8');
    report(`the same, ${on}, of a join by key alone`, throughput('joinScoped', 'joinByHand'), '');
    report(`latency, ${on}: that join, scoped / bare postgres.js, prepared`, ratioOf(times.joinScoped, times.joinRaw), '');
    report(`latency, ${on}: \`db.prepare(...)\`.run / Drizzle's own prepared statement`, ratioOf(times.prepared, times.ownPrepared), 'at most 1.1');
    report(`latency, ${on}: \`rls: true\` / textbook transaction with set_config`, ratioOf(times.bound, times.textbook), 'at most 0.4');
  }
} finally {
  await Promise.all(clients.map((it) => it.end()));
  await databases.stop();
  // The embedded server's hooks listen to the process that started this one, which would keep it alive.
  process.disconnect?.();
}
