/**
 * `query_timeout` of node-postgres: a statement fails though the server is still at it, or has not been sent it.
 * Whatever is given up so, nobody else's statement runs within what it left.
 */
import * as Effect from 'effect/Effect';
import * as ManagedRuntime from 'effect/ManagedRuntime';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { withTenancy } from '../../../src/index.js';
import { asRole } from '../../support/rls.js';
import { Db, faultyDatabase, notes, one, relations, two } from './faults.js';

const database = faultyDatabase();
const closes: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  database.proxy.hold = undefined;
  for (const close of closes.splice(0)) await close();
});

/** Its first client gives statements up once it is armed. A machine that is busy makes none of them late before. */
const poolOf = (rls: boolean) => {
  const url = rls ? asRole(database.proxy.url) : database.proxy.url;
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on('error', () => {});
  let first: any;
  pool.on('connect', (client) => (first ??= client));
  closes.push(() => pool.end());
  return { pool, arm: () => (first.connectionParameters.query_timeout = 150) };
};

/** Handles of promises and of Effects, as promises. */
const kinds = {
  promises: (rls: boolean) => {
    const { pool, arm } = poolOf(rls);
    const db = withTenancy(drizzle({ client: pool }), { relations, rls });
    return { arm, run: async (id: any, program: (tdb: any) => any) => program(db.forTenant(id)) };
  },
  Effect: (rls: boolean) => {
    const { pool, arm } = poolOf(rls);
    const runtime = ManagedRuntime.make(Db.layerFrom(drizzle({ client: pool }), { rls }));
    closes.unshift(() => runtime.dispose());
    return {
      arm,
      run: (id: any, program: (tdb: any) => any) =>
        runtime.runPromise(Db.forTenant(id, Effect.flatMap(Db, program) as any)) as Promise<any>,
    };
  },
};
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const insert = (id: number) => (tdb: any) => tdb.insert(notes).values({ id, body: 'kept' });

describe.each([true, false])('rls: %s', (rls) => {
  test.each(['promises', 'Effect'] as const)('of BEGIN: %s', async (kind) => {
    const { run, arm } = kinds[kind](rls);
    await run(one, (tdb) => tdb.select().from(notes));
    arm();
    let release!: () => void;
    database.proxy.hold = new Promise<void>((resolve) => (release = resolve));
    const body: any = kind === 'promises' ? async () => {} : () => Effect.void;
    await expect(run(one, (tdb) => tdb.transaction(body))).rejects.toThrow();
    database.proxy.hold = undefined;
    release();
    await run(two, insert(50));
    expect(await database.rows()).toContain('2/50 kept');
  });

  test.each(['promises', 'Effect'] as const)(
    'of a statement in an inner transaction, and what takes it back: %s',
    async (kind) => {
      const { run, arm } = kinds[kind](rls);
      await run(one, (tdb) => tdb.select().from(notes));
      arm();
      const slow = (inner: any) => inner.update(notes).set({ body: 'taken back' });
      const locked = (unlock: () => void): any =>
        kind === 'promises'
          ? async (tx: any) => {
              await tx.transaction(slow).catch(unlock);
              await wait(50);
              await tx.insert(notes).values({ id: 61, body: 'kept' });
            }
          : (tx: any) =>
              tx.transaction(slow).pipe(
                Effect.catch(() => Effect.sync(unlock)),
                Effect.andThen(Effect.sleep(50)),
                Effect.andThen(tx.insert(notes).values({ id: 61, body: 'kept' })),
              );
      const unlocked = new Promise<void>((resolve) => {
        void database
          .whileLocked(async () => {
            const outcome = run(one, (tdb) => tdb.transaction(locked(resolve))).catch(() => {});
            closes.unshift(() => outcome);
            await unlocked;
          })
          .catch(() => {});
      });
      await unlocked;
      await closes[0]!();
      expect(await database.rows()).not.toContain('1/1 taken back');
      expect(await database.rows()).not.toContain('1/61 kept');
      await run(two, insert(50));
      expect(await database.rows()).toContain('2/50 kept');
    },
  );
});
