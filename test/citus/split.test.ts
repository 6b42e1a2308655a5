/** More shards by cutting those that are there, on a real Citus: while rows are written, and nothing is dropped. */
import { bigint, foreignKey, uuid } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applySteps } from '../../src/kit/live/apply.js';
import type { Database } from '../../src/kit/live/database.js';
import { planSteps } from '../../src/kit/live/plan.js';
import { readLive } from '../../src/kit/live/read.js';
import { tenancy, tenantTable } from '../../src/schema/index.js';
import { finish, leftBy } from '../kit/online.js';
import { History } from '../kit/support.js';

const url = process.env['CITUS_URL'];
const silent = { start() {}, tick() {}, end() {} };

describe.skipIf(!url)('on Citus', { timeout: 60_000 }, () => {
  let sql: postgres.Sql;
  let database: Database;
  const account = tenancy('account', uuid);
  const schema = {
    accounts: tenantTable('accounts', { id: account.id().primaryKey() }),
    notes: tenantTable(
      'notes',
      {
        accountId: account.id('account_id').references((): any => schema.accounts.id),
        id: bigint({ mode: 'number' }).primaryKey().generatedByDefaultAsIdentity(),
        up: bigint({ mode: 'number' }),
      },
      (t) => [foreignKey({ columns: [t.up], foreignColumns: [t.id] })],
    ),
  };
  const history = new History();
  const at = (shardCount: number) => ({
    schema,
    tenancy: { citus: { shardCount }, online: true },
  });
  beforeAll(async () => {
    sql = postgres(url!, { max: 2, onnotice: () => {} });
    database = { query: (text, values = []) => sql.unsafe(text, values as any[]) as any, close: async () => {} };
    await sql.unsafe('DROP FUNCTION IF EXISTS f CASCADE');
    const tables = await sql`SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`;
    if (tables.length > 0) await sql.unsafe(`DROP TABLE ${tables.map((it) => it['name']).join(', ')} CASCADE`);
    const first = await history.next(at(2));
    await sql.begin((tx) => Promise.all(first.map((it) => tx.unsafe(it))));
    await sql`INSERT INTO accounts SELECT gen_random_uuid() FROM generate_series(1, 50)`;
    await sql`INSERT INTO notes (account_id) SELECT id FROM accounts`;
    await sql.unsafe('CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM notes; END');
    await sql.unsafe(
      `COMMENT ON TABLE notes IS 'kept'; CREATE VIEW v AS SELECT * FROM notes; GRANT SELECT ON v TO pg_monitor`,
    );
  });
  afterAll(async () => {
    await sql?.unsafe('DROP FUNCTION IF EXISTS f; DROP VIEW IF EXISTS v');
    await sql?.end();
  });
  const ranges = async () =>
    (
      await sql`SELECT logicalrelid::text || ' ' || string_agg(shardmaxvalue, ' ' ORDER BY shardmaxvalue::int) AS r
        FROM pg_dist_shard WHERE logicalrelid::text IN ('accounts', 'notes') GROUP BY logicalrelid ORDER BY 1`
    ).map((it) => it['r']);

  it('cuts one shard after the other, under a writer, and goes on after a run that stopped', async () => {
    const more = await history.next(at(4));
    await sql.begin((tx) => Promise.all(more.map((it) => tx.unsafe(it))));
    const steps = await leftBy(database, history, history.left);
    expect(steps.map((it) => it.what)).toEqual([
      'accounts and the tables beside it: shard 1 of 2 cut into 2, while it is written to',
      'accounts and the tables beside it: shard 2 of 2 cut into 2, while it is written to',
    ]);
    let written = 0;
    let isOver = false;
    const writer = (async () => {
      const [{ id }] = (await sql`SELECT id FROM accounts LIMIT 1`) as any;
      while (!isOver) {
        await sql`INSERT INTO notes (account_id) VALUES (${id})`;
        await sql`UPDATE notes SET up = NULL WHERE account_id = ${id}`;
        written++;
        await new Promise((done) => setTimeout(done, 10));
      }
    })();
    await applySteps(database, steps.slice(0, 1), silent);
    expect(await ranges()).toEqual(['accounts -1073741825 -1 2147483647', 'notes -1073741825 -1 2147483647']);
    expect(await finish(database, history, history.left)).toEqual([
      'accounts and the tables beside it: shard 1 of 1 cut into 2, while it is written to',
    ]);
    isOver = true;
    await writer;
    const ends = '-1 -1073741825 1073741823 2147483647'
      .split(' ')
      .sort((a, b) => Number(a) - Number(b))
      .join(' ');
    expect(await ranges()).toEqual([`accounts ${ends}`, `notes ${ends}`]);
    const [found] = await sql`SELECT count(*)::int AS rows, count(DISTINCT id)::int AS ids, f()::int AS f,
        obj_description('notes'::regclass) AS comment,
      has_table_privilege('pg_monitor', 'v', 'SELECT') AS granted FROM notes`;
    expect(found).toEqual({ rows: 50 + written, ids: 50 + written, f: 50 + written, comment: 'kept', granted: true });
    await expect(sql`INSERT INTO notes (account_id) VALUES (gen_random_uuid())`).rejects.toThrow(/foreign key/);
    await expect(sql`UPDATE notes SET up = -1`).rejects.toThrow(/foreign key/);
  });

  it('lets writes to the shard wait where it is told to, and splits anew what cannot be cut', async () => {
    const steps = async (shardCount: number) => {
      const tenancies = { account: { ...history.state!.tenancies['account']!, shardCount } };
      return planSteps({ ...history.state!, tenancies }, history.entities, await readLive(database));
    };
    const cut = await steps(8);
    expect(cut.map((it) => it.what)[3]).toBe(
      'accounts and the tables beside it: shard 4 of 4 cut into 2, writes to it wait',
    );
    await applySteps(database, cut, silent);
    expect(await steps(8)).toEqual([]);
    for (const shardCount of [4, 12])
      expect((await steps(shardCount)).map((it) => it.what)).toEqual([
        `accounts and the tables beside it: over ${shardCount} shards`,
      ]);
  });
});
