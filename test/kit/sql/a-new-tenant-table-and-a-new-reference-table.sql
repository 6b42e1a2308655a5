-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
CREATE TABLE "tags" (
	"id" integer PRIMARY KEY
);

CREATE TABLE "notes" (
	"account_id" uuid,
	"id" uuid DEFAULT gen_random_uuid(),
	"task_id" uuid,
	"tag_id" integer,
	CONSTRAINT "notes_pkey" PRIMARY KEY("account_id","id")
);

CREATE INDEX "notes_account_id_task_id_index" ON "notes" ("account_id","task_id");
CREATE INDEX "notes_tag_id_account_id_index" ON "notes" ("tag_id","account_id");
-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- tags: every node has all rows
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"tags"'::regclass AND partmethod = 'n' AND repmodel = 't') THEN
		PERFORM create_reference_table('"tags"');
	END IF;
	-- notes: by account_id, beside accounts
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"notes"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"notes"', 'account_id', colocate_with => '"accounts"');
	END IF;
END
$citus$;
ALTER TABLE "notes" ADD CONSTRAINT "notes_account_id_task_id_tasks_account_id_id_fkey" FOREIGN KEY ("account_id","task_id") REFERENCES "tasks"("account_id","id");
ALTER TABLE "notes" ADD CONSTRAINT "notes_tag_id_tags_id_fkey" FOREIGN KEY ("tag_id") REFERENCES "tags"("id");
