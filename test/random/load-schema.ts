/** Evaluates the text of a schema: what a failure prints is what ran. */
import * as drizzle from 'drizzle-orm';
import * as pgCore from 'drizzle-orm/pg-core';
import * as tenant from '../../src/index.js';
import type { SchemaSpec } from './spec.js';

/** What the text of schemas and programs may use, by the module that it is imported from. */
export const imports: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'drizzle-orm': Object.fromEntries(
    [
      'and',
      'asc',
      'between',
      'count',
      'desc',
      'eq',
      'exists',
      'gt',
      'gte',
      'ilike',
      'inArray',
      'isNotNull',
      'isNull',
      'like',
      'lt',
      'lte',
      'ne',
      'not',
      'notBetween',
      'notExists',
      'notInArray',
      'or',
      'sql',
      'arrayContains',
      'arrayContained',
      'arrayOverlaps',
      'sum',
      'max',
      'min',
      'countDistinct',
    ].map((name) => [name, (drizzle as any)[name]]),
  ),
  'drizzle-orm/pg-core': Object.fromEntries(
    [
      'bigint',
      'boolean',
      'check',
      'customType',
      'foreignKey',
      'integer',
      'jsonb',
      'numeric',
      'pgEnum',
      'pgMaterializedView',
      'pgSchema',
      'pgTable',
      'pgView',
      'primaryKey',
      'QueryBuilder',
      'smallint',
      'text',
      'timestamp',
      'unique',
      'uniqueIndex',
      'uuid',
      'varchar',
      'union',
      'unionAll',
      'intersect',
      'except',
    ].map((name) => [name, (pgCore as any)[name]]),
  ),
  'drizzle-tenant': Object.fromEntries(
    [
      'alias',
      'defineTenantRelations',
      'getColumns',
      'referenceTable',
      'tenancy',
      'tenantSchema',
      'tenantTable',
      'tenantTableCreator',
      'unscoped',
      'withTenancy',
    ].map((name) => [name, (tenant as any)[name]]),
  ),
};

const all = Object.assign({}, ...Object.values(imports)) as Record<string, unknown>;
const words = Object.keys(all);
const values = Object.values(all);

/** A function whose text may use everything that can be imported. */
export function functionOf(parameters: readonly string[], body: string): (...args: any[]) => any {
  return new Function(...words, `return async (${parameters.join(', ')}) => {\n${body}\n}`)(...values);
}

/** The tables, tenancies and relations of a schema, by name. */
export function loadSchema({ source, names }: SchemaSpec): Record<string, any> {
  return new Function(...words, `${source}\nreturn { ${names.join(', ')} };`)(...values);
}
