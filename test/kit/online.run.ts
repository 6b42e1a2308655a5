/**
 * How long a writer waits while migrations with `online` run over many rows: RUN=online npx vitest run, with ROWS for
 * another number than 2 million, and CITUS_URL for Citus too. Prints figures, and asserts that every row is there.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { bigint, check, index, integer, text, unique, uuid } from 'drizzle-orm/pg-core';
import { sql as raw } from 'drizzle-orm';
import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import { tenancy, tenantTable } from '../../src/index.js';
import { applySteps, inTransaction, patiently } from '../../src/kit/live/apply.js';
import type { Database as Connection } from '../../src/kit/live/database.js';
import type { TenancyOptions } from '../../src/kit/index.js';
import { createDatabase } from './database.js';
import { leftBy } from './online.js';
import { History } from './support.js';

const rows = Number(process.env['ROWS'] ?? 2_000_000);
const account = tenancy('account', integer);
const first = () => {
  const accounts = tenantTable('accounts', { id: account.id().primaryKey(), name: text() });
  const notes = tenantTable('notes', {
    accountId: account.id('account_id'),
    id: bigint({ mode: 'number' }).primaryKey(),
    title: text(),
    body: text(),
  });
  return { accounts, notes };
};
/** On Citus without a value that differs for each row, which it takes in no UPDATE. */
const second = (onCitus: boolean) => {
  const { accounts } = first();
  const columns = {
    accountId: account.id('account_id').references(() => accounts.id),
    id: bigint({ mode: 'number' }).primaryKey(),
    title: text().notNull(),
    body: text(),
    code: onCitus ? uuid() : uuid().notNull().defaultRandom(),
  };
  const notes = tenantTable('notes', columns, (t) => [
    index('notes_title').on(t.title),
    unique('notes_code').on(t.code),
    check('notes_body', raw`length(${t.body}) < 1000`),
  ]);
  return { accounts, notes };
};

const write = [
  `UPDATE notes SET body = 'written' WHERE account_id = ACCOUNT AND id = ROW`,
  `INSERT INTO notes (account_id, id, title, body) VALUES (ACCOUNT, NEW, 'new', 'new')`,
];

/** Writes to one row of a table that Citus holds: the tenant and the key are literals. */
function writer(url: string): { stop: () => Promise<any> } {
  const child = spawn(process.execPath, [
    join(import.meta.dirname, '../support/writer.mjs'),
    url,
    String(rows),
    ...write,
  ]);
  let text = '';
  child.stdout.on('data', (it) => void (text += it));
  child.stderr.pipe(process.stderr);
  const end = new Promise<any>((done, failed) =>
    child.on('exit', (code) => (code === 0 ? done(JSON.parse(text)) : failed(new Error(text)))),
  );
  return { stop: () => (child.stdin.end(), end) };
}

async function measure(url: string, tenancies: readonly [TenancyOptions, TenancyOptions, TenancyOptions]) {
  const sql = postgres(url, { max: 1, onnotice: () => {}, prepare: false });
  const database: Connection = {
    query: (text, values = []) => sql.unsafe(text, values as any[]) as any,
    close: async () => {},
  };
  const history = new History();
  await inTransaction(database, await history.next({ schema: first(), tenancy: tenancies[0] }));
  await sql.unsafe(`INSERT INTO accounts SELECT g, 'a' FROM generate_series(1, 1000) g`);
  await sql.unsafe(
    `INSERT INTO notes SELECT g % 1000 + 1, g, 'title ' || g % 97, repeat('x', 100) FROM generate_series(1, ${rows}) g`,
  );
  await sql.unsafe('ANALYZE');
  const alone = writer(url);
  await new Promise((done) => setTimeout(done, 8_000));
  console.log('nothing else:', JSON.stringify(await alone.stop()));
  const onCitus = tenancies[2].citus !== false;
  const distributed = onCitus ? [[first(), tenancies[1]] as const] : [];
  for (const [schema, tenancy] of [...distributed, [second(onCitus), tenancies[2]] as const]) {
    const { stop } = writer(url);
    await new Promise((done) => setTimeout(done, 1_000));
    const begin = Date.now();
    const migration = await history.next({ schema, tenancy });
    await patiently(
      () => inTransaction(database, migration),
      () => {},
    );
    for (let round = 0; ; round++) {
      const steps = await leftBy(database, history, history.left);
      if (steps.length === 0 || round > 4) break;
      await applySteps(database, steps, {
        start: (it) => console.log(new Date().toISOString().slice(11, 23), it.what),
        tick() {},
        end() {},
      });
    }
    expect(await leftBy(database, history, history.left)).toEqual([]);
    console.log(
      `${((Date.now() - begin) / 1000).toFixed(1)} s, load ${(await import('node:os')).loadavg()[0]!.toFixed(1)}:`,
      JSON.stringify(await stop()),
    );
  }
  const [{ count }] = (await sql.unsafe(`SELECT count(*)::int AS count FROM notes WHERE id <= ${rows}`)) as any;
  expect(count).toBe(rows);
  await sql.end();
}

const plain: TenancyOptions = { citus: false, online: true };

describe('the longest wait of a writer', { timeout: 3_600_000 }, () => {
  test('on PostgreSQL', async () => {
    const made = await createDatabase();
    await measure(made.url(), [plain, plain, plain]).finally(() => made.drop());
  });
  test.skipIf(!process.env['CITUS_URL'])('on Citus, distributed on the way', async () => {
    const citus: TenancyOptions = { citus: { shardCount: 8 }, online: true };
    await measure(process.env['CITUS_URL']!, [plain, citus, citus]);
  });
});
