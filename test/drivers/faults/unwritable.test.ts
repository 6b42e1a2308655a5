/** Statements that postgres.js finds out it cannot write while it writes them, behind others on one connection. */
import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withTenancy } from '../../../src/index.js';
import { asRole } from '../../support/rls.js';
import { faultyDatabase, notes, one, relations } from './faults.js';

const database = faultyDatabase();

describe.each([{ rls: true }, { rls: false }])('rls: $rls', ({ rls }) => {
  let client: postgres.Sql;
  let tdb: any;
  beforeEach(async () => {
    client = postgres(rls ? asRole(database.url) : database.url, { max: 1, onnotice: () => {} });
    tdb = withTenancy(drizzle({ client }), { relations, rls }).forTenant(one);
    // From its third run on, a text is prepared, and its values are written with it.
    for (let i = 0; i < 3; i++) await body(1);
  });
  afterEach(() => client.end({ timeout: 1 }));
  const body = (id: any, handle: any = tdb) => handle.execute(sql`select body from ${notes} where id = ${id}`);
  /** What has no text. */
  const unwritable = () => Object.assign(Object.create(null), { id: 1 });
  /** Others' statements, which are sent at once, down the same connection. */
  const others = () =>
    [1, 2, 3].map((n) =>
      client.unsafe(`select ${n} as n, pg_sleep(0.01)`).then(
        ([row]) => row!.n,
        (error) => error,
      ),
    );
  const outcome = (statement: PromiseLike<any>) =>
    statement.then(
      (rows) => rows,
      (error: any) => (error.cause ?? error).code ?? 'failed',
    );
  const isWell = async () => {
    for (let i = 0; i < 3; i++) expect(await body(1)).toEqual([{ body: 'first' }]);
    expect(
      await database.admin`select state from pg_stat_activity where datname = current_database()
        and state like 'idle in transaction%'`,
    ).toEqual([]);
  };

  test.each([
    ['a value that has no text', () => body(unwritable()), 'failed'],
    [
      'a value that is none',
      () =>
        tdb
          .select()
          .from(notes)
          .where(eq(notes.id, undefined as any)),
      'UNDEFINED_VALUE',
    ],
    [
      'too many values',
      () => tdb.insert(notes).values(Array.from({ length: 22_000 }, (_, i) => ({ id: i, body: 'x', seen: 'x' }))),
      'MAX_PARAMETERS_EXCEEDED',
    ],
  ])('%s fails its own statement, and no other', async (_, statement, code) => {
    const before = others();
    const failing = outcome(statement());
    const behind = [outcome(body(1)), outcome(statement()), outcome(body(1))];
    expect(await Promise.all(before)).toEqual([1, 2, 3]);
    expect(await failing).toBe(code);
    expect(await Promise.all(behind)).toEqual([[{ body: 'first' }], code, [{ body: 'first' }]]);
    await isWell();
  });

  test('in a transaction, what is sent with it is undone', async () => {
    const id = rls ? 2 : 3;
    const transaction = tdb.transaction(async (tx: any) => {
      await tx.insert(notes).values({ id });
      await Promise.all([body(1, tx), body(unwritable(), tx), body(unwritable(), tx), body(1, tx)]);
    });
    expect(await outcome(transaction)).toBe('failed');
    expect(await database.rows()).toEqual(['1/1 first', '2/1 first']);
    await isWell();
  });
});
