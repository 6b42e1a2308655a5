-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
-- Stops where a concurrent build was interrupted: it leaves an index that is invalid.
DO $index$
DECLARE
	left_over text;
BEGIN
	SELECT string_agg(indexrelid::regclass::text, ', ') INTO left_over FROM pg_index
		WHERE NOT indisvalid AND indexrelid IN (to_regclass('"tasks_title"'), to_regclass('"tasks_account_id_title_id_index"'))
		OR indexrelid IN (to_regclass('"tasks_title_new"'), to_regclass('"tasks_account_id_title_id_index_new"'));
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
CREATE INDEX IF NOT EXISTS "tasks_title" ON "tasks" ("account_id","title" DESC NULLS LAST);
DROP INDEX "tasks_title_old";
CREATE INDEX IF NOT EXISTS "tasks_account_id_title_id_index" ON "tasks" ("account_id","title","id");
DROP INDEX "tasks_title_id_index";
