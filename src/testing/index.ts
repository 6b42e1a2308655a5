/**
 * `drizzle-tenant/testing`: a fresh database for each test, as a layer, and `expectIsolated`, with which an
 * application tests its own programs.
 */
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import type { TenantDb } from '../effect/index.js';
import { fresh, scoped, type FreshOptions, type TestDatabaseError } from './fresh.js';

export { expectIsolated, IsolationError, type IsolationOptions } from './isolation.js';
export { TestDatabaseError, type FreshOptions } from './fresh.js';
export { proveScoped, type ProveScopedOptions } from './prove.js';

/**
 * A database of its own for whoever builds the layer, migrated, and gone with the layer's scope.
 *
 * @param Db the application's database
 * @param options the migrations or the schema; PGlite, unless `server` is the URL of a PostgreSQL server, whose role
 *   needs CREATEDB
 * @returns the layer; it fails with {@link TestDatabaseError} where the database cannot be made
 * @example
 * const layer = testLayer(Db, { schema });
 * it('creates', () => Effect.runPromise(createProject.pipe(Effect.provide(Db.forTenant(id)), Effect.provide(layer))));
 */
export const testLayer = <Self, Name extends string>(
  Db: TenantDb.ServiceClass<Self, any, Name, any>,
  options: FreshOptions,
): Layer.Layer<TenantDb.Connected<Self> | TenantDb.Shared<Self>, TenantDb.DbError | TestDatabaseError> =>
  Layer.fresh(Layer.unwrap(Effect.map(scoped(() => fresh(options)), (database) => Db.layerFrom(database.drizzle))));
