/**
 * `drizzle-tenant/testing/effect`: the helpers for tests, as Effects and as a layer.
 *
 * @module drizzle-tenant/testing/effect
 */
import * as Cause from 'effect/Cause';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Layer from 'effect/Layer';
import type * as EffectScope from 'effect/Scope';
import type { TenantDb } from '../effect/index.js';
import type { RawSqlNotScopedError } from '../errors.js';
import type { TenantId } from '../schema/tenancy.js';
import { databaseErrorOf, fresh, type Fresh, type FreshOptions, type TestDatabaseError } from './fresh.js';
import { errorOutcome, judge, tablesOf, type IsolationError, type Outcome } from './isolation.js';
import * as Prove from './prove.js';

export { IsolationError } from './isolation.js';
export { TestDatabaseError, type FreshOptions } from './fresh.js';
export type { ProveScopedOptions } from './prove.js';

const prepared = <A>(run: () => Promise<A>): Effect.Effect<A, TestDatabaseError> =>
  Effect.tryPromise({ try: run, catch: databaseErrorOf });

const scoped = (make: () => Promise<Fresh>): Effect.Effect<Fresh, TestDatabaseError, EffectScope.Scope> =>
  Effect.acquireRelease(prepared(make), (database) => Effect.promise(() => database.close()));

/**
 * `proveScoped`, as an Effect.
 *
 * @param sqlText one statement, as it would be sent
 * @param options the tables, the tenant and the parameters
 * @returns the names of the tenant and reference tables in it; it fails with {@link RawSqlNotScopedError} and its like
 * @example
 * import * as effectTesting from 'drizzle-tenant/testing/effect';
 * const names = effectTesting.proveScoped('select * from projects where "accountId" = $1', {
 *   tables: schema,
 *   tenant: id,
 *   params: [id],
 * });
 */
export const proveScoped = (
  sqlText: string,
  options: Prove.ProveScopedOptions,
): Effect.Effect<readonly string[], RawSqlNotScopedError> =>
  Effect.tryPromise({ try: () => Prove.proveScoped(sqlText, options), catch: (it) => it as RawSqlNotScopedError });

/**
 * A database of its own, migrated, and gone with the scope.
 *
 * @param options the migrations or the schema; PGlite, unless `server` is the URL of a PostgreSQL server, whose role
 *   needs CREATEDB
 * @returns Drizzle's handle, without any scope; it fails with {@link TestDatabaseError} where it cannot be made
 * @example
 * import * as effectTesting from 'drizzle-tenant/testing/effect';
 * const program = Effect.scoped(
 *   Effect.flatMap(effectTesting.freshDatabase({ schema }), ({ drizzle }) =>
 *     listProjects.pipe(Effect.provide(Db.forTenant(id)), Effect.provide(Db.layerFrom(drizzle))),
 *   ),
 * );
 */
export const freshDatabase = (
  options: FreshOptions,
): Effect.Effect<{ readonly drizzle: any }, TestDatabaseError, EffectScope.Scope> =>
  Effect.map(
    scoped(() => fresh(options)),
    ({ drizzle }) => ({ drizzle }),
  );

/**
 * A database of its own for whoever builds the layer, migrated, and gone with the layer's scope.
 *
 * @param Db the application's database
 * @param options as for {@link freshDatabase}
 * @returns the layer; it fails with {@link TestDatabaseError} where the database cannot be made
 * @example
 * const layer = testLayer(Db, { schema });
 * it('creates', () => Effect.runPromise(createProject.pipe(Effect.provide(Db.forTenant(id)), Effect.provide(layer))));
 */
export const testLayer = <Self, Name extends string>(
  Db: TenantDb.ServiceClass<Self, any, Name, any>,
  options: FreshOptions,
): Layer.Layer<TenantDb.Connected<Self> | TenantDb.Shared<Self>, TenantDb.DbError | TestDatabaseError> =>
  Layer.fresh(Layer.unwrap(Effect.map(freshDatabase(options), ({ drizzle }) => Db.layerFrom(drizzle))));

/** What `expectIsolated` needs to know. */
export interface IsolationOptions<Self, Name extends string, E> extends FreshOptions {
  /** The tenant for which the program runs. */
  readonly tenant: TenantId<Name>;
  /** Fills the database with the rows of this tenant and of others: the more alike their ids are, the more is seen. */
  readonly seed: Effect.Effect<unknown, E, TenantDb.Connected<Self> | TenantDb.Shared<Self>>;
  /** Whether the order of lists counts. Not unless told: a program without ORDER BY leaves it to PostgreSQL. */
  readonly ordered?: boolean | undefined;
}

/**
 * Fails where a program of the application is not confined to its tenant.
 *
 * New uuids, and dates of now, are alike whatever they are; everything else is compared as it is.
 *
 * @param Db the application's database
 * @param options the schema or the migrations, the tenant, and rows to look at
 * @param program what the application does for a tenant
 * @returns what the program did, the same on both databases; fails with {@link IsolationError} where they differ, and
 *   with {@link TestDatabaseError} where the role of `server` may not create databases
 * @example
 * it('keeps the projects apart', () =>
 *   Effect.runPromise(expectIsolated(Db, { schema, tenant: id, seed }, listProjects)));
 */
export const expectIsolated = <Self, Name extends string, A, E, E2>(
  Db: TenantDb.ServiceClass<Self, any, Name, any>,
  options: IsolationOptions<Self, Name, E2>,
  program: Effect.Effect<A, E, Self | TenantDb.Connected<Self> | TenantDb.Shared<Self>>,
): Effect.Effect<Exit.Exit<A, E | TenantDb.DbError>, E2 | IsolationError | TestDatabaseError | TenantDb.DbError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const many = yield* scoped(() => fresh(options));
      yield* options.seed.pipe(Effect.provide(Db.layerFrom(many.drizzle)));
      const alone = yield* scoped(() => many.copy());
      const { tenant, ordered = false } = options;
      const verdict = yield* prepared(() =>
        judge(many, alone, { tables: tablesOf(Db.definition.relations, Db.tenancy as any), tenant, ordered }),
      );
      const run = (database: Fresh) =>
        Effect.exit(Db.forTenant(tenant, program)).pipe(Effect.provide(Db.layerFrom(database.drizzle)));
      const [first, second] = [yield* run(many), yield* run(alone)];
      const error = yield* prepared(() => verdict(outcomeOf(first), outcomeOf(second)));
      return error ? yield* Effect.fail(error) : first;
    }),
  ) as any;

const outcomeOf = (exit: Exit.Exit<unknown, any>): Outcome =>
  Exit.isSuccess(exit) ? { result: exit.value } : errorOutcome(Cause.squash(exit.cause));
