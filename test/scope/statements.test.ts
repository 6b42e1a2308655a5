/** What is prepared without being asked to: what comes back, within a bound, and as postgres.js's client says. */
import { eq, inArray, sql } from 'drizzle-orm';
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { Statements } from '../../src/drivers/prepares.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';
import { a, b } from '../support/rows.js';
import { countries, relations, tasks } from '../support/schema.js';

let url: string;
const clients: { end(): Promise<unknown> }[] = [];
beforeAll(async () => void ({ url } = await freshDatabase()));
afterAll(async () => {
  await Promise.all(clients.map((it) => it.end()));
  await dropDatabases();
});

const open = (options: postgres.Options<{}> = {}, more: { prepare?: boolean } = {}) => {
  const client = postgres(url, { max: 1, onnotice: () => {}, ...options });
  clients.push(client);
  return { client, db: withTenancy(drizzle({ client }), { relations, ...more }) };
};
const titles = (tdb: any, id = 2) => tdb.select({ title: tasks.title }).from(tasks).where(eq(tasks.id, id));
/** The statements that the connection keeps. */
const kept = async (client: postgres.Sql): Promise<string[]> =>
  (
    await client.unsafe(
      `select statement from pg_prepared_statements where statement like '%tasks%' order by prepare_time`,
    )
  ).map((it) => it.statement);

describe('on postgres.js', () => {
  test('one statement for all tenants, from its second time on', async () => {
    const { client, db } = open();
    expect(await titles(db.forTenant(a))).toEqual([{ title: 'Build a' }]);
    expect(await kept(client)).toEqual([]);
    expect(await titles(db.forTenant(b))).toEqual([{ title: 'Build b' }]);
    expect(await titles(db.forTenant(a))).toEqual([{ title: 'Build a' }]);
    expect(await titles(db.forTenant(b), 5)).toEqual([{ title: 'secret b' }]);
    expect(await titles(db.forTenant(a), 5)).toEqual([]);
    expect(await kept(client)).toHaveLength(1);
  });

  test('relational queries, counts, writes; nothing in a transaction, which an outdated plan would end', async () => {
    const { client, db } = open();
    for (const id of [a, b, a]) {
      const tdb = db.forTenant(id);
      await tdb.query.tasks.findMany({ where: { id: 2 }, with: { project: true } });
      await tdb.$count(tasks);
      await tdb.update(tasks).set({ points: 1 }).where(eq(tasks.id, 99));
      await tdb.transaction((tx) => titles(tx));
    }
    expect(await kept(client)).toHaveLength(3);
  });

  test('what its client says counts', async () => {
    const { client, db } = open({ prepare: false });
    for (const id of [a, b, a]) await titles(db.forTenant(id));
    expect(await kept(client)).toEqual([]);
  });

  test('an application can do without', async () => {
    const { client, db } = open({}, { prepare: false });
    for (const id of [a, b, a]) await titles(db.forTenant(id));
    expect(await kept(client)).toEqual([]);
  });

  test('a table may change behind a prepared statement', async () => {
    const { client, db } = open();
    const names = () => db.forTenant(a).select({ name: countries.name }).from(countries).where(eq(countries.id, 1));
    for (let i = 0; i < 3; i++) expect(await names()).toEqual([{ name: 'Chile' }]);
    await client.unsafe('alter table countries alter name type varchar(40)');
    expect(await names()).toEqual([{ name: 'Chile' }]);
    await client.unsafe('alter table countries alter name type text');
  });
});

test('on node-postgres only where it is asked for: no client says whether a pooler stands behind it', async () => {
  for (const [prepare, count] of [
    [undefined, 0],
    [true, 1],
  ] as const) {
    const client = new pg.Client(url);
    await client.connect();
    clients.push(client);
    const db = withTenancy(nodePostgres({ client }), { relations, prepare });
    for (const [id, title] of [
      [a, 'Build a'],
      [b, 'Build b'],
      [a, 'Build a'],
    ] as const)
      expect(await titles(db.forTenant(id))).toEqual([{ title }]);
    expect((await client.query('select 1 from pg_prepared_statements')).rowCount).toBe(count);
  }
});

describe('the bound', () => {
  test('lists of many lengths do not fill a connection', async () => {
    const { client, db } = open();
    const tdb = db.forTenant(a);
    for (let round = 0; round < 2; round++) {
      for (let n = 1; n <= 260; n++)
        await tdb
          .select({ id: tasks.id })
          .from(tasks)
          .where(
            inArray(
              tasks.id,
              Array.from({ length: n }, (_, i) => i),
            ),
          );
    }
    expect((await kept(client)).length).toBe(250);
    for (let i = 0; i < 3; i++) expect(await titles(tdb)).toHaveLength(1);
    expect((await kept(client)).length).toBe(250);
  });

  test('what comes once is forgotten, and long texts are left out', () => {
    const statements = new Statements();
    for (let i = 0; i < 5_000; i++) expect(statements.prepares(`select ${i}`)).toBe(false);
    expect(statements.prepares('select 0')).toBe(false);
    expect(statements.prepares('select 0')).toBe(true);
    expect(statements.prepares('select 0')).toBe(true);
    const long = `select ${'x'.repeat(10_000)}`;
    for (let i = 0; i < 3; i++) expect(statements.prepares(long)).toBe(false);
  });
});

test('SQL that is proved first is prepared as well', async () => {
  const { client, db } = open();
  for (const id of [a, b, a])
    await db.forTenant(id).execute(sql`select title from tasks where "accountId" = ${id} and id = ${2}`);
  expect(await kept(client)).toHaveLength(1);
});
