/** The migrations of each change on plain PostgreSQL and on PGlite, where their Citus part does nothing. */
import type { PGlite } from '@electric-sql/pglite';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changes, written, type Change } from './changes.js';
import { createDatabase, type Database } from './database.js';
import { citus, History } from './support.js';
import { createPglite } from '../support/pglite.js';

interface Engine {
  query(text: string): Promise<Record<string, unknown>[]>;
  transaction(statements: readonly string[]): Promise<void>;
}

async function runThrough(engine: Engine, change: Change) {
  const history = new History();
  await engine.transaction(await history.next({ schema: change.before(), tenancy: change.tenancyBefore ?? citus }));
  for (const insert of change.rows) await engine.query(insert);
  const statements = await history.next({
    schema: change.after(),
    hints: change.hints,
    tenancy: change.tenancyAfter ?? change.tenancyBefore ?? citus,
  });
  if (change.write) await expect(engine.transaction(statements)).rejects.toThrow('Fill in the tenant of every row of');
  await engine.transaction(written(statements, change));
  for (const [query, value] of change.expect)
    expect([query, Object.values((await engine.query(query))[0]!)[0]]).toEqual([query, value]);
  await engine.transaction(statements.filter((it) => it.startsWith('-- Citus:')));
}

const empty = 'DROP SCHEMA IF EXISTS app CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;';

describe('on PostgreSQL', { timeout: 30_000 }, () => {
  let database: Database;
  let admin: postgres.Sql;
  beforeAll(async () => {
    database = await createDatabase();
    admin = postgres(database.url(), { max: 1, onnotice: () => {} });
  }, 60_000);
  afterAll(async () => {
    await admin?.end();
    await database?.drop();
  }, 60_000);

  for (const change of changes) {
    it(change.name, async () => {
      await admin.unsafe(empty);
      await runThrough(
        {
          query: (text) => admin.unsafe(text) as any,
          transaction: async (statements) => {
            await admin.begin(async (tx) => {
              for (const statement of statements) await tx.unsafe(statement);
            });
          },
        },
        change,
      );
    });
  }
});

describe('on PGlite', { timeout: 30_000 }, () => {
  let db: PGlite;
  beforeAll(async () => {
    db = await createPglite();
  }, 60_000);
  afterAll(() => db?.close());

  for (const change of changes) {
    it(change.name, async () => {
      await db.exec(empty);
      await runThrough(
        {
          query: async (text) => (await db.query<Record<string, unknown>>(text)).rows,
          transaction: (statements) =>
            db.transaction(async (tx) => {
              for (const statement of statements) await tx.query(statement);
            }),
        },
        change,
      );
    });
  }
});
