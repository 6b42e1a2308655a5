/** The types of the handles whose queries are Effects. */
import type * as Effect from 'effect/Effect';
import type * as Stream from 'effect/Stream';
import type { PgQueryResultHKT, PgTransactionConfig } from 'drizzle-orm/pg-core';
import type {
  AcrossTenantsDatabase,
  SharedDatabase,
  TenantDatabase,
  TenantsDatabase,
  TenantTransaction,
} from '../handle/database.types.js';
import type { ReaderOf, Runner } from '../handle/handle.types.js';
import type { DynamicSelect } from '../handle/select.types.js';
import type { TenantId } from '../schema/tenancy.js';
import type { DbError } from './db-error.js';
import type { QueryResult, StreamOptions } from './prepared.js';

/** A statement that was prepared once. */
export interface EffectPreparedQuery<A> {
  /** @param values the values of the statement's placeholders */
  execute(values?: Record<string, unknown>): Effect.Effect<A, DbError>;
}

/** A query of a handle. Yielding it runs it. */
export interface EffectQuery<A> extends Effect.Effect<A, DbError> {
  prepare(name?: string): EffectPreparedQuery<A>;
  execute(values?: Record<string, unknown>): Effect.Effect<A, DbError>;
  /**
   * The rows one by one, through a cursor on the server, so that a large result is never in memory as a whole.
   * Outside of a transaction the cursor opens one of its own, which ends with the stream.
   *
   * @example
   * const rows = Stream.unwrap(Effect.map(Db, (db) => db.select().from(tasks).stream()));
   * const titles = rows.pipe(Stream.map((task) => task.title));
   */
  stream(options?: StreamOptions): Stream.Stream<A extends readonly (infer TRow)[] ? TRow : A, DbError>;
}

/** The way in which the handles of this entry point run: as Effects. */
export interface EffectRunner extends Runner {
  readonly select: unknown;
  readonly query: EffectQuery<this['result']>;
  readonly action: Effect.Effect<this['result'], DbError>;
  /**
   * Runs an Effect in a transaction, which rolls back when it fails, dies or is interrupted. Within a transaction
   * it is a savepoint.
   */
  readonly transaction: <A, E, R>(
    transaction: (tx: NoInfer<this['tx']>) => Effect.Effect<A, E, R>,
    config?: PgTransactionConfig,
  ) => Effect.Effect<A, E | DbError, R>;
  readonly rollback: () => Effect.Effect<never, DbError>;
}

export interface QueryResultHKT extends PgQueryResultHKT {
  readonly type: QueryResult<this['row']>;
}

/**
 * Any select of a tenancy's service, for functions that add to a query: what `TenantSelect` of `drizzle-tenant` is for
 * queries that are promises. Pass them a `$dynamic()` query.
 *
 * @example
 * function withPaging<T extends TenantDb.Select<'account'>>(query: T, page: number) {
 *   return query.limit(10).offset(page * 10);
 * }
 * const second = Db.use((db) => withPaging(db.select().from(projects).$dynamic(), 2));
 */
export type Select<Name extends string = any> = DynamicSelect<ReaderOf<Name, EffectRunner>>;

/** A handle that is confined to one tenant. */
export interface Database<Name extends string, TRelations = {}, Data = unknown>
  extends TenantDatabase<Name, TRelations, QueryResultHKT, EffectRunner, TenantId<Name, Data>> {}
/** A tenant's handle inside a transaction. */
export interface Transaction<Name extends string, TRelations = {}, Data = unknown>
  extends TenantTransaction<Name, TRelations, QueryResultHKT, EffectRunner, TenantId<Name, Data>> {}
/** A handle over several tenants. */
export interface SeveralDatabase<Name extends string, TRelations = {}>
  extends TenantsDatabase<Name, TRelations, QueryResultHKT, EffectRunner> {}
/** A handle over every tenant. */
export interface AcrossDatabase<TRelations = {}>
  extends AcrossTenantsDatabase<TRelations, QueryResultHKT, EffectRunner> {}
/** A handle of the reference tables. */
export interface ReferenceDatabase<TRelations = {}> extends SharedDatabase<TRelations, QueryResultHKT, EffectRunner> {}
