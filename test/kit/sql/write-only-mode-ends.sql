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
