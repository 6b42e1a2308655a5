/**
 * The one place that decides what a table is: a tenant table of some tenancy, a reference table, or neither.
 * A classification is frozen, and known by identity: no property that a caller sets can forge or remove one.
 */
import { Column, is, Table, View } from 'drizzle-orm';
import { ViewBaseConfig } from 'drizzle-orm/view-common';
import type { PgColumn, PgTable, PgView } from 'drizzle-orm/pg-core';
import { namesOfTable } from './names.js';
import { tenancyOfColumn, type AnyTenancy } from './tenancy.js';

/** A table whose rows belong to tenants. */
export interface TenantClass {
  readonly kind: 'tenant';
  readonly tenancy: AnyTenancy;
  /** The tenant column's key in the table, and its name in the database. */
  readonly key: string;
  readonly name: string;
  /** The tenant column as declared: it encodes the tenant's value. */
  readonly column: PgColumn;
  /** Whether NULL in the tenant column means everybody's row. Never of a view: an outer join's NULL means nothing. */
  readonly everybody: boolean;
  /** The names of the primary key's columns besides the tenant column. */
  readonly primaryKey: () => readonly string[];
  /** The columns of each key that is unique over all tenants. */
  readonly uniqueOverAll: () => readonly (readonly string[])[];
  /** Throws what is wrong with the table's constraints; looks once. */
  readonly validate: () => void;
}

/** A table shared by all tenants. */
export interface ReferenceClass {
  readonly kind: 'reference';
  readonly validate: () => void;
}

export type TableClass = TenantClass | ReferenceClass;

const mark = Symbol('drizzle-tenant:table');
const classes = new WeakMap<object, { readonly schema: unknown; readonly name: unknown }>();

/** Classifies a table, for good. */
export function classify(table: PgTable, tableClass: TableClass): void {
  const [schema, name] = namesOfTable(table);
  classes.set(Object.freeze(tableClass), { schema, name });
  Object.defineProperty(table, mark, { value: tableClass });
  declared.push(table);
  // drizzle-kit loads the schema with a loader of its own, so drizzle-tenant/kit may be another copy of this
  // package than the schema uses. It only listens: nothing that decides reads this back.
  (globalThis as Record<symbol, any>)[Symbol.for('drizzle-tenant:kit')]?.(table, tableClass);
}

const declared: PgTable[] = [];
/** Every table that the process declared: what a name in text written by hand may mean. */
export const declaredTables = (): readonly PgTable[] => declared;

const { IsAlias, Name, OriginalName, Schema } = (Table as any).Symbol;

/**
 * @param table a table, a view, or an alias of one
 * @returns what it is, or undefined for what neither `tenantTable` nor `referenceTable` made
 */
export function classOf(table: object): TableClass | undefined {
  if (is(table, View)) return classOfView(table as PgView);
  const found = (table as Record<symbol, unknown>)[mark];
  const classified = typeof found === 'object' && found !== null ? classes.get(found) : undefined;
  if (!classified) return undefined;
  // A class is of one table: neither another table nor a changed name may borrow it, nor one that is made when it is
  // asked for.
  for (const symbol of naming) if (isComputed(table, symbol)) return undefined;
  const [schema, original, known] = namesOfTable(table);
  const isItself = original === classified.name && schema === classified.schema;
  return isItself && ((table as any)[IsAlias] || known === classified.name) ? (found as TableClass) : undefined;
}

/**
 * What a table says that it is, which `classOf` looks at: one look, also at an alias that was made just now.
 *
 * @returns undefined for a view, and for what is no table of this library
 */
export const markOf = (table: any): object | undefined => table[mark];

const naming: readonly symbol[] = [Name, OriginalName, Schema, IsAlias];

function isComputed(table: object, key: symbol): boolean {
  for (let it: object | null = table; it; it = Object.getPrototypeOf(it)) {
    const property = Object.getOwnPropertyDescriptor(it, key);
    if (property) return property.get !== undefined;
  }
  return false;
}

/** A view is a tenant's when it exposes exactly one tenant column, as a column. */
function classOfView(view: PgView): TenantClass | undefined {
  const fields = (view as any)[ViewBaseConfig].selectedFields as Record<string, unknown>;
  let found: TenantClass | undefined;
  for (const key of Object.keys(fields)) {
    const tenancy = is(fields[key], Column) ? tenancyOfColumn(fields[key]) : undefined;
    if (!tenancy) continue;
    if (found) return undefined;
    const column = fields[key] as PgColumn;
    found = {
      kind: 'tenant',
      tenancy,
      key,
      name: column.name,
      column,
      everybody: false,
      primaryKey: () => [],
      uniqueOverAll: () => [],
      validate: () => {},
    };
  }
  return found;
}

/** A table's or view's schema, its name in the database, and the name by which a statement knows it. */
export function namesOf(table: object): [schema: string | undefined, original: string, known: string] {
  if (!is(table, View)) return namesOfTable(table);
  const { schema, originalName, name } = (table as any)[ViewBaseConfig];
  return [schema, originalName, name];
}

/** The table's name as a person writes it, with its schema. */
export function nameOf(table: object): string {
  if (is(table, View)) return (table as any)[ViewBaseConfig].name;
  const [schema, name] = namesOfTable(table);
  return schema ? `${schema}.${name}` : name;
}
