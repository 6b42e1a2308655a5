/** What the types of all builders of a handle have in common. */
import type { GetSelectTableName, GetSelectTableSelection } from 'drizzle-orm/query-builders/select.types';
import type { Query, QueryPromise, SQL, SQLWrapper, Subquery, Table } from 'drizzle-orm';
import type {
  PgAsyncPreparedQuery,
  PgQueryResultHKT,
  PgTransactionConfig,
  PreparedQueryConfig,
} from 'drizzle-orm/pg-core';
import type { PgViewBase } from 'drizzle-orm/pg-core/view-base';
import type {
  AnyTenantTable,
  IsKnownSome,
  LikeReference,
  ReferenceBrand,
  TenancyOf,
  TenantTableBase,
  TenantTypeError,
  Unscoped,
} from '../schema/table.types.js';

/** How a handle runs what it is asked for: as a promise, or in another way that another entry point adds. */
export interface Runner {
  readonly result: unknown;
  /** A query, which can also be prepared. */
  readonly query: unknown;
  /** What a SELECT has besides. */
  readonly select: unknown;
  /** Anything else that reaches the database. */
  readonly action: unknown;
  readonly tx: unknown;
  readonly transaction: unknown;
  readonly rollback: unknown;
}

export type Run<TRunner extends Runner, TResult> = (TRunner & { readonly result: TResult })['query'];
export type Streamed<TRunner extends Runner, TResult> = (TRunner & { readonly result: TResult })['select'];
export type Act<TRunner extends Runner, TResult> = (TRunner & { readonly result: TResult })['action'];
export type Transact<TRunner extends Runner, TTransaction> = (TRunner & { readonly tx: TTransaction })['transaction'];

/** A query of Drizzle's promise drivers. */
export interface PromiseQuery<TResult> extends QueryPromise<TResult> {
  prepare(name?: string): PgAsyncPreparedQuery<PreparedQueryConfig & { execute: TResult }>;
  execute(placeholderValues?: Record<string, unknown>): Promise<TResult>;
}

/** How a result is streamed. */
export interface StreamOptions {
  /** How many rows are fetched at a time, 256 unless told: so many are held in memory. */
  readonly chunkSize?: number | undefined;
}

/** A SELECT whose rows can be read one by one. */
export interface PromiseSelect<TResult> {
  /**
   * The rows one by one, through a cursor on the server, so that a large result is never in memory as a whole. Outside
   * of a transaction the cursor opens one of its own, which ends with the loop, also where it is left early. On
   * postgres.js, node-postgres and PGlite.
   *
   * @param options how many rows are fetched at a time
   * @returns an iterator that begins to read when it is first asked; it holds a connection until it ends
   * @throws what the query itself rejects with, from the loop
   * @example
   * for await (const task of tdb.select().from(tasks).orderBy(tasks.id).stream()) {
   *   console.log(task.title);
   * }
   */
  stream(
    options?: StreamOptions,
  ): AsyncGenerator<TResult extends readonly (infer TRow)[] ? TRow : never, void, undefined>;
}

export interface PromiseRunner extends Runner {
  readonly query: PromiseQuery<this['result']>;
  readonly select: PromiseSelect<this['result']>;
  readonly action: Promise<this['result']>;
  // `NoInfer` spares TypeScript 7 the variances of the whole handle, which it computes to infer `T` from a callback.
  readonly transaction: <T>(
    transaction: (tx: NoInfer<this['tx']>) => Promise<T>,
    config?: PgTransactionConfig,
  ) => Promise<T>;
  readonly rollback: () => never;
}

/** A handle, for its reads: whose tables, and how queries run. */
export interface Reader {
  /** The tenancy; `string` reaches every tenancy, `never` reference tables only. */
  readonly tenancy: string;
  readonly runner: Runner;
}

export interface ReaderOf<Name extends string, TRunner extends Runner> extends Reader {
  readonly tenancy: Name;
  readonly runner: TRunner;
}

/** What of a handle matters for its reads: they are alike for all drivers. */
export type ReaderIn<H extends Handle> = ReaderOf<H['tenancy'], H['runner']>;

/** A handle, for its writes: what the driver returns for a statement, too. */
export interface Handle extends Reader {
  readonly queryResult: PgQueryResultHKT;
  /**
   * Who fills in the tenant of a new row: the handle, the caller, or nobody where only reference tables are written.
   */
  readonly writes: 'one' | 'several' | 'shared';
}

/** Marks what a driver returns that sends several statements as one batch. */
export interface Batches {
  readonly batches: true;
}

/** A query of a handle that can be part of a batch. */
export type BatchQuery = PromiseLike<any> & SQLWrapper & { readonly queryChunks?: never };

export interface BatchMethods {
  /**
   * Sends several statements at once, as one transaction: each succeeds, or none does. On drivers that have Drizzle's
   * `batch`, such as `drizzle-orm/neon-http`.
   *
   * @param queries of this handle, without placeholders
   * @returns their results, in order
   * @throws UnsupportedTenantOperationError when a query is another handle's; nothing is sent
   * @see docs/batch.md, with an example
   */
  batch<U extends BatchQuery, T extends Readonly<[U, ...U[]]>>(
    queries: T,
  ): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>;
}

/** What the handles of a driver have besides. */
export type BatchOf<TQueryResult> = TQueryResult extends Batches ? BatchMethods : unknown;

export interface HandleOf<
  Name extends string,
  TRunner extends Runner,
  TQueryResult extends PgQueryResultHKT,
  TWrites extends Handle['writes'],
> extends Handle {
  readonly tenancy: Name;
  readonly runner: TRunner;
  readonly queryResult: TQueryResult;
  readonly writes: TWrites;
}

declare const buildItWithTheSameHandle: unique symbol;

/**
 * Marks what a handle of the tenancy built. The compiler quotes the key where it is missing, the value where it
 * differs.
 */
export interface ScopeBrand<Name extends string> {
  readonly [buildItWithTheSameHandle]: `Use db.forTenant(${Name}Id)`;
}

export interface LikeBuilt {
  readonly [buildItWithTheSameHandle]: unknown;
}

export type AnySource = AnyTenantTable | Table | Subquery | PgViewBase | SQL;

/** What is wrong with a source; `never` where nothing is. */
export type SourceError<H extends Reader, T> =
  T extends TenantTableBase<infer Name, any>
    ? TenancyError<H, Name>
    : T extends ReferenceBrand
      ? never
      : T extends Subquery
        ? T extends ScopeBrand<H['tenancy']>
          ? never
          : TenantTypeError<'Build the query with the same handle'>
        : T extends PgViewBase
          ? ViewError<H, TenancyOf<T>>
          : T extends Table
            ? TenantTypeError<'Declare the table with tenantTable() or referenceTable()'>
            : never;

export type TenancyError<H extends Reader, Name extends string> = [Name] extends [never]
  ? TenantTypeError<'Add a tenant column, as in accountId: account.id()'>
  : [Name] extends [H['tenancy']]
    ? never
    : [H['tenancy']] extends [never]
      ? TenantTypeError<'Use db.forTenant(id): db.shared holds the reference tables only'>
      : TenantTypeError<`Use db.forTenant(${Name}Id): this handle belongs to another tenancy`>;

export type ViewError<H extends Reader, Name extends string> = [Name] extends [never]
  ? TenantTypeError<'Expose the tenant column in the view'>
  : [Name] extends [H['tenancy']]
    ? never
    : TenantTypeError<`Use db.forTenant(${Name}Id): this handle belongs to another tenancy`>;

/** What is wrong with a table that is to be written. */
export type TargetError<H extends Handle, T> =
  T extends TenantTableBase<infer Name, any>
    ? TenancyError<H, Name>
    : T extends ReferenceBrand
      ? H['writes'] extends 'shared'
        ? never
        : TenantTypeError<'Write reference tables through db.shared'>
      : TenantTypeError<'Declare the table with tenantTable() or referenceTable()'>;

/**
 * What a handle reads, as far as it can be said of a type that is not known yet. No part of it is one of which sources
 * are made: the compiler would take it away from what it infers.
 */
export type Readable<Name extends string> =
  | AnyTenantTable<Name>
  | LikeReference
  | (Subquery & LikeBuilt)
  | PgViewBase
  | SQL;

export type Writable<H extends Handle> = H['writes'] extends 'shared' ? LikeReference : AnyTenantTable<H['tenancy']>;

/** `T` where rows of it may be read through the handle, otherwise the error that says what to do. */
export type CheckSource<H extends Reader, T> = [IsKnownSome<SourceError<H, T>>] extends [true]
  ? SourceError<H, T>
  : T & Readable<H['tenancy']>;

/** `T` where the handle may write it, otherwise the error that says what to do. */
export type CheckTarget<H extends Handle, T> = [IsKnownSome<TargetError<H, T>>] extends [true]
  ? TargetError<H, T>
  : T & Writable<H>;

declare const reach: unique symbol;

/** Keeps apart handles of one tenant, of several, and of none. */
export interface Reach<TWrites extends Handle['writes']> {
  readonly [reach]: {
    one: 'Use db.forTenant(id)';
    several: 'Use db.forTenants(ids) or db.acrossTenants({ reason })';
    shared: 'Use db.shared';
  }[TWrites];
}

/** `T` where the handle built it, otherwise the error that says what to do. */
export type CheckBuilt<H extends Reader, T> =
  T extends ScopeBrand<H['tenancy']> ? T : TenantTypeError<'Build the query with the same handle'>;

/** The name by which a statement knows a source. */
export type SourceName<T> = GetSelectTableName<TableLikeOf<T>>;

/** What a source selects. */
export type SourceSelection<T> = GetSelectTableSelection<TableLikeOf<T>>;

export type TableLikeOf<T> = Unscoped<T> extends infer U extends Table | Subquery | PgViewBase | SQL ? U : never;

/** A selection, with Drizzle's tables in place of tenant tables. */
export type UnscopedSelection<T> = { [K in keyof T]: Unscoped<T[K]> } & {};

/** What every builder can say of itself. */
export interface SqlMethods extends SQLWrapper {
  toSQL(): Query;
}
