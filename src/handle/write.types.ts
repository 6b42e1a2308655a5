/** Drizzle's insert, update and delete, for the tables of a handle. The parameters are Drizzle's; `H` is the handle. */
import type { ColumnsSelection, CommentInput, InferInsertModel, IsNever, SQL, Subquery, Table } from 'drizzle-orm';
import type {
  IndexColumn,
  NoDuplicateColumns,
  PgInsertSelection,
  PgInsertValue,
  PgQueryResultKind,
  PgTable,
  PgUpdateSetSource,
  ValidateInsertSelectionKey,
} from 'drizzle-orm/pg-core';
import type { SelectedFieldsFlat } from 'drizzle-orm/operations';
import type { Column } from 'drizzle-orm/column';
import type { PgViewBase } from 'drizzle-orm/pg-core/view-base';
import type {
  AppendToNullabilityMap,
  AppendToResult,
  GetSelectTableSelection,
  JoinNullability,
  JoinType,
  SelectMode,
  SelectResult,
  SelectResultFields,
} from 'drizzle-orm/query-builders/select.types';
import type { RequiredInsertKeys } from 'drizzle-orm/table';
import type { Assume, DrizzleTypeError, Equal, JoinUnion, Simplify } from 'drizzle-orm/utils';
import type {
  AnyTenantTable,
  PgTableConfig,
  TenantKey,
  TenantTableBase,
  TenantTypeError,
  Unscoped,
} from '../schema/table.types.js';
import type { TenantId } from '../schema/tenancy.js';
import type {
  AnySource,
  CheckSource,
  Handle,
  Reach,
  ReaderIn,
  Run,
  SourceName,
  SqlMethods,
  UnscopedSelection,
} from './handle.types.js';
import type { ScopedQuery, SelectedFields, TenantQueryBuilder } from './select.types.js';

export type AnyTarget = AnyTenantTable | PgTable;

/** The table with its rows as they are read. */
export type ReadTable<T> = Unscoped<T> extends infer U extends PgTable ? U : never;

/** The table with its rows as they are written: without the tenant column, where the handle fills that in. */
export type WriteTable<TWrites extends Handle['writes'], T> =
  T extends TenantTableBase<any, infer C>
    ? [TWrites] extends ['one']
      ? PgTable<WithoutTenant<C>>
      : PgTable<C>
    : Assume<T, PgTable>;

export type WithoutTenant<C extends PgTableConfig> = {
  name: C['name'];
  schema: C['schema'];
  columns: Omit<C['columns'], TenantKey<C['columns']>>;
  dialect: C['dialect'];
  isAlias: C['isAlias'];
};

/** Says what to do where the tenant column is given all the same. */
export type NoTenant<TWrites extends Handle['writes'], T, Message extends string> =
  T extends TenantTableBase<any, infer C>
    ? [TWrites] extends ['one']
      ? { [K in TenantKey<C['columns']>]?: TenantTypeError<Message> }
      : unknown
    : unknown;

/** The tenant of a row never changes, whoever asks. */
export type SetTable<T> = T extends TenantTableBase<any, infer C> ? PgTable<WithoutTenant<C>> : Assume<T, PgTable>;
export type NoTenantInSet<T> =
  T extends TenantTableBase<any, infer C>
    ? {
        [K in TenantKey<
          C['columns']
        >]?: TenantTypeError<'Leave the tenant column out of set(): the tenant of a row cannot change'>;
      }
    : unknown;
export type SetValues<T> = PgUpdateSetSource<SetTable<T>> & NoTenantInSet<T>;

export type Returned<H extends Handle, TReturning> = TReturning extends undefined
  ? PgQueryResultKind<H['queryResult'], never>
  : TReturning[];

// Insert

/** A column that an insert may name. It does not depend on the handle, so that a union of handles has one `insert`. */
export type InsertColumn<T> = keyof ReadTable<T>['_']['columns'] & string;

export type InsertColumns<H extends Handle, T, TList extends string[]> = TList extends []
  ? []
  : [TList[number]] extends [keyof InferInsertModel<WriteTable<H['writes'], T>, { override: true }>]
    ? RequiredColumns<H, T, TList>
    : // Or a column that PostgreSQL generates.
      TenantTypeError<'Leave the tenant column out of insert(): the handle fills it in'>[];

type RequiredColumns<H extends Handle, T, TList extends string[]> =
  IsNever<RequiredInsertKeys<WriteTable<H['writes'], T>>> extends true
    ? TList & NoDuplicateColumns<TList>
    : [RequiredInsertKeys<WriteTable<H['writes'], T>>] extends [TList[number]]
      ? TList & NoDuplicateColumns<TList>
      : DrizzleTypeError<`Column selection is missing following required columns: ${JoinUnion<
          `"${Exclude<RequiredInsertKeys<WriteTable<H['writes'], T>>, TList[number]>}"`,
          ', '
        >}`>[];

/**
 * A conditional type above all else, so that the compiler looks at the columns once it is known who writes, and not
 * before.
 */
export type InsertValue<
  TWrites extends Handle['writes'],
  T,
  TOverride extends boolean,
  TList extends string[] | 'all',
> = [TWrites] extends ['one']
  ? PgInsertValue<WriteTable<'one', T>, TOverride, TList> &
      NoTenant<'one', T, 'Leave the tenant column out of values(): the handle fills it in'>
  : WithTenant<T, PgInsertValue<WriteTable<'several', T>, TOverride, TList>>;

/** A row that names its tenant, by any id of the tenancy: whether the type of its value is known or not. */
export type WithTenant<T, TValue> =
  T extends TenantTableBase<infer Name, infer C>
    ? { [K in keyof TValue]: K extends TenantKey<C['columns']> ? TValue[K] | TenantId<Name> : TValue[K] }
    : TValue;

declare const writes: unique symbol;

/**
 * Who fills in the tenant of new rows. Of a union of handles, the rows have to name it: that is right for each of them.
 */
export interface Writing<TWrites extends Handle['writes']> {
  readonly [writes]: TWrites;
}

export type InsertSelection<
  H extends Handle,
  T,
  TSelection extends Record<string, any>,
  TOverride extends boolean,
  TList extends string[] | 'all',
> = {
  [K in keyof TSelection]: T extends TenantTableBase<any, infer C>
    ? K extends TenantKey<C['columns']>
      ? TSelection[K]
      : SelectionKey<H, T, TSelection, TOverride, TList, K>
    : SelectionKey<H, T, TSelection, TOverride, TList, K>;
};

export type SelectionKey<
  H extends Handle,
  T,
  TSelection extends Record<string, any>,
  TOverride extends boolean,
  TList extends string[] | 'all',
  K extends keyof TSelection,
> = TList extends string[]
  ? K extends TList[number]
    ? ValidateInsertSelectionKey<WriteTable<H['writes'], T>, TSelection, TOverride, K>
    : DrizzleTypeError<`Column "${K & string}" is not included in the insert column selection`>
  : ValidateInsertSelectionKey<WriteTable<H['writes'], T>, TSelection, TOverride, K>;

export interface TenantInsertBuilder<
  H extends Handle,
  T,
  TList extends string[] | 'all' = 'all',
  TOverride extends boolean = false,
> extends Reach<H['writes']>,
    Writing<H['writes']> {
  /**
   * Writes values of one's own into columns that PostgreSQL generates always.
   *
   * @example tdb.insert(projects).overridingSystemValue().values({ name: crypto.randomUUID() });
   */
  overridingSystemValue(): Omit<TenantInsertBuilder<H, T, TList, true>, 'overridingSystemValue'>;
  /**
   * The rows. Leave the tenant column out on a tenant's handle: it is filled in. In a function that takes handles of
   * one and of several tenants, name it.
   *
   * @param values a row, or several
   * @example await tdb.insert(projects).values([{ name: crypto.randomUUID() }, { name: crypto.randomUUID() }]);
   */
  values<W extends Handle['writes']>(
    this: Writing<W>,
    values: InsertValue<W, T, TOverride, TList> | InsertValue<W, T, TOverride, TList>[],
  ): TenantInsert<H, T>;
  select<TSelection extends PgInsertSelection<WriteTable<H['writes'], T>, TOverride, TList>>(
    query:
      | ScopedQuery<H['tenancy'], InsertSelection<H, T, TSelection, TOverride, TList>>
      | ((
          qb: TenantQueryBuilder<ReaderIn<H>>,
        ) => ScopedQuery<H['tenancy'], InsertSelection<H, T, TSelection, TOverride, TList>>),
  ): TenantInsert<H, T>;
}

/** An insert of a handle. Awaiting it runs it. */
export type TenantInsert<
  H extends Handle,
  T,
  TSelected = undefined,
  TReturning = undefined,
  TDynamic extends boolean = false,
  TExcluded extends string = never,
> = TenantInsertBase<H, T, TSelected, TReturning, TDynamic, TExcluded> & Run<H['runner'], Returned<H, TReturning>>;

export type InsertWithout<
  H extends Handle,
  T,
  TSelected,
  TReturning,
  TDynamic extends boolean,
  TExcluded extends string,
> = TDynamic extends true
  ? TenantInsert<H, T, TSelected, TReturning, true, never>
  : Omit<TenantInsert<H, T, TSelected, TReturning, TDynamic, TExcluded>, TExcluded>;

export interface TenantInsertBase<
  H extends Handle,
  T,
  TSelected,
  TReturning,
  TDynamic extends boolean,
  TExcluded extends string,
> extends ScopedQuery<H['tenancy'], TSelected>,
    SqlMethods {
  readonly _: {
    readonly dialect: 'pg';
    readonly table: ReadTable<T>;
    readonly selectedFields: TSelected;
    readonly returning: TReturning;
    readonly result: Returned<H, TReturning>;
  };
  returning(): InsertWithout<
    H,
    T,
    ReadTable<T>['_']['columns'],
    SelectResultFields<ReadTable<T>['_']['columns']>,
    TDynamic,
    TExcluded | 'returning'
  >;
  returning<TFields extends SelectedFieldsFlat<Column>>(
    fields: TFields,
  ): InsertWithout<H, T, TFields, SelectResultFields<TFields>, TDynamic, TExcluded | 'returning'>;
  onConflictDoNothing(config?: {
    target?: IndexColumn | IndexColumn[];
    where?: SQL;
  }): InsertWithout<H, T, TSelected, TReturning, TDynamic, TExcluded | 'onConflictDoNothing' | 'onConflictDoUpdate'>;
  onConflictDoUpdate(config: {
    target: IndexColumn | IndexColumn[];
    /** @deprecated use either `targetWhere` or `setWhere` */
    where?: SQL;
    targetWhere?: SQL;
    setWhere?: SQL;
    set: SetValues<T>;
  }): InsertWithout<H, T, TSelected, TReturning, TDynamic, TExcluded | 'onConflictDoNothing' | 'onConflictDoUpdate'>;
  comment(comment: CommentInput): InsertWithout<H, T, TSelected, TReturning, TDynamic, TExcluded | 'comment'>;
  $dynamic(): TenantInsert<H, T, TSelected, TReturning, true, never>;
}

// Update

export interface Join {
  readonly name: string | undefined;
  readonly joinType: JoinType;
  readonly table: any;
}

export type Nullability = Record<string, JoinNullability>;

export interface TenantUpdateBuilder<H extends Handle, T> {
  readonly _: { readonly table: ReadTable<T> };
  /**
   * The new values.
   *
   * @param values by column; the tenant column is left out
   * @example await tdb.update(projects).set({ archived: true }).where(eq(projects.name, 'old')).returning();
   */
  set(values: SetValues<T>): UpdateWithout<UpdateState<H, T>, 'leftJoin' | 'rightJoin' | 'innerJoin' | 'fullJoin'>;
}

/** What the type of an update knows. */
export interface AnyUpdateState {
  readonly handle: Handle;
  readonly table: any;
  readonly from: any;
  readonly selected: any;
  readonly returning: any;
  readonly nullability: Nullability;
  readonly joins: Join[];
  readonly dynamic: boolean;
}

export interface UpdateState<
  H extends Handle,
  T,
  TFrom = undefined,
  TSelected = undefined,
  TReturning = undefined,
  TNullability extends Nullability = Record<ReadTable<T>['_']['name'], 'not-null'>,
  TJoins extends Join[] = [],
  TDynamic extends boolean = false,
> extends AnyUpdateState {
  readonly handle: H;
  readonly table: T;
  readonly from: TFrom;
  readonly selected: TSelected;
  readonly returning: TReturning;
  readonly nullability: TNullability;
  readonly joins: TJoins;
  readonly dynamic: TDynamic;
}

/** An update of a handle. Awaiting it runs it. */
export type TenantUpdate<S extends AnyUpdateState, TExcluded extends string = never> = TenantUpdateBase<S, TExcluded> &
  Run<S['handle']['runner'], Returned<S['handle'], S['returning']>>;

export type UpdateWithout<S extends AnyUpdateState, TExcluded extends string> = S['dynamic'] extends true
  ? TenantUpdate<S, never>
  : Omit<TenantUpdate<S, TExcluded>, TExcluded>;

export type JoinMethods = 'leftJoin' | 'rightJoin' | 'innerJoin' | 'fullJoin';

export type UpdateFrom<S extends AnyUpdateState, TFrom, TExcluded extends string> = UpdateWithout<
  UpdateState<
    S['handle'],
    S['table'],
    TFrom,
    S['selected'],
    S['returning'],
    AppendToNullabilityMap<S['nullability'], SourceName<TFrom>, 'inner'>,
    [...S['joins'], { name: SourceName<TFrom>; joinType: 'inner'; table: Unscoped<TFrom> }],
    S['dynamic']
  >,
  Exclude<TExcluded | 'from', JoinMethods>
>;

export type UpdateJoin<
  S extends AnyUpdateState,
  TJoinType extends JoinType,
  TTable,
  TExcluded extends string,
> = UpdateWithout<
  UpdateState<
    S['handle'],
    S['table'],
    S['from'],
    S['selected'],
    S['returning'],
    AppendToNullabilityMap<S['nullability'], SourceName<TTable>, TJoinType>,
    [...S['joins'], { name: SourceName<TTable>; joinType: TJoinType; table: Unscoped<TTable> }],
    S['dynamic']
  >,
  TExcluded
>;

export type UpdateJoinFn<S extends AnyUpdateState, TJoinType extends JoinType, TExcluded extends string> = <
  TTable extends AnySource,
>(
  table: CheckSource<S['handle'], TTable>,
  on:
    | ((updateTable: ReadTable<S['table']>['_']['columns'], from: FieldsOf<Unscoped<S['from']>>) => SQL | undefined)
    | SQL
    | undefined,
) => UpdateJoin<S, TJoinType, TTable, TExcluded>;

export type FieldsOf<T> = T extends PgTable
  ? T['_']['columns']
  : T extends Subquery | PgViewBase
    ? T['_']['selectedFields']
    : never;

/** What `returning` selects from an update and its joins, table by table. */
export type Accumulated<
  TTable extends PgTable,
  TSelectMode extends SelectMode,
  TJoins extends Join[],
  TSelected extends ColumnsSelection,
> = TJoins extends [infer TJoin extends Join, ...infer TRest extends Join[]]
  ? Accumulated<
      TTable,
      TSelectMode extends 'partial' ? TSelectMode : 'multiple',
      TRest,
      AppendToResult<
        TTable['_']['name'],
        TSelected,
        TJoin['name'],
        TJoin['table'] extends Table
          ? TJoin['table']['_']['columns']
          : TJoin['table'] extends Subquery
            ? Assume<TJoin['table']['_']['selectedFields'], any>
            : never,
        TSelectMode extends 'partial' ? TSelectMode : 'multiple'
      >
    >
  : TSelected;

export type UpdateReturning<S extends AnyUpdateState, TSelected, TReturning> = UpdateState<
  S['handle'],
  S['table'],
  S['from'],
  TSelected,
  TReturning,
  S['nullability'],
  S['joins'],
  S['dynamic']
>;

export type ReturningAll<S extends AnyUpdateState> = UpdateReturning<
  S,
  Equal<S['joins'], []> extends true
    ? ReadTable<S['table']>['_']['columns']
    : Simplify<
        Record<ReadTable<S['table']>['_']['name'], ReadTable<S['table']>['_']['columns']> & {
          [J in S['joins'][number] as J['name'] & string]: FieldsOf<J['table']>;
        }
      >,
  SelectResult<
    Accumulated<ReadTable<S['table']>, 'single', S['joins'], GetSelectTableSelection<ReadTable<S['table']>>>,
    'partial',
    S['nullability']
  >
>;

export type ReturningFields<S extends AnyUpdateState, TFields extends SelectedFields> = UpdateReturning<
  S,
  UnscopedSelection<TFields>,
  SelectResult<
    Accumulated<ReadTable<S['table']>, 'partial', S['joins'], Assume<UnscopedSelection<TFields>, ColumnsSelection>>,
    'partial',
    S['nullability']
  >
>;

export interface TenantUpdateBase<S extends AnyUpdateState, TExcluded extends string>
  extends ScopedQuery<S['handle']['tenancy'], S['selected']>,
    SqlMethods {
  readonly _: {
    readonly dialect: 'pg';
    readonly table: ReadTable<S['table']>;
    readonly selectedFields: S['selected'];
    readonly returning: S['returning'];
    readonly result: Returned<S['handle'], S['returning']>;
  };
  from<TFrom extends AnySource>(source: CheckSource<S['handle'], TFrom>): UpdateFrom<S, TFrom, TExcluded>;
  leftJoin: UpdateJoinFn<S, 'left', TExcluded>;
  rightJoin: UpdateJoinFn<S, 'right', TExcluded>;
  innerJoin: UpdateJoinFn<S, 'inner', TExcluded>;
  fullJoin: UpdateJoinFn<S, 'full', TExcluded>;
  where(where: SQL | undefined): UpdateWithout<S, TExcluded | 'where'>;
  returning(): UpdateWithout<ReturningAll<S>, TExcluded | 'returning'>;
  returning<TFields extends SelectedFields>(
    fields: TFields,
  ): UpdateWithout<ReturningFields<S, TFields>, TExcluded | 'returning'>;
  comment(comment: CommentInput): UpdateWithout<S, TExcluded | 'comment'>;
  $dynamic(): TenantUpdate<
    UpdateState<S['handle'], S['table'], S['from'], S['selected'], S['returning'], S['nullability'], S['joins'], true>,
    never
  >;
}

// Delete

/** A delete of a handle. Awaiting it runs it. */
export type TenantDelete<
  H extends Handle,
  T,
  TSelected = undefined,
  TReturning = undefined,
  TDynamic extends boolean = false,
  TExcluded extends string = never,
> = TenantDeleteBase<H, T, TSelected, TReturning, TDynamic, TExcluded> & Run<H['runner'], Returned<H, TReturning>>;

export type DeleteWithout<
  H extends Handle,
  T,
  TSelected,
  TReturning,
  TDynamic extends boolean,
  TExcluded extends string,
> = TDynamic extends true
  ? TenantDelete<H, T, TSelected, TReturning, true, never>
  : Omit<TenantDelete<H, T, TSelected, TReturning, TDynamic, TExcluded>, TExcluded>;

export interface TenantDeleteBase<
  H extends Handle,
  T,
  TSelected,
  TReturning,
  TDynamic extends boolean,
  TExcluded extends string,
> extends ScopedQuery<H['tenancy'], TSelected>,
    SqlMethods {
  readonly _: {
    readonly dialect: 'pg';
    readonly table: ReadTable<T>;
    readonly selectedFields: TSelected;
    readonly returning: TReturning;
    readonly result: Returned<H, TReturning>;
  };
  where(where: SQL | undefined): DeleteWithout<H, T, TSelected, TReturning, TDynamic, TExcluded | 'where'>;
  returning(): DeleteWithout<
    H,
    T,
    ReadTable<T>['_']['columns'],
    SelectResultFields<ReadTable<T>['_']['columns']>,
    TDynamic,
    TExcluded | 'returning'
  >;
  returning<TFields extends SelectedFieldsFlat<Column>>(
    fields: TFields,
  ): DeleteWithout<H, T, TFields, SelectResultFields<TFields>, TDynamic, TExcluded | 'returning'>;
  comment(comment: CommentInput): DeleteWithout<H, T, TSelected, TReturning, TDynamic, TExcluded | 'comment'>;
  $dynamic(): TenantDelete<H, T, TSelected, TReturning, true, never>;
}
