-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
-- Citus: free the tables that change their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
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
END
$citus$;
