import type {
  InferInsertModel as DrizzleInsertModel,
  InferModelFromColumns,
  InferSelectModel as DrizzleSelectModel,
  IsUnion,
  Table,
  TableConfig as AnyTableConfig,
} from 'drizzle-orm';
import type {
  AnyPgColumnBuilder,
  BuildAliasTable,
  PgBuildColumns,
  PgBuildExtraConfigColumns,
  PgColumns,
  PgTable,
  PgTableExtraConfig,
  PgTableExtraConfigValue,
  PgTableWithColumns,
} from 'drizzle-orm/pg-core';
import type { PgColumnsBuilders } from 'drizzle-orm/pg-core/columns/all';
import type { PgViewBase } from 'drizzle-orm/pg-core/view-base';
import type { tenantColumn, TenantParam } from './tenancy.js';

/** The message of a type error: shown by the compiler where the type was not acceptable. */
export interface TenantTypeError<Message extends string> {
  readonly $tenantTypeError: Message;
}

/** Drizzle's `TableConfig` for PostgreSQL. */
export type PgTableConfig = AnyTableConfig<PgColumns>;

declare const unscopedTable: unique symbol;

/**
 * What a tenant table is to the compiler: not a `PgTable`, so that no plain Drizzle handle accepts it.
 * `_.brand` is what the compiler quotes when one is tried. It compares a table with a view too, and what that
 * has is here as well, so that it finds fault with the brand first.
 */
export interface TenantTableBase<Name extends string, T extends PgTableConfig> {
  readonly _: {
    readonly brand: 'Query it through db.forTenant(id), and import getColumns() and alias() from drizzle-tenant';
    readonly viewBrand: '';
    readonly existing: false;
    readonly selectedFields: {};
    readonly name: T['name'];
    readonly schema: T['schema'];
    readonly columns: T['columns'];
    readonly dialect: T['dialect'];
    readonly isAlias: T['isAlias'];
    readonly tenancy: Name;
    readonly config: T;
  };
  readonly [unscopedTable]: PgTable<T>;
}

/** A table whose rows belong to tenants of the tenancy `Name`. Made by `tenantTable`. */
export type TenantTable<Name extends string, T extends PgTableConfig> = TenantTableBase<Name, T> &
  T['columns'] & {
    readonly $inferSelect: InferModelFromColumns<T['columns'], 'select'>;
    readonly $inferInsert: Omit<InferModelFromColumns<T['columns'], 'insert'>, TenantKey<T['columns']>>;
  };

export type AnyTenantTable<Name extends string = any> = TenantTableBase<Name, any>;

declare const referenceBrand: unique symbol;

/** A reference table, by a type that takes nothing away from what is inferred of one. */
export interface LikeReference {
  readonly [referenceBrand]: unknown;
}

/** What makes a table a reference table to the compiler. */
export interface ReferenceBrand {
  readonly [referenceBrand]: true;
}

/** A table shared by all tenants. Made by `referenceTable`. An ordinary `PgTable` besides. */
export type ReferenceTable<T extends PgTableConfig> = PgTableWithColumns<T> & ReferenceBrand;

export type AnyReferenceTable = PgTable<any> & ReferenceBrand;

/** The `PgTable` behind a tenant table; any other type stays as it is. */
export type Unscoped<T> = T extends { readonly [unscopedTable]: infer TTable extends PgTable } ? TTable : T;

/** The `PgTable` with its columns behind a tenant table; any other type stays as it is. */
export type UnscopedWithColumns<T> = T extends TenantTableBase<any, infer C> ? PgTableWithColumns<C> : T;

/** The tenancy of a tenant table, or of a view that exposes a tenant column; `never` for all else. */
export type TenancyOf<T> = T extends { readonly _: { readonly tenancy: infer Name extends string } }
  ? Name
  : T extends PgViewBase
    ? TenancyOfColumns<T['_']['selectedFields']>
    : never;

/**
 * The tenancy of a column that `id()` made, also by an alias or in a view; `never` for any other, whatever its data.
 */
export type TenancyOfColumn<TColumn> = TColumn extends { readonly _: { readonly driverParam: infer Param } }
  ? typeof tenantColumn extends keyof Param
    ? 0 extends 1 & Param
      ? never
      : Param extends TenantParam<infer Name>
        ? Name
        : never
    : never
  : never;

export type TenancyOfColumns<TColumns> = { [K in keyof TColumns]: TenancyOfColumn<TColumns[K]> }[keyof TColumns];

/** The key of the tenant column among a table's columns. */
export type TenantKey<TColumns> = {
  [K in keyof TColumns]: [TenancyOfColumn<TColumns[K]>] extends [never] ? never : K;
}[keyof TColumns];

export type TenantBuilderKey<TBuilders> = {
  [K in keyof TBuilders]: TBuilders[K] extends { readonly _: { readonly tenancy: string } } ? K : never;
}[keyof TBuilders];

/** The tenancy of a map of column builders. */
export type TenancyOfBuilders<TBuilders> = {
  [K in keyof TBuilders]: TBuilders[K] extends { readonly _: { readonly tenancy: infer Name extends string } }
    ? Name
    : never;
}[keyof TBuilders];

/**
 * Whether a type is anything but `never`. In a generic function where it is not known yet, what it guards is let
 * through: the compiler tries an unknown type with one that every type takes and that takes every type, and with that
 * one the answer is no, so that the guarded branch is out of the question. What is let through is looked at when the
 * function is called, or when it runs.
 */
export type IsKnownSome<T> = [T] extends [never] ? false : true;

/**
 * What is wrong with the tenant column; `never` where nothing is, or nothing is known of the columns: those of a
 * callback are not when the compiler first asks. What then has no tenant column is taken by no handle, and refused when
 * it is declared.
 */
export type TenantColumnError<TBuilders> = string extends keyof TBuilders
  ? never
  : [TenantBuilderKey<TBuilders>] extends [never]
    ? TenantTypeError<NoTenantColumn>
    : IsUnion<TenantBuilderKey<TBuilders>> extends true
      ? TenantTypeError<`${OneTenant}. Declare the other with ref(), as in workspaceId: workspace.ref()`>
      : never;

type NoTenantColumn =
  'Add a tenant column, as in accountId: account.id(), or declare a referenceTable() if all tenants share the rows';
type OneTenant = 'Keep one tenant column: a row belongs to one tenant';

/**
 * The name of a table whose columns have one tenant column; otherwise the error that says so. It is asked of the name,
 * since nothing is inferred from a callback beside a conditional type.
 */
export type OneTenantColumn<TBuilders> = [IsKnownSome<TenantColumnError<TBuilders>>] extends [true]
  ? TenantColumnError<TBuilders>
  : unknown;

/** Drizzle's column builders, by a name that fits into an error. */
export interface ColumnTypes extends PgColumnsBuilders {}

export type Built<
  TName extends string,
  TSchema extends string | undefined,
  TBuilders extends Record<string, AnyPgColumnBuilder>,
> = {
  name: TName;
  schema: TSchema;
  columns: PgBuildColumns<TName, TBuilders>;
  dialect: 'pg';
  isAlias: false;
};

export type ExtraConfig<TBuilders extends Record<string, AnyPgColumnBuilder>> = (
  self: PgBuildExtraConfigColumns<TBuilders>,
) => (PgTableExtraConfigValue | PgTableExtraConfigValue[])[] | PgTableExtraConfig;

export interface TenantTableFnInternal<TSchema extends string | undefined> {
  <TName extends string, TBuilders extends Record<string, AnyPgColumnBuilder>>(
    name: TName & OneTenantColumn<TBuilders>,
    columns: TBuilders | ((types: ColumnTypes) => TBuilders),
    extra?: ExtraConfig<TBuilders>,
  ): TenantTable<TenancyOfBuilders<TBuilders>, Built<TName, TSchema, TBuilders>>;
}

export interface ReferenceTableFnInternal<TSchema extends string | undefined> {
  <TName extends string, TBuilders extends Record<string, AnyPgColumnBuilder>>(
    name: TName,
    columns: TBuilders | ((types: ColumnTypes) => TBuilders),
    extra?: ExtraConfig<TBuilders>,
  ): ReferenceTable<Built<TName, TSchema, TBuilders>>;
}

/** `tenantTable`: takes what `pgTable` takes. */
export interface TenantTableFn<TSchema extends string | undefined = undefined> extends TenantTableFnInternal<TSchema> {
  withRLS: TenantTableFnInternal<TSchema>;
}

/** `referenceTable`: takes what `pgTable` takes. */
export interface ReferenceTableFn<TSchema extends string | undefined = undefined>
  extends ReferenceTableFnInternal<TSchema> {
  withRLS: ReferenceTableFnInternal<TSchema>;
}

/** An alias of a table, of the same kind as the table. */
export type AliasOf<TTable, TAlias extends string> =
  TTable extends TenantTableBase<infer Name, infer C>
    ? BuildAliasTable<PgTable<C>, TAlias> extends PgTable<infer A extends PgTableConfig>
      ? TenantTable<Name, A>
      : never
    : TTable extends PgTable | PgViewBase
      ? BuildAliasTable<TTable, TAlias> & (TTable extends ReferenceBrand ? ReferenceBrand : unknown)
      : never;

/** The columns of a table, view or subquery. */
export type ColumnsOf<T> =
  T extends TenantTableBase<any, infer C>
    ? C['columns']
    : T extends Table
      ? T['_']['columns']
      : T extends { readonly _: { readonly selectedFields: infer Fields } }
        ? Fields
        : never;

/** A row of a table as it is read: Drizzle's, for tenant tables too, as in `InferSelectModel<typeof projects>`. */
export type InferSelectModel<T extends AnyTenantTable | Table> =
  T extends TenantTableBase<any, infer C>
    ? InferModelFromColumns<C['columns'], 'select'>
    : T extends Table
      ? DrizzleSelectModel<T>
      : never;

/**
 * A new row of a table: Drizzle's, for tenant tables too, without the tenant column, which the handle fills in, as in
 * `InferInsertModel<typeof projects>`.
 */
export type InferInsertModel<
  T extends AnyTenantTable | Table,
  TConfig extends { override?: boolean } = { override: false },
> =
  T extends TenantTableBase<any, infer C>
    ? Omit<InferModelFromColumns<C['columns'], 'insert', TConfig>, TenantKey<C['columns']>>
    : T extends Table
      ? DrizzleInsertModel<T, TConfig>
      : never;
