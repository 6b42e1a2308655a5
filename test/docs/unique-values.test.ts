/** The recipe of docs/unique-values.md runs, on PostgreSQL and on Citus. */
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { createDatabase, type Database } from '../kit/database.js';
import { statementsOf } from '../schema/support.js';
import { recipe } from './recipe.js';

const it = await recipe('unique-values');
const { account, accounts, subdomains, signUp, accountOf } = it as any;
const citusUrl = process.env.CITUS_URL;

function runs(open: () => Promise<string>, close: () => Promise<void>) {
  let client: postgres.Sql;
  let db: any;
  beforeAll(async () => {
    client = postgres(await open(), { max: 2, onnotice: () => {} });
    await client`drop table if exists accounts, subdomains cascade`;
    await client.begin(async (tx) => {
      for (const statement of await statementsOf({ accounts, subdomains }, { citus: { shardCount: 4 } }))
        await tx.unsafe(statement);
    });
    db = withTenancy(drizzle({ client }));
  }, 60_000);
  afterAll(async () => {
    await client?.unsafe('drop table if exists accounts, subdomains cascade');
    await client?.end();
    await close();
  }, 60_000);

  test('a value is taken once, and finds its tenant', async () => {
    const one = await signUp(db, 'One', 'one');
    const two = await signUp(db, 'Two', 'two');
    await expect(signUp(db, 'Another', 'one')).rejects.toThrow();
    expect(await db.acrossTenants({ reason: 'test' }).$count(accounts)).toBe(2);
    expect(await accountOf(db, 'one')).toBe(one);
    expect(await accountOf(db, 'two')).toBe(two);
    expect(await accountOf(db, 'three')).toBeUndefined();
    expect(account.parse(one)).toBe(one);
  });
}

describe('on PostgreSQL', () => {
  let database: Database;
  runs(
    async () => {
      database = await createDatabase();
      return database.url();
    },
    () => database?.drop(),
  );
});

describe.skipIf(citusUrl === undefined)('on Citus (skipped without CITUS_URL)', () =>
  runs(
    async () => citusUrl!,
    async () => {},
  ),
);
