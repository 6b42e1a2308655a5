-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
ALTER TABLE "accounts" DROP CONSTRAINT "accounts_country_id_countries_id_fkey";
ALTER TABLE "tasks" DROP CONSTRAINT "tasks_account_id_project_id_projects_account_id_id_fkey";
-- Citus: free the tables that change their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- countries: back to one node
	IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"countries"'::regclass AND partmethod = 'n' AND repmodel = 't') THEN
		PERFORM undistribute_table('"countries"');
	END IF;
	-- tasks: back to one node
	IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"tasks"'::regclass AND partmethod = 'h' AND column_to_column_name(logicalrelid, partkey) = 'account_id') THEN
		PERFORM undistribute_table('"tasks"');
	END IF;
END
$citus$;
ALTER TABLE "tasks" DROP CONSTRAINT "tasks_pkey";
ALTER TABLE "tasks" ADD PRIMARY KEY ("id");
