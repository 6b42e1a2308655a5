-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
ALTER TABLE "tasks" DROP CONSTRAINT "tasks_project_id_projects_id_fkey";
ALTER TABLE "projects" DROP CONSTRAINT "projects_owner_id_accounts_id_fkey";
ALTER TABLE "projects" DROP CONSTRAINT "projects_name_key";
ALTER TABLE "projects" DROP CONSTRAINT "projects_pkey";
ALTER TABLE "tasks" DROP CONSTRAINT "tasks_pkey";
-- Stops when rows of projects have no tenant yet. Write their UPDATE above this line.
DO $tenant$
BEGIN
	IF EXISTS (SELECT FROM "projects" WHERE "account_id" IS NULL) THEN
		RAISE EXCEPTION USING MESSAGE = 'Fill in the tenant of every row of projects: write the UPDATE that sets its column account_id above this statement in the migration, then run it again. Nothing was changed.';
	END IF;
END
$tenant$;
-- Fill in the tenant of the rows of tasks from the rows that they point at.
UPDATE "tasks" SET "account_id" = "projects"."account_id" FROM "projects" WHERE "tasks"."account_id" IS NULL AND "projects"."id" = "tasks"."project_id";
-- Stops when rows of tasks have no tenant yet. Write their UPDATE above this line.
DO $tenant$
BEGIN
	IF EXISTS (SELECT FROM "tasks" WHERE "account_id" IS NULL) THEN
		RAISE EXCEPTION USING MESSAGE = 'Fill in the tenant of every row of tasks: write the UPDATE that sets its column account_id above this statement in the migration, then run it again. Nothing was changed.';
	END IF;
	IF EXISTS (SELECT FROM "tasks" JOIN "projects" ON "projects"."id" = "tasks"."project_id" WHERE "tasks"."account_id" <> "projects"."account_id") THEN
		RAISE EXCEPTION USING MESSAGE = 'Decide the tenant of the rows of tasks that point at rows of projects of another tenant, and write their UPDATE above this statement in the migration. They are found by: SELECT "tasks".* FROM "tasks" JOIN "projects" ON "projects"."id" = "tasks"."project_id" WHERE "tasks"."account_id" <> "projects"."account_id". Nothing was changed.';
	END IF;
END
$tenant$;
ALTER TABLE "projects" ALTER COLUMN "account_id" SET NOT NULL;
ALTER TABLE "tasks" ALTER COLUMN "account_id" SET NOT NULL;
ALTER TABLE "projects" ADD PRIMARY KEY ("account_id","id");
ALTER TABLE "tasks" ADD PRIMARY KEY ("account_id","id");
ALTER TABLE "projects" ADD CONSTRAINT "projects_account_id_name_unique" UNIQUE("account_id","name");
-- Stops where a concurrent build was interrupted: it leaves an index that is invalid.
DO $index$
DECLARE
	left_over text;
BEGIN
	SELECT string_agg(indexrelid::regclass::text, ', ') INTO left_over FROM pg_index
		WHERE NOT indisvalid AND indexrelid IN (to_regclass('"tasks_account_id_project_id_index"'))
		OR indexrelid IN (to_regclass('"tasks_account_id_project_id_index_new"'));
	IF left_over IS NOT NULL THEN RAISE EXCEPTION USING MESSAGE = 'Run "npx drizzle-tenant indexes", which finishes it, and then the migration again. Nothing was changed: a concurrent build was interrupted, and left ' || left_over || '.'; END IF;
END
$index$;
CREATE INDEX IF NOT EXISTS "tasks_account_id_project_id_index" ON "tasks" ("account_id","project_id");
-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- Stops at what drizzle-kit does not know of, and Citus refuses or drops.
	DECLARE
		found text;
	BEGIN
		SELECT string_agg(remedy, '; ') INTO found FROM (WITH RECURSIVE placed AS (
	  SELECT p.* FROM (VALUES ('"accounts"'::regclass, 'id', ARRAY[]::text[]), ('"projects"'::regclass, 'account_id', ARRAY[]::text[]), ('"tasks"'::regclass, 'account_id', ARRAY[]::text[])) p (oid, tenant, known) WHERE NOT EXISTS (SELECT FROM pg_dist_partition d WHERE d.logicalrelid = p.oid AND (d.partmethod = 'h' OR d.repmodel = 't'))
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
	-- accounts: by id, over 4 shards
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"accounts"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"accounts"', 'id', shard_count => 4, colocate_with => 'none');
	END IF;
	-- projects: by account_id, beside accounts
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"projects"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"projects"', 'account_id', colocate_with => '"accounts"');
	END IF;
	-- tasks: by account_id, beside accounts
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"tasks"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"tasks"', 'account_id', colocate_with => '"accounts"');
	END IF;
END
$citus$;
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_account_id_project_id_projects_account_id_id_fkey" FOREIGN KEY ("account_id","project_id") REFERENCES "projects"("account_id","id");
