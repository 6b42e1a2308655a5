/**
 * What Citus loses when it writes a table anew, for another place or shard count: comments of the table, and grants,
 * comments and indexes of the views over it. They are collected before, in a setting of the transaction, and written
 * again after.
 */
import { literal, quoted, type TableName } from './names.js';

/** A query of one text: the statements to run afterwards, as a JSON list. */
function lost(tables: readonly TableName[]): string {
  const list = tables.map((it) => `${literal(quoted(it))}::regclass`).join(', ');
  return `WITH RECURSIVE tables AS (SELECT unnest(ARRAY[${list}])::oid AS oid), views AS (
  SELECT v.oid, v.relkind FROM tables t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
  UNION SELECT v.oid, v.relkind FROM views t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm') AND v.oid <> t.oid
), said AS (
  SELECT format('COMMENT ON %s %s IS %L;', CASE WHEN d.objsubid > 0 THEN 'COLUMN' WHEN c.relkind = 'v' THEN 'VIEW' WHEN c.relkind = 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
    c.oid::regclass::text || coalesce('.' || quote_ident(a.attname), ''), d.description) AS it
  FROM pg_description d JOIN pg_class c ON c.oid = d.objoid LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
  WHERE d.classoid = 'pg_class'::regclass AND c.oid IN (SELECT oid FROM tables UNION SELECT oid FROM views)
  UNION ALL SELECT format('CREATE %sINDEX IF NOT EXISTS %s', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX ', '')) || ';'
  FROM pg_index i JOIN views v ON v.oid = i.indrelid WHERE v.relkind = 'm'
  UNION ALL SELECT format('GRANT %s ON %s TO %s%s;', g.privilege_type, c.oid::regclass, CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END, CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM views v JOIN pg_class c ON c.oid = v.oid, aclexplode(c.relacl) g WHERE g.grantee <> c.relowner
) SELECT coalesce(json_agg(it), '[]')::text FROM said`;
}

const setting = 'drizzle_tenant.again';

/** PL/pgSQL before tables are written anew. */
export const collect = (tables: readonly TableName[]): string =>
  `-- What Citus loses when it writes a table anew.\nPERFORM set_config('${setting}', (${lost(tables)}), true);`;

/** PL/pgSQL after it. What the migration took away meanwhile, such as a column with a comment, stays away. */
export const writeAgain = [
  'DECLARE',
  '\tit text;',
  'BEGIN',
  `\tFOR it IN SELECT json_array_elements_text(coalesce(nullif(current_setting('${setting}', true), ''), '[]')::json) LOOP`,
  '\t\tBEGIN',
  '\t\t\tEXECUTE it;',
  '\t\tEXCEPTION WHEN undefined_column OR undefined_table OR undefined_object THEN NULL;',
  '\t\tEND;',
  '\tEND LOOP;',
  `\tPERFORM set_config('${setting}', '', true);`,
  'END;',
].join('\n');

/** The same as statements, for a step of a plan. */
export const collectSql = (tables: readonly TableName[]): string =>
  `DO $again$ BEGIN\n${collect(tables)}\nEND $again$;`;
export const writeAgainSql = `DO $again$ ${writeAgain.replaceAll(/\s+/g, ' ')} $again$;`;
