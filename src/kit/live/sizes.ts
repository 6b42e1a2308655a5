/** How much each tenant holds, from a sample: on Citus and on plain PostgreSQL, and without pg_monitor. */
import type { Database } from './database.js';
import { DatabaseStateError } from '../errors.js';
import { ident, keyOf, plain, quoted } from '../names.js';
import { readLive } from './read.js';
import type { TenancyState } from '../state.js';

export interface TenantSize {
  readonly tenancy: string;
  /** Null for rows of everybody. */
  readonly tenant: string | null;
  readonly rows: number;
  readonly bytes: number;
}

/** Read whole up to this size; of larger tables, a part of about this size. */
const sampled = 64 * 1024 ** 2;

/**
 * @param database where
 * @param state what the tables are
 * @param limit how many
 * @returns the largest tenants, and whether every row was read
 * @throws DatabaseStateError where row-level security hides the rows from the role
 */
export async function tenantSizes(
  database: Database,
  state: TenancyState,
  limit: number,
): Promise<{ tenants: TenantSize[]; whole: boolean }> {
  const live = await readLive(database);
  const tables = Object.values(state.tables).filter((it) => it.kind === 'tenant' && live.tables.has(keyOf(it)));
  const found = new Map<string, { tenancy: string; tenant: string | null; rows: number; bytes: number }>();
  let whole = true;
  for (const it of tables) {
    const [hidden] = await database.query<{ hidden: boolean }>('SELECT row_security_active($1::regclass) AS hidden', [
      quoted(it),
    ]);
    if (hidden?.hidden) {
      throw new DatabaseStateError(
        `Pass --url with a role that has BYPASSRLS: row-level security hides the rows of "${plain(it)}" from this one.`,
      );
    }
    const { bytes } = live.tables.get(keyOf(it))!;
    const percent = bytes <= sampled ? 100 : Math.max(0.1, (100 * sampled) / bytes);
    whole &&= percent === 100;
    const sizes = await database.query<{ tenant: string | null; rows: number; bytes: number }>(
      `SELECT ${ident(it.column!)}::text AS tenant, count(*)::float8 AS rows, sum(pg_column_size(t.*))::float8 AS bytes
       FROM ${quoted(it)} AS t${percent === 100 ? '' : ` TABLESAMPLE SYSTEM (${percent.toFixed(3)})`} GROUP BY 1
         ORDER BY 3 DESC LIMIT ${limit * 20}`,
    );
    for (const { tenant, rows, bytes } of sizes) {
      const key = `${it.tenancy}\0${tenant === null ? '' : `=${tenant}`}`;
      const sum = found.get(key) ?? { tenancy: it.tenancy!, tenant, rows: 0, bytes: 0 };
      found.set(key, { ...sum, rows: sum.rows + (rows * 100) / percent, bytes: sum.bytes + (bytes * 100) / percent });
    }
  }
  const tenants = [...found.values()].map((it) => ({ ...it, rows: Math.round(it.rows), bytes: Math.round(it.bytes) }));
  return { tenants: tenants.sort((a, b) => b.bytes - a.bytes).slice(0, limit), whole };
}
