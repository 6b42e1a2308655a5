/**
 * postgres.js as a driver: a pool of clients with one connection each. A client of several connections sends
 * statements of different fibers down one connection before the first is answered, and does not say when a reserved
 * connection was lost; with one connection both are plain, and everything else is postgres.js as it is.
 */
import * as Effect from 'effect/Effect';
import type * as EffectScope from 'effect/Scope';
import { learnArrayTypes } from './array-types.js';
import { strays, type Ask } from './citus.js';
import { dbErrorOf, type DbError } from './db-error.js';
import type { Driver } from './driver.js';
import { lendingDriver, type Connection } from './lending.js';
import { makePool, type Pooled } from './pool.js';
import { connectionClosed, singleConnection } from '../drivers/postgres-client.js';
import { countsAnew } from '../drivers/postgres-js-query.js';

/**
 * @param db Drizzle's handle on postgres.js: its options, logger and cache are used, its connections are not
 * @returns a driver with connections of its own, at most `max` of them, which close with the scope
 */
export const postgresJsDriver = (db: any): Effect.Effect<Driver, DbError, EffectScope.Scope> =>
  Effect.gen(function* () {
    const { default: postgres } = yield* Effect.tryPromise({
      try: () => import('postgres'),
      catch: (error) => dbErrorOf(error),
    });
    const { options } = db.$client;
    const ask: Ask = async (text, params = []) => {
      const { sql, open, end } = singleConnection(postgres, options);
      try {
        return (await open(sql.unsafe(text, params).values()))[0]?.[0];
      } finally {
        await end();
      }
    };
    // All connections share what the first one learns.
    let isLearnt = !options.fetch_types;
    const learn = async (client: any) => {
      if (!isLearnt) await learnArrayTypes(client);
      isLearnt = true;
    };
    const endStrays = strays(ask);
    const idleTimeout = typeof options.idle_timeout === 'function' ? options.idle_timeout() : options.idle_timeout;
    const lend = yield* makePool({
      open: () => connect(db, postgres, learn, endStrays),
      max: options.max,
      idleTimeout: idleTimeout ?? 60,
    });
    // Whoever opens the layer wants to hear of a server that is not there.
    yield* Effect.scoped(lend);
    return lendingDriver(lend, {
      'db.system.name': 'postgresql',
      'db.namespace': options.database,
      'server.address': options.host[0],
      'server.port': options.port[0],
    });
  });

interface Lent extends Connection, Pooled {}

async function connect(
  db: any,
  postgres: any,
  learn: (sql: any) => Promise<void>,
  endStrays: (pid: number) => Promise<void>,
): Promise<Lent> {
  let isClosed = false;
  let running: any;
  let lost: (() => void) | undefined;
  const { options } = db.$client;
  const { sql, open, cancel, isLost, end } = singleConnection(postgres, options, (id) => {
    isClosed = true;
    // What the statement itself fails with says more.
    setImmediate(() => lost?.());
    options.onclose?.(id);
  });
  const lifetime = typeof options.max_lifetime === 'function' ? options.max_lifetime() : options.max_lifetime;
  const until = Date.now() + (lifetime ?? Infinity) * 1_000;
  let pid: number;
  try {
    [[pid]] = await open(sql.unsafe('select pg_backend_pid()').values());
    await open(learn(sql));
  } catch (error) {
    await end();
    throw error;
  }
  // Drizzle may have waited for its cache since the statement was let through.
  const unsafe = (...args: unknown[]) => {
    if (isClosed || isLost()) throw connectionClosed();
    return (running = countsAnew(sql.unsafe(...args)));
  };
  return {
    session: Object.create(db.session, {
      client: { value: { options, unsafe } },
    }),
    isClosed: () => isClosed,
    whenClosed: (listener) => {
      lost = listener;
      return () => void (lost = undefined);
    },
    isUsable: () => !isClosed && !isLost() && Date.now() <= until,
    cancel: async () => running?.active && cancel(running),
    endStrays: () => endStrays(pid),
    destroy: () => {
      isClosed = true;
      void end();
    },
    end,
  };
}
