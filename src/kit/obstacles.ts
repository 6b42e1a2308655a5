/**
 * What a person made beside the schema that Citus refuses to put in a place, or would drop or leave behind without a
 * word. drizzle-kit knows none of it, so that it is looked for in the database: before the first step of `plan` and
 * `apply`, and in the migration itself. One list, each with its remedy, and with a test on a real Citus.
 */
import { literal, quoted, type TableName } from './names.js';
import { wrapped } from './wrapped.js';

/** A table that is not held by Citus yet, and what it is to be. */
export interface Placing {
  readonly table: TableName;
  /** The tenant column; undefined for a reference table. */
  readonly column?: string;
  /** Keys that are replaced before it goes to its place. */
  readonly known?: readonly string[];
}

const arrayOf = (names: readonly string[]) => `ARRAY[${names.map(literal).join(', ')}]::text[]`;

/**
 * Tables and the views over them, however deep, as a part of WITH RECURSIVE.
 *
 * @param list an SQL expression: the tables, as an array of oid
 */
export const heldFrom = (list: string): string => wrapped`held AS (
    SELECT unnest(${list})::oid AS oid
    UNION SELECT r.ev_class FROM held h \
        JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = h.oid \
        AND d.classid = 'pg_rewrite'::regclass
      JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN' AND r.ev_class <> h.oid
  )`;

/**
 * Things outside of a table that hold it, or a view over it, by its identity: a copy that takes its name is not what
 * they read. `undistribute_table` and `alter_distributed_table` drop them, and the concurrent way leaves them reading
 * the rows of before.
 */
const holders = wrapped`SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) AS thing, \
    h.oid::regclass::text AS of
  FROM held h JOIN pg_class c ON c.oid = h.oid JOIN pg_type y ON y.oid = c.reltype
  JOIN pg_depend d ON d.deptype IN ('n', 'a') AND (d.refclassid, d.refobjid) IN \
      (('pg_class'::regclass, h.oid), ('pg_type'::regclass, y.oid), ('pg_type'::regclass, y.typarray))
  WHERE d.classid = 'pg_proc'::regclass
    OR (d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_type'::regclass AND d.objsubid > 0 \
        AND EXISTS (SELECT FROM pg_class o WHERE o.oid = d.objid AND o.relkind NOT IN ('v', 'm')))
    OR (d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type o WHERE o.oid = d.objid AND o.typtype = 'd'))
    OR (d.classid = 'pg_policy'::regclass \
        AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.oid = d.objid AND p.polrelid = h.oid))
    OR (d.classid = 'pg_rewrite'::regclass AND EXISTS (SELECT FROM pg_rewrite r \
        WHERE r.oid = d.objid AND r.rulename <> '_RETURN' AND r.ev_class NOT IN (SELECT oid FROM held)))`;

/** Views that Citus does not make again as they were. */
const lostViews = wrapped`\
  SELECT format('the default of the column %I of the view %s', a.attname, h.oid::regclass) AS thing \
    FROM held h JOIN pg_class c ON c.oid = h.oid AND c.relkind = 'v' \
    JOIN pg_attrdef f ON f.adrelid = h.oid JOIN pg_attribute a ON a.attrelid = h.oid AND a.attnum = f.adnum
  UNION ALL SELECT format('the temporary view %s of a session', h.oid::regclass) \
      FROM held h JOIN pg_class c ON c.oid = h.oid AND c.relkind = 'v' AND c.relpersistence = 't'
  UNION ALL SELECT format('the view %s of the extension %I', h.oid::regclass, e.extname) \
      FROM held h JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = h.oid AND d.deptype = 'e' \
      JOIN pg_extension e ON e.oid = d.refobjid`;

/**
 * @param tables what Citus is to write anew
 * @param isSplit whether they get another shard count, and not another place
 * @returns a query of the remedies for what Citus would drop with tables that it copies, or refuses; no row where it
 *   may
 */
export function rewriteObstacles(tables: readonly TableName[], isSplit = false): string {
  const list = `ARRAY[${tables.map((it) => `${literal(quoted(it))}::regclass`).join(', ')}]`;
  const clustered = wrapped`
UNION ALL SELECT format('Drop %s of %s before, and create it again: \
    the table was clustered by it, which Citus cannot write again', indexrelid::regclass, indrelid::regclass)
  FROM pg_index WHERE indisclustered AND indrelid = ANY (${list})`;
  return wrapped`WITH RECURSIVE ${heldFrom(list)} SELECT format('Drop the %s before, and create it again after: \
      it holds %s, which Citus replaces by a copy, and drops whatever holds the old one', thing, of) AS remedy \
      FROM (${holders}) holders
UNION ALL SELECT format('Take away %s before, and make it again after: \
    Citus drops it with the table, or stops there', thing) FROM (${lostViews}) views
UNION ALL SELECT format('Keep %s where it is and as many shards as it has, \
    or copy its rows to a new table whose %I is a bigserial: \
    Citus copies no table with an identity column', attrelid::regclass, attname)
  FROM pg_attribute WHERE attidentity <> '' AND attrelid = ANY (${list})
UNION ALL SELECT format('Drop the rule %I of %s, which is off: \
    Citus knows no rules that are off, and it would come back switched on', rulename, ev_class::regclass)
  FROM pg_rewrite WHERE ev_class = ANY (${list}) AND rulename <> '_RETURN' AND ev_enabled <> 'O'
UNION ALL SELECT format('Drop the materialized view %s before, and create it again after; \
    or run ALTER DATABASE %I SET citus.max_matview_size_to_auto_recreate = -1: \
    it is larger than what Citus fills again by itself', h.oid::regclass, current_database())
  FROM held h JOIN pg_class c ON c.oid = h.oid AND c.relkind = 'm' \
      JOIN pg_settings s ON s.name = 'citus.max_matview_size_to_auto_recreate' \
      WHERE s.setting::bigint >= 0 AND pg_total_relation_size(h.oid) > s.setting::bigint * 1024 * 1024${
        isSplit ? clustered : ''
      }`;
}

/** @returns a query of the remedies for what keeps tables from their first place; no row where nothing does */
export function placeObstacles(placings: readonly Placing[]): string {
  const rows = placings.map(
    ({ table, column, known = [] }) =>
      `(${literal(quoted(table))}::regclass, ${column === undefined ? 'NULL::text' : literal(column)}, ` +
      `${arrayOf(known)})`,
  );
  return wrapped`WITH RECURSIVE placed AS (
  SELECT p.* FROM (VALUES ${rows.join(', ')}) p (oid, tenant, known) WHERE NOT EXISTS \
      (SELECT FROM pg_dist_partition d WHERE d.logicalrelid = p.oid AND (d.partmethod = 'h' OR d.repmodel = 't'))
), parts AS (SELECT oid FROM placed UNION SELECT i.inhrelid FROM parts \
    JOIN pg_inherits i ON i.inhparent = parts.oid JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition)
SELECT format('Drop the trigger %I of %s, and do in the application what it does. \
    Or, where its function touches nothing but the row, ALTER DATABASE %I SET citus.enable_unsafe_triggers = on: \
    Citus puts no table with a trigger in its place without that, since it runs on each shard by itself', \
    g.tgname, g.tgrelid::regclass, current_database()) AS remedy
  FROM parts JOIN pg_trigger g ON g.tgrelid = parts.oid WHERE NOT g.tgisinternal AND g.tgparentid = 0 \
      AND coalesce(current_setting('citus.enable_unsafe_triggers', true), 'off') <> 'on'
UNION ALL SELECT format('Run ALTER TABLE %s NO INHERIT %s: \
    Citus holds no table that inherits from another, or is inherited from', i.inhrelid::regclass, i.inhparent::regclass)
  FROM placed JOIN pg_inherits i ON placed.oid IN (i.inhrelid, i.inhparent) \
      JOIN pg_class c ON c.oid = i.inhrelid AND NOT c.relispartition
UNION ALL SELECT format('Declare %s in the schema, and not its partition %s, \
    or run ALTER TABLE %1$s DETACH PARTITION %2$s: \
    Citus holds partitions by way of their table', i.inhparent::regclass, placed.oid)
  FROM placed JOIN pg_inherits i ON i.inhrelid = placed.oid JOIN pg_class c ON c.oid = placed.oid AND c.relispartition
UNION ALL SELECT format('Partition %s once, and not its partition %s again: \
    Citus holds no partitions of partitions', i.inhparent::regclass, c.oid::regclass)
  FROM parts JOIN pg_class c ON c.oid = parts.oid AND c.relispartition AND c.relkind = 'p' \
      JOIN pg_inherits i ON i.inhrelid = c.oid
UNION ALL SELECT format('Make %s a table without partitions: \
    Citus has a reference table on every node as a whole', placed.oid)
  FROM placed JOIN pg_class c ON c.oid = placed.oid AND c.relkind = 'p' WHERE placed.tenant IS NULL
UNION ALL SELECT format(CASE WHEN i.indisexclusion \
    THEN 'Put %I WITH = into the exclusion constraint %I of %s (CREATE EXTENSION btree_gist), or drop it' \
    ELSE 'Put %I into the unique %I of %s, or drop it' END \
    || ': each node sees its own rows only', \
    placed.tenant, x.relname, placed.oid)
  FROM placed JOIN pg_index i ON i.indrelid = placed.oid AND (i.indisunique OR i.indisexclusion) \
      JOIN pg_class x ON x.oid = i.indexrelid
  LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'x' \
      JOIN pg_attribute a ON a.attrelid = placed.oid AND a.attname = placed.tenant
  WHERE x.relname <> ALL (placed.known) \
      AND NOT EXISTS (SELECT FROM generate_series(0, i.indnkeyatts - 1) n WHERE i.indkey[n] = a.attnum
    AND (k.oid IS NULL OR (SELECT o.oprname FROM pg_operator o WHERE o.oid = k.conexclop[n + 1]) = '='))
UNION ALL SELECT format('Make the column %I of %s a plain one (ALTER COLUMN %1$I DROP EXPRESSION): \
    Citus splits no table by a generated column', placed.tenant, placed.oid)
  FROM placed JOIN pg_attribute a ON a.attrelid = placed.oid AND a.attname = placed.tenant AND a.attgenerated <> ''
UNION ALL SELECT format('Give the column %I of %s a deterministic collation: \
    Citus finds the shard by a hash of its bytes', placed.tenant, placed.oid)
  FROM placed JOIN pg_attribute a ON a.attrelid = placed.oid AND a.attname = placed.tenant \
      JOIN pg_collation l ON l.oid = a.attcollation AND NOT l.collisdeterministic
UNION ALL SELECT format('Write the policy %I of %s without a subquery, with current_setting() for what it needs: \
    a shard cannot see other tables', p.polname, placed.oid)
  FROM placed JOIN pg_policy p ON p.polrelid = placed.oid \
      WHERE concat(p.polqual::text, p.polwithcheck::text) LIKE '%{SUBLINK%'`;
}

/** PL/pgSQL that stops a migration at the first obstacle. */
export const stopAt = (query: string): string =>
  [
    '-- Stops at what drizzle-kit does not know of, and Citus refuses or drops.',
    'DECLARE',
    '\tfound text;',
    'BEGIN',
    `\tSELECT string_agg(remedy, '; ') INTO found FROM (${query}) obstacles;`,
    `\tIF found IS NOT NULL THEN RAISE EXCEPTION '%. Nothing was changed.', found; END IF;`,
    'END;',
  ].join('\n');

/**
 * Why a table cannot be distributed while it is written to, though it can be while writes wait: that keeps the table
 * itself, where the concurrent way puts a copy in its place.
 *
 * @param oid an SQL expression: the table
 */
export function concurrentObstacles(oid: string): string {
  const held = heldFrom(`ARRAY[${oid}]`);
  return wrapped`SELECT format('its identity column %I would count from the beginning again', a.attname) AS reason \
      FROM pg_attribute a WHERE a.attrelid = ${oid} AND a.attidentity <> ''
  UNION ALL (WITH RECURSIVE ${held} SELECT format('the %s would read what it was before', thing) \
      FROM (${holders}) holders \
      UNION ALL SELECT format('%s would be lost, or stop it', thing) FROM (${lostViews}) views)
  UNION ALL SELECT format('the rule %I would be lost', r.rulename) \
      FROM pg_rewrite r WHERE r.ev_class = ${oid} AND r.rulename <> '_RETURN'
  UNION ALL SELECT format('the trigger %I of its partition would be lost', g.tgname) \
      FROM pg_inherits i JOIN pg_trigger g ON g.tgrelid = i.inhrelid \
      WHERE i.inhparent = ${oid} AND NOT g.tgisinternal AND g.tgparentid = 0
  UNION ALL SELECT 'it is unlogged' FROM pg_class t WHERE t.oid = ${oid} AND t.relpersistence = 'u'
  UNION ALL SELECT 'it is of a composite type' FROM pg_class t WHERE t.oid = ${oid} AND t.reloftype <> 0
  UNION ALL SELECT format('its owner %I may not log in', o.rolname) \
      FROM pg_class t JOIN pg_roles o ON o.oid = t.relowner WHERE t.oid = ${oid} AND NOT o.rolcanlogin`;
}
