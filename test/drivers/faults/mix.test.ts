/**
 * Statements and transactions of several at once, among killed backends, lost connections and unwritable values: each
 * is answered.
 */
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import { withTenancy } from '../../../src/index.js';
import type { Verdict } from '../../support/proxy.js';
import { asRole } from '../../support/rls.js';
import { faultyDatabase, notes, numbers, one, relations, two } from './faults.js';

const database = faultyDatabase();
const seeds = Array.from(
  { length: Number(process.env.MIX_SEEDS ?? 8) },
  (_, i) => Number(process.env.MIX_FROM ?? 1) + i,
);

describe.each([{ rls: true }, { rls: false }])('rls: $rls', ({ rls }) => {
  test.each(seeds)('seed %i', async (seed) => {
    const random = numbers(seed);
    const name = `mix_${rls}_${seed}`;
    const url = rls ? asRole(database.proxy.url) : database.proxy.url;
    // Where a connection is lost while postgres.js asks for the types of arrays, it ends the process.
    const client = postgres(url, {
      max: 1 + random(3),
      onnotice: () => {},
      backoff: 0,
      fetch_types: false,
      connection: { application_name: name },
    } as any);
    const db = withTenancy(drizzle({ client }), { relations, rls });
    const verdicts: Verdict[] = ['cut', 'reset', 'pass-and-cut'];
    database.proxy.judge = () => (random(30) > 0 ? 'pass' : verdicts[random(3)]!);
    const unwritable = () => Object.assign(Object.create(null), { id: 1 });
    const body = (handle: any, id: any = 1) => handle.execute(sql`select account, body from ${notes} where id = ${id}`);
    const slow = (handle: any) =>
      handle.select({ account: notes.account, hash: sql`md5(repeat('x', 1000000))` }).from(notes);

    /** What is wrong with an outcome: another's rows, or an error that none of this explains. */
    const wrong: unknown[] = [];
    const waiting = new Map<number, string>();
    let count = 0;
    const settle = async (what: string, tenant: number, run: () => PromiseLike<any>) => {
      const id = count++;
      waiting.set(id, what);
      try {
        const rows = await run();
        if (what.startsWith('bad') || rows.length !== 1 || Number(rows[0].account) !== tenant) wrong.push([what, rows]);
      } catch (error: any) {
        const cause = error.cause ?? error;
        const isUnwritable = what.startsWith('bad') && cause instanceof TypeError;
        if (!isUnwritable && !/^(CONNECTION_|57P01|ECONN|EPIPE)/.test(cause.code)) wrong.push([what, error]);
      }
      waiting.delete(id);
    };
    const step = async (): Promise<unknown> => {
      const tenant = 1 + random(2);
      const tdb: any = db.forTenant(tenant === 1 ? one : two);
      switch (random(9)) {
        case 0:
        case 1:
          return settle('statement', tenant, () => body(tdb));
        case 2:
          return settle('slow', tenant, () => slow(tdb));
        case 3:
        case 4:
          return settle('transaction', tenant, () =>
            tdb.transaction(async (tx: any) => {
              await body(tx);
              if (random(2) === 0) await slow(tx);
              if (random(2) === 0) await tx.transaction((inner: any) => body(inner));
              return body(tx);
            }),
          );
        case 5:
          return settle('bad statement', tenant, () => body(tdb, unwritable()));
        case 6:
          return settle('bad transaction', tenant, () =>
            tdb.transaction((tx: any) => Promise.all([body(tx), body(tx, unwritable()), body(tx)])),
          );
        case 7:
          return database.admin`select pg_terminate_backend(pid) from pg_stat_activity
            where application_name = ${name} limit ${1 + random(2)}`;
        default:
          return new Promise((resolve) => setTimeout(resolve, random(5)));
      }
    };
    const lane = async () => {
      for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: random(4) === 0 ? 3 : 1 }, step));
    };
    const lanes = Promise.all(Array.from({ length: 1 + random(4) }, lane)).then(() => 'answered');
    const patience = new Promise((resolve) => setTimeout(resolve, 10_000)).then(() => [...waiting.values()]);
    expect(await Promise.race([lanes, patience])).toBe('answered');
    expect(wrong).toEqual([]);
    database.proxy.judge = undefined;
    // Of a connection that was lost last, the next statement on it may be told.
    for (let i = 0; i < 4; i++) await body(db.forTenant(two)).then(null, () => {});
    for (let i = 0; i < 4; i++) expect(await body(db.forTenant(two))).toMatchObject([{ body: 'first' }]);
    await client.end({ timeout: 0.1 });
  });
});
