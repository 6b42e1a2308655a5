/** The types of the handles. */
import type { BasePgAsyncSession, PgAsyncRefreshMaterializedView } from 'drizzle-orm/pg-core/async';
import type { IsUnion, SQL, SQLWrapper, TablesRelationalConfig } from 'drizzle-orm';
import type {
  PgMaterializedView,
  PgQueryResultHKT,
  PgView,
  PgQueryResultKind,
  PgTransactionConfig,
} from 'drizzle-orm/pg-core';
import type { PgRawRow } from 'drizzle-orm/pg-core/session';
import type { PgRelationalQueryHKTBase, RelationalQueryBuilder } from 'drizzle-orm/pg-core/query-builders/query';
import type { TenancyOfRelationTable, TenantRelations } from '../schema/relations.js';
import type { FairOptions } from './fair.js';
import type { Tenancy, TenantId } from '../schema/tenancy.js';
import type { TenantTypeError } from '../schema/table.types.js';
import type {
  Act,
  AnySource,
  BatchOf,
  CheckBuilt,
  CheckSource,
  CheckTarget,
  Handle,
  HandleOf,
  PromiseRunner,
  ReaderIn,
  Reach,
  Run,
  Runner,
  ScopeBrand,
  SqlMethods,
  Transact,
} from './handle.types.js';
import type { TenantQueryBuilder, TenantWithBuilder } from './select.types.js';
import type {
  AnyTarget,
  InsertColumn,
  InsertColumns,
  TenantDelete,
  TenantInsertBuilder,
  TenantUpdateBuilder,
} from './write.types.js';

/**
 * A handle of one of Drizzle's PostgreSQL drivers. Drizzle's `PgAsyncDatabase<any, any>` says the same, and costs
 * seconds: the compiler would compare all that a handle can do, for relations of any kind. A session is told by its
 * class.
 */
export interface DrizzleHandle {
  readonly _: { readonly session: BasePgAsyncSession };
  refreshMaterializedView(view: any): PgAsyncRefreshMaterializedView<any>;
  transaction(run: any, config?: any): Promise<any>;
}

/** Options of `withTenancy`. */
export interface WithTenancyOptions<TRelations = {}> {
  /** What `defineTenantRelations` returned: gives the handles their `query`. */
  readonly relations?: TenantRelations<TRelations> | undefined;
  /**
   * `'write-only'` sets the tenant on new rows and filters nothing yet, while old rows have no tenant: a step on
   * the way from a single-tenant application. Leave it out as soon as the tenant column is NOT NULL.
   */
  readonly mode?: 'write-only' | undefined;
  /**
   * Whether statements that come back are prepared, though the application did not call `prepare()`: their text is the
   * same for every tenant. Without it, postgres.js does as the `prepare` of its client says (`postgres(url, { prepare:
   * false })` behind a pooler that keeps no prepared statements), and other drivers prepare nothing by themselves.
   */
  readonly prepare?: boolean | undefined;
  /**
   * `true` where the database has the row-level security that `rls: true` in `drizzle.config.ts` writes: each
   * statement tells the policies its tenant, in a transaction of its own. `forTenants` and `acrossTenants` then need
   * `across`.
   */
  readonly rls?: boolean | undefined;
  /**
   * What `forTenants` and `acrossTenants` run as under `rls: true`, since the policies show one tenant's rows only: a
   * Drizzle handle whose role has BYPASSRLS, or the name of such a role, which the login's role is a member of. Only
   * with a role do they run in `db.transaction`: SET LOCAL ROLE, and back after the statement. For a database with
   * replicas, a handle needs a replica for each: `across: withReplicas(admin, [...])`.
   */
  readonly across?: DrizzleHandle | { readonly role: string } | undefined;
  /** Views of tenants' rows that the relations do not name: a handle reads no other. */
  readonly views?: readonly (PgView | PgMaterializedView)[] | undefined;
  /**
   * The application's own functions that a statement may call, as they are written there: `['slugify', 'app.total']`.
   * Name none that reads tables, or that runs text: it would see every tenant's rows. Of PostgreSQL's and its
   * extensions', such as `crosstab`, none is accepted.
   */
  readonly functions?: readonly string[] | undefined;
  /**
   * A fair queue in front of the pool: a tenant has at most `perTenant` statements and transactions on it at once, and
   * where connections are short, tenants take turns. Within a transaction nothing waits.
   *
   * @example
   * const client = postgres(url, { max: 10 });
   * const db = withTenancy(drizzle({ client }), { relations, fair: { perTenant: 5 } });
   */
  readonly fair?: FairOptions | undefined;
}

/**
 * What `execute` gives on a driver that a function does not know: the rows, as postgres.js has it, or an object that
 * holds them.
 */
export interface AnyQueryResultHKT extends PgQueryResultHKT {
  readonly type: RowsOf<PgRawRow<this['row']>>;
}

export type RowsOf<TRow> = readonly TRow[] | { readonly rows: readonly TRow[] };

export interface RelationalHKT<H extends Handle> extends PgRelationalQueryHKTBase {
  _type: Run<H['runner'], this['result']> & SqlMethods;
}

/** The tables of the relations that the handle reads. */
export type RelationalQueries<H extends Handle, TRelations> =
  TRelations extends TenantRelations<infer Config> ? QueriesOf<H, Config> : QueriesOf<H, TRelations>;

export type QueriesOf<H extends Handle, TRelations> = TRelations extends TablesRelationalConfig
  ? {
      [K in keyof TRelations as [TenancyOfRelationTable<TRelations[K]['table']>] extends [H['tenancy']]
        ? K
        : never]: RelationalQueryBuilder<TRelations, TRelations[K], RelationalHKT<H>>;
    }
  : {};

export type Ctes<H extends Handle, T> = { [K in keyof T]: CheckBuilt<H, T[K]> };

export interface ReadMethods<H extends Handle> {
  /**
   * Reads rows of the handle's tables, as Drizzle's `select`; their tenant is added where the statement is sent.
   *
   * @param fields columns and expressions by name; all columns without it
   * @example await tdb.select({ name: projects.name }).from(projects).where(eq(projects.archived, false));
   */
  select: TenantQueryBuilder<ReaderIn<H>>['select'];
  /**
   * `select distinct`: each row once, among the handle's own.
   *
   * @param fields columns and expressions by name
   * @example await tdb.selectDistinct({ name: projects.name }).from(projects);
   */
  readonly selectDistinct: TenantQueryBuilder<ReaderIn<H>>['selectDistinct'];
  /**
   * `select distinct on`: the first row for each value.
   *
   * @param on what has to differ
   * @param fields columns and expressions by name
   * @example
   * await tdb
   *   .selectDistinctOn([tasks.projectId], { title: tasks.title })
   *   .from(tasks)
   *   .orderBy(tasks.projectId, tasks.title);
   */
  selectDistinctOn: TenantQueryBuilder<ReaderIn<H>>['selectDistinctOn'];
}

export interface WriteMethods<H extends Handle> {
  /**
   * Adds rows. A tenant's handle fills their tenant in; a handle of several tenants is told whose they are.
   *
   * @param table a table of the handle's tenancy; a reference table is written through `db.shared`
   * @throws TenantMismatchError when a row names a tenant that is not the handle's
   * @example await tdb.insert(projects).values({ name: crypto.randomUUID() }).returning();
   */
  insert<T extends AnyTarget, TList extends InsertColumn<T>[] = []>(
    table: CheckTarget<H, T>,
    ...columns: InsertColumns<H, T, TList>
  ): TenantInsertBuilder<H, T, TList extends [] ? 'all' : TList>;
  /**
   * Changes rows of the handle's tenant. The tenant of a row never changes.
   *
   * @param table a table of the handle's tenancy
   * @throws ImmutableTenantError when `set()` holds the tenant column
   * @example await tdb.update(projects).set({ archived: true }).where(eq(projects.name, 'old'));
   */
  update<T extends AnyTarget>(table: CheckTarget<H, T>): TenantUpdateBuilder<H, T>;
  /**
   * Deletes rows of the handle's tenant; without `where`, all of them, and nobody else's.
   *
   * @param table a table of the handle's tenancy
   * @example await tdb.delete(projects).where(eq(projects.name, 'old'));
   */
  delete<T extends AnyTarget>(table: CheckTarget<H, T>): TenantDelete<H, T>;
}

export interface OfTenant<Id> {
  /**
   * Whose rows the handle sees: for logs, cache keys, and other services. Undefined on a handle of several tenants, or
   * of none.
   *
   * @throws UnsupportedTenantOperationError in `db.prepare`, whose statement is for every tenant
   * @example console.log(`the projects of ${tdb.tenantId}`, await tdb.$count(projects));
   */
  readonly tenantId: Id;
}

/** The whole of Drizzle's query API, on the tables of one handle. */
export interface ScopedHandle<H extends Handle, TRelations, TTransaction, Id = undefined>
  extends ReadMethods<H>,
    WriteMethods<H>,
    ScopeBrand<H['tenancy']>,
    Reach<H['writes']>,
    OfTenant<Id> {
  /**
   * Relational queries on the tables that `relations` names: `findMany` and `findFirst`. Relations stay within the
   * tenant.
   *
   * @example await tdb.query.projects.findMany({ with: { tasks: true } });
   */
  readonly query: RelationalQueries<H, TRelations>;
  /**
   * Names a query of the same handle as a CTE, for `with`.
   *
   * @param alias its name in the statement
   * @example const open = tdb.$with('open').as(tdb.select().from(projects).where(eq(projects.archived, false)));
   */
  readonly $with: TenantWithBuilder<ReaderIn<H>>;
  /**
   * Puts CTEs that `$with` made before a statement.
   *
   * @param queries of the same handle
   * @throws TenantMismatchError when another handle built one
   * @example const open = tdb.$with('open').as(tdb.select().from(projects)); await tdb.with(open).select().from(open);
   */
  with<T extends SQLWrapper[]>(...queries: Ctes<H, T>): ReadMethods<H> & WriteMethods<H>;
  /**
   * Counts the handle's rows. Also an expression in another query.
   *
   * @param source a table, a view or a subquery
   * @param filters which rows count
   * @example await tdb.$count(projects, eq(projects.archived, false));
   */
  $count<T extends AnySource>(source: CheckSource<H, T>, filters?: SQL): SQL<number> & Run<H['runner'], number>;
  /**
   * Drizzle's cache, where `drizzle()` was given one.
   *
   * @example await tdb.$cache.invalidate({ tables: ['projects'] });
   */
  readonly $cache: { invalidate(params: { tables?: unknown; tags?: string | string[] }): Act<H['runner'], void> };
  /**
   * Runs SQL written by hand, confined to the handle's tenant like any other.
   *
   * @param query a template; tables are interpolated, or named in the text
   * @param mode `'arrays'`, `'objects'`, or as the driver gives it
   * @throws RawSqlNotScopedError when it cannot be confined and proved; nothing is sent
   * @example await tdb.execute(sql`select count(*) from ${projects}`);
   */
  execute<TRow extends unknown[] = unknown[]>(
    query: SQLWrapper | string,
    mode: 'arrays',
  ): Run<H['runner'], TRow[]> & SQLWrapper;
  execute<TRow extends Record<string, any> = Record<string, unknown>>(
    query: SQLWrapper | string,
    mode: 'objects',
  ): Run<H['runner'], TRow[]> & SQLWrapper;
  execute<TRow extends Record<string, any> | 'unknown' = 'unknown'>(
    query: SQLWrapper | string,
    mode?: 'raw',
  ): Run<H['runner'], PgQueryResultKind<H['queryResult'], TRow>> & SQLWrapper;
  /**
   * Runs statements in one transaction, all or none. `tx` is scoped as the handle is; its own `transaction` is a
   * savepoint.
   *
   * @param transaction what is run; where it fails, all is rolled back
   * @param config Drizzle's settings of a transaction
   * @throws UnsupportedTenantOperationError when `tx` is used after it has ended
   * @example await tdb.transaction(async (tx) => { await tx.insert(projects).values({ name: crypto.randomUUID() }); });
   */
  readonly transaction: Transact<H['runner'], TTransaction>;
}

export interface TransactionMethods<R extends Runner> {
  /**
   * Rolls the transaction back, and fails with Drizzle's TransactionRollbackError.
   *
   * @example await tdb.transaction(async (tx) => { if (await tx.$count(projects) < 0) tx.rollback(); });
   */
  readonly rollback: R['rollback'];
  /**
   * Sets the isolation level or the access mode of the transaction, before its first statement.
   *
   * @param config Drizzle's settings of a transaction
   * @example await tdb.transaction(async (tx) => { await tx.setTransaction({ isolationLevel: 'repeatable read' }); });
   */
  setTransaction(config: PgTransactionConfig): Act<R, unknown>;
}

export type One<Name extends string, Q extends PgQueryResultHKT, R extends Runner> = HandleOf<Name, R, Q, 'one'>;
export type Several<Name extends string, Q extends PgQueryResultHKT, R extends Runner> = HandleOf<
  Name,
  R,
  Q,
  'several'
>;
export type Shared<Q extends PgQueryResultHKT, R extends Runner> = HandleOf<never, R, Q, 'shared'>;

/**
 * A handle that is confined to one tenant of the tenancy `Name`. Made by `db.forTenant(id)`.
 *
 * @example
 * const archive = (tdb: TenantDatabase<'account'>, id: string) =>
 *   tdb.update(projects).set({ archived: true }).where(eq(projects.id, id));
 * const report = (tdb: TenantDatabase<'account', typeof relations>) =>
 *   tdb.query.projects.findMany({ with: { tasks: true } });
 */
export interface TenantDatabase<
  Name extends string,
  TRelations = {},
  Q extends PgQueryResultHKT = AnyQueryResultHKT,
  R extends Runner = PromiseRunner,
  Id = TenantId<Name>,
> extends ScopedHandle<One<Name, Q, R>, TRelations, TenantTransaction<Name, TRelations, Q, R, Id>, Id> {}

/** A tenant's handle inside a transaction. */
export interface TenantTransaction<
  Name extends string,
  TRelations = {},
  Q extends PgQueryResultHKT = AnyQueryResultHKT,
  R extends Runner = PromiseRunner,
  Id = TenantId<Name>,
> extends TenantDatabase<Name, TRelations, Q, R, Id>,
    TransactionMethods<R> {}

/** A handle over several tenants. Made by `db.forTenants(ids)`: an inserted row must name one of them. */
export interface TenantsDatabase<
  Name extends string,
  TRelations = {},
  Q extends PgQueryResultHKT = AnyQueryResultHKT,
  R extends Runner = PromiseRunner,
> extends ScopedHandle<
    Several<Name, Q, R>,
    TRelations,
    TenantsDatabase<Name, TRelations, Q, R> & TransactionMethods<R>
  > {}

/** A handle over every tenant of every tenancy. Made by `db.acrossTenants({ reason })`. */
export interface AcrossTenantsDatabase<
  TRelations = {},
  Q extends PgQueryResultHKT = AnyQueryResultHKT,
  R extends Runner = PromiseRunner,
> extends ScopedHandle<
    Several<string, Q, R>,
    TRelations,
    AcrossTenantsDatabase<TRelations, Q, R> & TransactionMethods<R>
  > {
  /**
   * Refreshes a materialized view, for every tenant.
   *
   * @param view that drizzle-orm's `pgMaterializedView` declared
   * @throws UnsupportedTenantOperationError on any other handle
   * @example
   * const refresh = (view: PgMaterializedView) =>
   *   db.acrossTenants({ reason: 'nightly' }).refreshMaterializedView(view).concurrently();
   */
  refreshMaterializedView(view: PgMaterializedView): Act<R, PgQueryResultKind<Q, never>> & MaterializedViewRefresh;
}

export interface MaterializedViewRefresh {
  concurrently(): this;
  withNoData(): this;
}

/** A handle of the reference tables. It is `db.shared`. */
export interface SharedDatabase<
  TRelations = {},
  Q extends PgQueryResultHKT = AnyQueryResultHKT,
  R extends Runner = PromiseRunner,
> extends ScopedHandle<Shared<Q, R>, TRelations, SharedDatabase<TRelations, Q, R> & TransactionMethods<R>> {}

/** A statement that was prepared once, for any tenant. */
export interface PreparedForTenant<Name extends string, TResult> {
  /**
   * Runs the statement for a tenant.
   *
   * @param id the tenant
   * @param placeholders the values of the statement's own placeholders
   * @throws InvalidTenantIdError when the value is not an id, before anything is sent
   * @example
   * const all = db.prepare(account, (tdb) => tdb.select().from(projects));
   * const rows = await all.run(id);
   */
  run(id: TenantId<Name>, placeholders?: Record<string, unknown>): Promise<TResult>;
}

export type CheckId<Id> = [Id] extends [TenantId<any>]
  ? IsUnion<Id> extends true
    ? TenantTypeError<'Give ids of one tenancy: a handle belongs to one'>
    : Id
  : TenantTypeError<'Get the id from the tenancy, as in account.parse(value)'>;
/** What `[]` lacks. */
export type CheckSome<Id> = [Id] extends [never]
  ? TenantTypeError<'Give at least one id, as in db.forTenants([id])'>
  : unknown;
/**
 * The tenancy of an id. Of what is none, and was refused, `any`: what is done with the handle has no errors of its own.
 */
export type NameOf<Id> = [Id] extends [never] ? any : [Id] extends [TenantId<infer Name extends string>] ? Name : any;

/** A method that is there to say, in the first line of its error, what to call in its place. */
export type Tenantless<Message extends string> = (this: TenantTypeError<Message>, ...args: any[]) => any;

/** The handles of a database. It has no query methods of its own. */
export interface TenancyHandles<TRelations = {}, TQueryResult extends PgQueryResultHKT = AnyQueryResultHKT> {
  /**
   * A handle that is confined to one tenant.
   *
   * @param id an id of the tenant: from `parse`, or from a row's tenant column
   * @param options `signal`: once it is aborted, what waits for its turn waits no longer, and nothing more is sent
   * @throws InvalidTenantIdError when the value is not an id, before anything is sent
   * @example await db.forTenant(id, { signal: AbortSignal.timeout(5_000) }).select().from(projects);
   */
  forTenant<Id>(
    id: CheckId<Id>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): TenantDatabase<NameOf<Id>, TRelations, TQueryResult, PromiseRunner, Id> & BatchOf<TQueryResult>;
  /**
   * A handle over several tenants at once: reads, updates and deletes; an inserted row must name its tenant.
   *
   * @param ids at least one id, all of one tenancy
   * @throws InvalidTenantIdError when a value is not an id, or there is none
   * @example await db.forTenants([id]).select({ account: projects.accountId, name: projects.name }).from(projects);
   */
  forTenants<Id>(
    ids: readonly CheckId<Id>[] & CheckSome<Id>,
  ): TenantsDatabase<NameOf<Id>, TRelations, TQueryResult> & BatchOf<TQueryResult>;
  /**
   * A handle over every tenant, for jobs and admin work.
   *
   * @param options `reason` stands in every statement as a SQL comment
   * @throws UnsupportedTenantOperationError without a reason
   * @example await db.acrossTenants({ reason: 'nightly report' }).$count(projects);
   */
  acrossTenants(options: {
    readonly reason: string;
  }): AcrossTenantsDatabase<TRelations, TQueryResult> & BatchOf<TQueryResult>;
  /**
   * Resolves when PostgreSQL's parser is loaded. Only `toSQL()` needs it: queries wait for it by themselves.
   *
   * @throws RawSqlNotScopedError when the parser cannot be loaded; asked again, it is tried again
   * @example
   * await db.ready;
   * const { sql: text } = tdb.select().from(projects).toSQL();
   */
  readonly ready: Promise<void>;
  /**
   * The handle of the reference tables, which all tenants share: it reads and writes them, and no other.
   *
   * @example await db.shared.insert(countries).values({ id: 7, name: 'Utopia' }).onConflictDoNothing();
   */
  readonly shared: SharedDatabase<TRelations, TQueryResult> & BatchOf<TQueryResult>;
  /**
   * Prepares a statement once, for any tenant.
   *
   * @param tenancy the kind of tenant
   * @param build builds the query, with `sql.placeholder(name)` where values come with each run
   * @example
   * const byName = db.prepare(account, (tdb) =>
   *   tdb.select().from(projects).where(eq(projects.name, sql.placeholder('name'))),
   * );
   * const rows = await byName.run(id, { name: 'x' });
   */
  prepare<Name extends string, TResult>(
    tenancy: Tenancy<Name, any, any>,
    build: (tdb: NoInfer<TenantDatabase<Name, TRelations, TQueryResult>>) => PromiseLike<TResult> & SQLWrapper,
  ): PreparedForTenant<Name, TResult>;

  // No query methods: these say so.
  readonly select: Tenantless<'Choose a tenant first, as in db.forTenant(id).select()'>;
  readonly selectDistinct: Tenantless<'Choose a tenant first, as in db.forTenant(id).selectDistinct()'>;
  readonly selectDistinctOn: Tenantless<'Choose a tenant first, as in db.forTenant(id).selectDistinctOn()'>;
  readonly insert: Tenantless<'Choose a tenant first, as in db.forTenant(id).insert()'>;
  readonly update: Tenantless<'Choose a tenant first, as in db.forTenant(id).update()'>;
  readonly delete: Tenantless<'Choose a tenant first, as in db.forTenant(id).delete()'>;
  readonly query: TenantTypeError<'Choose a tenant first, as in db.forTenant(id).query'>;
  readonly with: Tenantless<'Choose a tenant first, as in db.forTenant(id).with()'>;
  readonly $with: Tenantless<'Choose a tenant first, as in db.forTenant(id).$with()'>;
  readonly $count: Tenantless<'Choose a tenant first, as in db.forTenant(id).$count()'>;
  readonly execute: Tenantless<'Choose a tenant first, as in db.forTenant(id).execute()'>;
}
