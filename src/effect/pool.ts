/**
 * Lends connections: whoever wants one waits for a place, and then takes an idle connection or opens one.
 *
 * Effect's own Pool opens in the background, several at once, for whoever waits. When such attempts fail while others
 * are lost or interrupted, it keeps the failures as items and wakes nobody: fibers wait for ever. Here each attempt is
 * somebody's own, and a place is free again when the attempt or the connection has ended.
 */
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Scope from 'effect/Scope';
import * as Semaphore from 'effect/Semaphore';
import { UnsupportedTenantOperationError } from '../schema/index.js';
import { DbError, dbErrorOf } from './db-error.js';

export interface Pooled {
  /** Whether it may be lent again. */
  readonly isUsable: () => boolean;
  /** Closes it, and is done when it is closed. May be called again. */
  readonly end: () => Promise<void>;
}

export interface PoolOptions<A> {
  readonly open: () => Promise<A>;
  /** How many may be open. */
  readonly max: number;
  /** After how many seconds without use one is closed, 0 for never. */
  readonly idleTimeout: number;
}

/**
 * @returns lends one until a scope closes; waiting for it can be interrupted. When the pool's own scope closes, it
 * waits for those that are lent, and closes them all.
 */
export const makePool = <A extends Pooled>(
  options: PoolOptions<A>,
): Effect.Effect<Effect.Effect<A, DbError, Scope.Scope>, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Pool(options)),
      (pool) => pool.close,
    ),
    (pool) => pool.lend,
  );

const closed = new DbError({
  reason: new UnsupportedTenantOperationError('Use the database while its layer is open: this one was closed.'),
});

class Pool<A extends Pooled> {
  readonly #places: Semaphore.Semaphore;
  /** The one that was used last comes last. */
  readonly #idle = new Map<A, NodeJS.Timeout | undefined>();
  readonly #expired = new Set<A>();
  #isClosed = false;

  constructor(readonly options: PoolOptions<A>) {
    this.#places = Semaphore.makeUnsafe(options.max);
  }

  readonly lend: Effect.Effect<A, DbError, Scope.Scope> = Effect.uninterruptibleMask((restore) =>
    Effect.gen({ self: this }, function* () {
      const place = yield* Scope.make();
      const leave = Scope.close(place, Exit.void);
      yield* Effect.onError(restore(Scope.provide(this.#places.takeScoped(1), place)), () => leave);
      if (this.#isClosed) return yield* Effect.andThen(leave, closed);
      const lent = (yield* this.#find) ?? (yield* this.#open(restore, leave));
      yield* Effect.addFinalizer(() => this.#giveBack(lent, leave));
      return lent;
    }),
  );

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.#isClosed = true;
    return Effect.andThen(
      this.#places.take(this.options.max),
      Effect.promise(() => Promise.all([...this.#idle.keys(), ...this.#expired].map((it) => it.end()))),
    );
  });

  /** An idle one, if there is any. Those that were lost meanwhile are given up. */
  readonly #find: Effect.Effect<A | undefined> = Effect.suspend(() => {
    const found = [...this.#idle.keys()].pop();
    if (!found) return Effect.succeed(undefined);
    clearTimeout(this.#idle.get(found));
    this.#idle.delete(found);
    return found.isUsable()
      ? Effect.succeed(found)
      : Effect.andThen(
          Effect.promise(() => found.end()),
          this.#find,
        );
  });

  #open(
    restore: <X, E, R>(effect: Effect.Effect<X, E, R>) => Effect.Effect<X, E, R>,
    leave: Effect.Effect<void>,
  ): Effect.Effect<A, DbError> {
    return Effect.suspend(() => {
      const opening = this.options.open();
      return restore(Effect.tryPromise({ try: () => opening, catch: (error) => dbErrorOf(error) })).pipe(
        Effect.tapError(() => leave),
        // Nobody waits for it any longer. It is somebody else's when it is open.
        Effect.onInterrupt(() =>
          Effect.forkDetach(
            Effect.matchEffect(
              Effect.tryPromise(() => opening),
              { onFailure: () => leave, onSuccess: (it) => this.#giveBack(it, leave) },
            ),
          ),
        ),
      );
    });
  }

  #giveBack(lent: A, leave: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      // It may take a server a while to let go of a connection.
      if (this.#isClosed || !lent.isUsable())
        return Effect.asVoid(
          Effect.forkDetach(
            Effect.andThen(
              Effect.promise(() => lent.end()),
              leave,
            ),
          ),
        );
      this.#keep(lent);
      return leave;
    });
  }

  #keep(it: A): void {
    const { idleTimeout } = this.options;
    const expire = () => {
      this.#idle.delete(it);
      this.#expired.add(it);
      void it.end().then(() => this.#expired.delete(it));
    };
    this.#idle.set(it, idleTimeout > 0 ? setTimeout(expire, idleTimeout * 1_000).unref() : undefined);
  }
}
