-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
--> statement-breakpoint
CREATE TABLE "managers" (
	"account_id" uuid,
	"id" integer,
	"user_id" integer NOT NULL,
	"title" text NOT NULL,
	CONSTRAINT "managers_pkey" PRIMARY KEY("account_id","id"),
	CONSTRAINT "managers_account_id_user_id_unique" UNIQUE("account_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "project_managers" (
	"account_id" uuid,
	"project_id" integer,
	"manager_id" integer,
	CONSTRAINT "project_managers_pkey" PRIMARY KEY("account_id","project_id","manager_id")
);
--> statement-breakpoint
-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- managers: by account_id, beside accounts
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"managers"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"managers"', 'account_id', colocate_with => '"accounts"');
	END IF;
	-- project_managers: by account_id, beside accounts
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"project_managers"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"project_managers"', 'account_id', colocate_with => '"accounts"');
	END IF;
END
$citus$;
--> statement-breakpoint
ALTER TABLE "managers" ADD CONSTRAINT "managers_account_id_user_id_users_account_id_id_fkey" FOREIGN KEY ("account_id","user_id") REFERENCES "users"("account_id","id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "project_managers" ADD CONSTRAINT "project_managers_CscDcQ4CZVzv_fkey" FOREIGN KEY ("account_id","project_id") REFERENCES "projects"("account_id","id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "project_managers" ADD CONSTRAINT "project_managers_PQiNe88GehqJ_fkey" FOREIGN KEY ("account_id","manager_id") REFERENCES "managers"("account_id","id") ON DELETE CASCADE;