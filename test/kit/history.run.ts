/**
 * A history of 40 migrations with `online`, while rows are read and written: RUN=history npx vitest run, on PostgreSQL
 * and with CITUS_URL (an empty database) on Citus, where it is distributed on the way and gets more shards twice,
 * between them a third worker (CITUS_THIRD=host:port, of a node with the same database) and a rebalance.
 * After each migration nothing is left, and an empty database that gets all of them at once looks the same.
 */
import { spawn } from 'node:child_process';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { sql as raw } from 'drizzle-orm';
import { bigint, check, index, integer, text, unique } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import { tenancy, tenantTable } from '../../src/index.js';
import { inTransaction, patiently } from '../../src/kit/live/apply.js';
import type { Database as Connection } from '../../src/kit/live/database.js';
import { rebalance } from '../../src/kit/live/cluster.js';
import type { TenancyOptions } from '../../src/kit/index.js';
import { createDatabase } from './database.js';
import { finish, leftBy } from './online.js';
import { History } from './support.js';

const rows = Number(process.env['ROWS'] ?? 50_000);
const length = 40;
const account = tenancy('account', integer);

/** The schema after so many migrations: each eighth does the same to something new. */
function schemaAt(n: number): Record<string, any> {
  const did = (what: number) => Array.from({ length: n + 1 }, (_, k) => k).filter((k) => k % 8 === what);
  const accounts = tenantTable('accounts', { id: account.id().primaryKey(), name: text() });
  const columns: Record<string, any> = {
    accountId: account.id('account_id').references(() => accounts.id),
    id: bigint({ mode: 'number' }).primaryKey(),
    title: text(),
    body: text(),
  };
  for (const k of did(1))
    columns[`c${k}`] = n >= k + 6 ? text(`c${k}`).default('x').notNull() : text(`c${k}`).default('x');
  for (const k of did(3)) columns[`d${k}`] = integer(`d${k}`).notNull().default(k);
  const notes: any = tenantTable(
    'notes',
    columns as any,
    ((t: any) => [
      ...did(2).map((k) =>
        n >= k + 6 ? index(`by_c${k - 1}`).on(t[`c${k - 1}`], t.id) : index(`by_c${k - 1}`).on(t[`c${k - 1}`]),
      ),
      ...did(4).map((k) => unique(`one_d${k - 1}`).on(t[`d${k - 1}`], t.id)),
      ...did(6).map((k) => check(`sane_d${k - 3}`, raw`${t[`d${k - 3}`]} >= 0`)),
    ]) as any,
  );
  const more = did(5).map((k) => {
    const of = {
      accountId: account.id('account_id'),
      id: bigint({ mode: 'number' }).primaryKey(),
      noteId: bigint('note_id', { mode: 'number' }).references(() => notes.id),
    };
    return [`more${k}`, tenantTable(`more${k}`, of as any)] as const;
  });
  return { accounts, notes, ...Object.fromEntries(more) };
}

const load = [
  `UPDATE notes SET body = 'written' WHERE account_id = ACCOUNT AND id = ROW`,
  `SELECT * FROM notes WHERE account_id = ACCOUNT AND id = ROW`,
  `INSERT INTO notes (account_id, id, title, body) VALUES (ACCOUNT, NEW, 'new', 'new')`,
  `SELECT count(*) FROM notes WHERE account_id = ACCOUNT`,
];

async function live(url: string, onCitus: boolean) {
  const sql = postgres(url, { max: 1, onnotice: () => {}, prepare: false });
  const database: Connection = {
    query: (query, values = []) => sql.unsafe(query, values as any[]) as any,
    close: async () => {},
  };
  const shape = async () => ({
    columns: (
      await sql`SELECT table_name, column_name, data_type, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema = 'public'
        AND table_name ~ '^(accounts|notes|more[0-9]+)$' ORDER BY 1, 2`
    ).map((it) => ({ ...it })),
    constraints: (
      await sql`SELECT conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(oid) AS definition
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
        AND conrelid::regclass::text ~ '^(accounts|notes|more[0-9]+)$' ORDER BY 1, 2`
    ).map((it) => ({ ...it })),
    indexes: (
      await sql`SELECT c.relname, i.indisvalid, pg_get_indexdef(c.oid) AS definition FROM pg_index i
        JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid::regclass::text ~ '^(accounts|notes|more[0-9]+)$'
        ORDER BY 1`
    ).map((it) => ({ ...it })),
    places: onCitus
      ? (
          await sql`SELECT table_name::text, citus_table_type, distribution_column, shard_count::int
            FROM citus_tables ORDER BY 1`
        ).map((it) => ({ ...it }))
      : [],
  });
  const tenancyAt = (n: number): TenancyOptions => ({
    online: true,
    citus: !onCitus || n < 10 ? false : { shardCount: n >= length ? 16 : n >= 38 ? 8 : 4 },
  });
  const history = new History();
  const all: (readonly string[])[] = [];
  let child: ReturnType<typeof spawn> | undefined;
  let said = '';
  const begin = Date.now();
  let steps = 0;
  for (let n = 0; n < length; n++) {
    const migration = await history.next({ schema: schemaAt(n), tenancy: tenancyAt(n) });
    all.push(migration);
    await patiently(
      () => inTransaction(database, migration),
      () => {},
    );
    const done = await finish(database, history, history.left);
    steps += done.length;
    expect(await leftBy(database, history, history.left)).toEqual([]);
    if (n > 0) continue;
    await sql.unsafe(`INSERT INTO accounts SELECT g, 'a' FROM generate_series(1, 1000) g`);
    await sql.unsafe(
      "INSERT INTO notes SELECT g % 1000 + 1, g, 'title ' || g % 97, repeat('x', 100) " +
        `FROM generate_series(1, ${rows}) g`,
    );
    child = spawn(process.execPath, [join(import.meta.dirname, '../support/writer.mjs'), url, String(rows), ...load]);
    child.stdout!.on('data', (it) => void (said += it));
    child.stderr!.pipe(process.stderr);
  }
  // A node more, while it is written to, and twice as many shards.
  let moves = 0;
  const third = process.env['CITUS_THIRD'];
  if (onCitus && third) {
    const [host, port] = third.split(':');
    await sql`SELECT citus_add_node(${host!}, ${Number(port)})`;
    moves = await rebalance(database, { online: true, fallback() {}, progress() {} });
    expect(await leftBy(database, history)).toEqual([]);
  }
  if (onCitus) {
    const migration = await history.next({ schema: schemaAt(length - 1), tenancy: tenancyAt(length) });
    all.push(migration);
    await patiently(
      () => inTransaction(database, migration),
      () => {},
    );
    steps += (await finish(database, history, history.left)).length;
    expect(await leftBy(database, history, history.left)).toEqual([]);
  }
  const ended = new Promise((end) => child!.on('exit', end));
  child!.stdin!.end();
  await ended;
  const [{ count }] = (await sql.unsafe(`SELECT count(*)::int AS count FROM notes WHERE id <= ${rows}`)) as any;
  expect(count).toBe(rows);
  console.log(
    `${all.length} migrations, ${steps} steps, ${moves} moves, ${((Date.now() - begin) / 1000).toFixed(0)} ` +
      `s, load ${loadavg()[0]!.toFixed(1)}: ${said}`,
  );
  expect(JSON.parse(said).errors).toEqual({});
  const grown = await shape();
  await sql.unsafe(`DROP TABLE ${Object.keys(schemaAt(length)).join(', ')} CASCADE`);
  for (const statements of all) await inTransaction(database, statements);
  expect(await leftBy(database, history)).toEqual([]);
  expect(await shape()).toEqual(grown);
  await sql.end();
}

describe('a history of 40 migrations', { timeout: 3_600_000 }, () => {
  test('on PostgreSQL', async () => {
    const made = await createDatabase();
    await live(made.url(), false).finally(() => made.drop());
  });
  test.skipIf(!process.env['CITUS_URL'])('on Citus', () => live(process.env['CITUS_URL']!, true));
});
