/** Drizzle's relations between tenant tables: each carries the tenant column by itself. */
import { declaredTwice, otherCopies } from '../copies.js';
import {
  defineRelations,
  type Assume,
  type ExtractTablesWithRelations,
  type RelationsBuilder,
  type RelationsBuilderConfig,
  type Subquery,
  type Table,
  type View,
} from 'drizzle-orm';
import { classOf, nameOf, type TenantClass } from './classify.js';
import { TenantDefinitionError } from '../errors.js';
import type { AnyTenantTable, ReferenceBrand, TenancyOf, TenantTypeError, UnscopedWithColumns } from './table.types.js';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { PgViewBase } from 'drizzle-orm/pg-core/view-base';

declare const tenancyBrand: unique symbol;

/** A table in the relations of a tenant schema: Drizzle's, with its tenancy kept for the handle's `query`. */
export type RelationTable<T> = UnscopedWithColumns<T> & { readonly [tenancyBrand]?: [TenancyOf<T>] };

/** The tenancy of a table in the relations, `never` for a reference table. */
export type TenancyOfRelationTable<T> = T extends { readonly [tenancyBrand]?: [infer Name] | undefined } ? Name : never;

export type TablesOf<TSchema> = {
  [K in keyof TSchema as TSchema[K] extends AnyTenantTable | PgTable | PgViewBase | Subquery<string, any>
    ? K
    : never]: Assume<RelationTable<TSchema[K]>, Table<any> | View<any> | Subquery<string, any>>;
};

export type CheckRelations<TSchema, TConfig> = {
  [K in keyof TConfig]: K extends keyof TSchema
    ? { [R in keyof TConfig[K]]: CheckRelation<TSchema, TenancyOf<TSchema[K]>, TConfig[K][R]> }
    : unknown;
};

export type CheckRelation<TSchema, TFrom, TRelation> = TRelation extends {
  readonly targetTableName: infer Target extends keyof TSchema;
}
  ? IsPlain<TSchema[Target]> extends true
    ? TenantTypeError<'Declare the table with tenantTable() or referenceTable()'>
    : [TFrom] extends [never]
      ? unknown
      : [TenancyOf<TSchema[Target]>] extends [TFrom]
        ? unknown
        : TenantTypeError<'Relate tables of one tenancy: a row of one tenancy cannot lead to rows of another'>
  : unknown;

export type IsPlain<T> = T extends AnyTenantTable | ReferenceBrand ? false : T extends PgTable ? true : false;

declare const useDefineTenantRelations: unique symbol;

/** What {@link defineTenantRelations} returns, for `withTenancy`. No plain Drizzle handle accepts it. */
export interface TenantRelations<TRelations> {
  readonly [useDefineTenantRelations]: TRelations;
}

/** Drizzle's config with and without the tenant column in each relation. */
export interface Configs {
  readonly carried: Record<string, any>;
  readonly plain: () => Record<string, any>;
}

const configs = new WeakMap<object, Configs>();

/**
 * @param relations what `defineTenantRelations` returned
 * @param carriesTenant false while old rows have no tenant yet, and would be lost in a join on it
 * @returns Drizzle's relational config behind them
 */
export function relationsConfig(relations: object | undefined, carriesTenant = true): Record<string, any> {
  if (relations === undefined) return {};
  const config = configs.get(relations);
  if (!config) {
    throw new TenantDefinitionError(
      '-',
      '-',
      'Define the relations with defineTenantRelations(), not with defineRelations()' + otherCopies(),
    );
  }
  return carriesTenant ? config.carried : config.plain();
}

/**
 * Takes what Drizzle's `defineRelations` takes. A relation between two tenant tables joins on the tenant column
 * too, also through a link table; not to or from a table with rows of everybody, which has none in each row.
 *
 * @param schema the tables, or a module that exports them
 * @param relations the relations, as in Drizzle
 * @returns the relations, for `withTenancy`
 * @throws TenantDefinitionError for a relation between tables of two tenancies
 * @example
 * const relations = defineTenantRelations({ projects, tasks }, (r) => ({
 *   projects: { tasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId }) },
 * }));
 */
export function defineTenantRelations<TSchema extends Record<string, unknown>>(
  schema: TSchema,
): TenantRelations<ExtractTablesWithRelations<{}, TablesOf<TSchema>>>;
export function defineTenantRelations<
  TSchema extends Record<string, unknown>,
  TConfig extends RelationsBuilderConfig<TablesOf<TSchema>>,
>(
  schema: TSchema,
  relations: (helpers: RelationsBuilder<TablesOf<TSchema>>) => TConfig & CheckRelations<TSchema, TConfig>,
): TenantRelations<ExtractTablesWithRelations<TConfig, TablesOf<TSchema>>>;
export function defineTenantRelations(schema: Record<string, any>, relations?: (helpers: any) => any): any {
  const config = defineRelations(schema, relations as any) as unknown as Record<string, any>;
  for (const [name, { table, relations }] of Object.entries(config)) {
    for (const [field, relation] of Object.entries<any>(relations)) carryTenant(name, field, table, relation, config);
  }
  const result = Object.freeze({});
  configs.set(result, { carried: config, plain: () => defineRelations(schema, relations as any) });
  return result;
}

function carryTenant(name: string, field: string, table: object, relation: any, config: Record<string, any>): void {
  const from = tenantOf(table);
  const to = tenantOf(relation.targetTable);
  const through = relation.throughTable ? tenantOf(relation.throughTable) : undefined;
  const tenancies = new Set([from, to, through].filter((it) => it !== undefined).map((it) => it.tenancy));
  if (tenancies.size > 1) {
    const names = new Set([...tenancies].map((it) => it.name));
    throw new TenantDefinitionError(
      nameOf(table),
      `${name}.${field}`,
      names.size === 1
        ? declaredTwice([...names][0]!)
        : 'Relate tables of one tenancy: a row of one tenancy cannot lead to rows of another',
    );
  }
  const column = (tableName: string, tenant: TenantClass) => ({
    _: { tableName, column: config[tableName].table[tenant.key], key: tenant.key },
  });
  const pair = (left: { key: string; columns: any[] }, right: { key: string; columns: any[] }, a: any, b: any) => {
    if (left.columns.some((it, i) => it._.key === left.key && right.columns[i]?._.key === right.key)) return;
    left.columns.push(a);
    right.columns.push(b);
  };
  // A relation may share its arrays with its reverse, and a second look must not add the columns twice.
  relation.sourceColumns = [...relation.sourceColumns];
  relation.targetColumns = [...relation.targetColumns];
  if (!relation.throughTable) {
    if (!from || !to || from.everybody || to.everybody) return;
    pair(
      { key: from.key, columns: relation.sourceColumns },
      { key: to.key, columns: relation.targetColumns },
      column(name, from),
      column(relation.targetTableName, to),
    );
    return;
  }
  if (!through || through.everybody) return;
  const throughName = Object.keys(config).find((key) => config[key].table === relation.throughTable)!;
  relation.through = { source: [...relation.through.source], target: [...relation.through.target] };
  if (from && !from.everybody) {
    pair(
      { key: from.key, columns: relation.sourceColumns },
      { key: through.key, columns: relation.through.source },
      column(name, from),
      column(throughName, through),
    );
  }
  if (to && !to.everybody) {
    pair(
      { key: to.key, columns: relation.targetColumns },
      { key: through.key, columns: relation.through.target },
      column(relation.targetTableName, to),
      column(throughName, through),
    );
  }
}

function tenantOf(table: object): TenantClass | undefined {
  const found = classOf(table);
  return found?.kind === 'tenant' ? found : undefined;
}
