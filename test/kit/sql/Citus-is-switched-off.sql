-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
-- Citus: free the tables that change their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
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
END
$citus$;
