-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "budget" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "parent_id" integer;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "hours" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "tasks_project_id_status_index" ON "tasks" ("project_id","status");--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_account_id_parent_id_tasks_account_id_id_fkey" FOREIGN KEY ("account_id","parent_id") REFERENCES "tasks"("account_id","id") ON DELETE CASCADE;