/** What a table's declaration computes for its rows, `$defaultFn` and `$onUpdate`: asked once, before a statement is built. */
import { is, Param, SQL, sql, StringChunk, Table } from 'drizzle-orm';
import { classOf } from '../schema/classify.js';
import type { Config } from './parts.js';

const { Columns } = (Table as any).Symbol;

/** What a row says of a column that it leaves to the database. */
const byDefault = Object.freeze(new SQL(Object.freeze([Object.freeze(new StringChunk('default'))]) as unknown as SQL[]));

const columnsOf = (table: object) => Object.entries<any>((table as any)[Columns] ?? {});

/** @returns what a column computes for a new row */
export function defaultOf(column: any): unknown {
  const value = column.defaultFn ? column.defaultFn() : column.default ? undefined : column.onUpdateFn?.();
  // Drizzle would ask once more.
  return value === undefined && (column.defaultFn || column.onUpdateFn) ? byDefault : value;
}

/** @returns the rows of an insert, but for their tenant */
export function computedRows(table: object, rows: readonly Config[]): readonly Config[] {
  const found = classOf(table);
  const tenantKey = found?.kind === 'tenant' ? found.key : undefined;
  const columns = columnsOf(table);
  if (!columns.some(([key, { defaultFn, onUpdateFn }]) => key !== tenantKey && (defaultFn || onUpdateFn))) return rows;
  return rows.map((row) => Object.fromEntries(columns.map(([key, column]) => [key, row[key] === undefined && key !== tenantKey ? defaultOf(column) : row[key]])));
}

/** @returns what an update sets */
export function computedSet(table: object, set: Config): Config {
  let computed = set;
  for (const [key, column] of columnsOf(table)) {
    if (!column.onUpdateFn || set[key] !== undefined) continue;
    const value = column.onUpdateFn();
    if (computed === set) computed = { ...set };
    // What stays as it is, Drizzle would ask for once more.
    computed[key] = value === undefined ? sql`${column}` : is(value, SQL) ? value : new Param(value, column);
  }
  return computed;
}
