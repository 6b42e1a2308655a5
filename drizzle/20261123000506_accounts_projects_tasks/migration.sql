-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
--> statement-breakpoint
CREATE TYPE "task_status" AS ENUM('open', 'doing', 'done');--> statement-breakpoint
CREATE TABLE "accounts" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	"name" text NOT NULL,
	"country_code" char(2)
);
--> statement-breakpoint
CREATE TABLE "countries" (
	"code" char(2) PRIMARY KEY,
	"alpha3" char(3) NOT NULL UNIQUE,
	"numeric" char(3) NOT NULL UNIQUE,
	"name" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"account_id" uuid,
	"id" integer,
	"name" text NOT NULL,
	"starts_on" date,
	CONSTRAINT "projects_pkey" PRIMARY KEY("account_id","id"),
	CONSTRAINT "projects_account_id_name_unique" UNIQUE("account_id","name")
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"account_id" uuid,
	"id" integer,
	"project_id" integer NOT NULL,
	"assignee_id" integer,
	"title" text NOT NULL,
	"status" "task_status" DEFAULT 'open'::"task_status" NOT NULL,
	CONSTRAINT "tasks_pkey" PRIMARY KEY("account_id","id")
);
--> statement-breakpoint
CREATE TABLE "users" (
	"account_id" uuid,
	"id" integer,
	"name" text NOT NULL,
	"email" text NOT NULL,
	"country_code" char(2),
	CONSTRAINT "users_pkey" PRIMARY KEY("account_id","id"),
	CONSTRAINT "users_account_id_email_unique" UNIQUE("account_id","email")
);
--> statement-breakpoint
-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- countries: every node has all rows
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"countries"'::regclass AND partmethod = 'n' AND repmodel = 't') THEN
		PERFORM create_reference_table('"countries"');
	END IF;
	-- accounts: by id, over 32 shards
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"accounts"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"accounts"', 'id', shard_count => 32, colocate_with => 'none');
	END IF;
	-- projects: by account_id, beside accounts
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"projects"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"projects"', 'account_id', colocate_with => '"accounts"');
	END IF;
	-- tasks: by account_id, beside accounts
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"tasks"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"tasks"', 'account_id', colocate_with => '"accounts"');
	END IF;
	-- users: by account_id, beside accounts
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"users"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"users"', 'account_id', colocate_with => '"accounts"');
	END IF;
END
$citus$;
--> statement-breakpoint
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_country_code_countries_code_fkey" FOREIGN KEY ("country_code") REFERENCES "countries"("code");--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_account_id_accounts_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_account_id_project_id_projects_account_id_id_fkey" FOREIGN KEY ("account_id","project_id") REFERENCES "projects"("account_id","id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_account_id_assignee_id_users_account_id_id_fkey" FOREIGN KEY ("account_id","assignee_id") REFERENCES "users"("account_id","id");--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_account_id_accounts_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_country_code_countries_code_fkey" FOREIGN KEY ("country_code") REFERENCES "countries"("code");