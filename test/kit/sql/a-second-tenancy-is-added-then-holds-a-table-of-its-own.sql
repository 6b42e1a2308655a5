-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
CREATE TABLE "workspaces" (
	"id" uuid PRIMARY KEY
);

CREATE TABLE "pages" (
	"workspace_id" uuid,
	"id" uuid,
	CONSTRAINT "pages_pkey" PRIMARY KEY("workspace_id","id")
);

-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- workspaces: by id, over 4 shards
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"workspaces"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"workspaces"', 'id', shard_count => 4, colocate_with => 'none');
	END IF;
	-- pages: by workspace_id, beside workspaces
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"pages"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"pages"', 'workspace_id', colocate_with => '"workspaces"');
	END IF;
END
$citus$;
ALTER TABLE "pages" ADD CONSTRAINT "pages_workspace_id_workspaces_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id");
