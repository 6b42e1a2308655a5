/**
 * Drizzle's own Effect builders on a driver of this folder. `scopedHandles` takes this in place of a Drizzle handle,
 * and so the scoped handles of `drizzle-tenant` build, and gate, what runs here.
 */
import * as Effect from 'effect/Effect';
import * as Equal from 'effect/Equal';
import * as Stream from 'effect/Stream';
import type { PgDialect, PgTransactionConfig } from 'drizzle-orm/pg-core';
import { PgEffectDatabase, PgEffectRelationalQuery } from 'drizzle-orm/pg-core/effect';
import { UnsupportedTenantOperationError } from '../schema/index.js';
import type { Binding } from '../drivers/binding.js';
import type { Running } from '../handle/on.js';
import { DbError, dbErrorOf, RollbackError } from './db-error.js';
import { bind, transactionOptions, type Driver } from './driver.js';
import { attempt, EffectSession, type StreamOptions } from './prepared.js';
import { effectTurns } from './turns.js';

type Class = new (...args: any[]) => any;
const classes = new WeakMap<Class, Class>();

/** A query that fails with the library's refusals, which Drizzle's would die of, and that can be streamed. */
function own<T>(query: T): T {
  const it = query as any;
  const { execute } = it;
  it.execute = (values?: Record<string, unknown>) =>
    attempt(
      () => (it._prepare ? it._prepare().execute(values) : execute.call(it, values)) as Effect.Effect<unknown, DbError>,
    );
  it.stream = (options?: StreamOptions) =>
    Stream.unwrap(
      attempt(() => {
        const prepared = it._prepare?.();
        if (!prepared?.stream) {
          throw new UnsupportedTenantOperationError(
            'Stream a query of the builder, as in db.select().from(projects).stream(): this one can only be run.',
          );
        }
        return prepared.stream(undefined, options) as Effect.Effect<Stream.Stream<unknown, DbError>, DbError>;
      }),
    );
  return query;
}

function ownClass(base: Class): Class {
  let found = classes.get(base);
  if (!found) {
    found = class extends base {
      constructor(...args: any[]) {
        super(...args);
        own(this);
      }
    };
    classes.set(base, found);
  }
  return found;
}

/** Makes what a builder will build our own. */
function building<T>(builder: T): T {
  (builder as any).builder = ownClass((builder as any).builder);
  return builder;
}

/** How handles bind their tenant for row-level security. */
const binding: Binding = {
  statements: ({ driver }: EffectSession, settingsOf) => new EffectSession(driver, settingsOf),
  statementsWithin: ({ driver }: EffectSession, settingsOf) => new EffectSession(driver, settingsOf),
  transaction: (tx, settings, run) => Effect.flatMap(bind(tx.session.driver, settings), run),
};

/** The way in which `scopedHandles` runs its handles here. */
export const effects: Running = {
  relationalQuery: ownClass(PgEffectRelationalQuery),
  ensuring: (use, after) => Effect.ensuring(Effect.suspend(use), Effect.sync(after)),
  action: (run) => Effect.tryPromise({ try: run, catch: (error) => dbErrorOf(error) }),
  attempt,
  after: (first, then) =>
    Effect.flatMap(Effect.tryPromise({ try: first, catch: (error) => dbErrorOf(error) }), (it) =>
      attempt(() => then(it) as any),
    ),
  // The prepared queries of this folder see to it.
  lasting: (session, query) => session.prepareQuery(...query),
  // The drivers of this folder have them take turns, and see to the rest.
  inner: (_, run) => run(),
  closing: (tx) => tx,
  binding,
  // Its own builders stream.
  select: (builder) => builder,
  with: (builders) => builders,
  turns: effectTurns,
  // Effect compares objects by what they hold, in grouped requests and caches: no two handles are the same.
  made: Equal.byReferenceUnsafe,
};

/** Drizzle's handle. Its methods run with a scoped handle as `this`, as those of all Drizzle handles do here. */
export class EffectDatabase extends (PgEffectDatabase as unknown as Class) {
  readonly #driver: Driver;
  readonly #dialect: PgDialect;

  constructor(dialect: PgDialect, driver: Driver, cache?: unknown) {
    super(dialect, new EffectSession(driver), {});
    this.#dialect = dialect;
    this.#driver = driver;
    (this as any).$cache = cache;
  }

  select(...args: unknown[]) {
    return building(super.select(...args));
  }

  selectDistinct(...args: unknown[]) {
    return building(super.selectDistinct(...args));
  }

  selectDistinctOn(...args: unknown[]) {
    return building(super.selectDistinctOn(...args));
  }

  insert(...args: unknown[]) {
    return building(super.insert(...args));
  }

  update(...args: unknown[]) {
    return building(super.update(...args));
  }

  delete(...args: unknown[]) {
    return own(super.delete(...args));
  }

  with(...queries: unknown[]) {
    const { delete: remove, ...builders } = super.with(...queries);
    const owned = Object.entries<any>(builders).map(([name, build]) => [
      name,
      (...args: unknown[]) => building(build(...args)),
    ]);
    return { ...Object.fromEntries(owned), delete: (...args: unknown[]) => own(remove(...args)) };
  }

  $count(...args: unknown[]) {
    return own(super.$count(...args));
  }

  refreshMaterializedView(...args: unknown[]) {
    return own(super.refreshMaterializedView(...args));
  }

  execute(query: any, mode?: unknown) {
    return own(super.execute(query, mode));
  }

  transaction(run: (tx: EffectDatabase) => Effect.Effect<unknown, unknown, unknown>, config?: PgTransactionConfig) {
    return this.#driver.transaction(
      (driver) => run(new EffectTransaction(this.#dialect, driver, (this as any).$cache)),
      config,
    );
  }
}

class EffectTransaction extends EffectDatabase {
  rollback() {
    return Effect.fail(new DbError({ reason: new RollbackError() }));
  }

  setTransaction(config: PgTransactionConfig) {
    return attempt(() => {
      const { begin, then } = transactionOptions(config);
      const texts = [...(begin ? [`set transaction${begin}`] : []), ...then];
      return Effect.forEach(
        texts,
        (text) =>
          (this as any).session.prepareQuery({ sql: text, params: [] }, 'raw', false).execute() as Effect.Effect<
            unknown,
            DbError
          >,
        {
          discard: true,
        },
      );
    });
  }
}
