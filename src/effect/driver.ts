/**
 * What the handles need of a Drizzle driver, whichever it is: to run one statement and to run a transaction, both as
 * Effects that leave the connection clean when they are interrupted. It stands beneath the gate of the scoped
 * session: what comes here was rendered by a scoped dialect, or is one of the few texts of this folder.
 */
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import type { PgTransactionConfig } from 'drizzle-orm/pg-core';
import { UnsupportedTenantOperationError } from '../schema/index.js';
import { setWithin, withinSession } from '../drivers/bound.js';
import { backTo, type Settings } from '../rls/settings.js';
import { DbError, dbErrorOf, QueryError } from './db-error.js';

/** Drizzle's session, of any driver. */
export type DrizzleSession = any;
/** Runs a prepared query on a session: Drizzle answers with a promise, or its Effect drivers with an Effect. */
export type Use<A> = (session: DrizzleSession) => PromiseLike<A> | Effect.Effect<A, unknown>;

export interface Driver {
  /** Whether statements run in a transaction. */
  readonly isTransaction: boolean;
  /** Whether its sessions are those of Drizzle's Effect drivers. */
  readonly runsEffects?: boolean;
  /** Whether it is within a transaction that the application has begun, which goes on behind it. */
  readonly isWithinOthers?: boolean | undefined;
  /** Runs what may not overlap with other statements of the transaction. Drivers of promises see to that themselves. */
  readonly alone?: <A, E, R>(run: (driver: Driver) => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>;
  /** The server, in the words of OpenTelemetry. */
  readonly attributes: Readonly<Record<string, unknown>>;
  statement<A>(use: Use<A>, text?: string): Effect.Effect<A, DbError>;
  transaction<A, E, R>(
    body: (driver: Driver) => Effect.Effect<A, E, R>,
    config?: PgTransactionConfig,
  ): Effect.Effect<A, E | DbError, R>;
}

/** Runs text that is this library's own: BEGIN, FETCH and their like. */
export const runText = (driver: Driver, text: string, params: unknown[] = []) =>
  driver.statement((session) => session.prepareQuery({ sql: text, params }, 'raw', false).execute(), text);

const staysBehind = new DbError({
  reason: new UnsupportedTenantOperationError(
    'Use Db.transaction(program) in place of the transaction of the SQL client: ' +
      'the role that sees every tenant would stay behind in it.',
  ),
});

/** Tells row-level security, for the transaction that the driver is in, whose rows it may show. */
export const bind = (driver: Driver, settings: Settings): Effect.Effect<void, DbError> =>
  driver.isWithinOthers && settings.isAcross ? Effect.fail(staysBehind) : set(driver, settings);

const set = (driver: Driver, settings: Settings): Effect.Effect<void, DbError> =>
  driver.runsEffects
    ? Effect.forEach([settings.first, ...settings.tenant], (text) => runText(driver, text), { discard: true })
    : driver.statement((session) => setWithin(session, settings), settings.first);

/**
 * Runs a statement in a transaction where other statements have other settings: nothing comes between it and its own.
 */
export function within<A>(driver: Driver, settings: Settings, use: Use<A>, text?: string): Effect.Effect<A, DbError> {
  if (!driver.runsEffects) return driver.statement((session) => use(withinSession(session, settings)), text);
  return driver.alone!((alone) => {
    const statement = Effect.andThen(set(alone, settings), alone.statement(use, text));
    if (!settings.isAcross) return statement;
    const role = Effect.map(runText(alone, "select current_setting('role') as role"), roleIn);
    return Effect.flatMap(role, (it) => {
      const back = Effect.forEach(backTo(it), (sql) => runText(alone, sql), { discard: true });
      // A statement may also have failed before it was sent, or its fiber was interrupted: the transaction goes on.
      return Effect.onExit(statement, (exit) => (Exit.isSuccess(exit) ? back : Effect.ignoreCause(back)));
    });
  });
}

const roleIn = (result: any): string => (Array.isArray(result) ? result : result.rows)[0].role;

/**
 * @param config settings of a transaction, which the handle has looked at
 * @returns the options of BEGIN and the statement that follows it
 */
export function transactionOptions(config: PgTransactionConfig = {}): {
  readonly begin: string;
  readonly then: readonly string[];
} {
  const { isolationLevel, accessMode, deferrable, snapshot } = config as PgTransactionConfig & { snapshot?: string };
  const options = [
    isolationLevel && ` isolation level ${isolationLevel}`,
    accessMode && ` ${accessMode}`,
    deferrable === undefined ? undefined : deferrable ? ' deferrable' : ' not deferrable',
  ];
  return {
    begin: options.filter((it) => it !== undefined).join(''),
    then: snapshot === undefined ? [] : [`set transaction snapshot '${snapshot}'`],
  };
}

/** A transaction that has ended takes no more statements. */
export const ended = new DbError({
  reason: new UnsupportedTenantOperationError('Use the handle inside its transaction: this one has ended.'),
});

/** PostgreSQL answers the COMMIT of a transaction in which a statement has failed, and does not commit. */
export const aborted = new DbError({
  reason: new QueryError({
    code: '25P02',
    message:
      'Give a statement that may fail a transaction of its own, as in tx.transaction((inner) => ...): ' +
      'one that failed has ended this transaction, and nothing of it was kept.',
  }),
});

/** Fails in a transaction that a statement has ended. */
export const ensureAlive = (driver: Driver): Effect.Effect<unknown, DbError> =>
  Effect.mapError(runText(driver, 'select 1'), asAborted);

/** The error of a transaction's own statement, with what to do where an earlier one has ended it. */
export const asAborted = (error: DbError): DbError =>
  'code' in error.reason && error.reason.code === '25P02' ? aborted : error;

/** What a driver returned, as an Effect that fails with a `DbError`. Where nothing can cancel it, it is waited for. */
export const settle = <A>(
  run: () => PromiseLike<A> | Effect.Effect<A, unknown>,
  text?: string,
): Effect.Effect<A, DbError> =>
  Effect.suspend(() => {
    const running = run();
    return Effect.isEffect(running)
      ? Effect.mapError(running as Effect.Effect<A, unknown>, (error) => dbErrorOf(error, text))
      : Effect.uninterruptible(
          Effect.tryPromise({ try: () => running as PromiseLike<A>, catch: (error) => dbErrorOf(error, text) }),
        );
  });
