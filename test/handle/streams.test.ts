/** Rows one by one, through a cursor: on each driver, in and out of transactions, and however the loop ends. */
import { eq, sql } from 'drizzle-orm';
import { Cache } from 'drizzle-orm/cache/core';
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres';
import { union } from 'drizzle-orm/pg-core';
import { drizzle as drizzlePGlite } from 'drizzle-orm/pglite';
import { drizzle } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RawSqlNotScopedError, UnsupportedTenantOperationError, withTenancy } from '../../src/index.js';
import { freshDatabase, rowsFor, schemaStatements } from '../support/databases.js';
import { a, b } from '../support/rows.js';
import { admin as across, asRole, createAdmin, rlsStatements, role } from '../support/rls.js';
import { projects, relations, tasks } from '../support/schema.js';
import { createPglite } from '../support/pglite.js';

const setUp = [
  ...rlsStatements(),
  createAdmin,
  `grant usage on schema public to ${across}`,
  `grant select on all tables in schema public to ${across}`,
];
const sent: string[] = [];
const logger = { logQuery: (text: string) => void sent.push(text) };

interface Opened {
  readonly make: (options?: object) => any;
  /** How many connections are within a transaction. */
  readonly busy: () => Promise<number>;
  readonly close: () => Promise<unknown>;
}

async function onServer(make: (url: string) => { drizzle: any; end: () => Promise<unknown> }): Promise<Opened> {
  const { url } = await freshDatabase();
  const admin = postgres(url, { max: 1, onnotice: () => {} });
  for (const statement of setUp) await admin.unsafe(statement);
  const { drizzle, end } = make(asRole(url));
  return {
    make: (options) => withTenancy(drizzle, { relations, ...options }),
    busy: async () =>
      (
        await admin`select count(*)::int as n from pg_stat_activity where datname = current_database()
          and state <> 'idle' and pid <> pg_backend_pid()`
      )[0]!.n,
    close: () => Promise.all([end(), admin.end()]),
  };
}

const drivers: Record<string, () => Promise<Opened>> = {
  'postgres.js': () =>
    onServer((url) => {
      const client = postgres(url, { max: 2, onnotice: () => {} });
      return { drizzle: drizzle({ client, logger }), end: () => client.end() };
    }),
  'node-postgres': () =>
    onServer((url) => {
      const client = new pg.Pool({ connectionString: url, max: 2 });
      return { drizzle: drizzleNodePostgres({ client, logger }), end: () => client.end() };
    }),
  PGlite: async () => {
    const client = await createPglite();
    await client.exec([...(await schemaStatements()), rowsFor.many, ...setUp, `set role ${role}`].join(';\n'));
    return {
      make: (options) => withTenancy(drizzlePGlite({ client, logger }), { relations, ...options }),
      busy: async () => 0,
      close: () => client.close(),
    };
  },
};

const ids = async (rows: AsyncIterable<any>) => {
  const seen: number[] = [];
  for await (const row of rows) seen.push(row.id);
  return seen;
};

describe.each(Object.keys(drivers))('%s', (name) => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await drivers[name]!();
  });
  afterAll(() => opened.close());

  describe.each([true, false])('rls: %s', (rls) => {
    // Without rls, too, the role is one that policies hold back: so there it sees nothing.
    const db = () => opened.make(rls ? { rls, across: { role: across } } : {});
    const expected = async (tdb: any) =>
      (await tdb.select({ id: tasks.id }).from(tasks).orderBy(tasks.id)).map((it: any) => it.id);

    test('every row of the tenant, and the same as without a cursor', async () => {
      sent.length = 0;
      for (const id of [a, b]) {
        const tdb = db().forTenant(id);
        const all = await expected(tdb);
        expect(all.length > 2).toBe(rls);
        expect(await ids(tdb.select().from(tasks).orderBy(tasks.id).stream({ chunkSize: 2 }))).toEqual(all);
        expect(await ids(tdb.select().from(tasks).orderBy(tasks.id).stream())).toEqual(all);
      }
      expect(sent.filter((it) => it.startsWith('declare')).every((it) => it.includes('"accountId" = $'))).toBe(true);
    });

    test('in a transaction, where other statements run between the rows', async () => {
      await db()
        .forTenant(a)
        .transaction(async (tx: any) => {
          const all = await expected(tx);
          const seen: number[] = [];
          for await (const { id } of tx.select().from(tasks).orderBy(tasks.id).stream({ chunkSize: 1 })) {
            seen.push(id);
            expect(await tx.$count(tasks)).toBe(all.length);
          }
          expect(seen).toEqual(all);
          const [cursors] = await tx.select({ n: sql<number>`1` }).from(tasks).limit(1);
          expect(cursors === undefined).toBe(!rls);
        });
    });

    test('the loop is left early, or fails: nothing stays open', async () => {
      const tdb = db().forTenant(a);
      for (let i = 0; i < 5; i++) {
        for await (const _ of tdb.select().from(tasks).stream({ chunkSize: 1 })) break;
        const failing = async () => {
          for await (const _ of tdb.select().from(tasks).stream({ chunkSize: 1 })) throw new Error('mine');
        };
        if (rls) await expect(failing()).rejects.toThrow('mine');
      }
      expect(await opened.busy()).toBe(0);
    });
  });

  const db = () => opened.make({ rls: true, across: { role: across } });

  test('a query that fails while its rows are read', async () => {
    const failing = (it: any) =>
      it
        .select({ x: sql`1 / (${tasks.id} - 2)` })
        .from(tasks)
        .orderBy(tasks.id);
    await expect(ids(failing(db().forTenant(a)).stream({ chunkSize: 1 }))).rejects.toMatchObject({
      cause: { code: '22012' },
    });
    expect(await opened.busy()).toBe(0);
    await expect(
      db()
        .forTenant(a)
        .transaction((tx: any) => ids(failing(tx).stream({ chunkSize: 1 }))),
    ).rejects.toMatchObject({ cause: { code: '22012' } });
    expect(await opened.busy()).toBe(0);
    expect((await db().forTenant(a).select().from(tasks)).length).toBeGreaterThan(0);
  });

  test('two tenants in one transaction, each under its own setting at each FETCH', async () => {
    await db().transaction(async (tx: any) => {
      const of = (id: unknown) => tx.forTenant(id).select().from(tasks).orderBy(tasks.id).stream({ chunkSize: 1 });
      const [first, second] = [of(a), of(b)];
      const owners = new Set<string>();
      for await (const row of first) {
        owners.add(row.accountId);
        const other = await second.next();
        if (!other.done) expect(other.value.accountId).toBe(b);
      }
      expect([...owners]).toEqual([a]);
      await second.return();
    });
  });

  test('across tenants, and a union', async () => {
    const all = db().acrossTenants({ reason: 'export' });
    const rows = new Set<string>();
    for await (const row of all.select().from(tasks).stream({ chunkSize: 2 })) rows.add(row.accountId);
    expect(rows.size).toBeGreaterThan(1);
    const tdb = db().forTenant(a);
    const query = () =>
      union(tdb.select({ id: tasks.id }).from(tasks), tdb.select({ id: projects.id }).from(projects)) as any;
    expect((await ids(query().stream({ chunkSize: 1 }))).sort()).toEqual(
      (await query()).map((it: any) => it.id).sort(),
    );
    const cte = tdb.$with('c').as(tdb.select({ id: tasks.id }).from(tasks));
    expect((await ids(tdb.with(cte).select().from(cte).stream())).length).toBeGreaterThan(0);
  });

  test('what is refused is refused in the loop, and a transaction that has ended reads no more', async () => {
    const refused = db().forTenant(a).select({ x: sql`unknown_function(1)` }).from(tasks).stream();
    await expect(refused.next()).rejects.toThrow(RawSqlNotScopedError);
    let late: any;
    await db()
      .forTenant(a)
      .transaction(async (tx: any) => {
        late = tx.select().from(tasks).stream({ chunkSize: 1 });
        await late.next();
      });
    await expect(late.next()).rejects.toThrow(UnsupportedTenantOperationError);
  });
});

test("a cache of Drizzle's never answers a FETCH", async () => {
  class Everything extends Cache {
    readonly kept = new Map<string, any[]>();
    strategy = () => 'all' as const;
    get = async (key: string) => this.kept.get(key);
    put = async (key: string, rows: any) => void this.kept.set(key, rows);
    onMutate = async () => {};
  }
  const { url } = await freshDatabase();
  const client = postgres(url, { max: 2 });
  const cache = new Everything();
  const tdb = withTenancy(drizzle({ client, cache }), { relations }).forTenant(a);
  const rows = await ids(
    tdb.select().from(tasks).where(eq(tasks.accountId, a)).orderBy(tasks.id).stream({ chunkSize: 1 }),
  );
  expect(rows).toEqual((await client`select id from tasks where "accountId" = ${a} order by id`).map((it) => it.id));
  expect(cache.kept.size).toBe(0);
  await client.end();
});
