/**
 * A prepared query whose execution is an Effect, and the session that makes it: what stands beneath the scoped session.
 */
import * as Cause from 'effect/Cause';
import * as Effect from 'effect/Effect';
import * as Queue from 'effect/Queue';
import * as Stream from 'effect/Stream';
import type { SettingsOf } from '../drivers/binding.js';
import type { Settings } from '../rls/settings.js';
import { boundSession } from '../drivers/bound.js';
import { cursorFor } from '../drivers/cursor.js';
import { lasting } from '../drivers/outdated.js';
import { dbErrorOf, type DbError } from './db-error.js';
import { bind, runText, within, type Driver, type Use } from './driver.js';
import { observed } from './telemetry.js';

/** How a result is streamed. */
export interface StreamOptions {
  /**
   * How many rows are fetched at a time, 256 unless told: so many are held in memory, and as many again on their way.
   */
  readonly chunkSize?: number | undefined;
}

export interface Query {
  readonly sql: string;
  readonly params: unknown[];
}

/** What a statement without rows of its own returns, the same on every driver. */
export interface QueryResult<TRow = Record<string, unknown>> {
  readonly rows: TRow[];
  /** How many rows the statement returned or wrote. */
  readonly rowCount: number | null;
}

/** postgres.js returns the rows with a count, the other drivers an object with `rows`. */
const resultOf = (result: any): QueryResult => {
  const rows = Array.isArray(result) ? [...result] : (result?.rows ?? []);
  return { rows, rowCount: result?.count ?? result?.rowCount ?? result?.affectedRows ?? rows.length };
};

/** A session for Drizzle's builders. Nothing in it knows of tenants: the scoped session lets only scoped queries in. */
export class EffectSession {
  /** @param settingsOf what row-level security is to be told before each statement */
  constructor(
    readonly driver: Driver,
    readonly settingsOf?: SettingsOf,
  ) {}

  prepareQuery(
    query: Query,
    ...rest: [mode: unknown, name: unknown, mapper?: unknown, metadata?: unknown, cache?: unknown, shape?: unknown]
  ) {
    return new EffectPreparedQuery(this.driver, query, rest, this.settingsOf);
  }
}

class EffectPreparedQuery {
  readonly #driver: Driver;
  readonly #rest: readonly [
    mode: unknown,
    name: unknown,
    mapper?: any,
    metadata?: unknown,
    cache?: unknown,
    shape?: unknown,
  ];
  readonly #settingsOf: SettingsOf | undefined;
  #kept: { session: unknown; prepared: any } | undefined;

  constructor(
    driver: Driver,
    readonly query: Query,
    rest: readonly [mode: unknown, name: unknown, mapper?: any, metadata?: unknown, cache?: unknown, shape?: unknown],
    settingsOf?: SettingsOf,
  ) {
    this.#driver = driver;
    this.#rest = rest;
    this.#settingsOf = settingsOf;
  }

  getQuery(): Query {
    return this.query;
  }

  execute(values?: Record<string, unknown>): Effect.Effect<any, DbError> {
    const run = this.#settingsOf ? attempt(() => this.#bound(values)) : this.#run(this.#driver, values);
    return observed(this.query, this.#driver, this.#rest[0] === 'raw' ? Effect.map(run, resultOf) : run);
  }

  #run(driver: Driver, values?: Record<string, unknown>): Effect.Effect<any, DbError> {
    return driver.statement<any>((session) => this.#on(session).execute(values), this.query.sql);
  }

  /** The statement in a transaction that is bound to its tenant. */
  #bound(values?: Record<string, unknown>): Effect.Effect<any, DbError> {
    const driver = this.#driver;
    const settings = this.#settingsOf!(values);
    if (!settings) return this.#run(driver, values);
    if (driver.isTransaction)
      return within(driver, settings, (session) => this.#prepare(session).execute(values), this.query.sql);
    if (driver.runsEffects)
      return driver.transaction((tx) => Effect.andThen(bind(tx, settings), this.#run(tx, values)));
    return driver.statement<any>(
      (session) => this.#prepare(boundSession(session, settings)).execute(values),
      this.query.sql,
    );
  }

  /** The rows through a cursor, within a transaction of its own where there is none. */
  stream(
    values: Record<string, unknown> | undefined,
    { chunkSize = 256 }: StreamOptions = {},
  ): Effect.Effect<Stream.Stream<any, DbError>> {
    // Without Drizzle's metadata: its cache would answer one FETCH with the rows of another.
    const [mode, , mapper, , , shape] = this.#rest;
    const cursor = cursorFor(chunkSize);
    const { size } = cursor;
    const declare = { ...this.query, sql: cursor.declare(this.query.sql) };
    const read = (driver: Driver, queue: Queue.Queue<any, DbError | Cause.Done>, settings?: Settings) =>
      Effect.gen(function* () {
        // What the policies read is looked at with each FETCH.
        const statement = <A>(use: Use<A>, text: string) =>
          settings ? within(driver, settings, use, text) : driver.statement(use, text);
        yield* statement((session) => session.prepareQuery(declare, 'raw', false).execute(values), declare.sql);
        const text = cursor.fetch;
        for (;;) {
          const rows = yield* statement<any[]>(
            (session) =>
              session
                .prepareQuery(
                  { sql: text, params: [] },
                  mode === 'raw' ? 'objects' : mode,
                  false,
                  undefined,
                  undefined,
                  undefined,
                  shape,
                )
                .execute(),
            text,
          );
          if (rows.length > 0) yield* Queue.offerAll(queue, mapper ? mapper(rows) : rows);
          if (rows.length < size) break;
        }
        yield* runText(driver, cursor.close);
      });
    const rows = Stream.callback<any, DbError>(
      (queue) => {
        const driver = this.#driver;
        const readBound = (tx: Driver) =>
          attempt(() => {
            const settings = this.#settingsOf?.(values);
            return settings ? Effect.andThen(bind(tx, settings), read(tx, queue)) : read(tx, queue);
          });
        const readWithin = attempt(() => read(driver, queue, this.#settingsOf?.(values)));
        const reading = driver.isTransaction ? readWithin : driver.transaction(readBound);
        return observed(this.query, driver, reading).pipe(
          Effect.matchCauseEffect({
            onFailure: (cause) => Queue.failCause(queue, cause),
            onSuccess: () => Queue.end(queue),
          }),
        );
      },
      { bufferSize: size, strategy: 'suspend' },
    );
    return Effect.succeed(rows);
  }

  #prepare(session: any): any {
    const { runsEffects, isTransaction } = this.#driver;
    return runsEffects
      ? session.prepareQuery(this.query, ...this.#rest)
      : lasting(session, [this.query, ...this.#rest], !isTransaction);
  }

  /** Drizzle's own prepared query, kept while it stays on one session. */
  #on(session: any): any {
    if (this.#kept?.session !== session) this.#kept = { session, prepared: this.#prepare(session) };
    return this.#kept!.prepared;
  }
}

/** Runs what may throw a refusal of this library, and fails with it. Anything else that it throws is a defect. */
export const attempt = <A, E, R>(run: () => Effect.Effect<A, E, R>): Effect.Effect<A, E | DbError, R> =>
  Effect.suspend((): Effect.Effect<A, E | DbError, R> => {
    try {
      return run();
    } catch (thrown) {
      const error = dbErrorOf(thrown);
      if (error.reason._tag === 'QueryError') throw thrown;
      return Effect.fail(error);
    }
  });
