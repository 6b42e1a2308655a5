/** `tenantTable` and `referenceTable`: Drizzle's `pgTable`, and what kind of table it is. */
import { getColumns as drizzleGetColumns, is, Table } from 'drizzle-orm';
import {
  alias as drizzleAlias,
  getTableConfig,
  pgTable,
  pgTableCreator,
  type PgColumnBuilder,
  type PgSchema,
  type PgTable,
} from 'drizzle-orm/pg-core';
import type { PgViewBase } from 'drizzle-orm/pg-core/view-base';
import { classify } from './classify.js';
import { giveExtra, takeInlineKeys, tellForeignKeys, tenantExtra, uniqueOverAll } from './constraints.js';
import { refuseBareDrizzleKit } from './drizzle-kit.js';
import { isEverybodys } from './everybody.js';
import { bindInlineForeignKeys, validateConstraints } from './foreign-keys.js';
import { keep, type KeptBuilder } from './kept.js';
import { TenantDefinitionError } from '../errors.js';
import { namesOfTable } from './names.js';
import type {
  AliasOf,
  AnyReferenceTable,
  AnyTenantTable,
  ColumnsOf,
  ReferenceTableFn,
  TenantTableFn,
  UnscopedWithColumns,
} from './table.types.js';
import { tenancyOfColumn } from './tenancy.js';

type MakeTable = (name: string, columns: any, extra?: any) => PgTable;
type Columns = Record<string, PgColumnBuilder> | ((types: any) => Record<string, PgColumnBuilder>);

function makeTenantTable(make: MakeTable) {
  return (name: string, columns: Columns, extra?: any): any => {
    let taken: ReturnType<typeof takeInlineKeys> | undefined;
    let tenantKey = '';
    const build = (builders: Record<string, PgColumnBuilder>) => {
      const keys = Object.keys(builders).filter((key) => tenancyOfColumn(builders[key]!));
      if (keys.length !== 1) {
        throw new TenantDefinitionError(
          name,
          keys.join(', ') || '-',
          keys.length === 0
            ? 'Add a tenant column, as in accountId: account.id(), or declare a referenceTable() ' +
                'if all tenants share the rows'
            : 'Keep one tenant column: a row belongs to one tenant. Declare the other with ref(), ' +
                'as in workspaceId: workspace.ref()',
        );
      }
      tenantKey = keys[0]!;
      taken = takeInlineKeys(builders, tenantKey, name);
      return taken.columns;
    };
    const given = giveExtra(extra, () => table);
    const table: PgTable = make(
      name,
      typeof columns === 'function' ? (types: any) => build(columns(types)) : build(columns),
      (self: any) => {
        const values = tenantExtra(given, taken!.inline, tenantKey, () => table)(self);
        refuseBareDrizzleKit(table, name, values);
        return values;
      },
    );
    tellForeignKeys(table, given);
    const column = (drizzleGetColumns(table) as any)[tenantKey];
    const { onUpdateFn, generated, dimensions } = column;
    const unusable = onUpdateFn ? '$onUpdate' : generated ? 'generatedAlwaysAs' : dimensions && 'array()';
    if (unusable) {
      const remedy = `Drop ${unusable} from the tenant column: a row belongs to one tenant, for good`;
      throw new TenantDefinitionError(name, column.name, remedy);
    }
    bindInlineForeignKeys(table);
    refuseCatalogs(table);
    classify(table, {
      kind: 'tenant',
      tenancy: tenancyOfColumn(column)!,
      key: tenantKey,
      name: column.name,
      column,
      everybody: isEverybodys(column),
      primaryKey: once(() => primaryKeyOf(table).filter((key) => key !== column.name)),
      uniqueOverAll: once(() => uniqueOverAll(table, column.name)),
      validate: once(() => validateConstraints(table)),
    });
    return table;
  };
}

function makeReferenceTable(make: MakeTable) {
  return (name: string, columns: Columns, extra?: any): any => {
    const table: PgTable = make(name, columns, extra && giveExtra(extra, () => table));
    for (const column of Object.values(drizzleGetColumns(table)) as any[]) {
      if (tenancyOfColumn(column)) {
        throw new TenantDefinitionError(
          name,
          column.name,
          'Declare it with tenantTable(): a table with a tenant column belongs to tenants',
        );
      }
    }
    bindInlineForeignKeys(table);
    refuseCatalogs(table);
    classify(table, { kind: 'reference', validate: once(() => validateConstraints(table)) });
    return table;
  };
}

/** What PostgreSQL and Citus keep for themselves tells of every tenant's rows: pg_stats holds values of them. */
function refuseCatalogs(table: PgTable): void {
  const [schema, name] = namesOfTable(table);
  const isOwn =
    schema === undefined
      ? /^(?:pg_|citus_)/.test(name)
      : /^(?:pg_|citus(?:_internal)?$|information_schema$)/.test(schema);
  if (isOwn)
    throw new TenantDefinitionError(
      name,
      '-',
      "Leave the system catalogs out of the schema: they tell of every tenant's rows. " +
        'A table of your own of such a name belongs into a schema that you name',
    );
}

function primaryKeyOf(table: PgTable): string[] {
  const { columns, primaryKeys } = getTableConfig(table);
  return [...columns.filter((it) => it.primary), ...primaryKeys.flatMap((it) => it.columns)].map((it) => it.name);
}

/**
 * A constraint may name a table that is declared later, so what depends on constraints is looked at when first used.
 */
function once<T>(run: () => T): () => T {
  let result: { value: T } | undefined;
  return () => (result ??= { value: run() }).value;
}

type TableFn = MakeTable & { withRLS: MakeTable };

const tenantTableFn = (fn: TableFn): any =>
  Object.assign(makeTenantTable(fn), { withRLS: makeTenantTable(fn.withRLS) });
const referenceTableFn = (fn: TableFn): any =>
  Object.assign(makeReferenceTable(fn), { withRLS: makeReferenceTable(fn.withRLS) });

/**
 * Declares a table whose rows belong to tenants. Takes exactly what `pgTable` takes; the tenant column is the
 * one that a tenancy's `id()` made. Keys, unique constraints and foreign keys become constraints within the tenant.
 *
 * @param name the table's name
 * @param columns column builders, one of them the tenant column
 * @param extra indexes, constraints and policies
 * @returns a `PgTable` at run time, which only a scoped handle accepts at compile time
 * @throws TenantDefinitionError without a tenant column, or with two; a constraint that can never work throws
 *   when the table is first used, since it may name a table that is declared later
 * @example
 * const projects = tenantTable('projects', {
 *   accountId: account.id().references(() => accounts.id, { onDelete: 'cascade' }),
 *   id: uuid().primaryKey().defaultRandom(),
 *   name: text().notNull().unique(),
 * });
 */
export const tenantTable: TenantTableFn = tenantTableFn(pgTable as any);

/**
 * Declares a table shared by all tenants: read and joined by scoped handles, written through `db.shared`, and
 * replicated to every node on Citus.
 *
 * @param name the table's name
 * @param columns column builders, none of them a tenant column
 * @param extra indexes, constraints and policies
 * @throws TenantDefinitionError with a tenant column; when first used, with a reference to a tenant table
 * @example const countries = referenceTable('countries', { id: integer().primaryKey(), name: text().notNull() });
 */
export const referenceTable: ReferenceTableFn = referenceTableFn(pgTable as any);

/** What `tenantSchema` and `tenantTableCreator` return: `tenantTable`, with `referenceTable` beside it. */
export type TenantTables<TSchema extends string | undefined> = TenantTableFn<TSchema> & {
  readonly table: TenantTableFn<TSchema>;
  readonly referenceTable: ReferenceTableFn<TSchema>;
};

const tablesOf = (fn: TableFn): any => {
  const table = tenantTableFn(fn);
  return Object.assign(table, { table, referenceTable: referenceTableFn(fn) });
};

/**
 * `tenantTable` and `referenceTable` in a PostgreSQL schema.
 *
 * @param schema what `pgSchema(name)` returned; export it too, so that drizzle-kit creates it
 * @example
 * export const app = pgSchema('app');
 * const { table, referenceTable } = tenantSchema(app);
 * export const invoices = table('invoices', { accountId: account.id(), id: uuid().primaryKey() });
 */
export function tenantSchema<TSchema extends string>(schema: PgSchema<TSchema>): TenantTables<TSchema> {
  return tablesOf(schema.table as any);
}

/**
 * `tenantTable` and `referenceTable` with names made by a function, as `pgTableCreator` does for `pgTable`.
 *
 * @param customizeTableName from the name given to the name in the database
 * @param casing how keys become column names where none is given
 * @example const { table } = tenantTableCreator((name) => `crm_${name}`, 'snake_case');
 */
export function tenantTableCreator(
  customizeTableName: (name: string) => string,
  casing?: 'snake_case' | 'camelCase',
): TenantTables<undefined> {
  return tablesOf(pgTableCreator(customizeTableName, casing) as any);
}

/**
 * Takes something out of the tenant's bounds, where the code shows it.
 *
 * An index, unique index, unique constraint or primary key of `extra` stays as it was written: over all tenants. On
 * Citus, which can only see that a value is unique among the rows of one node, such a key is a fault.
 *
 * A tenant table or reference table gets its `PgTable` type back, for tools that only read the definition: validators,
 * seeders, views. What is built with it on a plain Drizzle handle is not scoped.
 *
 * @param it a finished index or key, or a table
 * @returns the same
 * @throws TenantDefinitionError for anything else, such as a column with an inline `.unique()`
 * @example
 * const columns = { accountId: account.id(), id: uuid().primaryKey(), hash: text().notNull() };
 * const keys = tenantTable('keys', columns, (t) => [
 *   unscoped(unique().on(t.hash)), // no two accounts have the same
 * ]);
 * const insertKey = createInsertSchema(unscoped(keys));
 */
export function unscoped<T extends AnyTenantTable | AnyReferenceTable | KeptBuilder>(it: T): UnscopedWithColumns<T> {
  return (is(it, Table) ? it : keep(it)) as any;
}

/**
 * Drizzle's `alias`, for tenant tables too.
 *
 * @example const parent = alias(tasks, 'parent');
 */
export function alias<TTable extends AnyTenantTable | PgTable | PgViewBase, const TAlias extends string>(
  table: TTable,
  name: TAlias,
): AliasOf<TTable, TAlias> {
  return drizzleAlias(table as unknown as PgTable, name) as any;
}

/**
 * Drizzle's `getColumns`, for tenant tables too.
 *
 * @example const { accountId, ...columns } = getColumns(projects);
 */
export function getColumns<TTable extends AnyTenantTable | PgTable | PgViewBase>(table: TTable): ColumnsOf<TTable> {
  return drizzleGetColumns(table as unknown as PgTable) as any;
}

/**
 * Drizzle's `getTableColumns`, for tenant tables too.
 *
 * @deprecated Use `getColumns`, as in Drizzle 1.0.
 * @example const { accountId, ...columns } = getTableColumns(projects);
 */
export const getTableColumns = getColumns;
