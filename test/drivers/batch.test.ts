/**
 * `batch` of the drivers over HTTP, each as one transaction, and row-level security by it. The clients stand on a real
 * server.
 */
import { eq, sql } from 'drizzle-orm';
import { NeonHttpSession } from 'drizzle-orm/neon-http/session';
import { neonHttpCodecs } from 'drizzle-orm/neon-http/codecs';
import { PgAsyncDatabase, PgDialect, type PgQueryResultHKT } from 'drizzle-orm/pg-core';
import type { PgRawRow } from 'drizzle-orm/pg-core/session';
import { PostgresHttpSession } from 'drizzle-orm/postgres/http/session';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import {
  RawSqlNotScopedError,
  TenantMismatchError,
  UnsupportedTenantOperationError,
  withTenancy,
} from '../../src/index.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';
import { a, b } from '../support/rows.js';
import { admin as across, asRole, createAdmin, rlsStatements } from '../support/rls.js';
import { account, countries, projects, relations, tasks } from '../support/schema.js';

let pool: pg.Pool;
let owner: postgres.Sql;
/** What came in one request. */
const requests: string[][] = [];

beforeAll(async () => {
  const { url } = await freshDatabase();
  owner = postgres(url, { max: 1, onnotice: () => {} });
  const grants =
    `grant usage on schema public to ${across}; ` + `grant select, update on all tables in schema public to ${across}`;
  await owner.unsafe([...rlsStatements(), createAdmin, grants].join(';\n'));
  pool = new pg.Pool({ connectionString: asRole(url), max: 2 });
});
beforeEach(() => void requests.splice(0));
afterAll(async () => {
  await Promise.all([pool.end(), owner.end()]);
  await dropDatabases();
});

interface Query {
  readonly sql: string;
  readonly params?: unknown[] | undefined;
  readonly isArrays: boolean;
}

const send = (client: pg.Pool | pg.PoolClient, { sql: text, params = [], isArrays }: Query) =>
  client.query({ text, values: params, ...(isArrays && { rowMode: 'array' }) } as pg.QueryConfig);

const alone = (query: Query) => {
  requests.push([query.sql]);
  return send(pool, query);
};

async function atOnce(queries: readonly Query[]): Promise<any[]> {
  requests.push(queries.map((it) => it.sql));
  const client = await pool.connect();
  try {
    await client.query('begin');
    const results = [];
    for (const query of queries) results.push(await send(client, query));
    await client.query('commit');
    return results;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

/** As the client of @neondatabase/serverless: a query is sent when it is awaited, or with a transaction. */
const neonClient = {
  query: (text: string, params: unknown[], { arrayMode }: { arrayMode: boolean }) => {
    const query = { sql: text, params, isArrays: arrayMode };
    // biome-ignore lint/suspicious/noThenProperty: as the client has it
    return {
      query,
      then: (...then: [any, any]) => alone(query).then(...then),
      catch: (it: any) => alone(query).catch(it),
    };
  },
  transaction: (queries: { query: Query }[]) => atOnce(queries.map((it) => it.query)),
};

const httpQuery = (it: { sql: string; params?: unknown[]; mode?: string }): Query => ({
  ...it,
  isArrays: it.mode === 'array',
});
const httpClient = {
  query: (text: string, params: unknown[], { mode }: { mode: string }) => alone(httpQuery({ sql: text, params, mode })),
};

interface HttpRows<TRow> {
  readonly rows: readonly TRow[];
  readonly rowCount: number;
}
interface HttpResult extends PgQueryResultHKT {
  type: HttpRows<PgRawRow<this['row']>>;
}

/** As Drizzle's own class: its module needs the driver's package. */
class HttpDatabase extends PgAsyncDatabase<HttpResult> {
  async batch(queries: readonly unknown[]): Promise<unknown[]> {
    return (this as any).session.batch(queries);
  }
}
const dialect = new PgDialect({ codecs: neonHttpCodecs } as never);
const drivers: Record<string, () => object> = {
  'neon-http': () => new (NeonHttpSession as any)(neonClient, dialect, {}),
  'postgres/http': () =>
    new (PostgresHttpSession as any)(httpClient, (queries: any[]) => atOnce(queries.map(httpQuery)), dialect, {}),
};

describe.each(Object.keys(drivers))('%s', (driver) => {
  const open = (options = {}) =>
    withTenancy(new HttpDatabase(dialect as never, drivers[driver]!() as never, {}), {
      relations,
      rls: true,
      across: { role: across },
      ...options,
    });

  test('statements of one handle, in one request, each with its result', async () => {
    const tdb = open().forTenant(b);
    const [selected, found, inserted, updated, raw, objects, deleted] = await tdb.batch([
      tdb.select({ id: projects.id }).from(projects).orderBy(projects.id),
      tdb.query.projects.findFirst({
        where: { id: 5 },
        columns: { name: true },
        with: { tasks: { columns: { title: true } } },
      }),
      tdb.insert(projects).values({ id: 9, name: 'nine' }).returning({ name: projects.name, of: projects.accountId }),
      tdb.update(projects).set({ name: 'ten' }).where(eq(projects.id, 9)),
      tdb.execute(sql`select count(*)::int as n from ${projects}`),
      tdb.execute<{ n: number }>(sql`select count(*)::int as n from ${projects}`, 'objects'),
      tdb.delete(projects).where(eq(projects.id, 9)).returning(),
    ]);
    expectTypeOf(selected).toEqualTypeOf<{ id: number }[]>();
    expectTypeOf(found?.tasks[0]!.title).toEqualTypeOf<string | undefined>();
    expectTypeOf(objects).toEqualTypeOf<{ n: number }[]>();
    expect(selected).toEqual([1, 2, 3, 5].map((id) => ({ id })));
    expect(found).toEqual({ name: 'only b', tasks: [{ title: 'hidden' }] });
    expect(inserted).toEqual([{ name: 'nine', of: b }]);
    expect(updated).toMatchObject({ rowCount: 1 });
    expect(raw).toMatchObject({ rows: [{ n: 5 }] });
    expect(objects).toEqual([{ n: 5 }]);
    expect(deleted).toMatchObject([{ id: 9, name: 'ten' }]);
    expect(requests).toHaveLength(1);
    const [settings, statements] = [
      requests[0]!.filter((it) => it.startsWith('set local')),
      requests[0]!.filter((it) => !it.startsWith('set local')),
    ];
    expect(settings.filter((it) => it.includes(b)).length).toBeGreaterThan(0);
    expect(statements).toHaveLength(7);
    for (const text of statements) expect(text).toMatch(/"accountId" = \$\d|values \(\$\d/);
  });

  test('without the policies, and under them without the filters, it sees the same', async () => {
    const tdb = open({ rls: false, across: undefined }).forTenant(b);
    const [rows] = await tdb.batch([tdb.select().from(projects)]);
    // The role is one that policies hold back: without the setting there is nothing.
    expect(rows).toEqual([]);
    expect(requests[0]).toHaveLength(1);
  });

  test('one fails, and nothing of the others is kept', async () => {
    const tdb = open().forTenant(a);
    const failing = tdb.batch([
      tdb.insert(projects).values({ id: 70, name: 'kept?' }),
      tdb.insert(projects).values({ id: 1, name: 'taken' }),
    ]);
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect(await tdb.$count(projects, eq(projects.id, 70))).toBe(0);
  });

  test("another handle's statement is refused, and nothing is sent", async () => {
    const db = open();
    const [own, other, all] = [db.forTenant(a), db.forTenant(b), db.acrossTenants({ reason: 'test' })];
    for (const query of [
      other.select().from(projects),
      other.execute(sql`select 1 from ${projects}`),
      all.select().from(projects),
      db.forTenant(a).select().from(projects),
      other.query.projects.findMany(),
    ]) {
      await expect(own.batch([own.select().from(projects), query])).rejects.toThrow(
        /^Run the query through the handle that built it/,
      );
    }
    const plain = new HttpDatabase(dialect as never, drivers[driver]!() as never, {}) as any;
    const forged = {
      _prepare: () => ({
        getQuery: () => ({ sql: 'select 1', params: [] }),
        query: { sql: 'select 1', params: [] },
        how: ['raw'],
      }),
    };
    for (const query of [
      plain.execute(sql`select * from projects`),
      forged,
      {},
      null,
      'select 1',
      (own as any).$count(projects),
    ]) {
      await expect((own as any).batch([query])).rejects.toThrow(UnsupportedTenantOperationError);
    }
    await expect(own.batch([own.execute(sql`select own(1) from ${projects}`)])).rejects.toThrow(RawSqlNotScopedError);
    await expect(own.batch([own.insert(projects).values({ id: 9, name: 'x', accountId: b } as never)])).rejects.toThrow(
      TenantMismatchError,
    );
    await expect(
      own.batch([
        own
          .select()
          .from(projects)
          .where(eq(projects.id, sql.placeholder('id'))),
      ]),
    ).rejects.toThrow(/sql.placeholder\(\) gets no value here/);
    await expect(
      own.batch([own.insert(projects).values({ id: 9, name: 'x', accountId: sql.placeholder('x') } as never)]),
    ).rejects.toThrow();
    expect(requests).toEqual([]);
    // @ts-expect-error: a count is an expression, and Drizzle's batch has none
    void (() => own.batch([own.$count(projects)]));
    expect(await (own as any).batch([])).toEqual([]);
  });

  test('a single statement under row-level security is a batch, too', async () => {
    const db = open();
    const tdb = db.forTenant(b);
    expect(await tdb.select({ id: projects.id }).from(projects).where(eq(projects.name, 'only b'))).toEqual([
      { id: 5 },
    ]);
    expect(await tdb.$count(tasks)).toBe(6);
    expect(await tdb.query.projects.findMany({ columns: { id: true } })).toHaveLength(4);
    expect((await tdb.execute(sql`select name from ${projects} where id = 5`)).rows).toEqual([{ name: 'only b' }]);
    expect(
      await db
        .prepare(account, (it) =>
          it
            .select({ id: projects.id })
            .from(projects)
            .where(eq(projects.id, sql.placeholder('id'))),
        )
        .run(b, { id: 5 }),
    ).toEqual([{ id: 5 }]);
    expect(requests.every((it) => it.length > 1 && it.some((text) => text.includes(b)))).toBe(true);
    expect(await db.shared.$count(countries)).toBe(3);
    expect(await db.acrossTenants({ reason: 'test' }).$count(projects)).toBe(11);
    const several = db.forTenants([a, b]);
    expect((await several.batch([several.select().from(projects)]))[0]).toHaveLength(7);
  });

  test('what needs an open transaction is refused', async () => {
    const db = open();
    for (const it of [db, db.forTenant(a)])
      await expect((async () => it.transaction(async () => {}))()).rejects.toThrow(/^Send the statements as one batch/);
    await expect(db.forTenant(a).select().from(projects).stream().next()).rejects.toThrow(
      UnsupportedTenantOperationError,
    );
    expect(requests).toEqual([]);
  });

  test('a signal that is aborted, and a fair queue', async () => {
    const db = open({ fair: { perTenant: 1 } });
    const aborted = db.forTenant(a, { signal: AbortSignal.abort(new Error('gone')) });
    await expect(aborted.batch([aborted.select().from(projects)])).rejects.toThrow('gone');
    expect(requests).toEqual([]);
    const tdb = db.forTenant(a);
    const both = await Promise.all([1, 2].map(() => tdb.batch([tdb.select().from(projects)])));
    expect(both.map(([rows]) => rows.length)).toEqual([3, 3]);
  });
});

test('a driver without a batch', async () => {
  const { drizzle } = await import('drizzle-orm/node-postgres');
  const tdb = withTenancy(drizzle({ client: pool }), { relations }).forTenant(a);
  // @ts-expect-error: it has none
  await expect(tdb.batch([tdb.select().from(projects)])).rejects.toThrow(/^Use transaction\(\) in place of batch/);
});
