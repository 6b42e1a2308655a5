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
DROP INDEX "accounts_country_id_id_index";
DROP INDEX "tasks_account_id_project_id_index";
ALTER TABLE "tasks" DROP CONSTRAINT "tasks_pkey";
ALTER TABLE "tasks" ADD PRIMARY KEY ("id");
-- Stops where a concurrent build was interrupted: it leaves an index that is invalid.
DO $index$
DECLARE
	left_over text;
BEGIN
	SELECT string_agg(indexrelid::regclass::text, ', ') INTO left_over FROM pg_index
		WHERE NOT indisvalid AND indexrelid IN (to_regclass('"tasks_title"'))
		OR indexrelid IN (to_regclass('"tasks_title_new"'));
	IF left_over IS NOT NULL THEN RAISE EXCEPTION USING MESSAGE = 'Run "npx drizzle-tenant indexes", which finishes it, and then the migration again. Nothing was changed: a concurrent build was interrupted, and left ' || left_over || '.'; END IF;
END
$index$;
-- Keeps "tasks_title" under another name until the new one stands. Does nothing where "drizzle-tenant indexes" did it.
DO $index$
BEGIN
	IF to_regclass('"tasks_title_old"') IS NULL THEN
		ALTER INDEX "tasks_title" RENAME TO "tasks_title_old";
	END IF;
END
$index$;
CREATE INDEX IF NOT EXISTS "tasks_title" ON "tasks" ("title");
DROP INDEX "tasks_title_old";
