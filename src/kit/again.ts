/**
 * What Citus loses when it writes a table anew, for another place or shard count: comments, triggers, which it refuses
 * to copy, DEFERRABLE of the keys that have to go meanwhile, and of the views over it grants, comments, rules,
 * triggers, indexes and parameters. They are collected before, in a setting of the transaction, and written again
 * after.
 */
import { literal, quoted, type TableName } from './names.js';
import { heldFrom, rewriteObstacles, stopAt } from './obstacles.js';
import { doBlock } from './quotes.js';
import { wrapped } from './wrapped.js';

/** A query of one text: the statements to run afterwards, as a JSON list. */
function lost(tables: readonly TableName[], more = ''): string {
  const list = tables.map((it) => `${literal(quoted(it))}::regclass`).join(', ');
  const held = heldFrom(`ARRAY[${list}]`);
  return wrapped`WITH RECURSIVE ${held}, tables AS (SELECT unnest(ARRAY[${list}])::oid AS oid), views AS (
  SELECT c.oid, c.relkind FROM held h JOIN pg_class c ON c.oid = h.oid AND c.relkind IN ('v', 'm')
), said AS (
  SELECT 3 AS n, format('COMMENT ON %s %s IS %L;', \
      CASE WHEN d.objsubid > 0 THEN 'COLUMN' WHEN c.relkind = 'v' THEN 'VIEW' WHEN c.relkind = 'm' \
      THEN 'MATERIALIZED VIEW' WHEN c.relkind IN ('i', 'I') THEN 'INDEX' ELSE 'TABLE' END,
    c.oid::regclass::text || coalesce('.' || quote_ident(a.attname), ''), d.description) AS it
  FROM pg_description d JOIN pg_class c ON c.oid = d.objoid \
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
  WHERE d.classoid = 'pg_class'::regclass \
      AND c.oid IN (SELECT oid FROM held UNION SELECT i.indexrelid FROM pg_index i JOIN held h ON h.oid = i.indrelid)
  UNION ALL SELECT 3, format('COMMENT ON CONSTRAINT %I ON %s IS %L;', k.conname, k.conrelid::regclass, d.description)
  FROM pg_description d JOIN pg_constraint k ON k.oid = d.objoid JOIN tables t ON t.oid = k.conrelid \
      WHERE d.classoid = 'pg_constraint'::regclass
  UNION ALL SELECT 3, format('COMMENT ON POLICY %I ON %s IS %L;', p.polname, p.polrelid::regclass, d.description)
  FROM pg_description d JOIN pg_policy p ON p.oid = d.objoid JOIN tables t ON t.oid = p.polrelid \
      WHERE d.classoid = 'pg_policy'::regclass
  UNION ALL SELECT 3, format('COMMENT ON STATISTICS %s.%I IS %L;', \
      e.stxnamespace::regnamespace, e.stxname, d.description)
  FROM pg_description d JOIN pg_statistic_ext e ON e.oid = d.objoid JOIN tables t ON t.oid = e.stxrelid \
      WHERE d.classoid = 'pg_statistic_ext'::regclass
  UNION ALL SELECT 2, format('CREATE %sINDEX IF NOT EXISTS %s', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, \
      regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX ', '')) || ';'
  FROM pg_index i JOIN views v ON v.oid = i.indrelid WHERE v.relkind = 'm'
  UNION ALL SELECT 1, format('ALTER MATERIALIZED VIEW %s SET (%s);', \
      c.oid::regclass, array_to_string(c.reloptions, ', '))
  FROM views v JOIN pg_class c ON c.oid = v.oid WHERE v.relkind = 'm' AND c.reloptions IS NOT NULL
  UNION ALL SELECT 1, format('ALTER TABLE %s SET (%s);', t.oid::regclass, \
      (SELECT string_agg('toast.' || o, ', ') FROM unnest(x.reloptions) o))
  FROM tables t JOIN pg_class c ON c.oid = t.oid JOIN pg_class x ON x.oid = c.reltoastrelid AND x.reloptions IS NOT NULL
  UNION ALL SELECT 1, regexp_replace(pg_get_ruledef(r.oid), '^CREATE RULE', 'CREATE OR REPLACE RULE')
  FROM pg_rewrite r JOIN held h ON h.oid = r.ev_class WHERE r.rulename <> '_RETURN'
  UNION ALL SELECT 1, regexp_replace(pg_get_triggerdef(g.oid), '^CREATE (CONSTRAINT )?TRIGGER', \
      CASE WHEN g.tgconstraint = 0 THEN 'CREATE OR REPLACE TRIGGER' ELSE 'CREATE CONSTRAINT TRIGGER' END) || ';'
    || CASE WHEN g.tgenabled <> 'O' THEN format(' ALTER TABLE %s %s TRIGGER %I;', g.tgrelid::regclass, \
        CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, g.tgname) \
      ELSE '' END
  FROM pg_trigger g JOIN held h ON h.oid = g.tgrelid WHERE NOT g.tgisinternal
  UNION ALL SELECT 1, format('DO %L;', format('BEGIN IF EXISTS (SELECT FROM pg_constraint \
      WHERE conrelid = %1$L::regclass AND conname = %2$L AND pg_get_constraintdef(oid) || %3$L = %4$L) '
    || 'THEN ALTER TABLE %1$s DROP CONSTRAINT %2$I; ALTER TABLE %1$s ADD CONSTRAINT %2$I %4$s; END IF; END', \
        k.conrelid::regclass, k.conname,
    ' DEFERRABLE' || CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END, pg_get_constraintdef(k.oid)))
  FROM pg_constraint k WHERE k.contype = 'f' AND k.condeferrable \
      AND (k.conrelid IN (SELECT oid FROM tables) OR k.confrelid IN (SELECT oid FROM tables))
  UNION ALL SELECT 3, format('GRANT %s%s ON %s TO %s%s;', g.privilege_type, \
      CASE WHEN g.attname IS NULL THEN '' ELSE format(' (%I)', g.attname) END, v.oid::regclass,
    CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END, \
        CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM views v JOIN pg_class c ON c.oid = v.oid, LATERAL (SELECT NULL::name AS attname, e.* FROM aclexplode(c.relacl) e
    UNION ALL SELECT a.attname, e.* FROM pg_attribute a, aclexplode(a.attacl) e WHERE a.attrelid = c.oid) g \
        WHERE g.grantee <> c.relowner${more}
) SELECT coalesce(json_agg(it ORDER BY n), '[]')::text FROM said`;
}

/** Citus copies no table with a trigger of its own. */
const dropTriggers = (tables: readonly TableName[]): string =>
  [
    'DECLARE',
    '\tit text;',
    'BEGIN',
    `\tFOR it IN SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) FROM pg_trigger ` +
      'WHERE NOT tgisinternal ' +
      `AND tgrelid IN (${tables.map((table) => `${literal(quoted(table))}::regclass`).join(', ')}) LOOP`,
    // Without it Citus takes them on no table that it holds: whoever made them had set it.
    `\t\tPERFORM set_config('citus.enable_unsafe_triggers', 'on', true);`,
    '\t\tEXECUTE it;',
    '\tEND LOOP;',
    'END;',
  ].join('\n');

const setting = 'drizzle_tenant.again';

/** PL/pgSQL before tables are written anew. */
export const collect = (tables: readonly TableName[], isSplit = false): string =>
  `${stopAt(rewriteObstacles(tables, isSplit))}\n-- What Citus loses when it writes a table anew.\nPERFORM ` +
  `set_config('${setting}', (${lost(tables)}), true);\n${dropTriggers(tables)}`;

/** PL/pgSQL after it. What the migration took away meanwhile, such as a column with a comment, stays away. */
export const writeAgain = [
  'DECLARE',
  '\tit text;',
  'BEGIN',
  `\tFOR it IN SELECT json_array_elements_text(coalesce(nullif(current_setting('${setting}', true), ''), ` +
    "'[]')::json) LOOP",
  '\t\tBEGIN',
  '\t\t\tEXECUTE it;',
  '\t\tEXCEPTION WHEN undefined_column OR undefined_table OR undefined_object OR undefined_function THEN NULL;',
  '\t\tEND;',
  '\tEND LOOP;',
  `\tPERFORM set_config('${setting}', '', true);`,
  'END;',
].join('\n');

/** Where it is kept in a way that no transaction holds together: there until it is written again. */
const kept = 'drizzle.tenant_again';

/**
 * Before a table is distributed while it is written to, which no transaction may hold: what Citus loses is kept in a
 * table, so that a run which stops in between leaves it to the next. Of materialized views the rows are lost as well.
 */
export const keep = (table: TableName): string =>
  doBlock('again', [
    'DECLARE found jsonb; BEGIN',
    `found := (${lost(
      [table],
      wrapped`
  UNION ALL SELECT 4, format('REFRESH MATERIALIZED VIEW %s;', c.oid::regclass) \
      FROM views v JOIN pg_class c ON c.oid = v.oid WHERE c.relkind = 'm' AND c.relispopulated`,
    )})::jsonb;`,
    `IF found = '[]' THEN RETURN; END IF;`,
    `CREATE SCHEMA IF NOT EXISTS drizzle;`,
    `CREATE TABLE IF NOT EXISTS ${kept} (table_name text PRIMARY KEY, statements jsonb NOT NULL);`,
    // What an earlier run kept may be gone from the table already.
    `INSERT INTO ${kept} AS k VALUES (${literal(quoted(table))}, found) ON CONFLICT (table_name) DO UPDATE ` +
      'SET statements = k.statements || excluded.statements;',
    'END',
  ]);

/** What {@link keep} kept of a table, written again. */
export const writeKept = (table: TableName): string =>
  doBlock('again', [
    'DECLARE it text; BEGIN',
    `IF to_regclass('${kept}') IS NULL THEN RETURN; END IF;`,
    `FOR it IN SELECT jsonb_array_elements_text(statements) FROM ${kept} ` +
      `WHERE table_name = ${literal(quoted(table))} LOOP`,
    'BEGIN EXECUTE it; EXCEPTION WHEN undefined_column OR undefined_table OR undefined_object OR ' +
      'undefined_function THEN NULL; END;',
    'END LOOP;',
    `DELETE FROM ${kept} WHERE table_name = ${literal(quoted(table))};`,
    `IF NOT EXISTS (SELECT FROM ${kept}) THEN DROP TABLE ${kept}; END IF;`,
    'END',
  ]);

/** The tables, as they are quoted, of which a stopped run left something to write again. */
export async function readKept(query: (text: string) => Promise<{ name: string }[]>): Promise<string[]> {
  const [there] = await query(
    `SELECT '' AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname || '.' || c.relname = '${kept}'
       AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')`,
  );
  return there ? (await query(`SELECT table_name AS name FROM ${kept} ORDER BY 1`)).map((it) => it.name) : [];
}

/** The same as statements, for a step of a plan. */
export const collectSql = (tables: readonly TableName[], isSplit = false): string =>
  doBlock('again', ['BEGIN', collect(tables, isSplit), 'END']);
export const writeAgainSql = `DO $again$ ${writeAgain.replaceAll(/\s+/g, ' ')} $again$;`;
