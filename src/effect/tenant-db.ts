/**
 * The tenant's database as a service.
 *
 * An application declares one class for its database. Yielding the class gives the scoped handle of the tenant, so
 * that a program which touches a tenant's rows has the class in its requirements, and does not run until something
 * has provided a tenant. Crossing tenants, several tenants and the reference tables are services of their own: they,
 * too, show in a program's type.
 *
 * The connection is one service and the tenant another. `layer` and its like open the first, once; `forTenant`
 * provides the second, for each request or job. Both live in the context of a fiber, so that forks, streams and
 * `Effect.all` have the tenant of the program that started them, and an inner `forTenant` ends where its program ends.
 */
import * as Config from 'effect/Config';
import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import * as Option from 'effect/Option';
import * as Redacted from 'effect/Redacted';
import * as References from 'effect/References';
import type * as EffectScope from 'effect/Scope';
import type { PgTransactionConfig } from 'drizzle-orm/pg-core';
import { UnsupportedTenantOperationError } from '../schema/index.js';
import type { Tenancy } from '../schema/tenancy.js';
import { handlesFor, homeOf, scopedHandles } from '../handle/database.js';
import { FairQueue, placesOf, type FairOptions } from '../handle/fair.js';
import { isTransaction } from '../handle/transaction.js';
import { isPostgresJs, preparesByItself } from '../drivers/prepares.js';
import { isNodePostgres } from '../drivers/safe-node-postgres.js';
import { checkOf, type RowLevelSecurityOptions } from '../rls/check.js';
import { effects, EffectDatabase } from './database.js';
import { DbError, dbErrorOf } from './db-error.js';
import type { Driver } from './driver.js';
import { effectDriver, inTurn, isEffectDrizzle, isPglite, promiseDriver } from './drizzle.js';
import { nodePostgresDriver } from './node-postgres.js';
import { ofOneConnection } from './one-connection.js';
import { postgresJsDriver } from './postgres-js.js';
import { layerOf, withNewLayers, withOwnLayers } from './memo-maps.js';
import { onReplica, openAll, servicesAt } from './replicas.js';
import { attempt } from './prepared.js';
import type {
  AnyDrizzle,
  ConfigOptions,
  Definition,
  DefinitionOn,
  Handles,
  LayerOptions,
  Rls,
  ServiceClass,
  TenantsClass,
} from './tenant-db.types.js';

// constructors

/**
 * Declares the database of an application.
 *
 * @param id the service's key
 * @param definition the tenancy, and the relations
 * @returns a class to extend: yielding it gives the handle of the tenant
 * @example
 * class Db extends TenantDb.Service<Db>()('app/Db', { tenancy: account, relations }) {}
 *
 * const names = Effect.gen(function* () {
 *   const db = yield* Db;
 *   return yield* db.select({ name: projects.name }).from(projects);
 * });
 * await Effect.runPromise(names.pipe(Effect.provide(Db.forTenant(id)), Effect.provide(Db.layer({ url }))));
 */
export const Service =
  <Self>() =>
  <const Id extends string, Name extends string, TRelations = {}, Data = unknown>(
    id: Id,
    definition: Definition<Name, TRelations, Data>,
  ): ServiceClass<Self, Id, Name, TRelations, Data> => {
    const Connected = Context.Service<any, Handles>(`${id}/Connected`);
    const Shared = Context.Service<any, any>(`${id}/Shared`);
    const AcrossTenants = Context.Service<any, any>(`${id}/AcrossTenants`);
    const tenants: any[] = [];
    const self: any = tenantsOf(id, definition.tenancy, Connected, tenants);

    const connected = (open: Effect.Effect<Handles, DbError, EffectScope.Scope>) =>
      Layer.effectContext(
        Effect.map(open, (handles) => Context.make(Connected, handles).pipe(Context.add(Shared, handles.shared))),
      );
    const open = (db: AnyDrizzle, { rls, across, fair }: Pick<LayerOptions, 'rls' | 'across' | 'fair'>) =>
      Effect.all([driverOf(db), acrossOf(across)]).pipe(
        Effect.flatMap(([driver, other]) =>
          attempt(() => Effect.succeed(handlesOf(db, driver, definition, rls, other, fair))),
        ),
        Effect.tap((handles) => (rls ? checked(handles, rls) : Effect.void)),
      );
    const layerFrom = (db: AnyDrizzle, options = {}) => connected(openAll(db, options, open));
    const services = () => [...tenants, ...tenants.map((it) => it.Several), AcrossTenants];
    const keys = { Connected, Shared, services };
    const layer = (options: LayerOptions) =>
      Layer.unwrap(Effect.map(drizzleOf(options), (db) => layerFrom(db, options)));
    return Object.assign(self, {
      definition,
      Connected,
      Shared,
      AcrossTenants,
      layer,
      layerConfig: (config: Config.Wrap<ConfigOptions>, options?: Partial<LayerOptions>) =>
        Layer.unwrap(Effect.map(Config.unwrap<ConfigOptions>(config), (it) => layer({ ...options, ...it }))),
      layerFrom,
      replica: (program: Effect.Effect<any, any, any>) => onReplica(keys, program),
      acrossTenants: (options: { readonly reason: string }, program?: Effect.Effect<any, any, any>) =>
        given(Connected, AcrossTenants, ({ acrossTenants }) => ({
          handle: acrossTenants(options),
          logs: { tenancy: definition.tenancy.name, reason: options.reason },
        }))(program),
      transaction: (program: Effect.Effect<any, any, any>, config?: PgTransactionConfig) =>
        Effect.flatMap(Effect.context<any>(), (context) => {
          const provided = (key: Context.Service<any, any>) => Option.getOrUndefined(Context.getOption(context, key));
          const key = tenants.find(provided);
          const db = key && provided(key);
          const home: Handles | undefined = db && homeOf(db);
          if (db && !home)
            return db.transaction(
              (tx: unknown) => Effect.provideContext(program, withNewLayers(Context.make(key, tx))),
              config,
            );
          const transaction = (handles: Handles) =>
            handles.transaction(
              (tx) => attempt(() => Effect.provideContext(program, servicesAt(tx, keys, context, handles))),
              config,
            );
          return home ? transaction(home) : Effect.flatMap(Connected, transaction);
        }),
    });
  };

/**
 * Declares the tenants of a second tenancy of a database: a person is one, where people belong to several accounts. It
 * has the connection of the other, and a transaction holds both.
 *
 * @param id the service's key
 * @param definition the tenancy, and the class of the database that it is on
 * @returns a class to extend: yielding it gives the handle of the tenant
 * @example
 * const user = tenancy('user', uuid);
 * class PersonDb extends TenantDb.ServiceOn<PersonDb>()('app/PersonDb', { tenancy: user, on: Db }) {}
 *
 * const both = <A, B>(
 *   person: TenantId<'user'>,
 *   ofPerson: Effect.Effect<A, never, PersonDb>,
 *   ofAccount: Effect.Effect<B, never, Db>,
 * ) =>
 *   Db.transaction(Effect.all([PersonDb.forTenant(person, ofPerson), Db.forTenant(id, ofAccount)]));
 */
export const ServiceOn =
  <Self>() =>
  <const Id extends string, Name extends string, Base, TRelations, Data = unknown>(
    id: Id,
    { tenancy, on }: DefinitionOn<Name, Base, TRelations, Data>,
  ): TenantsClass<Self, Id, Name, TRelations, Base, Data> =>
    tenantsOf(id, tenancy, on.Connected as any, (on as any)[siblings]);

/** Where the classes of one connection know each other: a transaction takes all of them along. */
const siblings = Symbol('siblings');

/** @param all the classes over the same connection, to which this one is added */
function tenantsOf(
  id: string,
  tenancy: Tenancy<any, any, any>,
  Connected: Context.Service<any, Handles>,
  all: any[],
): any {
  const self: any = Context.Service<any, any>()(id);
  const Several = Context.Service<any, any>(`${id}/Several`);
  const logs = (tenants: unknown) => ({ tenancy: tenancy.name, tenant: String(tenants) });
  all.push(self);
  return Object.assign(self, {
    tenancy,
    Several,
    [siblings]: all,
    forTenant: (tenant: unknown, program?: Effect.Effect<any, any, any>) =>
      given(Connected, self, (handles) => ({
        handle: handlesFor(handles, tenancy).forTenant(tenant),
        logs: logs(tenant),
      }))(program),
    forTenants: (tenants: readonly unknown[], program?: Effect.Effect<any, any, any>) =>
      given(Connected, Several, (handles) => ({
        handle: handlesFor(handles, tenancy).forTenants(tenants),
        logs: logs(tenants),
      }))(program),
    prepare: (build: (db: any) => any) => {
      const prepared = new WeakMap<
        Handles,
        { run: (id: unknown, values?: Record<string, unknown>) => Effect.Effect<any, DbError> }
      >();
      return (tenant: unknown, values?: Record<string, unknown>) =>
        Effect.flatMap(Connected, (handles) =>
          attempt(() => {
            let found = prepared.get(handles);
            if (!found) prepared.set(handles, (found = handles.prepare(tenancy, build)));
            return found!.run(tenant, values);
          }),
        );
    },
  });
}

/** Provides a handle over the connection, as a layer, or to a program. */
function given(
  Connected: Context.Service<any, Handles>,
  key: Context.Service<any, any>,
  handle: (handles: Handles) => { handle: unknown; logs: Record<string, unknown> },
) {
  const provided = Effect.gen(function* () {
    const handles = yield* Connected;
    const { handle: service, logs } = yield* attempt(() => Effect.succeed(handle(handles)));
    const annotations = { ...(yield* References.CurrentLogAnnotations), ...logs };
    const services = Context.make(key, service).pipe(Context.add(References.CurrentLogAnnotations, annotations));
    return { services, handles, whose: (service as { dialect: { whose: string } }).dialect.whose };
  });
  return (program?: Effect.Effect<any, any, any>): any =>
    program
      ? Effect.flatMap(Effect.context<any>(), (around) =>
          Effect.flatMap(provided, ({ services }) => Effect.provideContext(program, withOwnLayers(around, services))),
        )
      : layerOf(key, provided);
}

// layers

const drizzleOf = ({ url, maxConnections, connection, drizzle }: LayerOptions): Effect.Effect<AnyDrizzle, DbError> =>
  Effect.tryPromise({
    try: async () => {
      const [{ default: postgres }, driver] = await Promise.all([
        import('postgres'),
        import('drizzle-orm/postgres-js'),
      ]);
      const client = postgres(Redacted.isRedacted(url) ? Redacted.value(url) : url, {
        ...connection,
        ...(maxConnections === undefined ? {} : { max: maxConnections }),
      });
      return driver.drizzle({ ...drizzle, client });
    },
    catch: (error) => dbErrorOf(error),
  });

/** What `scopedHandles` takes: a role as it is, and a handle with a driver of its own. */
const acrossOf = (across: any): Effect.Effect<any, DbError, EffectScope.Scope> =>
  across?.session
    ? Effect.map(driverOf(across), (driver) => new EffectDatabase(across.dialect, driver, across.$cache))
    : Effect.succeed(across);

const driverOf = (db: any): Effect.Effect<Driver, DbError, EffectScope.Scope> =>
  placesOf(db, 1) === 1 ? Effect.map(makeDriver(db), ofOneConnection) : makeDriver(db);

function makeDriver(db: any): Effect.Effect<Driver, DbError, EffectScope.Scope> {
  const attributes = { 'db.system.name': 'postgresql' };
  if (isTransaction(db)) {
    const reason = new UnsupportedTenantOperationError(
      'Pass layerFrom() the handle itself, and use Db.transaction(program): ' +
        'it would end a transaction that is not its own.',
    );
    return Effect.fail(new DbError({ reason }));
  }
  if (isPostgresJs(db)) return postgresJsDriver(db);
  if (isNodePostgres(db)) return Effect.succeed(nodePostgresDriver(db));
  if (typeof db?.session?.prepareQuery !== 'function') {
    const reason = new UnsupportedTenantOperationError(
      'Pass layerFrom() a Drizzle handle of PostgreSQL, as in Db.layerFrom(drizzle({ client })).',
    );
    return Effect.fail(new DbError({ reason }));
  }
  if (isEffectDrizzle(db)) return Effect.succeed(effectDriver(db.session, attributes));
  const driver = promiseDriver(db.session, attributes);
  return Effect.succeed(isPglite(db) ? inTurn(driver) : driver);
}

const handlesOf = (
  db: any,
  driver: Driver,
  { relations, mode }: Definition<any, any>,
  rls: Rls | undefined,
  across: any,
  fair: FairOptions | undefined,
): Handles =>
  scopedHandles(
    new EffectDatabase(db.dialect, driver, db.$cache),
    { relations, mode, rls: Boolean(rls), across, prepare: preparesByItself(db) },
    effects,
    // Its drivers lend a connection of its own to each statement.
    fair && new FairQueue(fair, placesOf(db, 1)),
  );

/** Fails where row-level security does not hold. */
const checked = (handles: Handles, rls: Rls): Effect.Effect<void, DbError> =>
  attempt(() => {
    const { ask, askNodes, hasNodes, judge } = checkOf(handles, rls === true ? {} : (rls as RowLevelSecurityOptions));
    return Effect.flatMap(ask() as Effect.Effect<any, DbError>, (rows) =>
      Effect.flatMap(hasNodes(rows) ? (askNodes() as Effect.Effect<any, DbError>) : Effect.succeed([]), (nodes) =>
        attempt(() => Effect.succeed(judge(rows, nodes))),
      ),
    );
  });
