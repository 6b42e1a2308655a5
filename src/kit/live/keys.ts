/** The keys and indexes of a live database's tables and, on Citus, those that some shard lacks. */
import type { Database } from './database.js';
import { askNodes } from './nodes.js';

/** A primary key, a unique constraint, or an index. */
export interface LiveKey {
  readonly name: string;
  readonly kind: 'primary' | 'unique' | 'index';
  readonly unique: boolean;
  readonly method: string;
  /** Null where an expression stands. Columns that an index only includes are not among them. */
  readonly columns: readonly (string | null)[];
  /** Of each column of a B-tree, 1 for DESC and 2 for NULLS FIRST, added up. */
  readonly options: readonly number[];
  readonly isPartial: boolean;
  readonly nullsNotDistinct: boolean;
  /** A concurrent build that was interrupted leaves one that is not. */
  readonly valid: boolean;
}

export interface LiveKeys {
  readonly keys: readonly LiveKey[];
  /** The names of keys and indexes that some shard has not, or has otherwise. */
  readonly lackingOnShards: readonly string[];
}

const columns = `(SELECT json_agg(a.attname ORDER BY u.i) FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY
  u(n, i)
  LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.n AND u.n > 0)`;

/** What makes two indexes the same, but for their names, which Citus changes on shards. */
const likeness = (
  table: string,
) => `(SELECT coalesce(json_agg(json_build_array(${columns}, i.indisunique, i.indisprimary, m.amname,
  i.indpred IS NOT NULL, i.indisvalid)), '[]')
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam WHERE i.indrelid = ${table})`;

const shards = `SELECT coalesce(json_agg(json_build_object('table', n.nspname || '.' || t.relname, 'indexes',
  ${likeness('c.oid')})), '[]')::text
  FROM pg_dist_shard s JOIN pg_dist_placement p ON p.shardid = s.shardid AND p.groupid = (SELECT groupid
    FROM pg_dist_local_group)
  JOIN pg_class t ON t.oid = s.logicalrelid JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_class c ON c.oid = to_regclass(shard_name(s.logicalrelid, s.shardid))`;

/**
 * @returns what is there for a table, by its key
 * @throws DatabaseStateError when a node cannot be asked
 */
export async function readKeys(database: Database, onCitus: boolean): Promise<(key: string) => LiveKeys> {
  const rows = await database.query<LiveKey & { table: string }>(
    `SELECT n.nspname || '.' || c.relname AS table, x.relname AS name, i.indisunique AS unique, m.amname AS method,
      ${columns} AS columns,
       (SELECT json_agg(u.o ORDER BY u.i) FROM unnest(i.indoption) WITH ORDINALITY u(o, i)) AS options,
       i.indpred IS NOT NULL AS "isPartial", i.indnullsnotdistinct AS "nullsNotDistinct", i.indisvalid AS valid,
       CASE k.contype WHEN 'p' THEN 'primary' WHEN 'u' THEN 'unique' ELSE 'index' END AS kind
     FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
     JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u')
     WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1, 2`,
  );
  const nodes = onCitus ? await askNodes(database, shards, 'the indexes of the shards') : [];
  const byTable = new Map<string, LiveKey[]>();
  for (const { table, ...key } of rows) byTable.set(table, [...(byTable.get(table) ?? []), key]);
  const onShards = new Map<string, Set<string>[]>();
  for (const { table, indexes } of nodes.flatMap(
    (it) => JSON.parse(it || '[]') as { table: string; indexes: unknown[] }[],
  )) {
    onShards.set(table, [...(onShards.get(table) ?? []), new Set(indexes.map((it) => JSON.stringify(it)))]);
  }
  return (table) => {
    const keys = byTable.get(table) ?? [];
    const like = (it: LiveKey) =>
      JSON.stringify([it.columns, it.unique, it.kind === 'primary', it.method, it.isPartial, it.valid]);
    const lacking = keys.filter((it) => it.valid && (onShards.get(table) ?? []).some((shard) => !shard.has(like(it))));
    return { keys, lackingOnShards: lacking.map((it) => it.name) };
  };
}
