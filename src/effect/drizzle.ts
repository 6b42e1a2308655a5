/** Drizzle's other drivers: those of promises, PGlite among them, and its Effect drivers. */
import * as Cause from 'effect/Cause';
import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Semaphore from 'effect/Semaphore';
import { is } from 'drizzle-orm';
import type { PgTransactionConfig } from 'drizzle-orm/pg-core';
import { PgEffectDatabase } from 'drizzle-orm/pg-core/effect';
import { UnsupportedTenantOperationError } from '../schema/index.js';
import { DbError, dbErrorOf } from './db-error.js';
import {
  asAborted,
  ended,
  ensureAlive,
  runText,
  settle,
  type Driver,
  type DrizzleSession,
  type Use,
} from './driver.js';

/**
 * A driver of promises. It knows of no way to cancel, so an interrupted fiber waits until its statement is done; a
 * transaction is Drizzle's own, held open while the Effect runs.
 *
 * @param session Drizzle's session
 */
export const promiseDriver = (session: DrizzleSession, attributes: Driver['attributes'], open?: Open): Driver => ({
  isTransaction: open !== undefined,
  attributes,
  statement: (use, text) =>
    Effect.suspend(() =>
      open && !isAlive(open)
        ? Effect.fail(ended)
        : noticing(
            open,
            settle(() => use(session), text),
          ),
    ),
  transaction: (body, config) =>
    open
      ? open.nested.withPermits(1)(nested(session, attributes, open, body))
      : outermost(session, attributes, body, config),
});

/** A transaction. */
interface Open {
  isOpen: boolean;
  /** The transaction that it is a savepoint of. */
  readonly outer: Open | undefined;
  /** How many savepoints it is within. */
  readonly depth: number;
  /** Whether a statement failed, and so may have ended it. */
  hasFailed: boolean;
  /** Transactions within it take turns: what one rolls back is nobody else's. */
  readonly nested: Semaphore.Semaphore;
}

const opened = (outer?: Open): Open => ({
  isOpen: true,
  outer,
  depth: outer ? outer.depth + 1 : 0,
  hasFailed: false,
  nested: Semaphore.makeUnsafe(1),
});

/** Behind the end of the outermost, the connection is somebody else's. */
function isAlive(open: { readonly isOpen: boolean; readonly outer: any }): boolean {
  for (let it = open; it; it = it.outer) if (!it.isOpen) return false;
  return true;
}

const noticing = <A>(
  open: Pick<Open, 'hasFailed'> | undefined,
  run: Effect.Effect<A, DbError>,
): Effect.Effect<A, DbError> =>
  open ? Effect.tapError(run, () => Effect.sync(() => void (open.hasFailed = true))) : run;

const rollback = Symbol('rollback');

const outermost = <A, E, R>(
  session: DrizzleSession,
  attributes: Driver['attributes'],
  body: (driver: Driver) => Effect.Effect<A, E, R>,
  config: PgTransactionConfig | undefined,
): Effect.Effect<A, E | DbError, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const end = promise<void>();
      const begun = promise<DrizzleSession>();
      end.promise.catch(() => {});
      const done: Promise<unknown> = session.transaction(async (tx: any) => {
        begun.resolve(tx.session);
        await end.promise;
      }, config);
      done.catch(begun.reject);
      const inner: DrizzleSession = yield* restore(
        Effect.callback<DrizzleSession, DbError>((resume) => {
          begun.promise.then(
            (it) => resume(Effect.succeed(it)),
            (error) => resume(Effect.fail(dbErrorOf(error))),
          );
          // Interrupted while it waits for a connection: when it gets one, it is to give it back.
          return Effect.sync(() => end.reject(rollback));
        }),
      );
      const open = opened();
      const within = promiseDriver(inner, attributes, open);
      let exit: Exit.Exit<A, E | DbError> = yield* Effect.exit(restore(Effect.suspend(() => body(within))));
      if (Exit.isSuccess(exit) && open.hasFailed) exit = yield* Effect.exit(Effect.andThen(ensureAlive(within), exit));
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
  parent: Open,
  body: (driver: Driver) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E | DbError, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const outer = promiseDriver(session, attributes, parent);
      const open = opened(parent);
      const name = `drizzle_tenant_${open.depth}`;
      yield* runText(outer, `savepoint ${name}`);
      const exit = yield* Effect.exit(restore(Effect.suspend(() => body(promiseDriver(session, attributes, open)))));
      open.isOpen = false;
      const release = runText(outer, `release savepoint ${name}`);
      const rollBack = Effect.exit(Effect.andThen(runText(outer, `rollback to savepoint ${name}`), release));
      if (Exit.isFailure(exit)) yield* rollBack;
      else
        yield* release.pipe(
          Effect.mapError(asAborted),
          Effect.tapError(() => rollBack),
        );
      return yield* exit;
    }),
  );

/** Whether a Drizzle handle is one of PGlite. */
export const isPglite = (db: any): boolean => typeof db?.$client?.runExclusive === 'function';

/**
 * A driver that does one thing at a time, as PGlite does. Its own queue cannot be left: here, who is interrupted while
 * he waits for his turn has sent nothing.
 */
export function inTurn(driver: Driver): Driver {
  const turn = Semaphore.makeUnsafe(1).withPermits(1);
  return {
    ...driver,
    statement: (use, text) => turn(driver.statement(use, text)),
    transaction: (body, config) => turn(driver.transaction(body, config)),
  };
}

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

/** The transaction of this library's that a fiber is in, by the client that has it open. */
class Own {
  /** @param isWithinOthers whether it is a savepoint in a transaction that the application has begun */
  constructor(readonly isWithinOthers: boolean) {}
}

const owns = new WeakMap<object, Context.Reference<Own | undefined>>();
let clients = 0;

function ownOf(client: object): Context.Reference<Own | undefined> {
  let found = owns.get(client);
  if (!found)
    owns.set(
      client,
      (found = Context.Reference<Own | undefined>(`drizzle-tenant/Own/${clients++}`, {
        defaultValue: () => undefined,
      })),
    );
  return found;
}

/** Under which key the SQL client finds the connection and the level of a transaction. */
const keyOf = ({ client }: DrizzleSession): Context.Key<any, readonly [connection: unknown, level: number]> =>
  client.transactionService;

/**
 * Drizzle's Effect drivers find the connection of a transaction in the context of the fiber. A handle that is outside
 * of the transaction would run in it nevertheless, leave its settings there, and go on with its connection when that is
 * somebody else's. So it runs without that context, on a connection of its own, as on any other driver.
 */
const outside = <A, E, R>(session: DrizzleSession, run: Effect.Effect<A, E, R>): Effect.Effect<A, E | DbError, R> =>
  Effect.withFiber<A, E | DbError, R>((fiber) => {
    const own = ownOf(session.client);
    const within = Context.get(fiber.context, own);
    if (!within) return run;
    if (within.isWithinOthers) return Effect.fail(notOutside);
    return Effect.updateContext(run as Effect.Effect<A, E, any>, (all) =>
      Context.add(Context.omit(keyOf(session))(all) as Context.Context<any>, own, undefined),
    );
  });

/** On the connection of a transaction, whichever one the fiber is in; nothing is sent once it has ended. */
const inside = <A, E, R>(
  session: DrizzleSession,
  open: Within,
  run: Effect.Effect<A, E, R>,
): Effect.Effect<A, E | DbError, R> =>
  Effect.withFiber<A, E | DbError, R>((fiber) => {
    if (!isAlive(open)) return Effect.fail(ended);
    const [key, { level }] = [keyOf(session), open];
    if (!level || Context.getOrUndefined(fiber.context as Context.Context<any>, key)?.[0] === level[0]) return run;
    return Effect.updateContext(run as Effect.Effect<A, E, any>, (all) =>
      all.pipe(Context.add(key, level), Context.add(ownOf(session.client), new Own(open.isWithinOthers))),
    );
  });

const notOutside = new DbError({
  reason: new UnsupportedTenantOperationError(
    'Use the handle that the transaction gives, or begin it with Db.transaction(program) alone: ' +
      'it is within a transaction of the SQL client, and whatever runs here would run in both.',
  ),
});

/** Drizzle's Effect drivers keep the connection of a transaction in the context of its fiber. */
export const effectDriver = (session: DrizzleSession, attributes: Driver['attributes']): Driver =>
  effectDriverIn(session, attributes, undefined);

interface Within {
  hasFailed: boolean;
  isOpen: boolean;
  readonly outer: Within | undefined;
  readonly isWithinOthers: boolean;
  /** Its connection, as the SQL client puts it into the context of a fiber. */
  readonly level: readonly [connection: unknown, level: number] | undefined;
  /** Statements and savepoints take turns, so that a setting and the statement that it is for stay together. */
  readonly turn: Semaphore.Semaphore;
  /** Transactions within it take turns. */
  readonly nested: Semaphore.Semaphore;
}

function effectDriverIn(
  session: DrizzleSession,
  attributes: Driver['attributes'],
  open: Within | undefined,
  hasTurn = false,
): Driver {
  const alone: NonNullable<Driver['alone']> = (run) =>
    open && !hasTurn
      ? open.turn.withPermits(1)(Effect.suspend(() => run(effectDriverIn(session, attributes, open, true))))
      : run(driver);
  const driver: Driver = {
    isTransaction: open !== undefined,
    runsEffects: true,
    attributes,
    alone,
    isWithinOthers: open?.isWithinOthers,
    statement: <A>(use: Use<A>, text?: string): Effect.Effect<A, DbError> => {
      const statement = settle(() => use(session), text);
      if (!open) return outside(session, statement);
      const mine = noticing(open, inside(session, open, statement));
      return hasTurn ? mine : open.turn.withPermits(1)(mine);
    },
    transaction: <A, E, R>(
      body: (driver: Driver) => Effect.Effect<A, E, R>,
      config?: PgTransactionConfig,
    ): Effect.Effect<A, E | DbError, R> =>
      Effect.suspend(() => {
        let outcome: Exit.Exit<A, E | DbError> | undefined;
        // The SAVEPOINT has its turn, and so has what ends it.
        let holds = false;
        const take = open
          ? Effect.uninterruptibleMask((restore) =>
              Effect.andThen(
                restore(open.turn.take(1)),
                Effect.sync(() => (holds = true)),
              ),
            )
          : Effect.void;
        const leave = Effect.suspend(() => (holds ? ((holds = false), open!.turn.release(1)) : Effect.void));
        const begun = () =>
          Effect.withFiber((fiber) => {
            const level = Context.getOrUndefined(fiber.context as Context.Context<any>, keyOf(session));
            // Beneath a transaction, what is begun is a savepoint.
            const isWithinOthers = open?.isWithinOthers ?? level?.[1] !== 0;
            const state: Within = {
              hasFailed: false,
              isOpen: true,
              outer: open,
              isWithinOthers,
              level,
              turn: open?.turn ?? Semaphore.makeUnsafe(1),
              nested: Semaphore.makeUnsafe(1),
            };
            const within = effectDriverIn(session, attributes, state);
            const whole = Effect.tap(Effect.andThen(leave, body(within)), () =>
              state.hasFailed ? ensureAlive(within) : Effect.void,
            );
            return Effect.onExit(Effect.provideService(whole, ownOf(session.client), new Own(isWithinOthers)), (exit) =>
              Effect.andThen(
                Effect.sync(() => {
                  state.isOpen = false;
                  outcome = exit;
                }),
                take,
              ),
            );
          });
        const run = Effect.andThen(
          take,
          Effect.suspend(() => session.transaction(begun, config) as Effect.Effect<A, unknown, R>),
        );
        const whole = open
          ? open.nested.withPermits(1)(Effect.ensuring(inside(session, open, run), leave))
          : outside(session, run);
        return whole.pipe(
          Effect.catchCause((cause): Effect.Effect<never, E | DbError> => {
            // Where a transaction that failed cannot be rolled back either, the driver dies of it.
            if (outcome && Exit.isFailure(outcome)) return Effect.failCause(outcome.cause);
            return Cause.hasInterruptsOnly(cause)
              ? Effect.failCause(cause as Cause.Cause<never>)
              : Effect.fail(dbErrorOf(Cause.squash(cause)));
          }),
        );
      }),
  };
  return driver;
}
