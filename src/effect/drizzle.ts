/** Drizzle's other drivers: those of promises, PGlite among them, and its Effect drivers. */
import * as Cause from 'effect/Cause';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import { is } from 'drizzle-orm';
import type { PgTransactionConfig } from 'drizzle-orm/pg-core';
import { PgEffectDatabase } from 'drizzle-orm/pg-core/effect';
import { dbErrorOf, type DbError } from './db-error.js';
import { ended, runText, settle, transactionOptions, type Driver, type DrizzleSession } from './driver.js';

/**
 * A driver of promises. It knows of no way to cancel, so an interrupted fiber waits until its statement is done; a
 * transaction is Drizzle's own, held open while the Effect runs.
 *
 * @param session Drizzle's session
 */
export const promiseDriver = (session: DrizzleSession, attributes: Driver['attributes'], open?: { isOpen: boolean }): Driver => ({
  isTransaction: open !== undefined,
  attributes,
  statement: (use, text) => Effect.suspend(() => (open?.isOpen === false ? Effect.fail(ended) : settle(() => use(session), text))),
  transaction: (body, config) => (open ? nested(session, attributes, open, body) : outermost(session, attributes, body, config)),
});

const rollback = Symbol('rollback');

const outermost = <A, E, R>(
  session: DrizzleSession,
  attributes: Driver['attributes'],
  body: (driver: Driver) => Effect.Effect<A, E, R>,
  config: PgTransactionConfig | undefined,
): Effect.Effect<A, E | DbError, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      yield* Effect.try({ try: () => transactionOptions(config), catch: (error) => dbErrorOf(error) });
      const end = promise<void>();
      const opened = promise<DrizzleSession>();
      end.promise.catch(() => {});
      const done: Promise<unknown> = session.transaction(async (tx: any) => {
        opened.resolve(tx.session);
        await end.promise;
      }, config);
      done.catch(opened.reject);
      const inner: DrizzleSession = yield* restore(
        Effect.callback<DrizzleSession, DbError>((resume) => {
          opened.promise.then(
            (it) => resume(Effect.succeed(it)),
            (error) => resume(Effect.fail(dbErrorOf(error))),
          );
          // Interrupted while it waits for a connection: when it gets one, it is to give it back.
          return Effect.sync(() => end.reject(rollback));
        }),
      );
      const open = { isOpen: true };
      const exit = yield* Effect.exit(restore(Effect.suspend(() => body(promiseDriver(inner, attributes, open)))));
      open.isOpen = false;
      if (Exit.isSuccess(exit)) {
        end.resolve();
        yield* settle(() => done);
        return exit.value;
      }
      end.reject(rollback);
      yield* Effect.exit(settle(() => done));
      return yield* exit;
    }),
  );

const nested = <A, E, R>(
  session: DrizzleSession,
  attributes: Driver['attributes'],
  parent: { isOpen: boolean; depth?: number },
  body: (driver: Driver) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E | DbError, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const outer = promiseDriver(session, attributes, parent);
      const depth = (parent.depth ?? 0) + 1;
      const name = `drizzle_tenant_${depth}`;
      yield* runText(outer, `savepoint ${name}`);
      const open = { isOpen: true, depth };
      const exit = yield* Effect.exit(restore(Effect.suspend(() => body(promiseDriver(session, attributes, open)))));
      open.isOpen = false;
      if (Exit.isFailure(exit)) yield* Effect.exit(runText(outer, `rollback to savepoint ${name}`));
      yield* Effect.exit(runText(outer, `release savepoint ${name}`));
      return yield* exit;
    }),
  );

function promise<A>() {
  let resolve!: (value: A) => void;
  let reject!: (error: unknown) => void;
  const it = new Promise<A>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise: it, resolve, reject };
}

/** Whether a Drizzle handle is one of Drizzle's Effect drivers. */
export const isEffectDrizzle = (db: unknown): boolean => is(db, PgEffectDatabase);

/** Drizzle's Effect drivers keep the connection of a transaction in the context of its fiber. */
export const effectDriver = (session: DrizzleSession, attributes: Driver['attributes'], isTransaction = false): Driver => ({
  isTransaction,
  runsEffects: true,
  attributes,
  statement: (use, text) => settle(() => use(session), text),
  transaction: <A, E, R>(body: (driver: Driver) => Effect.Effect<A, E, R>, config?: PgTransactionConfig): Effect.Effect<A, E | DbError, R> =>
    Effect.suspend(() => {
      let outcome: Exit.Exit<A, E> | undefined;
      const inside = () => Effect.onExit(body(effectDriver(session, attributes, true)), (exit) => Effect.sync(() => void (outcome = exit)));
      return Effect.try({ try: () => transactionOptions(config), catch: (error) => dbErrorOf(error) }).pipe(
        Effect.andThen(() => session.transaction(inside, config) as Effect.Effect<A, unknown, R>),
        Effect.catchCause((cause): Effect.Effect<never, E | DbError> => {
          // Where a transaction that failed cannot be rolled back either, the driver dies of it.
          if (outcome && Exit.isFailure(outcome)) return Effect.failCause(outcome.cause);
          return Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause as Cause.Cause<never>) : Effect.fail(dbErrorOf(Cause.squash(cause)));
        }),
      );
    }),
});
