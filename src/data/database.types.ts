/** What `withTenancy` returns: the handles, and each tenant as a whole. */
import type { PgAsyncRefreshMaterializedView } from 'drizzle-orm/pg-core/async';
import type { PgQueryResultHKT, PgTransactionConfig } from 'drizzle-orm/pg-core';
import type {
  AnyQueryResultHKT,
  CheckId,
  DrizzleHandle,
  NameOf,
  TenancyHandles,
  TransactionMethods,
  WithTenancyOptions,
} from '../handle/database.types.js';
import type { Batches, PromiseRunner } from '../handle/handle.types.js';
import type { TenantRelations } from '../schema/relations.js';
import type { Tenancy } from '../schema/tenancy.js';
import type { TenantData } from './tenant-data.js';

/** What `withTenancy` returns. It has no query methods of its own. */
export interface TenancyDatabase<TRelations = {}, TQueryResult extends PgQueryResultHKT = AnyQueryResultHKT>
  extends TenancyHandles<TRelations, TQueryResult> {
  /**
   * A tenant as a whole: export, import, clone, erase, compare.
   *
   * @param id an id of the tenant
   * @param options `tenancy`, where ids of several tenancies look alike: a whole tenant is not moved on a guess
   * @throws InvalidTenantIdError when the value is not an id, or may be one of several tenancies, before anything is
   * sent
   * @example await pipeline(db.tenantData(id).export(), createWriteStream('acme.ndjson.gz'));
   */
  tenantData<Id>(
    id: CheckId<Id>,
    options?: { readonly tenancy?: Tenancy<NoInfer<NameOf<Id>>, any, any> | undefined },
  ): TenantData<NameOf<Id>>;
  /**
   * Runs several handles in one transaction: what they do is kept as a whole, or not at all. Statements of several
   * tenants run one after the other, each under its own setting where the database has row-level security.
   *
   * @param transaction gets what the database has, on the transaction's connection; it rolls back where this fails
   * @param config Drizzle's settings of a transaction
   * @throws UnsupportedTenantOperationError when a handle is used after its transaction
   * @example
   * await db.transaction(async (tx) => {
   *   await tx.shared.insert(countries).values({ id: 1, name: 'Utopia' }).onConflictDoNothing();
   *   const tenant = tx.forTenant(id);
   *   await tenant.insert(accounts).values({ name }).onConflictDoNothing();
   *   await tenant.insert(projects).values({ name: crypto.randomUUID() });
   * });
   */
  transaction<T>(
    transaction: (tx: NoInfer<TenancyTransaction<TRelations, TQueryResult>>) => Promise<T>,
    config?: PgTransactionConfig,
  ): Promise<T>;
}

/**
 * What `db.transaction` gives: what the database has, in one transaction. Its own `transaction` is a savepoint. A
 * tenant as a whole is moved in a transaction of its own: `tenantData` refuses here.
 */
export interface TenancyTransaction<TRelations = {}, TQueryResult extends PgQueryResultHKT = PgQueryResultHKT>
  extends TenancyDatabase<TRelations, TQueryResult>,
    TransactionMethods<PromiseRunner> {}

/**
 * What `withTenancy` adds for a handle of Drizzle's `withReplicas`. As there, statements run on the primary unless they
 * are sent to a replica.
 *
 * @example
 * const db = withTenancy(withReplicas(primary, [replica1, replica2]), { relations });
 * const projects = await db.$replica.forTenant(id).query.projects.findMany();
 */
export interface TenancyReplicas<TDatabase> {
  /** One of the replicas, which `withReplicas` chooses each time. */
  readonly $replica: TDatabase;
  /** All of them. */
  readonly $replicas: readonly TDatabase[];
  /** The primary, where statements run in any case. */
  readonly $primary: TDatabase;
}

/** What `withTenancy` returns for a handle of Drizzle's. */
export type TenancyDatabaseOf<TDrizzle, TDatabase> = TDrizzle extends { readonly $replicas: readonly unknown[] }
  ? TDatabase & TenancyReplicas<TDatabase>
  : TDatabase;

/** What a driver returns, marked where the driver has Drizzle's `batch`; of an `any`, what any driver returns. */
export type QueryResultOf<TDrizzle, TQueryResult extends PgQueryResultHKT> = 0 extends 1 & TDrizzle
  ? AnyQueryResultHKT
  : TDrizzle extends { batch(...args: any): Promise<unknown> }
    ? TQueryResult & Batches
    : TQueryResult;

/** The type of `withTenancy`. */
export interface WithTenancy {
  <TDrizzle extends DrizzleHandle, TRelations = {}>(
    db: TDrizzle,
    options?: WithTenancyOptions<TRelations>,
  ): TenancyDatabaseOf<
    TDrizzle,
    TenancyDatabase<TenantRelations<TRelations>, QueryResultOf<TDrizzle, ResultsOf<TDrizzle>>>
  >;
}

/**
 * What `execute` gives on a driver, or on any of several: `drizzle()` of drizzle-orm/netlify-db gives one of two. It is
 * read off a small method, since comparing whole handles is dear, as in {@link DrizzleHandle}.
 */
export type ResultsOf<TDrizzle> = TDrizzle extends {
  refreshMaterializedView(view: any): PgAsyncRefreshMaterializedView<infer TQueryResult>;
}
  ? TQueryResult
  : never;
