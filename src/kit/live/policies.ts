/** The policies of a live database's tables and, on Citus, of their shards on each node. */
import type { Policy } from '../../rls/policies.js';
import type { Database } from './database.js';
import { askNodes } from './nodes.js';

/** Row-level security of one table, or of one of its shards. */
export interface Locks {
  readonly enabled: boolean;
  /** For the owner too. */
  readonly forced: boolean;
  readonly policies: readonly LivePolicy[];
}

export interface LivePolicy extends Policy {
  readonly roles: readonly string[];
}

export interface LivePolicies extends Locks {
  readonly types: Readonly<Record<string, readonly string[]>>;
  readonly shards: readonly Locks[];
}

const locks = `json_build_object('enabled', c.relrowsecurity, 'forced', c.relforcerowsecurity, 'policies', coalesce((
  SELECT json_agg(json_build_object('name', p.polname, 'permissive', p.polpermissive, 'command', p.polcmd,
    'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid),
    'roles', (SELECT json_agg(coalesce(r.rolname::text, 'public') ORDER BY r.rolname) FROM unnest(p.polroles) u
      LEFT JOIN pg_roles r ON r.oid = u)) ORDER BY p.polname)
  FROM pg_policy p WHERE p.polrelid = c.oid), '[]'))`;

/** Run on each node: the shards that it holds, by the table's name. */
const shards = `SELECT coalesce(json_agg(json_build_object('table', n.nspname || '.' || t.relname, 'locks',
  ${locks})), '[]')::text
  FROM pg_dist_shard s JOIN pg_dist_placement m ON m.shardid = s.shardid AND m.groupid = (SELECT groupid
    FROM pg_dist_local_group)
  JOIN pg_class t ON t.oid = s.logicalrelid JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_class c ON c.oid = to_regclass(shard_name(s.logicalrelid, s.shardid))`;

/**
 * @returns what is there for a table, by its key
 * @throws DatabaseStateError when a node cannot be asked
 */
export async function readPolicies(database: Database, onCitus: boolean): Promise<(key: string) => LivePolicies> {
  const tables = await database.query<{ key: string; locks: Locks; types: Record<string, string[]> }>(
    `SELECT n.nspname || '.' || c.relname AS key, ${locks} AS locks,
       (SELECT json_object_agg(a.attname, json_build_array(format_type(a.atttypid, a.atttypmod),
         format_type(CASE WHEN y.typbasetype = 0 THEN y.oid ELSE y.typbasetype END, -1)))
         FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0) AS types
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')
       AND n.nspname NOT IN ('pg_catalog', 'information_schema')`,
  );
  const nodes = onCitus ? await askNodes(database, shards, 'the policies of the shards') : [];
  const found = new Map(tables.map((it) => [it.key, it]));
  const byTable = new Map<string, Locks[]>();
  for (const { table, locks: of } of nodes.flatMap(
    (it) => JSON.parse(it || '[]') as { table: string; locks: Locks }[],
  )) {
    byTable.set(table, [...(byTable.get(table) ?? []), of]);
  }
  return (key) => ({
    ...(found.get(key)?.locks ?? { enabled: false, forced: false, policies: [] }),
    types: found.get(key)?.types ?? {},
    shards: byTable.get(key) ?? [],
  });
}
