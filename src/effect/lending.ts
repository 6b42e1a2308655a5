/**
 * Drivers that lend a connection of their own to each statement and to each transaction. While it is lent, nobody
 * else's statement runs on it: so a cancel request can only hit the statement that it is meant for, and the
 * connection goes back when the server has answered.
 */
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import type * as EffectScope from 'effect/Scope';
import * as Semaphore from 'effect/Semaphore';
import { dbErrorOf, type DbError } from './db-error.js';
import {
  aborted,
  asAborted,
  ended,
  runText,
  transactionOptions,
  type Driver,
  type DrizzleSession,
  type Use,
} from './driver.js';

/** One connection to the server. */
export interface Connection {
  /** Drizzle's session on this connection alone. */
  readonly session: DrizzleSession;
  /** Whether it is gone: what is sent now would go to another connection, or nowhere. */
  readonly isClosed: () => boolean;
  /** Calls when the connection is lost. @returns what stops that */
  readonly whenClosed: (listener: () => void) => () => void;
  /** Asks the server, on another connection, to stop what runs on this one. */
  readonly cancel: () => Promise<unknown>;
  /** Ends what a cancelled statement has left running on other servers. */
  readonly endStrays: () => Promise<unknown>;
  /** Gives the connection up. */
  readonly destroy: () => void;
}

/** Lends a connection until the scope closes. Waiting for one can be interrupted. */
export type Lend = Effect.Effect<Connection, DbError, EffectScope.Scope>;

export const lendingDriver = (lend: Lend, attributes: Driver['attributes']): Driver => ({
  isTransaction: false,
  attributes,
  statement: (use, text) => Effect.scoped(Effect.flatMap(lend, (connection) => run(connection, use, text))),
  transaction: (body, config) => {
    const { begin, then } = transactionOptions(config);
    const brackets = { open: [`begin${begin}`, ...then], commit: 'commit', rollback: ['rollback'] };
    return Effect.scoped(
      Effect.flatMap(lend, (connection) => inTransaction(new OnConnection(connection, attributes), body, brackets)),
    );
  },
});

/** How long a cancelled statement may take to end before its connection is given up. */
const patience = 5_000;
const pause = 100;

const closed = (text: string | undefined) =>
  dbErrorOf({ code: 'CONNECTION_CLOSED', message: 'The connection was closed.' }, text);

/** Runs one statement. When its fiber is interrupted, the server is asked to stop it, and is waited for. */
const run = <A>(connection: Connection, use: Use<A>, text: string | undefined): Effect.Effect<A, DbError> =>
  Effect.callback((resume) => {
    if (connection.isClosed()) {
      resume(Effect.fail(closed(text)));
      return;
    }
    const settled = new Promise<void>((resolve) => {
      const end = (result: Effect.Effect<A, DbError>) => {
        unwatch();
        resume(result);
        resolve();
      };
      // A driver may never answer a statement that it took between the error and the end of a connection.
      const unwatch = connection.whenClosed(() => end(Effect.fail(closed(text))));
      (async () => use(connection.session) as PromiseLike<A>)().then(
        (value) => end(Effect.succeed(value)),
        (error) => end(Effect.fail(dbErrorOf(error, text))),
      );
    });
    return Effect.promise(() => stop(connection, settled));
  });

/** A request that comes between two messages of one statement goes unheard, and is sent again. */
async function stop(connection: Connection, settled: Promise<void>): Promise<void> {
  let isSettled = false;
  const done = settled.then(() => void (isSettled = true));
  const asking = async () => {
    while (!isSettled && !connection.isClosed()) {
      // The connection is not given back before the request was answered: a late one would hit the next statement.
      await Promise.all([connection.cancel().catch(() => {}), within(pause, done)]);
    }
  };
  const isAnswered = await within(patience, asking());
  if (!isAnswered || !isSettled) connection.destroy();
  else if (!connection.isClosed())
    await within(
      patience,
      connection.endStrays().catch(() => {}),
    );
}

/** Whether something has ended before so many milliseconds had. */
const within = (milliseconds: number, done: Promise<unknown>) =>
  new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    void done.then(() => (clearTimeout(timer), resolve(true)));
  });

/** A transaction's connection. Statements of several fibers take turns, and so do transactions within it. */
class OnConnection implements Driver {
  readonly isTransaction = true;
  readonly nested = Semaphore.makeUnsafe(1);
  isOpen = true;

  constructor(
    readonly connection: Connection,
    readonly attributes: Driver['attributes'],
    readonly turn: Semaphore.Semaphore = Semaphore.makeUnsafe(1),
    /** The transaction that it is a savepoint of. */
    readonly outer?: OnConnection,
  ) {}

  get depth(): number {
    return this.outer ? this.outer.depth + 1 : 0;
  }

  /** Behind the end of the outermost, the connection is somebody else's. */
  get isAlive(): boolean {
    return this.isOpen && (this.outer?.isAlive ?? true);
  }

  statement<A>(use: Use<A>, text?: string): Effect.Effect<A, DbError> {
    return this.turn.withPermits(1)(
      Effect.suspend(() => (this.isAlive ? run(this.connection, use, text) : Effect.fail(ended))),
    );
  }

  transaction<A, E, R>(body: (driver: Driver) => Effect.Effect<A, E, R>): Effect.Effect<A, E | DbError, R> {
    const name = `drizzle_tenant_${this.depth + 1}`;
    return this.nested.withPermits(1)(
      Effect.suspend(() =>
        this.isAlive
          ? inTransaction(new OnConnection(this.connection, this.attributes, this.turn, this), body, {
              open: [`savepoint ${name}`],
              commit: `release savepoint ${name}`,
              rollback: [`rollback to savepoint ${name}`, `release savepoint ${name}`],
            })
          : Effect.fail(ended),
      ),
    );
  }
}

interface Brackets {
  readonly open: readonly string[];
  readonly commit: string;
  readonly rollback: readonly string[];
}

/** Failure, defect and interruption roll back. A connection that cannot roll back is given up. */
const inTransaction = <A, E, R>(
  driver: OnConnection,
  body: (driver: Driver) => Effect.Effect<A, E, R>,
  { open, commit, rollback }: Brackets,
): Effect.Effect<A, E | DbError, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const control = new OnConnection(driver.connection, driver.attributes, driver.turn, driver.outer);
      const rollBack = Effect.forEach(rollback, (text) => runText(control, text), { discard: true }).pipe(
        // Of a savepoint that nobody waited for, nothing is left.
        Effect.catch(() => Effect.sync(() => control.isAlive && driver.connection.destroy())),
      );
      const [begin, ...rest] = open;
      yield* runText(control, begin!);
      yield* Effect.forEach(rest, (text) => runText(control, text), { discard: true }).pipe(
        Effect.tapError(() => rollBack),
      );
      const exit = yield* Effect.exit(restore(Effect.suspend(() => body(driver))));
      driver.isOpen = false;
      if (Exit.isFailure(exit)) {
        yield* rollBack;
        return yield* exit;
      }
      // A COMMIT that the server refused has rolled back by itself; a savepoint is still there.
      const answer: any = yield* runText(control, commit).pipe(
        Effect.mapError(asAborted),
        Effect.tapError((error) => {
          if (error.reason._tag === 'ConnectionError')
            return Effect.sync(() => control.isAlive && driver.connection.destroy());
          return driver.depth > 0 ? rollBack : Effect.void;
        }),
      );
      if (answer.command === 'ROLLBACK') return yield* aborted;
      return exit.value;
    }),
  );
