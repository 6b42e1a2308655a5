/** Rows of other tenants that would go, or change, with what they point at: keys without the tenant column allow it. */
import { TenantDataError } from '../errors.js';
import type { Catalog } from './catalog.js';
import type { Connection } from './connection.js';
import { anyOfOthersPointing } from './statements.js';

/** CASCADE, SET NULL and SET DEFAULT, as `pg_constraint` writes them. */
export const takesAlong = (onDelete: string): boolean => ['c', 'n', 'd'].includes(onDelete);

/**
 * @param goes whether rows of the table are to be deleted
 * @param nothing what has not been done, which ends the message
 * @throws TenantDataError where a row of another tenant points at one that is to be deleted, or where policies hide
 * whether one does
 */
export async function assertOthersStay(
  connection: Connection,
  { tables, tenant }: Catalog,
  goes: (title: string) => boolean,
  nothing: string,
): Promise<void> {
  for (const from of tables) {
    for (const key of from.foreignKeys) {
      const to = tables.find((it) => it.oid === key.to && goes(it.title));
      if (!to || !takesAlong(key.onDelete)) continue;
      if (key.columns.some((it, i) => it === from.column && key.toColumns[i] === to.column)) continue;
      const [[isPointed] = []] = from.isRestricted
        ? [['true']]
        : await connection.query(anyOfOthersPointing(from, key, to, tenant));
      if (isPointed === 'true')
        throw new TenantDataError(
          `Let go of the foreign key "${key.name}" of "${from.title}", or let it hold the tenant column: ` +
            `rows of another tenant may point by it at rows of "${to.title}", and would be deleted ` +
            `or changed with them. ${nothing}`,
        );
    }
  }
}
