/**
 * A pool of one connection: a fiber that holds it by a transaction would wait for ever for a second one, as by a handle
 * from outside of that transaction.
 */
import * as Effect from 'effect/Effect';
import { UnsupportedTenantOperationError } from '../schema/index.js';
import { DbError } from './db-error.js';
import type { Driver } from './driver.js';

const waitsForItself = new DbError({
  reason: new UnsupportedTenantOperationError(
    'Use the handle inside its transaction, or a pool of more than one connection: ' +
      'the transaction holds the only one, and this handle would wait for it for ever.',
  ),
});

/**
 * Refuses what would wait for the connection that its own fiber holds. Other fibers wait: a transaction may end without
 * them.
 *
 * @param driver that has one connection
 */
export function ofOneConnection(driver: Driver): Driver {
  const holding = new WeakSet<object>();
  const free = <A, E, R>(run: Effect.Effect<A, E, R>): Effect.Effect<A, E | DbError, R> =>
    Effect.withFiber<A, E | DbError, R>((fiber) => (holding.has(fiber) ? Effect.fail(waitsForItself) : run));
  const held = <A, E, R>(body: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiber((fiber) => {
      holding.add(fiber);
      return Effect.ensuring(
        body,
        Effect.sync(() => holding.delete(fiber)),
      );
    });
  return {
    ...driver,
    statement: (use, text) => free(driver.statement(use, text)),
    transaction: (body, config) => free(driver.transaction((inner) => held(Effect.suspend(() => body(inner))), config)),
  };
}
