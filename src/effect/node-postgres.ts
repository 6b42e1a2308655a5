/** node-postgres as a driver: its own pool lends the connections. */
import * as Effect from 'effect/Effect';
import * as EffectScope from 'effect/Scope';
import { watched } from '../drivers/safe-node-postgres.js';
import { strays, type Ask } from './citus.js';
import { dbErrorOf, type DbError } from './db-error.js';
import type { Driver } from './driver.js';
import { lendingDriver, type Connection, type Lend } from './lending.js';

/** @param db Drizzle's handle on a pool of node-postgres: the pool stays the application's, and is not closed */
export function nodePostgresDriver(db: any): Driver {
  const pool = db.$client;
  // Not from the pool: all of its connections may be waiting for just this.
  const ask: Ask = async (text, params) => {
    const client = new pool.Client(pool.options);
    client.on('error', () => {});
    try {
      await client.connect();
      return Object.values((await client.query(text, params)).rows[0] ?? {})[0];
    } finally {
      await client.end();
    }
  };
  const endStrays = strays(ask);
  const lend: Lend = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope;
      const lent = yield* restore(borrow(pool));
      const onError = () => (lent.isClosed = true);
      lent.client.on('error', onError);
      yield* EffectScope.addFinalizer(
        scope,
        Effect.sync(() => {
          // A client that is to be destroyed may still have something to say.
          if (!lent.isClosed) lent.client.off('error', onError);
          lent.client.release(lent.isClosed);
        }),
      );
      return connectionOf(db, lent, ask, endStrays);
    }),
  );
  const { host, port, database } = pool.options;
  return lendingDriver(lend, {
    'db.system.name': 'postgresql',
    ...(database ? { 'db.namespace': database } : {}),
    ...(host ? { 'server.address': host, 'server.port': port ?? 5432 } : {}),
  });
}

interface Lent {
  readonly client: any;
  isClosed: boolean;
}

const borrow = (pool: any): Effect.Effect<Lent, DbError> =>
  Effect.callback((resume) => {
    let isWanted = true;
    pool.connect().then(
      (client: any) =>
        isWanted ? resume(Effect.succeed({ client: watched(client), isClosed: false })) : client.release(),
      (error: unknown) => resume(Effect.fail(dbErrorOf(error))),
    );
    return Effect.sync(() => void (isWanted = false));
  });

const connectionOf = (db: any, lent: Lent, ask: Ask, endStrays: (pid: number) => Promise<void>): Connection => ({
  session: Object.create(db.session, { client: { value: lent.client } }),
  isClosed: () => lent.isClosed,
  whenClosed: (listener) => {
    const later = () => setImmediate(listener);
    lent.client.once('end', later);
    return () => lent.client.off('end', later);
  },
  // Citus has two functions of this name, and takes neither for a parameter without a type.
  cancel: () => ask('select pg_cancel_backend($1::int)', [lent.client.processID]),
  endStrays: () => endStrays(lent.client.processID),
  destroy: () => void (lent.isClosed = true),
});
