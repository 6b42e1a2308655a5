-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
DROP POLICY "tenant_isolation" ON "accounts";
DROP POLICY "tenant_access" ON "accounts";
DROP POLICY "tenant_isolation" ON "projects";
DROP POLICY "tenant_access" ON "projects";
DROP POLICY "tenant_isolation" ON "tasks";
DROP POLICY "tenant_access" ON "tasks";
ALTER TABLE "accounts" NO FORCE ROW LEVEL SECURITY;
ALTER TABLE "projects" NO FORCE ROW LEVEL SECURITY;
ALTER TABLE "tasks" NO FORCE ROW LEVEL SECURITY;
-- Citus: free the tables that change their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	ALTER TABLE "accounts" DROP CONSTRAINT IF EXISTS "accounts_country_id_countries_id_fkey";
	ALTER TABLE "projects" DROP CONSTRAINT IF EXISTS "projects_account_id_accounts_id_fkey";
	ALTER TABLE "tasks" DROP CONSTRAINT IF EXISTS "tasks_account_id_project_id_projects_account_id_id_fkey";
END
$citus$;
-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- countries: every node has all rows
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"countries"'::regclass AND partmethod = 'n' AND repmodel = 't') THEN
		PERFORM create_reference_table('"countries"');
	END IF;
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
	IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = '"accounts"'::regclass AND conname = 'accounts_country_id_countries_id_fkey') THEN
		ALTER TABLE "accounts" ADD CONSTRAINT "accounts_country_id_countries_id_fkey" FOREIGN KEY ("country_id") REFERENCES "countries"("id");
	END IF;
	IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = '"projects"'::regclass AND conname = 'projects_account_id_accounts_id_fkey') THEN
		ALTER TABLE "projects" ADD CONSTRAINT "projects_account_id_accounts_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE;
	END IF;
	IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = '"tasks"'::regclass AND conname = 'tasks_account_id_project_id_projects_account_id_id_fkey') THEN
		ALTER TABLE "tasks" ADD CONSTRAINT "tasks_account_id_project_id_projects_account_id_id_fkey" FOREIGN KEY ("account_id","project_id") REFERENCES "projects"("account_id","id") ON DELETE CASCADE;
	END IF;
END
$citus$;
ALTER TABLE "accounts" FORCE ROW LEVEL SECURITY;
ALTER TABLE "projects" FORCE ROW LEVEL SECURITY;
ALTER TABLE "tasks" FORCE ROW LEVEL SECURITY;
CREATE POLICY "tenant_isolation" ON "accounts" USING ("id" = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK ("id" = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY "tenant_isolation" ON "projects" USING ("account_id" = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK ("account_id" = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY "tenant_isolation" ON "tasks" USING ("account_id" = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK ("account_id" = nullif(current_setting('app.tenant_id', true), '')::uuid);
