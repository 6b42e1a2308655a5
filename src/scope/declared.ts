/** What is declared of a table, as the plain data that SQL text is confined to and proved against. */
import { getColumns, is, Table, View } from 'drizzle-orm';
import { ViewBaseConfig } from 'drizzle-orm/view-common';
import type { Declared } from '../sql/tables.js';
import { classOf } from '../schema/classify.js';

const known = new WeakMap<object, Declared>();

/** What is declared of a table; undefined for what `tenantTable` or `referenceTable` did not make. */
export function declaredOf(table: object): Declared | undefined {
  let declared = known.get(table);
  if (!declared && (is(table, Table) || is(table, View))) {
    const tableClass = classOf(table);
    if (!tableClass) return undefined;
    const isView = is(table, View);
    const it = table as any;
    const { Schema, OriginalName } = (Table as any).Symbol;
    const { schema, originalName } = isView
      ? it[ViewBaseConfig]
      : { schema: it[Schema], originalName: it[OriginalName] };
    const columns = Object.entries<any>(getColumns(it));
    declared = {
      table,
      schema,
      name: originalName,
      columns: new Set(columns.map(([key, column]) => column.name ?? column.fieldAlias ?? key)),
      primaryKey: tableClass.kind === 'tenant' ? tableClass.primaryKey() : [],
      uniqueOverAll: tableClass.kind === 'tenant' ? tableClass.uniqueOverAll() : [],
      isView,
      texts: new Set(columns.flatMap(([, column]) => (isJson(column) ? [column.name] : []))),
      tenant:
        tableClass.kind === 'tenant'
          ? {
              column: tableClass.name,
              type: tableClass.column.getSQLType(),
              tenancy: tableClass.tenancy,
              everybody: tableClass.everybody,
              hasDefault: tableClass.column.hasDefault,
            }
          : undefined,
    };
    known.set(table, declared);
  }
  return declared;
}

const isJson = (column: any) => /^json(?!b)/.test(column.getSQLType?.() ?? '');

/** What is declared of several, without those that are no tables of this library. */
export const allDeclared = (tables: Iterable<object>): Declared[] => [...tables].flatMap((it) => declaredOf(it) ?? []);
