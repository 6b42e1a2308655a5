/**
 * Citus as managed services have it: migrations by a role that is no superuser and creates no databases, shards on
 * every node, the coordinator too, and the application connected to a worker as an ordinary role.
 */
import { eq, sql as text } from 'drizzle-orm';
import { bigserial, integer, text as textColumn, uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import { Effect, Fiber } from 'effect';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TenantDb } from '../../src/effect/index.js';
import {
  assertRowLevelSecurity,
  defineTenantRelations,
  referenceTable,
  tenancy,
  tenantTable,
  withTenancy,
} from '../../src/index.js';
import { applySteps } from '../../src/kit/live/apply.js';
import { planSteps } from '../../src/kit/live/plan.js';
import { readLive } from '../../src/kit/live/read.js';
import { History } from '../kit/support.js';
import { asRole, createRole, role } from '../support/rls.js';

const url = process.env['CITUS_URL']!;
const account = tenancy('account', uuid);
const countries = referenceTable('countries', { code: textColumn().primaryKey() });
const accounts = tenantTable('accounts', { id: account.id().primaryKey() });
const notes = tenantTable('notes', {
  accountId: account.id('account_id').references(() => accounts.id),
  id: bigserial({ mode: 'number' }).primaryKey(),
  body: textColumn(),
  n: integer().notNull().default(0),
});
const schema = { countries, accounts, notes };
const relations = defineTenantRelations(schema, (r) => ({
  accounts: { notes: r.many.notes({ from: r.accounts.id, to: r.notes.accountId }) },
}));
const [a, b] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'].map((it) =>
  account.parse(it),
) as [any, any];
class Db extends TenantDb.Service<Db>()('managed/Db', { tenancy: account }) {}

const migrator = `managed_migrator_${process.pid}`;

describe.skipIf(!url)('managed Citus', { timeout: 60_000 }, () => {
  let admin: postgres.Sql;
  let sql: postgres.Sql;
  let nodes: { nodename: string; nodeport: number; groupid: number }[];
  let app: postgres.Sql;
  const sent: { sql: string; params: unknown[] }[] = [];
  let db: any;
  let history: History;
  const setCoordinator = (hasShards: boolean) =>
    admin`SELECT citus_set_node_property(nodename, nodeport, 'shouldhaveshards', ${hasShards}) FROM pg_dist_node
      WHERE groupid = 0`;
  const at = (to: string, node: { nodename: string; nodeport: number }) =>
    Object.assign(new URL(to), { hostname: node.nodename, port: String(node.nodeport) }).href;
  const run = (statements: readonly string[]) =>
    sql.begin(async (tx) => {
      for (const it of statements) await tx.unsafe(it);
    });

  beforeAll(async () => {
    admin = postgres(url, { max: 1, onnotice: () => {} });
    const tables = await admin`SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`;
    if (tables.length > 0) await admin.unsafe(`DROP TABLE ${tables.map((it) => it['name']).join(', ')} CASCADE`);
    await admin.unsafe(createRole);
    await admin.unsafe(`CREATE ROLE ${migrator} LOGIN PASSWORD 'migrator'`);
    await admin.unsafe(`GRANT CREATE, USAGE ON SCHEMA public TO ${migrator}`);
    await setCoordinator(true);
    nodes = (await admin`SELECT nodename, nodeport, groupid FROM pg_dist_node WHERE noderole = 'primary'
        ORDER BY groupid`) as any;
    sql = postgres(Object.assign(new URL(url), { username: migrator, password: 'migrator' }).href, {
      max: 1,
      onnotice: () => {},
    });
    expect(
      (
        await sql`SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls AS may FROM pg_roles
          WHERE rolname = current_user`
      )[0],
    ).toEqual({ may: false });
    history = new History();
    await run(await history.next({ schema, tenancy: { citus: { shardCount: 6 }, rls: true } }));
    await run([
      `GRANT SELECT, INSERT, UPDATE, DELETE ON accounts, notes TO ${role}`,
      `GRANT SELECT ON countries TO ${role}`,
      `GRANT USAGE ON SEQUENCE notes_id_seq TO ${role}`,
    ]);
    app = postgres(at(asRole(url), nodes.at(-1)!), { max: 2, onnotice: () => {} });
    db = withTenancy(
      drizzle({ client: app, logger: { logQuery: (query, params) => void sent.push({ sql: query, params }) } }),
      { relations, rls: true },
    );
    for (const id of [a, b]) await db.forTenant(id).insert(accounts).values({});
  }, 120_000);
  afterAll(async () => {
    await app?.end();
    await sql?.unsafe('DROP TABLE IF EXISTS notes, accounts, countries CASCADE');
    await sql?.end();
    await setCoordinator(false);
    await admin.unsafe(`REVOKE ALL ON SCHEMA public FROM ${migrator}`);
    await admin.unsafe(`DROP ROLE IF EXISTS ${migrator}`);
    await admin.end();
  });

  it('the migration of an ordinary role distributes over all nodes, the coordinator too', async () => {
    const held = await admin`SELECT DISTINCT nodeport FROM citus_shards WHERE table_name = 'notes'::regclass`;
    expect(held).toHaveLength(nodes.length);
    const database = {
      query: (query: string, values: readonly unknown[] = []) => sql.unsafe(query, values as any[]) as any,
      close: async () => {},
    };
    const plan = async (shardCount = 6) =>
      planSteps(
        { ...history.state!, tenancies: { account: { ...history.state!.tenancies['account']!, shardCount } } },
        history.entities,
        await readLive(database),
      );
    expect(await plan()).toEqual([]);
    // More shards, by apply and by a migration.
    await applySteps(database, await plan(9), { start: () => {}, tick: () => {}, end: () => {} });
    expect(await plan(9)).toEqual([]);
    await run(await history.next({ schema, tenancy: { citus: { shardCount: 12 }, rls: true } }));
    expect([
      await plan(12),
      (await admin`SELECT count(*)::int AS n FROM pg_dist_shard WHERE logicalrelid = 'notes'::regclass`)[0]!['n'],
    ]).toEqual([[], 12]);
    await assertRowLevelSecurity(db);
  });

  it('the application works through a worker: each tenant has its rows, and a statement one shard', async () => {
    sent.length = 0;
    for (const id of [a, b]) {
      const tdb = db.forTenant(id);
      const [made] = await tdb
        .insert(notes)
        .values([{ body: 'x' }, { body: 'y' }])
        .returning();
      await tdb.update(notes).set({ n: 2 }).where(eq(notes.id, made.id));
      await tdb.transaction(async (tx: any) => {
        await tx.insert(notes).values({ body: 'kept' });
        await tx
          .transaction(async (inner: any) => {
            await inner.delete(notes);
            throw new Error('back');
          })
          .catch(() => {});
      });
      await expect(
        tdb.transaction(async (tx: any) => {
          await tx.delete(notes);
          throw new Error('all back');
        }),
      ).rejects.toThrow('all back');
      expect((await tdb.select().from(notes).orderBy(notes.body)).map((it: any) => [it.body, it.n])).toEqual([
        ['kept', 0],
        ['x', 2],
        ['y', 0],
      ]);
      expect(
        (await tdb.query.accounts.findMany({ with: { notes: true } })).map((it: any) => [it.id, it.notes.length]),
      ).toEqual([[id, 3]]);
    }
    // Each as the application sends it, planned on the same worker.
    const asked = sent.filter((it) => /^(select|insert|update|delete)/i.test(it.sql) && /notes|accounts/.test(it.sql));
    expect(asked.length).toBeGreaterThan(12);
    for (const { sql: query, params } of asked) {
      const plan = await app.unsafe(`explain (costs off) ${query}`, params as any[]);
      expect([
        query,
        plan
          .map((it: any) => it['QUERY PLAN'])
          .join('\n')
          .match(/Task Count: (\d+)/)?.[1] ?? '1',
      ]).toEqual([query, '1']);
    }
  });

  it('the policies hold there: without a tenant no rows, and nobody writes for another', async () => {
    expect(await app`SELECT count(*)::int AS n FROM notes`).toEqual([{ n: 0 }]);
    const as = (id: string, query: string) =>
      app.begin(async (tx) => {
        await tx`SET LOCAL citus.propagate_set_commands = 'local'`;
        await tx.unsafe(`SET LOCAL app.tenant_id = '${id}'`);
        return tx.unsafe(query);
      });
    expect(await as(a, 'SELECT DISTINCT account_id FROM notes')).toEqual([{ account_id: a }]);
    await expect(as(a, `INSERT INTO notes (account_id, body) VALUES ('${b}', 'z')`)).rejects.toThrow(
      'row-level security',
    );
    expect(await as(a, `UPDATE notes SET n = 9 WHERE account_id = '${b}' RETURNING id`)).toEqual([]);
  });

  it('a fiber that is interrupted leaves nothing running, on no node', async () => {
    await admin`INSERT INTO notes (account_id, body) SELECT ${String(a)}::uuid, 'many' FROM generate_series(1, 1000)`;
    const running = async () => {
      const found =
        await admin`SELECT success, result FROM run_command_on_all_nodes($$SELECT count(*) FROM pg_stat_activity
          WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%notes%'
          AND query NOT LIKE '%pg_stat_activity%' AND datname = current_database()$$)`;
      return found.reduce((sum, it) => sum + Number(it['result']), 0);
    };
    const endless = text`select count(*) from ${notes} x, ${notes} y, ${notes} z where x.n + y.n * z.n > ${3}`;
    const program = Effect.gen(function* () {
      const service = yield* Db;
      const fiber = yield* Effect.forkChild(service.execute(endless), { startImmediately: true });
      yield* Effect.sleep(500);
      const before = yield* Effect.promise(running);
      yield* Fiber.interrupt(fiber);
      return [before > 0, yield* Effect.promise(running)];
    });
    const layer = Db.layer({
      url: at(asRole(url), nodes.at(-1)!),
      maxConnections: 1,
      rls: true,
      connection: { connection: { statement_timeout: 30_000 } },
    });
    expect(await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(layer)))).toEqual([true, 0]);
  });

  it('a migration on a worker fails as a whole', async () => {
    const worker = postgres(
      at(Object.assign(new URL(url), { username: migrator, password: 'migrator' }).href, nodes.at(-1)!),
      { max: 1, onnotice: () => {} },
    );
    const statements = await history.next({
      schema: {
        ...schema,
        later: tenantTable('later', { accountId: account.id('account_id'), id: integer().primaryKey() }),
      },
      tenancy: { citus: { shardCount: 12 }, rls: true },
    });
    await expect(
      worker.begin(async (tx) => {
        for (const it of statements) await tx.unsafe(it);
      }),
    ).rejects.toThrow(/not allowed on this node|coordinator/);
    expect(await worker`SELECT to_regclass('later') AS later`).toEqual([{ later: null }]);
    await worker.end();
  });
});
