-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- Stops at what drizzle-kit does not know of, and Citus refuses or drops.
	DECLARE
		found text;
	BEGIN
		SELECT string_agg(remedy, '; ') INTO found FROM (WITH RECURSIVE placed AS (
	  SELECT p.* FROM (VALUES ('"plans"'::regclass, NULL::text, ARRAY[]::text[])) p (oid, tenant, known) WHERE NOT EXISTS (SELECT FROM pg_dist_partition d WHERE d.logicalrelid = p.oid AND (d.partmethod = 'h' OR d.repmodel = 't'))
	), parts AS (SELECT oid FROM placed UNION SELECT i.inhrelid FROM parts JOIN pg_inherits i ON i.inhparent = parts.oid JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition)
	SELECT format('Drop the trigger %I of %s, and do in the application what it does. Or, where its function touches nothing but the row, ALTER DATABASE %I SET citus.enable_unsafe_triggers = on: Citus puts no table with a trigger in its place without that, since it runs on each shard by itself', g.tgname, g.tgrelid::regclass, current_database()) AS remedy
	  FROM parts JOIN pg_trigger g ON g.tgrelid = parts.oid WHERE NOT g.tgisinternal AND g.tgparentid = 0 AND coalesce(current_setting('citus.enable_unsafe_triggers', true), 'off') <> 'on'
	UNION ALL SELECT format('Run ALTER TABLE %s NO INHERIT %s: Citus holds no table that inherits from another, or is inherited from', i.inhrelid::regclass, i.inhparent::regclass)
	  FROM placed JOIN pg_inherits i ON placed.oid IN (i.inhrelid, i.inhparent) JOIN pg_class c ON c.oid = i.inhrelid AND NOT c.relispartition
	UNION ALL SELECT format('Declare %s in the schema, and not its partition %s, or run ALTER TABLE %1$s DETACH PARTITION %2$s: Citus holds partitions by way of their table', i.inhparent::regclass, placed.oid)
	  FROM placed JOIN pg_inherits i ON i.inhrelid = placed.oid JOIN pg_class c ON c.oid = placed.oid AND c.relispartition
	UNION ALL SELECT format('Partition %s once, and not its partition %s again: Citus holds no partitions of partitions', i.inhparent::regclass, c.oid::regclass)
	  FROM parts JOIN pg_class c ON c.oid = parts.oid AND c.relispartition AND c.relkind = 'p' JOIN pg_inherits i ON i.inhrelid = c.oid
	UNION ALL SELECT format('Make %s a table without partitions: Citus has a reference table on every node as a whole', placed.oid)
	  FROM placed JOIN pg_class c ON c.oid = placed.oid AND c.relkind = 'p' WHERE placed.tenant IS NULL
	UNION ALL SELECT format(CASE WHEN i.indisexclusion THEN 'Put %I WITH = into the exclusion constraint %I of %s (CREATE EXTENSION btree_gist), or drop it' ELSE 'Put %I into the unique %I of %s, or drop it' END || ': each node sees its own rows only', placed.tenant, x.relname, placed.oid)
	  FROM placed JOIN pg_index i ON i.indrelid = placed.oid AND (i.indisunique OR i.indisexclusion) JOIN pg_class x ON x.oid = i.indexrelid
	  LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'x' JOIN pg_attribute a ON a.attrelid = placed.oid AND a.attname = placed.tenant
	  WHERE x.relname <> ALL (placed.known) AND NOT EXISTS (SELECT FROM generate_series(0, i.indnkeyatts - 1) n WHERE i.indkey[n] = a.attnum
	    AND (k.oid IS NULL OR (SELECT o.oprname FROM pg_operator o WHERE o.oid = k.conexclop[n + 1]) = '='))
	UNION ALL SELECT format('Make the column %I of %s a plain one (ALTER COLUMN %1$I DROP EXPRESSION): Citus splits no table by a generated column', placed.tenant, placed.oid)
	  FROM placed JOIN pg_attribute a ON a.attrelid = placed.oid AND a.attname = placed.tenant AND a.attgenerated <> ''
	UNION ALL SELECT format('Give the column %I of %s a deterministic collation: Citus finds the shard by a hash of its bytes', placed.tenant, placed.oid)
	  FROM placed JOIN pg_attribute a ON a.attrelid = placed.oid AND a.attname = placed.tenant JOIN pg_collation l ON l.oid = a.attcollation AND NOT l.collisdeterministic
	UNION ALL SELECT format('Write the policy %I of %s without a subquery, with current_setting() for what it needs: a shard cannot see other tables', p.polname, placed.oid)
	  FROM placed JOIN pg_policy p ON p.polrelid = placed.oid WHERE concat(p.polqual::text, p.polwithcheck::text) LIKE '%{SUBLINK%') obstacles;
		IF found IS NOT NULL THEN RAISE EXCEPTION '%. Nothing was changed.', found; END IF;
	END;
	-- plans: every node has all rows
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"plans"'::regclass AND partmethod = 'n' AND repmodel = 't') THEN
		PERFORM create_reference_table('"plans"');
	END IF;
END
$citus$;
