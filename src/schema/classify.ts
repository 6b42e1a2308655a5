/**
 * The one place that decides what a table is: a tenant table of some tenancy, a reference table, or neither.
 * A classification is frozen, and known by identity: no property that a caller sets can forge or remove one.
 */
import { Column, is, Table, View } from 'drizzle-orm';
import { ViewBaseConfig } from 'drizzle-orm/view-common';
import type { PgColumn, PgTable, PgView } from 'drizzle-orm/pg-core';
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
  /** The names of the primary key's columns besides the tenant column. */
  readonly primaryKey: () => readonly string[];
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
const classes = new WeakSet<object>();

/** Classifies a table, for good. */
export function classify(table: PgTable, tableClass: TableClass): void {
  classes.add(Object.freeze(tableClass));
  Object.defineProperty(table, mark, { value: tableClass });
  declared.push(table);
}

const declared: PgTable[] = [];

/** Every table that the process declared: what a name in text written by hand may mean. */
export const declaredTables = (): readonly PgTable[] => declared;

/**
 * @param table a table, a view, or an alias of one
 * @returns what it is, or undefined for what neither `tenantTable` nor `referenceTable` made
 */
export function classOf(table: object): TableClass | undefined {
  if (is(table, View)) return classOfView(table as PgView);
  const found = (table as Record<symbol, unknown>)[mark];
  return typeof found === 'object' && found !== null && classes.has(found) ? (found as TableClass) : undefined;
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
    found = { kind: 'tenant', tenancy, key, name: column.name, column, primaryKey: () => [], validate: () => {} };
  }
  return found;
}

/** The table's name as a person writes it, with its schema. */
export function nameOf(table: object): string {
  if (is(table, View)) return (table as any)[ViewBaseConfig].name;
  const { Schema, OriginalName } = (Table as any).Symbol;
  const schema = (table as any)[Schema];
  return schema ? `${schema}.${(table as any)[OriginalName]}` : (table as any)[OriginalName];
}
