/** Rows of other tenants that would go, or change, with what they point at: keys without the tenant column allow it. */
import { TenantDataError } from '../errors.js';
import type { Catalog, TenantTable } from './catalog.js';
import type { Connection } from './connection.js';
import { anyOnPath, type Step } from './statements.js';

/** CASCADE, SET NULL and SET DEFAULT, as `pg_constraint` writes them. */
export const takesAlong = (onDelete: string): boolean => ['c', 'n', 'd'].includes(onDelete);

/**
 * Of a table that nobody declared, the rows that point at the tenant's go along by CASCADE. What points at those goes
 * along in turn, and may be another tenant's, or be kept.
 *
 * @param goes whether rows of the table are to be deleted
 * @param nothing what has not been done, which ends the message
 * @throws TenantDataError where a row of another tenant, or one that is kept, points at what is to be deleted, or where
 * policies hide whether one does
 */
export async function assertOthersStay(
  connection: Connection,
  { tables, others, elsewhere, tenant }: Catalog,
  goes: (title: string) => boolean,
  nothing: string,
): Promise<void> {
  const look = async (to: TenantTable, path: readonly Step[]): Promise<void> => {
    const gone = path[0]?.from ?? to;
    for (const from of [...tables, ...others.values()]) {
      for (const key of from.foreignKeys) {
        if (key.to !== gone.oid || !takesAlong(key.onDelete) || path.some((it) => it.from === from)) continue;
        const next = [{ from, key, to: gone }, ...path];
        const own = tables.find((it) => it === from);
        const isNext = path.length === 0;
        const isAnyones = !own && !elsewhere.has(from.oid);
        if (isAnyones && goes(from.title)) {
          if (key.onDelete === 'c') await look(to, next);
          continue;
        }
        // Rows that are kept, and point at the tenant's own, are named with what goes along.
        const isOwn = own && key.columns.some((it, i) => it === own.column && key.toColumns[i] === to.column);
        if (isNext && (isAnyones || isOwn)) continue;
        const ofOthers = isNext || goes(from.title) ? own?.column : undefined;
        const [[isPointed] = []] = next.some((it) => it.from.isRestricted)
          ? [['true']]
          : await connection.query(anyOnPath(next, to, tenant, ofOthers));
        if (isPointed === 'true')
          throw new TenantDataError(
            `Let go of the foreign key "${key.name}" of "${from.title}"` +
              `${isNext && own ? ', or let it hold the tenant column' : ''}: ` +
              `rows of another tenant${ofOthers === undefined ? ', or that are kept,' : ''} may point by it ` +
              `at rows of "${gone.title}"${isNext ? '' : `, which go along with rows of "${to.title}"`}, ` +
              `and would be deleted or changed with them. ${nothing}`,
          );
      }
    }
  };
  for (const to of tables) if (goes(to.title)) await look(to, []);
}
