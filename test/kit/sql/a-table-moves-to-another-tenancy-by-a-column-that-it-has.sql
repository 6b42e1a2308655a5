-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
DROP POLICY "tenant_isolation" ON "pages";
ALTER TABLE "accounts" NO FORCE ROW LEVEL SECURITY;
ALTER TABLE "pages" NO FORCE ROW LEVEL SECURITY;
ALTER TABLE "projects" NO FORCE ROW LEVEL SECURITY;
ALTER TABLE "tasks" NO FORCE ROW LEVEL SECURITY;
ALTER TABLE "workspaces" NO FORCE ROW LEVEL SECURITY;
-- Citus: free the tables that change their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- pages: back to one node
	IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"pages"'::regclass AND partmethod = 'h' AND column_to_column_name(logicalrelid, partkey) = 'account_id') THEN
		PERFORM undistribute_table('"pages"');
	END IF;
END
$citus$;
ALTER TABLE "pages" DROP CONSTRAINT "pages_pkey";
ALTER TABLE "pages" ADD PRIMARY KEY ("workspace_id","id");
-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- pages: by workspace_id, beside workspaces
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"pages"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"pages"', 'workspace_id', colocate_with => '"workspaces"');
	END IF;
END
$citus$;
ALTER TABLE "pages" ADD CONSTRAINT "pages_workspace_id_workspaces_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id");
ALTER TABLE "accounts" FORCE ROW LEVEL SECURITY;
ALTER TABLE "pages" FORCE ROW LEVEL SECURITY;
ALTER TABLE "projects" FORCE ROW LEVEL SECURITY;
ALTER TABLE "tasks" FORCE ROW LEVEL SECURITY;
ALTER TABLE "workspaces" FORCE ROW LEVEL SECURITY;
CREATE POLICY "tenant_isolation" ON "pages" USING ("workspace_id" = nullif(current_setting('app.workspace_id', true), '')::uuid) WITH CHECK ("workspace_id" = nullif(current_setting('app.workspace_id', true), '')::uuid);
