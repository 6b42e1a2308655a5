/**
 * ON DELETE SET NULL between tenant tables. The key holds the tenant column, which must stay: so the migration names
 * the columns to clear. drizzle-kit has no word for that; its snapshot says SET NULL, and each of its statements that
 * makes such a key is completed here.
 */
import { ident, keyOf, quoted, type TableName } from './names.js';
import { namesIn } from './quotes.js';
import type { Row } from './snapshot.js';
import type { TenancyState } from './state.js';
import { match } from './statements.js';

/** `SET NULL`, or `SET NULL ("parent_id")` where the key holds the tenant column. */
export function onDeleteOf(fk: Row, state: TenancyState): string | null {
  const tenant = state.tables[keyOf({ schema: fk.schema, name: fk.table })]?.column;
  return fk.onDelete === 'SET NULL' && fk.columns.includes(tenant)
    ? `SET NULL ${cleared(fk.columns, tenant!)}`
    : fk.onDelete;
}

/** Names the columns that a foreign key of drizzle-kit's clears. Any other statement stays as it is. */
export function nameCleared(statement: string, state: TenancyState): string {
  const key = match('addForeignKey', statement);
  const columns =
    key &&
    /FOREIGN KEY \(((?:"(?:[^"]|"")*",? ?)+)\) REFERENCES [\s\S]* ON DELETE SET NULL(?! \()/.exec(statement)?.[1];
  if (!columns) return statement;
  const table = Object.values(state.tables).find((it) => quoted(it as TableName) === key.table);
  const names = namesIn(columns);
  if (table?.column === undefined || !names.includes(table.column)) return statement;
  return statement.replace(/ ON DELETE SET NULL(?! \()/, ` ON DELETE SET NULL ${cleared(names, table.column)}`);
}

const cleared = (columns: readonly string[], tenant: string) =>
  `(${columns
    .filter((it) => it !== tenant)
    .map(ident)
    .join(',')})`;
