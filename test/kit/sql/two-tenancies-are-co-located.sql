-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
-- Citus: free the tables that change their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- What Citus loses when it writes a table anew.
	PERFORM set_config('drizzle_tenant.again', (WITH RECURSIVE tables AS (SELECT unnest(ARRAY['"pages"'::regclass, '"workspaces"'::regclass])::oid AS oid), views AS (
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
	) SELECT coalesce(json_agg(it), '[]')::text FROM said), true);
	ALTER TABLE "pages" DROP CONSTRAINT IF EXISTS "pages_workspace_id_workspaces_id_fkey";
	-- pages: back to one node
	IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"pages"'::regclass AND partmethod = 'h' AND column_to_column_name(logicalrelid, partkey) = 'workspace_id') THEN
		PERFORM undistribute_table('"pages"');
	END IF;
	-- workspaces: back to one node
	IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"workspaces"'::regclass AND partmethod = 'h' AND column_to_column_name(logicalrelid, partkey) = 'id') THEN
		PERFORM undistribute_table('"workspaces"');
	END IF;
END
$citus$;
-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- pages: by workspace_id, beside accounts
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"pages"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"pages"', 'workspace_id', colocate_with => '"accounts"');
	END IF;
	-- workspaces: by id, beside accounts
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"workspaces"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"workspaces"', 'id', colocate_with => '"accounts"');
	END IF;
	IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = '"pages"'::regclass AND conname = 'pages_workspace_id_workspaces_id_fkey') THEN
		ALTER TABLE "pages" ADD CONSTRAINT "pages_workspace_id_workspaces_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id");
	END IF;
	DECLARE
		it text;
	BEGIN
		FOR it IN SELECT json_array_elements_text(coalesce(nullif(current_setting('drizzle_tenant.again', true), ''), '[]')::json) LOOP
			BEGIN
				EXECUTE it;
			EXCEPTION WHEN undefined_column OR undefined_table OR undefined_object THEN NULL;
			END;
		END LOOP;
		PERFORM set_config('drizzle_tenant.again', '', true);
	END;
END
$citus$;
