/** A table with partitions, which a person makes of what was generated, and names that PostgreSQL cuts. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { date, index, integer, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { expect, it } from 'vitest';
import { inTransaction } from '../../src/kit/live/apply.js';
import { refusedForeignKeys } from '../../src/kit/live/not-valid.js';
import { buildIndexes } from '../../src/kit/live/prebuild.js';
import { joinStatements } from '../../src/kit/statements.js';
import { tenancy, tenantTable } from '../../src/schema/index.js';
import { createDatabase } from './database.js';
import { finish, leftBy } from './online.js';
import { History } from './support.js';

const account = tenancy('account', uuid);
const long = `a_column_whose_name_has_more_bytes_than_postgresql_keeps_of_a_${'name'}`;

const schema = (isLater: boolean) => {
  const accounts = tenantTable('accounts', { id: account.id().primaryKey() });
  const events = tenantTable(
    'events',
    {
      accountId: account.id('account_id').references(() => accounts.id),
      id: integer(),
      at: date(),
      kind: text(),
      more: text(long),
    },
    (t) => [
      primaryKey({ columns: [t.id, t.at] }),
      ...(isLater
        ? [index('by_kind').on(t.kind), index('by_more').on(t.more), unique('one_kind').on(t.kind, t.at)]
        : [index('by_id').on(t.id)]),
    ],
  );
  return { accounts, events };
};

it.each([false, true])('an index of a table with partitions is built and dropped, with online: %s', async (online) => {
  const database = await createDatabase();
  const sql = postgres(database.url(), { max: 1, onnotice: () => {}, prepare: false });
  const connection = {
    query: (text: string, values: readonly unknown[] = []) => sql.unsafe(text, values as any[]) as any,
    close: async () => {},
  };
  const tenancy = { citus: false as const, online };
  const history = new History();
  const out = mkdtempSync(join(tmpdir(), 'kit-partitions-'));
  try {
    const first = await history.next({ schema: schema(false), tenancy });
    const made = first.map((it) =>
      it.startsWith('CREATE TABLE "events"') ? it.replace(/;\s*$/, ' PARTITION BY RANGE (at);') : it,
    );
    await inTransaction(connection, made);
    await sql.unsafe(`CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')`);
    await finish(connection, history, history.left);

    const hints = ['by_kind', 'by_more'].map((it): any => ({
      type: 'create',
      kind: 'index',
      entity: ['public', 'events', it],
    }));
    const second = await history.next({ schema: schema(true), tenancy, hints });
    mkdirSync(join(out, '20260101000000_x'));
    writeFileSync(
      join(out, '20260101000000_x/snapshot.json'),
      JSON.stringify({ id: 'x', prevIds: [], version: '9', ddl: [] }),
    );
    writeFileSync(
      join(out, '20260101000000_x/migration.sql'),
      'CREATE INDEX IF NOT EXISTS "by_kind" ON "events" ("account_id","kind");',
    );
    expect(await buildIndexes(connection, { out, config: {} } as any, () => {})).toMatchObject([
      { index: 'by_kind', result: 'left', reason: expect.stringContaining('with partitions') },
    ]);
    await inTransaction(connection, second);
    const creates = ['kind', 'more'].map(
      (it) => `CREATE INDEX "by_${it}" ON "events" ("account_id","${it === 'kind' ? it : long}");`,
    );
    const left = history.left ?? { fills: [], drops: [], indexes: creates };
    await finish(connection, history, left);
    expect(await leftBy(connection, history, left)).toEqual([]);

    await sql.unsafe('ALTER TABLE events DROP CONSTRAINT "events_account_id_accounts_id_fkey"');
    await finish(connection, history, left);
    expect(await leftBy(connection, history, left)).toEqual([]);

    await sql.unsafe('DROP INDEX by_kind; CREATE INDEX by_kind ON events (account_id, at)');
    await finish(connection, history, left);
    const names =
      await sql`SELECT indexname, indexdef ~ 'kind\\)' AS kind FROM pg_indexes WHERE tablename = 'events' ORDER BY 1`;
    expect(names.map((it) => [it['indexname'], it['kind']])).toEqual([
      ['by_kind', true],
      ['by_more', false],
      ['events_pkey', false],
      ['one_kind', false],
    ]);
  } finally {
    rmSync(out, { recursive: true });
    await sql.end();
    await database.drop();
  }
});

it('a foreign key from one that PostgreSQL before 18 refuses is named before a migration runs', async () => {
  const database = await createDatabase();
  const sql = postgres(database.url(), { max: 1, onnotice: () => {}, prepare: false });
  const asked = (version: number) => ({
    query: async (text: string, values: readonly unknown[] = []): Promise<any> =>
      text.includes('server_version_num') ? [{ version }] : sql.unsafe(text, values as any[]),
    close: async () => {},
  });
  const tables = (isLater: boolean) => {
    const kinds = tenantTable('kinds', { accountId: account.id('account_id'), id: integer().primaryKey() });
    const kind = () => (isLater ? integer().references(() => kinds.id) : integer());
    const columns = () => ({ accountId: account.id('account_id'), id: integer().primaryKey(), kind: kind() });
    return { kinds, notes: tenantTable('notes', columns()), parted: tenantTable('parted', columns()) };
  };
  const out = mkdtempSync(join(tmpdir(), 'kit-partitions-'));
  try {
    const history = new History();
    await history.next({ schema: tables(false), tenancy: { citus: false, online: true } });
    const later = await history.next({ schema: tables(true), tenancy: { citus: false, online: true } });
    writeFileSync(join(out, 'migration.sql'), joinStatements(later, true));
    await sql.unsafe(`CREATE TABLE notes (account_id uuid, id int, kind int);
      CREATE TABLE parted (account_id uuid, id int, kind int) PARTITION BY LIST (kind)`);
    const migrations = [{ folder: '2_kinds', path: out }];
    expect((await refusedForeignKeys(asked(170_000), migrations)).map((it) => it.message)).toEqual([
      expect.stringMatching(
        /^Take NOT VALID out of 2_kinds\/migration\.sql where it adds the foreign key "parted_\w+" to/,
      ),
    ]);
    expect(await refusedForeignKeys(asked(180_000), migrations)).toEqual([]);
  } finally {
    rmSync(out, { recursive: true });
    await sql.end();
    await database.drop();
  }
});
