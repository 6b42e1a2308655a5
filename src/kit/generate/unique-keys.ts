/** Which columns of a table name one row, before a migration changes its keys. */
import { nameBefore, renamedColumn, type Migrated } from '../changes.js';
import { keyOf, type TableName } from '../names.js';
import type { TableState } from '../state.js';

type Tables = Pick<Migrated, 'before' | 'after' | 'prev'>;

/**
 * The unique keys that a table has in the database before the migration: primary key, unique constraints, and unique
 * indexes over columns of all rows.
 *
 * @returns the columns of each, in the names that hold after the renames
 */
export function uniqueKeys(table: TableName, { before, after, prev }: Tables): string[][] {
  const old = nameBefore(table, after);
  if (!old) return [];
  // In write-only mode the snapshot has the new keys already, and the database the old ones.
  const kept = prev.writeOnly?.keys?.[keyOf(old)];
  const keys = kept ?? [
    ...before.of('pks', old).map((it): string[] => it.columns),
    ...before.of('uniques', old).map((it) => it.columns as string[]),
    ...before
      .of('indexes', old)
      .filter((it) => it.isUnique && !it.where && it.columns.every((column: any) => !column.isExpression))
      .map((it) => it.columns.map((column: any) => column.value as string)),
  ];
  return keys.map((columns: readonly string[]) => columns.map((it) => renamedColumn(after, table, it)));
}

/**
 * Whether these columns name one row of a tenant table, whoever's it is: some key is among them, without the tenant
 * column; or the tenant column is itself the key, as in a root table, so that they name the tenant.
 */
export const namesOneRow = (table: TableState, columns: readonly string[], tables: Tables): boolean =>
  uniqueKeys(table, tables).some(
    (key) =>
      key.length > 0 && key.every((it) => columns.includes(it)) && (key.length === 1 || !key.includes(table.column!)),
  );
