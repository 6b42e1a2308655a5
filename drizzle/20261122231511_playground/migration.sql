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
CREATE TABLE "projects" (
	"account_id" uuid,
	"id" integer,
	"name" text NOT NULL,
	"budget" integer DEFAULT 0 NOT NULL,
	"starts_on" date,
	CONSTRAINT "projects_pkey" PRIMARY KEY("account_id","id"),
	CONSTRAINT "projects_account_id_name_unique" UNIQUE("account_id","name")
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"account_id" uuid,
	"id" integer,
	"project_id" integer NOT NULL,
	"parent_id" integer,
	"assignee_id" integer,
	"title" text NOT NULL,
	"status" "task_status" DEFAULT 'open'::"task_status" NOT NULL,
	"hours" integer DEFAULT 0 NOT NULL,
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
CREATE INDEX "tasks_project_id_status_index" ON "tasks" ("project_id","status");--> statement-breakpoint
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_country_code_countries_code_fkey" FOREIGN KEY ("country_code") REFERENCES "countries"("code");--> statement-breakpoint
ALTER TABLE "managers" ADD CONSTRAINT "managers_account_id_user_id_users_account_id_id_fkey" FOREIGN KEY ("account_id","user_id") REFERENCES "users"("account_id","id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "project_managers" ADD CONSTRAINT "project_managers_CscDcQ4CZVzv_fkey" FOREIGN KEY ("account_id","project_id") REFERENCES "projects"("account_id","id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "project_managers" ADD CONSTRAINT "project_managers_PQiNe88GehqJ_fkey" FOREIGN KEY ("account_id","manager_id") REFERENCES "managers"("account_id","id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_account_id_accounts_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_account_id_project_id_projects_account_id_id_fkey" FOREIGN KEY ("account_id","project_id") REFERENCES "projects"("account_id","id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_account_id_parent_id_tasks_account_id_id_fkey" FOREIGN KEY ("account_id","parent_id") REFERENCES "tasks"("account_id","id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_account_id_assignee_id_users_account_id_id_fkey" FOREIGN KEY ("account_id","assignee_id") REFERENCES "users"("account_id","id");--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_account_id_accounts_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_country_code_countries_code_fkey" FOREIGN KEY ("country_code") REFERENCES "countries"("code");