/**
 * `tenancy.online` on PostgreSQL: an apply that is killed after each statement, what a stopped build leaves, locks, and
 * an empty database.
 */
import { bigint, check, index, integer, text, unique, uuid } from 'drizzle-orm/pg-core';
import { sql as raw } from 'drizzle-orm';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tenancy, tenantTable } from '../../src/index.js';
import { applySteps } from '../../src/kit/live/apply.js';
import { readColumns } from '../../src/kit/live/columns.js';
import type { Database as Connection } from '../../src/kit/live/database.js';
import { planSteps } from '../../src/kit/live/plan.js';
import { readLive } from '../../src/kit/live/read.js';
import type { TenancyOptions } from '../../src/kit/index.js';
import { createDatabase, type Database } from './database.js';
import { finish, leftBy } from './online.js';
import { History } from './support.js';

const account = tenancy('account', integer);
const online: TenancyOptions = { citus: false, online: true };
const accounts = tenantTable('accounts', { id: account.id().primaryKey(), name: text() });
const before = () => ({
  accounts,
  notes: tenantTable(
    'notes',
    { accountId: account.id('account_id'), id: bigint({ mode: 'number' }).primaryKey(), title: text(), body: text() },
    (t) => [index('notes_title').on(t.title)],
  ),
});
const after = () => {
  const columns = {
    accountId: account.id('account_id').references(() => accounts.id),
    id: bigint({ mode: 'number' }).primaryKey(),
    title: text().notNull(),
    body: text(),
    code: uuid().notNull().defaultRandom(),
  };
  return {
    accounts,
    notes: tenantTable('notes', columns, (t) => [
      index('notes_title').on(t.title, t.id),
      index('notes_body').on(t.body),
      unique('notes_code').on(t.code),
      check('notes_short', raw`length(${t.body}) < 1000`),
    ]),
  };
};
const rows = 2_500;
const silent = { start() {}, tick() {}, end() {} };

let made: Database;
let sql: postgres.Sql;
let database: Connection;
beforeAll(async () => {
  made = await createDatabase();
  sql = postgres(made.url(), { max: 1, onnotice: () => {}, prepare: false });
  database = { query: (query, values = []) => sql.unsafe(query, values as any[]) as any, close: async () => {} };
}, 60_000);
afterAll(async () => {
  await sql?.end();
  await made?.drop();
}, 60_000);

let history: History;
const run = (statements: readonly string[]) =>
  sql.begin(async (tx) => {
    for (const statement of statements) await tx.unsafe(statement);
  });
const clear = async () => {
  await sql.unsafe('DROP SCHEMA public CASCADE; CREATE SCHEMA public;');
  history = new History();
  await run(await history.next({ schema: before(), tenancy: online }));
};
/** All that a catalog says about the tables. */
const shape = async () => ({
  columns: (
    await sql`SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
      WHERE table_schema = 'public' ORDER BY 1, 2`
  ).map((it) => ({ ...it })),
  constraints: (
    await sql`SELECT conname, contype, convalidated, pg_get_constraintdef(oid) AS definition FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace AND contype <> 'n' ORDER BY 1`
  ).map((it) => ({ ...it })),
  indexes: (
    await sql`SELECT c.relname, i.indisvalid, pg_get_indexdef(c.oid) AS definition FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1`
  ).map((it) => ({ ...it })),
});

describe('online', { timeout: 60_000 }, () => {
  let scratch: Awaited<ReturnType<typeof shape>>;
  beforeEach(async () => {
    if (!scratch) {
      await clear();
      await run(await history.next({ schema: after(), tenancy: online }));
      scratch = await shape();
    }
    await clear();
    await sql.unsafe(
      "INSERT INTO accounts SELECT g, 'a' FROM generate_series(1, 10) g; INSERT INTO notes " +
        `SELECT g % 10 + 1, g, 'title', 'body' FROM generate_series(1, ${rows}) g`,
    );
  });

  test('in an empty database the migration does all of it, and leaves nothing', async () => {
    await clear();
    await run(await history.next({ schema: after(), tenancy: online }));
    expect(await leftBy(database, history, history.left)).toEqual([]);
    expect(scratch.constraints.filter((it) => !it['convalidated'])).toEqual([]);
  });

  test('with rows it leaves them as they were, and new rows are held to the new keys and checks at once', async () => {
    await run(await history.next({ schema: after(), tenancy: online }));
    const steps = await leftBy(database, history, history.left);
    expect(steps.map((it) => it.what)).toEqual([
      'notes: code of older rows filled in, batch by batch',
      'notes: title NOT NULL',
      'notes: code NOT NULL',
      'notes: an index for the unique constraint notes_code, built beside',
      'notes: with the unique constraint notes_code',
      'notes: the foreign key notes_account_id_accounts_id_fkey checked',
      'notes: with the index notes_title as the schema has it',
      'notes: with the index notes_body',
      'notes: the check notes_short looked at for older rows',
    ]);
    await expect(sql`INSERT INTO notes (account_id, id) VALUES (99, -1)`).rejects.toThrow(
      'notes_account_id_accounts_id_fkey',
    );
    await expect(sql`INSERT INTO notes (account_id, id, body) VALUES (1, -1, repeat('x', 1000))`).rejects.toThrow(
      'notes_short',
    );
    expect(
      await sql`INSERT INTO notes (account_id, id, title) VALUES (1, -1, 'new') RETURNING code IS NULL AS empty`,
    ).toEqual([{ empty: false }]);
  });

  test('an apply that is killed after each statement goes on with the next one', async () => {
    await run(await history.next({ schema: after(), tenancy: online }));
    let [killed, open] = [0, false];
    // A lost connection takes the open transaction along: what stays is what was committed.
    const dying: Connection = {
      ...database,
      query: async (query, values) => {
        const result = await database.query<any>(query, values);
        open = query.startsWith('BEGIN') || (open && !/^(?:COMMIT|ROLLBACK)$/.test(query));
        if (open || /^(?:SELECT|SET|RESET|ROLLBACK)\b/.test(query)) return result;
        killed++;
        throw new Error('killed');
      },
    };
    for (;;) {
      const steps = await leftBy(database, history, history.left);
      if (steps.length === 0) break;
      expect(killed).toBeLessThan(60);
      await applySteps(dying, steps, silent).catch((error) => expect(error.message).toContain('killed'));
    }
    expect(killed).toBeGreaterThan(15);
    expect(await shape()).toEqual(scratch);
    expect(await sql`SELECT count(*)::int AS rows, count(DISTINCT code)::int AS codes FROM notes`).toEqual([
      { rows, codes: rows },
    ]);
  });

  test('tells how many rows are done, and that of new ones without a value', async () => {
    await run(await history.next({ schema: after(), tenancy: online }));
    const [fill] = await leftBy(database, history, history.left);
    const told: unknown[] = [];
    let ticks = 0;
    await applySteps(database, [fill!], { ...silent, tick: (_, __, rows) => void told.push(rows) });
    await sql`UPDATE notes SET code = NULL WHERE id > 2000`;
    // A tick comes every few seconds: here with each wait for a lock.
    const waiting: Connection = {
      ...database,
      query: (query, values) =>
        query.startsWith('UPDATE') && ticks++ === 0
          ? Promise.reject(Object.assign(new Error('locked'), { code: '55P03' }))
          : database.query(query, values),
    };
    await applySteps(waiting, [fill!], { ...silent, tick: (_, __, rows) => void told.push(rows) });
    expect(told).toEqual([{ done: 0, total: 500 }]);
  });

  test.each(['notes_title_new', 'notes_body', 'notes_code_new'])(
    'a build that was stopped left %s invalid: it goes, and is built anew',
    async (name) => {
      await run(await history.next({ schema: after(), tenancy: online }));
      await sql`UPDATE notes SET code = '00000000-0000-4000-8000-00000000000a' WHERE id < 3`;
      await expect(
        sql.unsafe(`CREATE UNIQUE INDEX CONCURRENTLY ${name} ON notes (account_id, title)`),
      ).rejects.toThrow();
      await sql`UPDATE notes SET code = NULL`;
      await finish(database, history, history.left);
      expect(await shape()).toEqual(scratch);
    },
  );

  test('a lock that is not to be had: whose it is, nothing lost, and writers do not wait behind it', async () => {
    await run(await history.next({ schema: after(), tenancy: online }));
    const holder = postgres(made.url(), { max: 1, onnotice: () => {} });
    const writer = postgres(made.url(), { max: 1, onnotice: () => {} });
    const before = await shape();
    const steps = (await leftBy(database, history, history.left)).filter((it) => it.what === 'notes: title NOT NULL');
    await writer`SELECT 1`;
    await holder.begin(async (tx) => {
      await tx`SELECT FROM notes LIMIT 1`;
      const failed = applySteps(database, steps, silent, undefined, 2).catch((error) => error);
      const begin = Date.now();
      await writer`UPDATE notes SET body = 'written' WHERE account_id = 1 AND id = 10`;
      expect(Date.now() - begin).toBeLessThan(5_000);
      const error = await failed;
      expect([error._tag, error.message]).toEqual([
        'DatabaseStateError',
        expect.stringMatching(
          new RegExp(
            '^Run apply again when the transactions that hold notes have ended ' +
              '\\(pid \\d+, \\d+ s, SELECT FROM notes LIMIT 1\\): step 1 of 1 failed',
          ),
        ),
      ]);
    });
    expect(await shape()).toEqual(before);
    await Promise.all([holder.end(), writer.end()]);
    await finish(database, history, history.left);
    expect(await shape()).toEqual(scratch);
  });

  test('rows without a value, that are alike, or that break a check: named with a query that finds them', async () => {
    const stricter = () => ({
      ...after(),
      notes: tenantTable(
        'notes',
        {
          accountId: account.id('account_id').references(() => accounts.id),
          id: bigint({ mode: 'number' }).primaryKey(),
          title: text().notNull(),
          body: text(),
          code: uuid().notNull().defaultRandom(),
          kind: text().notNull(),
        },
        (t) => [check('notes_short', raw`length(${t.body}) < 1000`)],
      ),
    });
    await sql`UPDATE notes SET title = NULL WHERE id = 7`;
    await sql`UPDATE notes SET body = repeat('x', 1000) WHERE id = 8`;
    await run(await history.next({ schema: stricter(), tenancy: online }));
    const look = (await leftBy(database, history, history.left)).filter((it) => it.what.includes('the check'));
    await expect(applySteps(database, look, silent)).rejects.toThrow(
      'Correct the rows that SELECT * FROM "notes" WHERE NOT (',
    );
    await expect(finish(database, history, history.left)).rejects.toThrow(
      'Correct the rows of notes that break a check or a key of the migration',
    );
    await sql`UPDATE notes SET body = 'short' WHERE id = 8`;
    await expect(finish(database, history, history.left)).rejects.toThrow(
      'Write the update that sets kind of every row of notes into "updates" of its online.json, such ' +
        'as UPDATE "notes" SET "kind" = ... WHERE "notes"."kind" IS NULL. 2,500 rows have none',
    );
    const left = {
      ...history.left!,
      fills: history.left!.fills.map((it) =>
        it.column === 'kind'
          ? { ...it, updates: [`UPDATE "notes" SET "kind" = 'plain' WHERE "notes"."kind" IS NULL`] }
          : it,
      ),
    };
    await expect(finish(database, history, left)).rejects.toThrow(
      'Fill in title of the rows that SELECT * FROM "notes" WHERE "title" IS NULL finds, and run apply again',
    );
    await sql`UPDATE notes SET title = 'found' WHERE id = 7`;
    await finish(database, history, left);
    expect(await sql`SELECT count(*)::int AS plain FROM notes WHERE kind = 'plain'`).toEqual([{ plain: rows }]);
  });
});

test('a table of another kind with forced policies goes to its place by a role that sees every row', async () => {
  await sql.unsafe('DROP SCHEMA public CASCADE; CREATE SCHEMA public;');
  const placed = new History();
  await run(
    await placed.next({ schema: { accounts }, tenancy: { citus: { shardCount: 4 }, online: true, rls: true } }),
  );
  const live = await readLive(database);
  const tables = new Map([...live.tables].map(([key, it]) => [key, { ...it, kind: 'reference' as const }]));
  expect([...tables.values()].map((it) => it.forced)).toEqual([true]);
  const left = { fills: [], drops: [], columns: await readColumns(database), blockWrites: false };
  const steps = planSteps(placed.state!, placed.entities, { ...live, citus: '13.2', tables }, [], undefined, left);
  expect(steps.find((it) => it.alone)?.precondition?.query).toContain('row_security_active');
});
