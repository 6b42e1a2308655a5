-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
-- Citus: free the tables that change their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- Stops at what drizzle-kit does not know of, and Citus refuses or drops.
	DECLARE
		found text;
	BEGIN
		SELECT string_agg(remedy, '; ') INTO found FROM (WITH RECURSIVE held AS (
	    SELECT unnest(ARRAY['"accounts"'::regclass, '"countries"'::regclass, '"projects"'::regclass, '"tasks"'::regclass])::oid AS oid
	    UNION SELECT r.ev_class FROM held h JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = h.oid AND d.classid = 'pg_rewrite'::regclass
	      JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN' AND r.ev_class <> h.oid
	  ) SELECT format('Drop the %s before, and create it again after: it holds %s, which Citus replaces by a copy, and drops whatever holds the old one', thing, of) AS remedy FROM (SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) AS thing, h.oid::regclass::text AS of
	  FROM held h JOIN pg_class c ON c.oid = h.oid JOIN pg_type y ON y.oid = c.reltype
	  JOIN pg_depend d ON d.deptype IN ('n', 'a') AND (d.refclassid, d.refobjid) IN (('pg_class'::regclass, h.oid), ('pg_type'::regclass, y.oid), ('pg_type'::regclass, y.typarray))
	  WHERE d.classid = 'pg_proc'::regclass
	    OR (d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_type'::regclass AND d.objsubid > 0 AND EXISTS (SELECT FROM pg_class o WHERE o.oid = d.objid AND o.relkind NOT IN ('v', 'm')))
	    OR (d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type o WHERE o.oid = d.objid AND o.typtype = 'd'))
	    OR (d.classid = 'pg_policy'::regclass AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.oid = d.objid AND p.polrelid = h.oid))
	    OR (d.classid = 'pg_rewrite'::regclass AND EXISTS (SELECT FROM pg_rewrite r WHERE r.oid = d.objid AND r.rulename <> '_RETURN' AND r.ev_class NOT IN (SELECT oid FROM held)))) holders
	UNION ALL SELECT format('Take away %s before, and make it again after: Citus drops it with the table, or stops there', thing) FROM (SELECT format('the default of the column %I of the view %s', a.attname, h.oid::regclass) AS thing FROM held h JOIN pg_class c ON c.oid = h.oid AND c.relkind = 'v' JOIN pg_attrdef f ON f.adrelid = h.oid JOIN pg_attribute a ON a.attrelid = h.oid AND a.attnum = f.adnum
	  UNION ALL SELECT format('the temporary view %s of a session', h.oid::regclass) FROM held h JOIN pg_class c ON c.oid = h.oid AND c.relkind = 'v' AND c.relpersistence = 't'
	  UNION ALL SELECT format('the view %s of the extension %I', h.oid::regclass, e.extname) FROM held h JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = h.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid) views
	UNION ALL SELECT format('Keep %s where it is and as many shards as it has, or copy its rows to a new table whose %I is a bigserial: Citus copies no table with an identity column', attrelid::regclass, attname)
	  FROM pg_attribute WHERE attidentity <> '' AND attrelid = ANY (ARRAY['"accounts"'::regclass, '"countries"'::regclass, '"projects"'::regclass, '"tasks"'::regclass])
	UNION ALL SELECT format('Drop the rule %I of %s, which is off: Citus knows no rules that are off, and it would come back switched on', rulename, ev_class::regclass)
	  FROM pg_rewrite WHERE ev_class = ANY (ARRAY['"accounts"'::regclass, '"countries"'::regclass, '"projects"'::regclass, '"tasks"'::regclass]) AND rulename <> '_RETURN' AND ev_enabled <> 'O'
	UNION ALL SELECT format('Drop the materialized view %s before, and create it again after; or run ALTER DATABASE %I SET citus.max_matview_size_to_auto_recreate = -1: it is larger than what Citus fills again by itself', h.oid::regclass, current_database())
	  FROM held h JOIN pg_class c ON c.oid = h.oid AND c.relkind = 'm' JOIN pg_settings s ON s.name = 'citus.max_matview_size_to_auto_recreate' WHERE s.setting::bigint >= 0 AND pg_total_relation_size(h.oid) > s.setting::bigint * 1024 * 1024) obstacles;
		IF found IS NOT NULL THEN RAISE EXCEPTION '%. Nothing was changed.', found; END IF;
	END;
	-- What Citus loses when it writes a table anew.
	PERFORM set_config('drizzle_tenant.again', (WITH RECURSIVE held AS (
	    SELECT unnest(ARRAY['"accounts"'::regclass, '"countries"'::regclass, '"projects"'::regclass, '"tasks"'::regclass])::oid AS oid
	    UNION SELECT r.ev_class FROM held h JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = h.oid AND d.classid = 'pg_rewrite'::regclass
	      JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN' AND r.ev_class <> h.oid
	  ), tables AS (SELECT unnest(ARRAY['"accounts"'::regclass, '"countries"'::regclass, '"projects"'::regclass, '"tasks"'::regclass])::oid AS oid), views AS (
	  SELECT c.oid, c.relkind FROM held h JOIN pg_class c ON c.oid = h.oid AND c.relkind IN ('v', 'm')
	), said AS (
	  SELECT 3 AS n, format('COMMENT ON %s %s IS %L;', CASE WHEN d.objsubid > 0 THEN 'COLUMN' WHEN c.relkind = 'v' THEN 'VIEW' WHEN c.relkind = 'm' THEN 'MATERIALIZED VIEW' WHEN c.relkind IN ('i', 'I') THEN 'INDEX' ELSE 'TABLE' END,
	    c.oid::regclass::text || coalesce('.' || quote_ident(a.attname), ''), d.description) AS it
	  FROM pg_description d JOIN pg_class c ON c.oid = d.objoid LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
	  WHERE d.classoid = 'pg_class'::regclass AND c.oid IN (SELECT oid FROM held UNION SELECT i.indexrelid FROM pg_index i JOIN held h ON h.oid = i.indrelid)
	  UNION ALL SELECT 3, format('COMMENT ON CONSTRAINT %I ON %s IS %L;', k.conname, k.conrelid::regclass, d.description)
	  FROM pg_description d JOIN pg_constraint k ON k.oid = d.objoid JOIN tables t ON t.oid = k.conrelid WHERE d.classoid = 'pg_constraint'::regclass
	  UNION ALL SELECT 3, format('COMMENT ON POLICY %I ON %s IS %L;', p.polname, p.polrelid::regclass, d.description)
	  FROM pg_description d JOIN pg_policy p ON p.oid = d.objoid JOIN tables t ON t.oid = p.polrelid WHERE d.classoid = 'pg_policy'::regclass
	  UNION ALL SELECT 3, format('COMMENT ON STATISTICS %s.%I IS %L;', e.stxnamespace::regnamespace, e.stxname, d.description)
	  FROM pg_description d JOIN pg_statistic_ext e ON e.oid = d.objoid JOIN tables t ON t.oid = e.stxrelid WHERE d.classoid = 'pg_statistic_ext'::regclass
	  UNION ALL SELECT 2, format('CREATE %sINDEX IF NOT EXISTS %s', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX ', '')) || ';'
	  FROM pg_index i JOIN views v ON v.oid = i.indrelid WHERE v.relkind = 'm'
	  UNION ALL SELECT 1, format('ALTER MATERIALIZED VIEW %s SET (%s);', c.oid::regclass, array_to_string(c.reloptions, ', '))
	  FROM views v JOIN pg_class c ON c.oid = v.oid WHERE v.relkind = 'm' AND c.reloptions IS NOT NULL
	  UNION ALL SELECT 1, format('ALTER TABLE %s SET (%s);', t.oid::regclass, (SELECT string_agg('toast.' || o, ', ') FROM unnest(x.reloptions) o))
	  FROM tables t JOIN pg_class c ON c.oid = t.oid JOIN pg_class x ON x.oid = c.reltoastrelid AND x.reloptions IS NOT NULL
	  UNION ALL SELECT 1, regexp_replace(pg_get_ruledef(r.oid), '^CREATE RULE', 'CREATE OR REPLACE RULE')
	  FROM pg_rewrite r JOIN held h ON h.oid = r.ev_class WHERE r.rulename <> '_RETURN'
	  UNION ALL SELECT 1, regexp_replace(pg_get_triggerdef(g.oid), '^CREATE (CONSTRAINT )?TRIGGER', CASE WHEN g.tgconstraint = 0 THEN 'CREATE OR REPLACE TRIGGER' ELSE 'CREATE CONSTRAINT TRIGGER' END) || ';'
	    || CASE WHEN g.tgenabled <> 'O' THEN format(' ALTER TABLE %s %s TRIGGER %I;', g.tgrelid::regclass, CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, g.tgname) ELSE '' END
	  FROM pg_trigger g JOIN held h ON h.oid = g.tgrelid WHERE NOT g.tgisinternal
	  UNION ALL SELECT 1, format('DO %L;', format('BEGIN IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = %1$L::regclass AND conname = %2$L AND pg_get_constraintdef(oid) || %3$L = %4$L) '
	    || 'THEN ALTER TABLE %1$s DROP CONSTRAINT %2$I; ALTER TABLE %1$s ADD CONSTRAINT %2$I %4$s; END IF; END', k.conrelid::regclass, k.conname,
	    ' DEFERRABLE' || CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END, pg_get_constraintdef(k.oid)))
	  FROM pg_constraint k WHERE k.contype = 'f' AND k.condeferrable AND (k.conrelid IN (SELECT oid FROM tables) OR k.confrelid IN (SELECT oid FROM tables))
	  UNION ALL SELECT 3, format('GRANT %s%s ON %s TO %s%s;', g.privilege_type, CASE WHEN g.attname IS NULL THEN '' ELSE format(' (%I)', g.attname) END, v.oid::regclass,
	    CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END, CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
	  FROM views v JOIN pg_class c ON c.oid = v.oid, LATERAL (SELECT NULL::name AS attname, e.* FROM aclexplode(c.relacl) e
	    UNION ALL SELECT a.attname, e.* FROM pg_attribute a, aclexplode(a.attacl) e WHERE a.attrelid = c.oid) g WHERE g.grantee <> c.relowner
	) SELECT coalesce(json_agg(it ORDER BY n), '[]')::text FROM said), true);
	DECLARE
		it text;
	BEGIN
		FOR it IN SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN ('"accounts"'::regclass, '"countries"'::regclass, '"projects"'::regclass, '"tasks"'::regclass) LOOP
			PERFORM set_config('citus.enable_unsafe_triggers', 'on', true);
			EXECUTE it;
		END LOOP;
	END;
	ALTER TABLE "accounts" DROP CONSTRAINT IF EXISTS "accounts_country_id_countries_id_fkey";
	ALTER TABLE "projects" DROP CONSTRAINT IF EXISTS "projects_account_id_accounts_id_fkey";
	ALTER TABLE "tasks" DROP CONSTRAINT IF EXISTS "tasks_account_id_project_id_projects_account_id_id_fkey";
	-- accounts: back to one node
	IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"accounts"'::regclass AND partmethod = 'h' AND column_to_column_name(logicalrelid, partkey) = 'id') THEN
		PERFORM undistribute_table('"accounts"');
	END IF;
	-- countries: back to one node
	IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"countries"'::regclass AND partmethod = 'n' AND repmodel = 't') THEN
		PERFORM undistribute_table('"countries"');
	END IF;
	-- projects: back to one node
	IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"projects"'::regclass AND partmethod = 'h' AND column_to_column_name(logicalrelid, partkey) = 'account_id') THEN
		PERFORM undistribute_table('"projects"');
	END IF;
	-- tasks: back to one node
	IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"tasks"'::regclass AND partmethod = 'h' AND column_to_column_name(logicalrelid, partkey) = 'account_id') THEN
		PERFORM undistribute_table('"tasks"');
	END IF;
END
$citus$;
-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = '"accounts"'::regclass AND conname = 'accounts_country_id_countries_id_fkey') THEN
		ALTER TABLE "accounts" ADD CONSTRAINT "accounts_country_id_countries_id_fkey" FOREIGN KEY ("country_id") REFERENCES "countries"("id");
	END IF;
	IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = '"projects"'::regclass AND conname = 'projects_account_id_accounts_id_fkey') THEN
		ALTER TABLE "projects" ADD CONSTRAINT "projects_account_id_accounts_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE;
	END IF;
	IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = '"tasks"'::regclass AND conname = 'tasks_account_id_project_id_projects_account_id_id_fkey') THEN
		ALTER TABLE "tasks" ADD CONSTRAINT "tasks_account_id_project_id_projects_account_id_id_fkey" FOREIGN KEY ("account_id","project_id") REFERENCES "projects"("account_id","id") ON DELETE CASCADE;
	END IF;
	DECLARE
		it text;
	BEGIN
		FOR it IN SELECT json_array_elements_text(coalesce(nullif(current_setting('drizzle_tenant.again', true), ''), '[]')::json) LOOP
			BEGIN
				EXECUTE it;
			EXCEPTION WHEN undefined_column OR undefined_table OR undefined_object OR undefined_function THEN NULL;
			END;
		END LOOP;
		PERFORM set_config('drizzle_tenant.again', '', true);
	END;
END
$citus$;
