/**
 * `drizzle-tenant indexes`: builds before the migration, and what an interrupted build leaves. On Citus too, with
 * CITUS_URL.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { index, text, uuid } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tenancy, tenantTable, unscoped } from '../../src/index.js';
import type { ReadConfig } from '../../src/kit/options.js';
import { buildIndexes } from '../../src/kit/live/prebuild.js';
import { joinStatements } from '../../src/kit/statements.js';
import { createDatabase, type Database } from './database.js';
import { History } from './support.js';

const account = tenancy('account', uuid);
const a = '00000000-0000-4000-8000-00000000000a';
const notes = (extra: (t: any) => any[]) =>
  tenantTable(
    'notes',
    { accountId: account.id('account_id'), id: uuid().primaryKey(), title: text(), body: text() },
    extra,
  );
const before = () => ({ notes: notes((t) => [unscoped(index('notes_title').on(t.title))]) });
const after = () => ({
  notes: notes((t) => [index('notes_title').on(t.title), index('notes_body').on(t.body).concurrently()]),
});
const citusUrl = process.env['CITUS_URL'];

function suite(open: () => Promise<string>, close: () => Promise<void>) {
  let sql: postgres.Sql;
  let out: string;
  let migration: string[];
  const database = {
    query: (query: string, values: readonly unknown[] = []) => sql.unsafe(query, values as any[]) as any,
    close: async () => {},
  };
  const build = () => buildIndexes(database, { out, config: {} } as unknown as ReadConfig, () => {});
  const migrate = () =>
    sql.begin(async (tx) => {
      for (const statement of migration) await tx.unsafe(statement);
    });
  const indexes = async () =>
    (
      await sql`select indexrelid::regclass::text as name, indisvalid as valid from pg_index
        where indrelid = 'notes'::regclass order by 1`
    ).map((it) => `${it.name}${it.valid ? '' : ' INVALID'}`);
  const columns = async () =>
    (
      await sql`select indexdef from pg_indexes where tablename = 'notes'
        and indexname in ('notes_title', 'notes_body') order by 1`
    ).map((it) => it.indexdef.replace(/.*\(/, '('));

  beforeAll(async () => {
    sql = postgres(await open(), { max: 1, onnotice: () => {}, prepare: false });
    out = mkdtempSync(join(tmpdir(), 'prebuild-'));
  }, 60_000);
  afterAll(async () => {
    await sql?.unsafe('drop table if exists notes');
    await sql?.end();
    rmSync(out, { recursive: true, force: true });
    await close();
  }, 60_000);
  beforeEach(async () => {
    await sql.unsafe('drop table if exists notes');
    const history = new History();
    const first = await history.next({ schema: before() });
    await sql.begin(async (tx) => {
      for (const statement of first) await tx.unsafe(statement);
    });
    await sql`insert into notes select ${a}, gen_random_uuid(), 'same', 'same' from generate_series(1, 10)`;
    migration = await history.next({ schema: after() });
    const path = join(out, '20260101000000_indexes');
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'migration.sql'), joinStatements(migration, true));
    writeFileSync(join(path, 'snapshot.json'), JSON.stringify({ id: 'x', prevIds: [], version: '9', ddl: [] }));
  });

  test('the migration alone', async () => {
    await migrate();
    expect(await indexes()).toEqual(['notes_body', 'notes_pkey', 'notes_title']);
    expect(await columns()).toEqual(['(account_id, body)', '(account_id, title)']);
  });

  test('builds each, and the migration finds them', async () => {
    expect((await build()).map((it) => [it.index, it.result])).toEqual([
      ['notes_title', 'built'],
      ['notes_body', 'built'],
    ]);
    expect(await indexes()).toEqual(['notes_body', 'notes_pkey', 'notes_title', 'notes_title_old']);
    expect((await build()).map((it) => it.result)).toEqual(['stands', 'stands']);
    await migrate();
    expect(await indexes()).toEqual(['notes_body', 'notes_pkey', 'notes_title']);
    expect(await columns()).toEqual(['(account_id, body)', '(account_id, title)']);
  });

  test.each(['notes_title_new', 'notes_body_new', 'notes_body'])(
    'an interrupted build left %s invalid: the migration stops with the way on',
    async (name) => {
      // A unique index that cannot be, since the values are not, is left invalid like one that was interrupted.
      await expect(
        sql.unsafe(`create unique index concurrently ${name} on notes (account_id, title)`),
      ).rejects.toThrow();
      expect(await indexes()).toContain(`${name} INVALID`);
      await expect(migrate()).rejects.toThrow(
        'Run "npx drizzle-tenant indexes", which finishes it, and then the migration again. ' +
          `Nothing was changed: a concurrent build was interrupted, and left ${name}.`,
      );
      expect((await build()).map((it) => it.result)).toEqual(['built', 'built']);
      await migrate();
      expect(await indexes()).toEqual(['notes_body', 'notes_pkey', 'notes_title']);
      expect(await columns()).toEqual(['(account_id, body)', '(account_id, title)']);
    },
  );

  test('leaves to the migration what it cannot build yet', async () => {
    writeFileSync(
      join(out, '20260101000000_indexes', 'migration.sql'),
      joinStatements(
        [
          'CREATE INDEX IF NOT EXISTS "x" ON "absent" ("a");',
          'CREATE INDEX IF NOT EXISTS "y" ON "notes" ("absent");',
          'CREATE UNIQUE INDEX IF NOT EXISTS "z" ON "notes" ("account_id","id");',
        ],
        true,
      ),
    );
    expect((await build()).map((it) => [it.index, it.result, it.reason])).toEqual([
      ['x', 'left', 'the migration makes or renames its table first'],
      ['y', 'left', 'the migration adds one of its columns first'],
      ['z', 'left', 'a unique index has to hold from the migration on, and not before'],
    ]);
    expect(await indexes()).toEqual(['notes_pkey', 'notes_title']);
  });
}

describe('on PostgreSQL', () => {
  let database: Database;
  suite(
    async () => {
      database = await createDatabase();
      return database.url();
    },
    () => database?.drop(),
  );
});

describe.skipIf(!citusUrl)('on Citus (skipped without CITUS_URL)', () =>
  suite(
    async () => citusUrl!,
    async () => {},
  ),
);
