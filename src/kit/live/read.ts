/** What a live database holds: its tables, how Citus holds them, their foreign keys and policies. */
import { readKept } from '../again.js';
import type { Database } from './database.js';
import { keyOf, type TableName } from '../names.js';
import { readKeys, type LiveKeys } from './keys.js';
import { readPolicies, type LivePolicies } from './policies.js';
import type { Row } from '../snapshot.js';

export interface LiveTable extends TableName, LivePolicies, LiveKeys {
  readonly kind: 'local' | 'reference' | 'tenant';
  readonly column: string | null;
  readonly colocation: number | null;
  readonly shardCount: number;
  /** The lowest and the highest hash of each shard. */
  readonly ranges?: readonly (readonly [number, number])[] | null;
  /** Shards that hold one tenant only. Each was cut out of another, which left up to two more than there were. */
  readonly isolated: number;
  /** An estimate, as PostgreSQL keeps it; -1 when it was never analyzed. */
  readonly rows: number;
  readonly bytes: number;
  /** The columns of each unique key that a foreign key may lead to. */
  readonly uniques: readonly (readonly string[])[];
  /** Whether it has partitions: PostgreSQL then builds and drops no index concurrently. */
  readonly isPartitioned: boolean;
  /** The table that this is a partition of, or inherits from. */
  readonly parent: string | null;
}

export interface Live {
  readonly citus: string | null;
  readonly tables: ReadonlyMap<string, LiveTable>;
  readonly foreignKeys: readonly Row[];
  /** How many nodes take shards. */
  readonly nodes?: number;
  /** The tables, as they are quoted, of which a stopped run left something to write again. */
  readonly kept?: readonly string[];
}

const actions =
  "CASE %s WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' " +
  "THEN 'SET NULL' ELSE 'SET DEFAULT' END";
const ours =
  "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'citus', 'citus_internal', 'columnar', " +
  "'columnar_internal', 'drizzle')";

export async function readLive(database: Database): Promise<Live> {
  const [extension] = await database.query<{ extversion: string }>(
    `SELECT extversion FROM pg_extension WHERE extname = 'citus'`,
  );
  const held = extension
    ? `CASE WHEN p.partmethod = 'h' THEN 'tenant' WHEN p.partmethod = 'n'
      AND p.repmodel = 't' THEN 'reference' ELSE 'local' END AS kind,
       CASE WHEN p.partmethod = 'h' THEN column_to_column_name(p.logicalrelid, p.partkey) END AS column,
       CASE WHEN p.partmethod = 'h' THEN p.colocationid::int END AS colocation,
       (SELECT count(*)::int FROM pg_dist_shard s WHERE s.logicalrelid = c.oid) AS "shardCount",
       (SELECT count(*)::int FROM pg_dist_shard s WHERE s.logicalrelid = c.oid
         AND s.shardminvalue = s.shardmaxvalue) AS isolated,
       CASE WHEN p.partmethod = 'h' THEN (SELECT json_agg(json_build_array(s.shardminvalue::int,
         s.shardmaxvalue::int) ORDER BY s.shardminvalue::int) FROM pg_dist_shard s
           WHERE s.logicalrelid = c.oid) END AS ranges,
       CASE WHEN p.logicalrelid IS NOT NULL THEN citus_total_relation_size(c.oid,
         false) ELSE pg_total_relation_size(c.oid) END::float8 AS bytes`
    : `'local' AS kind, NULL AS column, NULL AS colocation, 0 AS "shardCount", 0 AS isolated, ` +
      'pg_total_relation_size(c.oid)::float8 AS bytes';
  const tables = await database.query<Omit<LiveTable, keyof LivePolicies | keyof LiveKeys>>(
    `SELECT n.nspname AS schema, c.relname AS name, ${held}, c.relkind = 'p' AS "isPartitioned",
      c.reltuples::float8 AS rows,
       coalesce((SELECT json_agg((SELECT json_agg(a.attname) FROM unnest(i.indkey[0:i.indnkeyatts - 1]) k
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k))
         FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
           AND i.indpred IS NULL AND i.indexprs IS NULL), '[]') AS uniques,
       (SELECT pn.nspname || '.' || pc.relname FROM pg_inherits i JOIN pg_class pc ON pc.oid = i.inhparent
         JOIN pg_namespace pn ON pn.oid = pc.relnamespace
         WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1) AS parent
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     ${extension ? 'LEFT JOIN pg_dist_partition p ON p.logicalrelid = c.oid' : ''}
     WHERE c.relkind IN ('r', 'p') AND ${ours}
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
     ORDER BY 1, 2`,
  );
  const foreignKeys = await database.query<Row>(
    `SELECT 'fks' AS "entityType", n.nspname AS schema, c.relname AS table, k.conname AS name,
      k.convalidated AS validated,
       tn.nspname AS "schemaTo", t.relname AS "tableTo",
       ${actions.replace('%s', 'k.confdeltype')} AS "onDelete", ${actions.replace('%s', 'k.confupdtype')} AS "onUpdate",
       (SELECT json_agg(a.attname ORDER BY u.i) FROM unnest(k.conkey) WITH ORDINALITY u(n, i)
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n) AS columns,
       (SELECT json_agg(a.attname ORDER BY u.i) FROM unnest(k.confkey) WITH ORDINALITY u(n, i)
         JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n) AS "columnsTo"
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_class t ON t.oid = k.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
     WHERE k.contype = 'f' AND k.conparentid = 0 AND ${ours} ORDER BY 2, 3, 4`,
  );
  const policies = await readPolicies(database, Boolean(extension));
  const keys = await readKeys(database, Boolean(extension));
  const found = tables.map((it): LiveTable => ({ ...it, ...policies(keyOf(it)), ...keys(keyOf(it)) }));
  const [takers] = extension
    ? await database.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM pg_dist_node WHERE noderole = 'primary' AND shouldhaveshards AND isactive`,
      )
    : [];
  const kept = extension ? await readKept((text) => database.query(text)) : [];
  return {
    citus: extension?.extversion ?? null,
    tables: new Map(found.map((it) => [keyOf(it), it])),
    foreignKeys,
    kept,
    nodes: takers?.n ?? 0,
  };
}
