/** Large tenants: which they are, by Citus's own statistics, and a shard of its own for one. */
import { requireCitus, type Database } from './database.js';
import { isNoLogicalReplication } from './cluster.js';
import { remedyFor, saidBy } from './remedies.js';
import { CitusRequiredError, DatabaseStateError } from '../errors.js';
import { ident, literal, plain, quoted, type TableName } from '../names.js';
import type { TenancyState } from '../state.js';

export interface TenantStatistics {
  readonly tenant: string;
  readonly tables: string;
  readonly readsNow: number;
  readonly readsBefore: number;
  readonly queriesNow: number;
  readonly queriesBefore: number;
  readonly cpuNow: number;
  readonly cpuBefore: number;
}

/**
 * @returns the busiest tenants of this period and the last, the busiest first
 * @throws CitusRequiredError without Citus 12, or when it keeps no statistics
 */
export async function tenantStatistics(database: Database, limit: number): Promise<TenantStatistics[]> {
  const [major] = await requireCitus(database, needed);
  if (major < 12)
    throw new CitusRequiredError('Upgrade Citus to version 12 or later: older ones keep no statistics of tenants.');
  const [setting] = await database.query<{ track: string }>(
    `SELECT current_setting('citus.stat_tenants_track') AS track`,
  );
  if (setting?.track === 'none') {
    throw new CitusRequiredError(
      "Run ALTER SYSTEM SET citus.stat_tenants_track = 'all' and SELECT pg_reload_conf() on every node, " +
        'and ask again later: Citus does not count yet.',
    );
  }
  // Citus keeps counts of tables that were dropped.
  return database.query<TenantStatistics>(
    `WITH groups AS (
       SELECT colocationid, string_agg(logicalrelid::text, ', ' ORDER BY logicalrelid::text) AS tables
       FROM pg_dist_partition WHERE partmethod = 'h' GROUP BY colocationid
     )
     SELECT tenant_attribute AS tenant, tables,
       sum(read_count_in_this_period)::int AS "readsNow", sum(read_count_in_last_period)::int AS "readsBefore",
       sum(query_count_in_this_period)::int AS "queriesNow", sum(query_count_in_last_period)::int AS "queriesBefore",
       sum(cpu_usage_in_this_period)::float8 AS "cpuNow", sum(cpu_usage_in_last_period)::float8 AS "cpuBefore"
     FROM citus_stat_tenants JOIN groups ON colocationid = colocation_id GROUP BY tenant_attribute, colocation_id,
       tables
     ORDER BY sum(query_count_in_this_period + query_count_in_last_period) DESC, 1 LIMIT ${limit}`,
  );
}

const needed = 'Run CREATE EXTENSION citus in the database: plain PostgreSQL counts no tenants, and has no shards.';

export interface Isolated {
  readonly shard: string;
  readonly table: string;
  readonly already: boolean;
}

/**
 * Moves a tenant's rows, of all its tables, to a shard that holds no other tenant.
 *
 * @param id the tenant's id, as text
 * @param tenancy the tenancy's name; needed when the schema has several
 * @param blockWrites lets writes wait meanwhile
 * @param online stops, instead of letting writes wait where the servers have no logical replication
 * @param fallback told once, before writes wait though nobody asked for it
 * @throws DatabaseStateError when the id is none, or the server cannot do it
 */
export async function isolateTenant(
  database: Database,
  state: TenancyState,
  id: string,
  {
    tenancy,
    blockWrites = false,
    online = false,
    fallback,
  }: { tenancy?: string; blockWrites?: boolean; online?: boolean; fallback?: (reason: string) => void },
): Promise<Isolated> {
  await requireCitus(database, needed);
  const { table, column, type } = anchorOf(state, tenancy);
  const checked = await database.query<{ id: string }>(`SELECT ($1::text)::${type} AS id`, [id]).catch(() => undefined);
  if (!checked) throw new DatabaseStateError(`Pass the tenant's id as the database has it: this one is no ${type}.`);
  const [present] = await database.query(
    `SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass($1) AND partmethod = 'h'`,
    [quoted(table)],
  );
  if (!present)
    throw new DatabaseStateError(`Run "npx drizzle-tenant plan" first: "${plain(table)}" is not distributed.`);
  const [row] = await database.query(
    `SELECT FROM ${quoted(table)} WHERE ${ident(column)} = ($1::text)::${type} LIMIT 1`,
    [id],
  );
  if (!row)
    throw new DatabaseStateError(`Pass the id of a tenant that exists: "${plain(table)}" has no row for this one.`);
  const split = async (mode: 'auto' | 'block_writes'): Promise<Isolated> => {
    const [made] = await database.query<{ shard: string }>(
      `SELECT isolate_tenant_to_new_shard(${literal(quoted(table))}::regclass, (${literal(id)})::${type}, ` +
        `'CASCADE', shard_transfer_mode := ${literal(mode)})::text AS shard`,
    );
    return { shard: made!.shard, table: plain(table), already: false };
  };
  try {
    if (blockWrites) return await split('block_writes');
    const [wal] = await database.query<{ level: string }>(`SELECT current_setting('wal_level') AS level`);
    try {
      if (wal?.level !== 'logical') throw new DatabaseStateError(`wal_level = ${wal?.level}`);
      return await split('auto');
    } catch (error) {
      if (!isNoLogicalReplication(error)) throw error;
      if (online)
        throw new DatabaseStateError(
          'Leave --online out, and the tenants of the shard wait with their writes meanwhile; or ' +
            `set wal_level = logical on every node: ${(error as Error).message}.`,
        );
      fallback?.((error as Error).message);
      return await split('block_writes');
    }
  } catch (error) {
    if (/already been isolated/.test((error as Error).message)) {
      const [shard] = await database.query<{ shard: string }>(
        `SELECT get_shard_id_for_distribution_column($1::regclass, ($2::text)::${type})::text AS shard`,
        [quoted(table), id],
      );
      return { shard: shard!.shard, table: plain(table), already: true };
    }
    if (error instanceof DatabaseStateError) throw error;
    throw new DatabaseStateError(
      `${remedyFor(error as Error)}, and run isolate again: ${saidBy(error as Error)}. Nothing was changed.`,
      { cause: error },
    );
  }
}

function anchorOf(
  state: TenancyState,
  tenancy: string | undefined,
): { table: TableName; column: string; type: string } {
  const names = Object.keys(state.tenancies);
  const name = tenancy ?? (names.length === 1 ? names[0]! : undefined);
  const found = name === undefined ? undefined : state.tenancies[name];
  if (!found) {
    throw new DatabaseStateError(
      'Pass --tenancy with one of ' +
        `${names.map((it) => `"${it}"`).join(', ') || 'the tenancies that the schema declares'}.`,
    );
  }
  const table =
    (found.root && state.tables[found.root]) || Object.values(state.tables).find((it) => it.tenancy === name)!;
  return { table, column: table.column!, type: table.type! };
}
