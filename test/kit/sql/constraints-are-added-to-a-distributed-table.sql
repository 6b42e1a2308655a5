-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
ALTER TABLE "tasks" ADD COLUMN "parent_id" uuid;
ALTER TABLE "tasks" ADD COLUMN "country_id" integer;
-- Stops where a concurrent build was interrupted: it leaves an index that is invalid.
DO $index$
DECLARE
	left_over text;
BEGIN
	SELECT string_agg(indexrelid::regclass::text, ', ') INTO left_over FROM pg_index
		WHERE NOT indisvalid AND indexrelid IN (to_regclass('"tasks_country_id_account_id_index"'), to_regclass('"tasks_account_id_parent_id_index"'))
		OR indexrelid IN (to_regclass('"tasks_country_id_account_id_index_new"'), to_regclass('"tasks_account_id_parent_id_index_new"'));
	IF left_over IS NOT NULL THEN RAISE EXCEPTION USING MESSAGE = 'Run "npx drizzle-tenant indexes", which finishes it, and then the migration again. Nothing was changed: a concurrent build was interrupted, and left ' || left_over || '.'; END IF;
END
$index$;
CREATE INDEX IF NOT EXISTS "tasks_country_id_account_id_index" ON "tasks" ("country_id","account_id");
CREATE INDEX IF NOT EXISTS "tasks_account_id_parent_id_index" ON "tasks" ("account_id","parent_id");
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_country_id_countries_id_fkey" FOREIGN KEY ("country_id") REFERENCES "countries"("id");
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_parent" FOREIGN KEY ("account_id","parent_id") REFERENCES "tasks"("account_id","id");
ALTER TABLE "tasks" ADD CONSTRAINT "title_is_short" CHECK (length(title) < 100);
