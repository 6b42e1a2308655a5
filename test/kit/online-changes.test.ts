/**
 * Each change over time with `online`: the migration alone, then what it left, on PostgreSQL and, with CITUS_URL, on
 * Citus.
 */
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database as Connection } from '../../src/kit/live/database.js';
import type { OnlineSteps } from '../../src/kit/online.js';
import { changes, type Change } from './changes.js';
import { createDatabase, type Database } from './database.js';
import { finish, leftBy } from './online.js';
import { citus, History } from './support.js';

/** What a migration left, with what a person writes into it where nothing tells the tenant of older rows. */
const written = (left: OnlineSteps | undefined, { write }: Change): OnlineSteps | undefined =>
  left && write !== undefined
    ? {
        ...left,
        fills: left.fills.map((it) =>
          write.includes(it.table)
            ? { ...it, updates: [write.replace(/;$/, ` AND ${it.table}.${it.column} IS NULL`)] }
            : it,
        ),
      }
    : left;

const citusUrl = process.env['CITUS_URL'];
const empty = 'DROP SCHEMA IF EXISTS app CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;';

function suite(open: () => Promise<string>, close: () => Promise<void>, onCitus: boolean) {
  let sql: postgres.Sql;
  let database: Connection;
  beforeAll(async () => {
    sql = postgres(await open(), { max: 1, onnotice: () => {}, prepare: false });
    database = { query: (text, values = []) => sql.unsafe(text, values as any[]) as any, close: async () => {} };
  }, 60_000);
  afterAll(async () => {
    await sql?.end();
    await close();
  }, 60_000);
  const run = (statements: readonly string[]) =>
    sql.begin(async (tx) => {
      for (const statement of statements) await tx.unsafe(statement);
    });
  const clear = async () => {
    if (!onCitus) return sql.unsafe(empty);
    await sql.unsafe('DROP SCHEMA IF EXISTS app CASCADE');
    const tables = await sql`SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`;
    if (tables.length > 0) await sql.unsafe(`DROP TABLE ${tables.map((it) => it['name']).join(', ')} CASCADE`);
  };
  const distribution = async () =>
    (
      await sql`SELECT table_name::text || ' ' || CASE citus_table_type
        WHEN 'reference' THEN 'reference' ELSE distribution_column END AS held
        FROM citus_tables WHERE citus_table_type IN ('reference', 'distributed') ORDER BY 1`
    ).map((it) => it['held']);

  for (const change of changes) {
    it(change.name, async () => {
      await clear();
      const history = new History();
      const before = { ...(change.tenancyBefore ?? citus), online: true };
      const after = { ...(change.tenancyAfter ?? change.tenancyBefore ?? citus), online: true };
      await run(await history.next({ schema: change.before(), tenancy: before }));
      expect(await leftBy(database, history)).toEqual([]);
      for (const insert of change.rows) await sql.unsafe(insert);
      await run(await history.next({ schema: change.after(), hints: change.hints, tenancy: after }));
      if (change.write)
        await expect(finish(database, history, history.left)).rejects.toThrow('into "updates" of its online.json');
      await finish(database, history, written(history.left, change));
      for (const [query, value] of change.expect)
        expect([query, Object.values((await sql.unsafe(query))[0]!)[0]]).toEqual([query, value]);
      if (onCitus) expect(await distribution()).toEqual(change.citus);
    }, 60_000);
  }
}

describe('on PostgreSQL', () => {
  let made: Database;
  suite(
    async () => {
      made = await createDatabase();
      return made.url();
    },
    () => made?.drop(),
    false,
  );
});

describe.skipIf(!citusUrl)('on Citus (skipped without CITUS_URL)', () =>
  suite(
    async () => citusUrl!,
    async () => {},
    true,
  ),
);
