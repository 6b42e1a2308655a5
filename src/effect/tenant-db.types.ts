/** The types of the service, and of what stands around it. */
import type * as Config from 'effect/Config';
import type * as Context from 'effect/Context';
import type * as Effect from 'effect/Effect';
import type * as Layer from 'effect/Layer';
import type * as Redacted from 'effect/Redacted';
import type { PgTransactionConfig } from 'drizzle-orm/pg-core';
import type { FairOptions } from '../handle/fair.js';
import type { RowLevelSecurityOptions } from '../rls/check.js';
import type { TenantRelations } from '../schema/relations.js';
import type { Tenancy, TenantId } from '../schema/tenancy.js';
import type { AcrossDatabase, Database, EffectQuery, ReferenceDatabase, SeveralDatabase } from './database.types.js';
import type { DbError } from './db-error.js';

/**
 * The database `Self`, as a program that yields it requires it. The compiler prints what to do wherever the program is
 * run without; whatever provides `Self` provides this, and `Effect<A, E, Db>` is the type of a function as with any
 * service.
 */
export type Provide<
  Self,
  Remedy extends string = 'with Db.forTenant(id), or in an endpoint with the middleware of TenantHttpApi',
> = Self & {
  readonly Provide?: Remedy;
};

/** The connection of the database `Self`, without a tenant: provided by a layer, used by `forTenant` and its like. */
export interface Connected<in out Self, out _Remedy = 'Provide it with Db.layer({ url })'> {
  readonly Connected: (self: Self) => Self;
}

/** The reference tables of the database `Self`. */
export interface Shared<in out Self, out _Remedy = 'Provide it with Db.layer({ url })'> {
  readonly Shared: (self: Self) => Self;
}

/** Several tenants of the database `Self` at once. */
export interface Several<in out Self, out _Remedy = 'Provide it with Db.forTenants(ids)'> {
  readonly Several: (self: Self) => Self;
}

/** Every tenant of the database `Self`. In a program's requirements it says that the program crosses tenants. */
export interface AcrossTenants<in out Self, out _Remedy = 'Provide it with Db.acrossTenants({ reason })'> {
  readonly AcrossTenants: (self: Self) => Self;
}

/** What a database is made of. */
export interface Definition<Name extends string, TRelations, Data = unknown> {
  /** The tenancy whose tenants `forTenant` takes. */
  readonly tenancy: Tenancy<Name, Data, any>;
  /** What `defineTenantRelations` returned: gives the handles their `query`. */
  readonly relations?: TenantRelations<TRelations> | undefined;
  /** As in `withTenancy`. */
  readonly mode?: 'write-only' | undefined;
}

/** What a second tenancy of a database is made of. */
export interface DefinitionOn<Name extends string, Base, TRelations, Data = unknown> {
  /** The tenancy whose tenants `forTenant` takes. */
  readonly tenancy: Tenancy<Name, Data, any>;
  /** The class of the database, whose connection, relations and transactions it shares. */
  readonly on: ServiceClass<Base, any, any, TRelations, any>;
}

/** Whether the database has row-level security; `except` as in `assertRowLevelSecurity`. */
export type Rls = boolean | RowLevelSecurityOptions;

/** Options of `layer`. `connection` and `drizzle` go to postgres.js and to Drizzle as they are. */
export interface LayerOptions {
  readonly url: string | Redacted.Redacted;
  /** How many connections at most, 10 unless told. */
  readonly maxConnections?: number | undefined;
  /** Options of postgres.js: `ssl`, `idle_timeout`, `connection: { application_name }`, ... */
  readonly connection?: Readonly<Record<string, unknown>> | undefined;
  /** Options of Drizzle: `logger`, `cache`, ... */
  readonly drizzle?: Readonly<Record<string, unknown>> | undefined;
  /** As in `withTenancy`. The layer fails with a `RowLevelSecurityError` where row-level security does not hold. */
  readonly rls?: Rls | undefined;
  /** As in `withTenancy`: what `forTenants` and `acrossTenants` run as under `rls`. */
  readonly across?: AnyDrizzle | { readonly role: string } | undefined;
  /** As in `withTenancy`: how many statements and transactions a tenant may have on the pool at once. */
  readonly fair?: FairOptions | undefined;
}

/** What of the options comes from a `Config`. */
export interface ConfigOptions {
  readonly url: Redacted.Redacted;
  readonly maxConnections?: number | undefined;
}

/** A Drizzle handle of PostgreSQL, of any driver. */
export interface AnyDrizzle {
  readonly dialect?: unknown;
  readonly session?: unknown;
  readonly $client?: unknown;
}

/** The handles over one connection. */
export interface Handles {
  readonly forTenant: (id: unknown) => any;
  readonly forTenants: (ids: unknown) => any;
  readonly acrossTenants: (options: unknown) => any;
  readonly shared: any;
  readonly prepare: (tenancy: unknown, build: (db: any) => any) => any;
  readonly transaction: (
    run: (tx: Handles) => Effect.Effect<any, any, any>,
    config?: PgTransactionConfig,
  ) => Effect.Effect<any, any, any>;
}

/**
 * What gives the tenants of one tenancy, over the connection of the database `Base`. Made by {@link Service} and {@link
 * ServiceOn}.
 */
export interface TenantsClass<Self, Id extends string, Name extends string, TRelations, Base = Self, Data = unknown>
  extends Context.ServiceClass<Self, Id, Database<Name, TRelations, Data>> {
  readonly [Effect.TypeId]: Effect.Variance<Database<Name, TRelations, Data>, never, Provide<Self>>;
  [Symbol.iterator](): Effect.EffectIterator<Effect.Effect<Database<Name, TRelations, Data>, never, Provide<Self>>>;
  /**
   * Runs what is made of the tenant's handle.
   *
   * @param f gets the handle of the tenant that is provided
   * @example yield* Db.use((db) => db.select().from(projects));
   */
  use<A, E, R>(
    f: (db: Database<Name, TRelations, Data>) => Effect.Effect<A, E, R>,
  ): Effect.Effect<A, E, R | Provide<Self>>;
  /**
   * What is made of the tenant's handle without running anything.
   *
   * @param f gets the handle of the tenant that is provided
   * @example const query = yield* Db.useSync((db) => db.select().from(projects));
   */
  useSync<A>(f: (db: Database<Name, TRelations, Data>) => A): Effect.Effect<A, never, Provide<Self>>;
  readonly tenancy: Tenancy<Name, Data, any>;
  /**
   * Several tenants, where `Db.forTenants(ids)` provides them.
   *
   * @example yield* Db.forTenants([id], Effect.flatMap(Db.Several, (db) => db.$count(projects)));
   */
  readonly Several: Context.Service<Several<Self>, SeveralDatabase<Name, TRelations>>;

  /**
   * Provides a tenant, as a layer, or to a program. Within it, logs name the tenant.
   *
   * @param id an id of the tenancy, from `parse` or from a row
   * @param program runs for the tenant; around it, the tenant is what it was
   * @example
   * yield* Effect.provide(program, Db.forTenant(id));
   * yield* Db.forTenant(id, program);
   */
  forTenant(id: TenantId<Name>): Layer.Layer<Self, DbError, Connected<Base>>;
  forTenant<A, E, R>(
    id: TenantId<Name>,
    program: Effect.Effect<A, E, R>,
  ): Effect.Effect<A, E | DbError, Exclude<R, Self> | Connected<Base>>;
  /**
   * Provides several tenants, to programs that use `Db.Several`, as a layer or to a program.
   *
   * @param ids at least one, all of the tenancy
   * @param program runs for these tenants
   * @example yield* Db.forTenants([id], Effect.flatMap(Db.Several, (db) => db.select().from(projects)));
   */
  forTenants(ids: readonly TenantId<Name>[]): Layer.Layer<Several<Self>, DbError, Connected<Base>>;
  forTenants<A, E, R>(
    ids: readonly TenantId<Name>[],
    program: Effect.Effect<A, E, R>,
  ): Effect.Effect<A, E | DbError, Exclude<R, Several<Self>> | Connected<Base>>;
  /**
   * Prepares a query once, for any tenant.
   *
   * @example
   * const byName = Db.prepare((db) => db.select().from(projects).where(eq(projects.name, sql.placeholder('name'))));
   * const rows = yield* byName(id, { name: 'x' });
   */
  prepare<A>(
    build: (db: Database<Name, TRelations, Data>) => EffectQuery<A>,
  ): (id: TenantId<Name>, values?: Record<string, unknown>) => Effect.Effect<A, DbError, Connected<Base>>;
}

/** The class of a database. Made by {@link Service}. */
export interface ServiceClass<Self, Id extends string, Name extends string, TRelations, Data = unknown>
  extends TenantsClass<Self, Id, Name, TRelations, Self, Data> {
  readonly definition: Definition<Name, TRelations, Data>;
  /** The connection, without a tenant. */
  readonly Connected: Context.Service<Connected<Self>, Handles>;
  /**
   * The reference tables: what it gives reads and writes them.
   *
   * @example
   * const shared = yield* Db.Shared;
   * const all = yield* shared.select().from(countries);
   */
  readonly Shared: Context.Service<Shared<Self>, ReferenceDatabase<TRelations>>;
  /**
   * Every tenant, where `Db.acrossTenants({ reason })` provides them.
   *
   * @example
   * const count = Effect.flatMap(Db.AcrossTenants, (db) => db.$count(projects));
   * yield* Db.acrossTenants({ reason: 'report' }, count);
   */
  readonly AcrossTenants: Context.Service<AcrossTenants<Self>, AcrossDatabase<TRelations>>;

  /**
   * Opens postgres.js, and closes it with the layer's scope.
   *
   * @param options the server, and what postgres.js and Drizzle take
   * @returns the connection and the reference tables; fails where the server cannot be reached
   * @example program.pipe(Effect.provide(Db.forTenant(id)), Effect.provide(Db.layer({ url })))
   */
  layer(options: LayerOptions): Layer.Layer<Connected<Self> | Shared<Self>, DbError>;
  /**
   * `layer`, with options from a `Config`.
   *
   * @example Db.layerConfig({ url: Config.Redacted('DATABASE_URL') })
   */
  layerConfig(
    config: Config.Wrap<ConfigOptions>,
    options?: Pick<LayerOptions, 'connection' | 'drizzle' | 'rls' | 'across' | 'fair'>,
  ): Layer.Layer<Connected<Self> | Shared<Self>, DbError | Config.ConfigError>;
  /**
   * Takes any Drizzle handle of PostgreSQL: node-postgres, PGlite, Drizzle's Effect drivers. A handle of
   * postgres.js gives its options: connections are opened anew, for this layer alone.
   *
   * @param db the handle, or what Drizzle's `withReplicas` returned; its client stays the application's to close
   * @param options `rls` and `across`, as in `layer`
   * @example const layer = Db.layerFrom(drizzle({ client: postgres(url) }));
   */
  layerFrom(
    db: AnyDrizzle,
    options?: Pick<LayerOptions, 'rls' | 'across' | 'fair'>,
  ): Layer.Layer<Connected<Self> | Shared<Self>, DbError>;

  /**
   * Runs a program on a replica, where the layer was given what Drizzle's `withReplicas` returned: whatever the program
   * yields or provides of this database, in whichever function, is the replica's. A replica is a moment behind.
   *
   * @param program what it yields as `Db` is the handle of the tenant that is provided around it
   * @returns what the program gives; it fails with an UnsupportedTenantOperationError where there is no replica, and in
   * a transaction
   * @example
   * const report = Db.replica(Db.use((db) => db.select().from(projects)));
   */
  replica<A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E | DbError, R | Connected<Self>>;
  /**
   * Provides every tenant, to programs that use `Db.AcrossTenants`.
   *
   * @param options `reason` stands in every statement as a SQL comment
   * @example
   * const count = Effect.flatMap(Db.AcrossTenants, (db) => db.$count(tasks));
   * yield* Db.acrossTenants({ reason: 'nightly report' }, count);
   */
  acrossTenants(options: { readonly reason: string }): Layer.Layer<AcrossTenants<Self>, DbError, Connected<Self>>;
  acrossTenants<A, E, R>(
    options: { readonly reason: string },
    program: Effect.Effect<A, E, R>,
  ): Effect.Effect<A, E | DbError, Exclude<R, AcrossTenants<Self>> | Connected<Self>>;
  /**
   * Runs a program in one transaction, which rolls back when the program fails, dies or is interrupted: whatever the
   * program yields or provides of this database, in whichever function, is the transaction's. Statements of several
   * tenants run one after the other, each under its own setting where the database has row-level security. Within a
   * transaction it is a savepoint.
   *
   * @param program what it yields as `Db` is the handle of the tenant that is provided around the transaction
   * @param config Drizzle's settings of a transaction
   * @example
   * yield* Db.transaction(Effect.andThen(createProject, createTasks));
   * const read = Effect.flatMap(Db.Shared, (shared) => shared.select().from(countries));
   * yield* Db.transaction(Effect.andThen(read, Db.forTenant(id, createProject)));
   */
  transaction<A, E, R>(
    program: Effect.Effect<A, E, R>,
    config?: PgTransactionConfig,
  ): Effect.Effect<A, E | DbError, R | ([Extract<R, Provide<Self>>] extends [never] ? Connected<Self> : never)>;
}
