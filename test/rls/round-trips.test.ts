/**
 * What `rls: true` costs on the wire: counted by a proxy that holds answers back until nothing more is sent without
 * them.
 */
import * as Effect from 'effect/Effect';
import { eq, sql } from 'drizzle-orm';
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TenantDb } from '../../src/effect/index.js';
import { withTenancy } from '../../src/index.js';
import { dropDatabases, freshDatabase, type TestDatabase } from '../support/databases.js';
import { proxyTo, type Proxy } from '../support/proxy.js';
import { asRole, rlsStatements } from '../support/rls.js';
import { a } from '../support/rows.js';
import { account, labels, projects, relations } from '../support/schema.js';

let proxy: Proxy;
let url: string;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const fresh = await freshDatabase('many');
  const admin = postgres(fresh.url, { max: 1, onnotice: () => {} });
  for (const statement of rlsStatements()) await admin.unsafe(statement);
  await admin.end();
  proxy = await proxyTo(fresh.url, 4);
  url = asRole(proxy.url);
});
afterAll(async () => {
  for (const close of closing) await close();
  await proxy?.close();
  await dropDatabases();
});

/** How many round trips the program takes, once its connection and its statements are known. */
async function tripsOf(program: () => PromiseLike<unknown>, known = 3): Promise<number> {
  for (let i = 0; i < known; i++) await program();
  proxy.reset();
  await program();
  return proxy.roundTrips;
}

function onPostgresJs(options: postgres.Options<{}> = {}) {
  const client = postgres(url, { max: 1, onnotice: () => {}, ...options });
  closing.push(() => client.end());
  return { db: withTenancy(drizzle({ client }), { relations, rls: true }), plain: drizzle({ client }) };
}

function onNodePostgres(options: object = {}) {
  const client = new pg.Pool({ connectionString: url, max: 1, ...options });
  closing.push(() => client.end());
  return {
    db: withTenancy(drizzleNodePostgres({ client }), { relations, rls: true }) as unknown as TestDatabase,
    plain: drizzleNodePostgres({ client }),
  };
}

describe('postgres.js', () => {
  test('a statement takes one', async () => {
    const { db, plain } = onPostgresJs();
    const tdb = db.forTenant(a);
    expect(await tripsOf(() => tdb.select().from(projects).where(eq(projects.id, 1)))).toBe(1);
    expect(await tripsOf(() => tdb.query.projects.findMany({ with: { tasks: true } }))).toBe(1);
    expect(await tripsOf(() => tdb.$count(projects))).toBe(1);
    expect(await tripsOf(() => tdb.update(labels).set({ name: 'red' }).where(eq(labels.id, 1)).returning())).toBe(1);
    // By the textbook: BEGIN, the setting, the statement and COMMIT, of which two ask for the types of their parameters
    // first.
    const textbook = () =>
      plain.transaction(async (tx) => {
        await tx.execute(sql`select set_config('app.account_id', ${String(a)}, true)`);
        return tx.execute(sql`select * from projects where "accountId" = ${String(a)}`);
      });
    expect(await tripsOf(textbook)).toBe(6);
  });

  test('a statement that is prepared needs no BEGIN', async () => {
    const { db } = onPostgresJs();
    const run = () => db.forTenant(a).select().from(projects).where(eq(projects.id, 1));
    for (let i = 0; i < 3; i++) await run();
    const sent: string[] = [];
    proxy.judge = (it) => (sent.push(it), 'pass');
    await run();
    proxy.judge = undefined;
    expect(sent.join('')).not.toMatch(/begin|commit|set local/);
    // Bind, Execute and Describe of the settings, Bind and Execute of the statement, one Sync.
    expect(sent.join('').split('S\0\0\0\x04')).toHaveLength(2);
    expect(sent.join('')).toContain(String(a));
  });

  test('a prepared statement takes one, whichever tenant it runs for', async () => {
    const { db } = onPostgresJs();
    const prepared = db.prepare(account, (tdb) =>
      tdb
        .select()
        .from(projects)
        .where(eq(projects.id, sql.placeholder('id'))),
    );
    expect(await tripsOf(() => prepared.run(a, { id: 1 }))).toBe(1);
    const own = db.forTenant(a).select().from(projects).prepare('own');
    expect(await tripsOf(() => own.execute())).toBe(1);
  });

  test('statements at once take one each, on as many connections', async () => {
    const { db } = onPostgresJs({ max: 4 });
    const tdb = db.forTenant(a);
    const program = () => Promise.all([1, 2, 3, 4].map((id) => tdb.select().from(projects).where(eq(projects.id, id))));
    expect(await tripsOf(program, 8)).toBe(4);
  });

  test('a transaction is bound with its first statement', async () => {
    const { db } = onPostgresJs();
    const program = () =>
      db.forTenant(a).transaction(async (tx) => {
        await tx.select().from(projects);
        await tx.transaction((inner) => inner.select().from(labels));
      });
    // BEGIN, the settings with the statement, SAVEPOINT, the statement, COMMIT. Nothing is prepared in a transaction,
    // so that each statement asks for the types of its parameters first.
    expect(await tripsOf(program)).toBe(7);
  });

  test('unprepared, a statement with parameters waits for their types, and COMMIT for the statement', async () => {
    const { db } = onPostgresJs({ prepare: false });
    const tdb = db.forTenant(a);
    expect(await tripsOf(() => tdb.select().from(projects).where(eq(projects.id, 1)))).toBe(3);
  });
});

describe('node-postgres', () => {
  test('a statement takes one', async () => {
    const { db } = onNodePostgres();
    const tdb = db.forTenant(a);
    expect(await tripsOf(() => tdb.select().from(projects).where(eq(projects.id, 1)))).toBe(1);
    expect(await tripsOf(() => tdb.query.projects.findMany({ with: { tasks: true } }))).toBe(1);
    const prepared = db.prepare(account, (it) => it.select().from(projects));
    expect(await tripsOf(() => prepared.run(a))).toBe(1);
  });

  test('with pipeline: true, one', async () => {
    const { db } = onNodePostgres({ pipeline: true });
    expect(await tripsOf(() => db.forTenant(a).select().from(projects))).toBe(1);
  });
});

describe('Effect', () => {
  class Db extends TenantDb.Service<Db>()('test/Db', { tenancy: account, relations }) {}
  test('a statement takes one', async () => {
    const program = Effect.flatMap(Db, (db) => db.select().from(projects).where(eq(projects.id, 1)));
    const trips = await Effect.runPromise(
      Effect.gen(function* () {
        const context = yield* Effect.context<TenantDb.Connected<Db>>();
        return yield* Effect.promise(() => tripsOf(() => Effect.runPromiseWith(context)(Db.forTenant(a, program))));
      }).pipe(Effect.provide(Db.layer({ url, maxConnections: 1, rls: true }))),
    );
    expect(trips).toBe(1);
  });
});
