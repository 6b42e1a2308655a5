/** Drizzle's select, for the tables of a handle. The parameters are Drizzle's; `H` is the handle. */
import type {
  Column,
  ColumnsSelection,
  CommentInput,
  Placeholder,
  SQL,
  SQLWrapper,
  Subquery,
  Table,
  WithSubquery,
} from 'drizzle-orm';
import type { LockStrength, PgColumn, PgSelectHKTBase, PgSetOperatorExcludedMethods } from 'drizzle-orm/pg-core';
import type { SubqueryWithSelection, WithSubqueryWithSelection } from 'drizzle-orm/pg-core/subquery';
import type {
  AppendToNullabilityMap,
  AppendToResult,
  BuildSubquerySelection,
  JoinNullability,
  JoinType,
  SelectMode,
  SelectResult,
} from 'drizzle-orm/query-builders/select.types';
import type { SelectedFields as DrizzleSelectedFields } from 'drizzle-orm/operations';
import type { Assume, ValidateShape, ValueOrArray } from 'drizzle-orm/utils';
import type { AnyTenantTable } from '../schema/table.types.js';
import type {
  AnySource,
  CheckSource,
  PromiseRunner,
  Reader,
  ReaderOf,
  Run,
  ScopeBrand,
  SourceName,
  SourceSelection,
  SqlMethods,
  Streamed,
  UnscopedSelection,
} from './handle.types.js';

export type Nullability = Record<string, JoinNullability>;
export type DrizzleFields = DrizzleSelectedFields<Column, Table>;

/** What `select` takes: Drizzle's, and tenant tables. */
export type SelectedFields = Record<
  string,
  | PgColumn
  | SQL
  | SQL.Aliased
  | Subquery
  | Table
  | AnyTenantTable
  | Record<string, PgColumn | SQL | SQL.Aliased | Subquery>
>;

/**
 * Drizzle's own `union(a, b, c)` asks of each operand that its `hkt`, applied to nothing in particular, is some
 * select of Drizzle's; hence `any` there.
 */
export interface TenantSelectHKT<H extends Reader> extends PgSelectHKTBase {
  _type: unknown extends this['selection']
    ? any
    : BuiltSelect<
        H,
        this['tableName'],
        Assume<this['selection'], ColumnsSelection>,
        this['selectMode'],
        Assume<this['nullabilityMap'], Nullability>,
        this['dynamic'],
        this['excludedMethods'],
        Assume<this['result'], any[]>,
        Assume<this['selectedFields'], ColumnsSelection>
      >;
}

export type Kind<
  H extends Reader,
  TTableName extends string | undefined,
  TSelection extends ColumnsSelection,
  TSelectMode extends SelectMode,
  TNullabilityMap extends Nullability,
  TDynamic extends boolean,
  TExcludedMethods extends string,
  TResult extends any[] = SelectResult<TSelection, TSelectMode, TNullabilityMap>[],
  TSelectedFields extends ColumnsSelection = BuildSubquerySelection<TSelection, TNullabilityMap>,
> = BuiltSelect<
  H,
  TTableName,
  TSelection,
  TSelectMode,
  TNullabilityMap,
  TDynamic,
  TExcludedMethods,
  TResult,
  TSelectedFields
>;

/** A select of a handle. Awaiting it runs it. */
export type BuiltSelect<
  H extends Reader,
  TTableName extends string | undefined,
  TSelection extends ColumnsSelection,
  TSelectMode extends SelectMode,
  TNullabilityMap extends Nullability,
  TDynamic extends boolean,
  TExcludedMethods extends string,
  TResult extends any[],
  TSelectedFields extends ColumnsSelection,
> = TenantSelectBase<
  H,
  TTableName,
  TSelection,
  TSelectMode,
  TNullabilityMap,
  TDynamic,
  TExcludedMethods,
  TResult,
  TSelectedFields
> &
  Run<H['runner'], TResult> &
  Streamed<H['runner'], TResult>;

/**
 * Any select of a tenancy's handle, for functions that add to a query: what Drizzle's `PgSelect` is for plain
 * handles. Pass them a `$dynamic()` query.
 *
 * @example
 * function withPaging<T extends TenantSelect<'account'>>(query: T, page: number) {
 *   return query.limit(10).offset(page * 10);
 * }
 * const rows = await withPaging(tdb.select().from(projects).$dynamic(), 2);
 */
export type TenantSelect<Name extends string = any> = DynamicSelect<ReaderOf<Name, PromiseRunner>>;

/** Any select of a handle, as its methods leave it where they may all be called again. */
export type DynamicSelect<H extends Reader> = BuiltSelect<
  H,
  string | undefined,
  Record<string, any>,
  SelectMode,
  Nullability,
  true,
  never,
  any[],
  Record<string, any>
>;

export type AnyTenantSelect = TenantSelectBase<any, any, any, any, any, any, any, any, any>;

export type Without<
  T extends AnyTenantSelect,
  TDynamic extends boolean,
  K extends string,
  TReset extends boolean = false,
> = TDynamic extends true
  ? T
  : Omit<
      Same<T, TDynamic, TReset extends true ? K : T['_']['excludedMethods'] | K>,
      TReset extends true ? K : T['_']['excludedMethods'] | K
    >;

export type Same<T extends AnyTenantSelect, TDynamic extends boolean, TExcluded extends string> = Kind<
  T['_']['handle'],
  T['_']['tableName'],
  T['_']['selection'],
  T['_']['selectMode'],
  T['_']['nullabilityMap'],
  TDynamic,
  TExcluded,
  T['_']['result'],
  T['_']['selectedFields']
>;

export type Joined<
  T extends AnyTenantSelect,
  TDynamic extends boolean,
  TJoinType extends JoinType,
  TTable,
  TName extends string | undefined,
> = T extends any
  ? Without<
      Kind<
        T['_']['handle'],
        T['_']['tableName'],
        AppendToResult<
          T['_']['tableName'],
          T['_']['selection'],
          TName,
          Assume<SourceSelection<TTable>, DrizzleFields>,
          T['_']['selectMode']
        >,
        T['_']['selectMode'] extends 'partial' ? T['_']['selectMode'] : 'multiple',
        AppendToNullabilityMap<T['_']['nullabilityMap'], TName, TJoinType>,
        T['_']['dynamic'],
        T['_']['excludedMethods']
      >,
      TDynamic,
      T['_']['excludedMethods']
    >
  : never;

export type JoinFn<
  H extends Reader,
  T extends AnyTenantSelect,
  TDynamic extends boolean,
  TJoinType extends JoinType,
  TLateral extends boolean,
> = <TTable extends TLateral extends true ? Subquery | SQL : AnySource>(
  table: CheckSource<H, TTable>,
  on: ((aliases: T['_']['selection']) => SQL | undefined) | SQL | undefined,
) => Joined<T, TDynamic, TJoinType, TTable, SourceName<TTable>>;

export type CrossJoinFn<
  H extends Reader,
  T extends AnyTenantSelect,
  TDynamic extends boolean,
  TLateral extends boolean,
> = <TTable extends TLateral extends true ? Subquery | SQL : AnySource>(
  table: CheckSource<H, TTable>,
) => Joined<T, TDynamic, 'cross', TTable, SourceName<TTable>>;

/**
 * A side of a set operator: a select of the same handle, with the same columns. Constraints say so, and no
 * conditional type: TypeScript 5.9 infers nothing from a callback beside one, and checks the constraint instead.
 */
export interface Operand<H extends Reader, TResult extends any[]> extends ScopeBrand<H['tenancy']> {
  readonly _: { readonly result: TResult };
}

export type SetOperatorFn<
  H extends Reader,
  T extends AnyTenantSelect,
  TDynamic extends boolean,
  TResult extends any[],
> = <TValue extends Operand<H, TResult>>(
  right: CheckOperand<TValue, TResult> | ((operators: SetOperators<H>) => CheckOperand<TValue, TResult>),
) => Without<T, TDynamic, PgSetOperatorExcludedMethods, true>;

export type CheckOperand<TValue extends Operand<any, any>, TResult extends any[]> = ValidateShape<
  TValue['_']['result'][number],
  TResult[number],
  TValue
>;

export type CreateSetOperatorFn<H extends Reader> = <
  T extends AnyTenantSelect & ScopeBrand<H['tenancy']>,
  TRest extends Operand<H, T['_']['result']>[],
>(
  left: T,
  right: Operand<H, T['_']['result']>,
  ...rest: TRest
) => Without<T, false, PgSetOperatorExcludedMethods, true>;

export interface SetOperators<H extends Reader> {
  union: CreateSetOperatorFn<H>;
  intersect: CreateSetOperatorFn<H>;
  except: CreateSetOperatorFn<H>;
  unionAll: CreateSetOperatorFn<H>;
  intersectAll: CreateSetOperatorFn<H>;
  exceptAll: CreateSetOperatorFn<H>;
}

export type LockConfig = { of?: ValueOrArray<AnyTenantTable | Table> } & (
  | { noWait: true; skipLocked?: undefined }
  | { noWait?: undefined; skipLocked: true }
  | { noWait?: undefined; skipLocked?: undefined }
);

export interface TenantSelectBase<
  H extends Reader,
  TTableName extends string | undefined,
  TSelection extends ColumnsSelection,
  TSelectMode extends SelectMode,
  TNullabilityMap extends Nullability,
  TDynamic extends boolean,
  TExcludedMethods extends string,
  TResult extends any[],
  TSelectedFields extends ColumnsSelection,
> extends ScopeBrand<H['tenancy']>,
    SqlMethods {
  readonly _: {
    // First, so that comparing two selects with different rows ends here, and not after all of their methods.
    readonly sameRows: (rows: TResult) => TResult;
    readonly handle: H;
    readonly dialect: 'pg';
    readonly hkt: TenantSelectHKT<H>;
    readonly tableName: TTableName;
    readonly selection: TSelection;
    readonly selectMode: TSelectMode;
    readonly nullabilityMap: TNullabilityMap;
    readonly dynamic: TDynamic;
    readonly excludedMethods: TExcludedMethods;
    readonly result: TResult;
    readonly selectedFields: TSelectedFields;
  };
  /**
   * Joins a source; the joined rows are the tenant's own, and the row stays where there is none. The other joins are
   * alike.
   *
   * @param table a table, view or subquery of the handle
   * @param on the condition
   * @example await tdb.select().from(projects).leftJoin(tasks, eq(tasks.projectId, projects.id));
   */
  leftJoin: JoinFn<H, this, TDynamic, 'left', false>;
  leftJoinLateral: JoinFn<H, this, TDynamic, 'left', true>;
  rightJoin: JoinFn<H, this, TDynamic, 'right', false>;
  innerJoin: JoinFn<H, this, TDynamic, 'inner', false>;
  innerJoinLateral: JoinFn<H, this, TDynamic, 'inner', true>;
  fullJoin: JoinFn<H, this, TDynamic, 'full', false>;
  crossJoin: CrossJoinFn<H, this, TDynamic, false>;
  crossJoinLateral: CrossJoinFn<H, this, TDynamic, true>;
  union: SetOperatorFn<H, this, TDynamic, TResult>;
  unionAll: SetOperatorFn<H, this, TDynamic, TResult>;
  intersect: SetOperatorFn<H, this, TDynamic, TResult>;
  intersectAll: SetOperatorFn<H, this, TDynamic, TResult>;
  except: SetOperatorFn<H, this, TDynamic, TResult>;
  exceptAll: SetOperatorFn<H, this, TDynamic, TResult>;
  /**
   * Which rows. The tenant's own condition is added to it, and cannot be taken away.
   *
   * @param where a condition, or a function of the selection
   * @example await tdb.select().from(projects).where(eq(projects.archived, false));
   */
  where(where: ((aliases: TSelection) => SQL | undefined) | SQL | undefined): Without<this, TDynamic, 'where'>;
  having(having: ((aliases: TSelection) => SQL | undefined) | SQL | undefined): Without<this, TDynamic, 'having'>;
  groupBy(
    builder: (aliases: TSelection) => ValueOrArray<PgColumn | SQL | SQL.Aliased>,
  ): Without<this, TDynamic, 'groupBy'>;
  groupBy(...columns: (PgColumn | SQL | SQL.Aliased)[]): Without<this, TDynamic, 'groupBy'>;
  /**
   * The order of the rows.
   *
   * @param columns columns and expressions, or a function of the selection
   * @example await tdb.select().from(projects).orderBy(projects.name);
   */
  orderBy(
    builder: (aliases: TSelection) => ValueOrArray<PgColumn | SQL | SQL.Aliased>,
  ): Without<this, TDynamic, 'orderBy'>;
  orderBy(...columns: (PgColumn | SQL | SQL.Aliased)[]): Without<this, TDynamic, 'orderBy'>;
  /**
   * How many rows at most.
   *
   * @param limit a number, or a placeholder
   * @example await tdb.select().from(projects).orderBy(projects.name).limit(10);
   */
  limit(limit: number | Placeholder): Without<this, TDynamic, 'limit'>;
  offset(offset: number | Placeholder): Without<this, TDynamic, 'offset'>;
  for(strength: LockStrength, config?: LockConfig): Without<this, TDynamic, 'for'>;
  comment(comment: CommentInput): Without<this, TDynamic, 'comment'>;
  as<TAlias extends string>(alias: TAlias): SubqueryWithSelection<TSelectedFields, TAlias> & ScopeBrand<H['tenancy']>;
  $dynamic(): Same<this, true, never>;
  $withCache(config?: { config?: object; tag?: string; autoInvalidate?: boolean } | false): this;
}

/** What `select()` returns, before `from`. */
export interface TenantSelectBuilder<H extends Reader, TSelection extends SelectedFields | undefined> {
  from<TFrom extends AnySource>(
    source: CheckSource<H, TFrom>,
  ): Kind<
    H,
    SourceName<TFrom>,
    TSelection extends undefined ? SourceSelection<TFrom> : Assume<UnscopedSelection<TSelection>, ColumnsSelection>,
    TSelection extends undefined ? 'single' : 'partial',
    SourceName<TFrom> extends infer Name extends string ? Record<Name, 'not-null'> : {},
    false,
    never
  >;
}

/** Drizzle's query builder, for `$with(...).as((qb) => ...)` and `insert().select((qb) => ...)`. */
export interface TenantQueryBuilder<H extends Reader> {
  select(): TenantSelectBuilder<H, undefined>;
  select<TSelection extends SelectedFields>(fields: TSelection): TenantSelectBuilder<H, TSelection>;
  selectDistinct(): TenantSelectBuilder<H, undefined>;
  selectDistinct<TSelection extends SelectedFields>(fields: TSelection): TenantSelectBuilder<H, TSelection>;
  selectDistinctOn(on: (PgColumn | SQLWrapper)[]): TenantSelectBuilder<H, undefined>;
  selectDistinctOn<TSelection extends SelectedFields>(
    on: (PgColumn | SQLWrapper)[],
    fields: TSelection,
  ): TenantSelectBuilder<H, TSelection>;
}

/** A query that the handle built, with what it selects. */
export interface ScopedQuery<Name extends string, TSelection> extends ScopeBrand<Name>, SqlMethods {
  readonly _: { readonly selectedFields: TSelection };
}

/** Drizzle's `$with`, for queries of the handle. */
export interface TenantWithBuilder<H extends Reader> {
  <TAlias extends string>(
    alias: TAlias,
  ): {
    as<TSelection extends ColumnsSelection | undefined>(
      query:
        | ScopedQuery<H['tenancy'], TSelection>
        | ((qb: TenantQueryBuilder<H>) => ScopedQuery<H['tenancy'], TSelection>),
    ): ([TSelection] extends [ColumnsSelection]
      ? WithSubqueryWithSelection<TSelection, TAlias>
      : WithSubquery<TAlias, {}>) &
      ScopeBrand<H['tenancy']>;
  };
  <TAlias extends string, TSelection extends ColumnsSelection>(
    alias: TAlias,
    selection: TSelection,
  ): {
    as: (
      query: SQL | ((qb: TenantQueryBuilder<H>) => SQL),
    ) => WithSubqueryWithSelection<TSelection, TAlias> & ScopeBrand<H['tenancy']>;
  };
}
