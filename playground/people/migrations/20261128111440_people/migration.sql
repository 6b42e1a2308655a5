-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
--> statement-breakpoint
CREATE TABLE "accounts" (
	"id" uuid PRIMARY KEY,
	"name" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "invitations" (
	"account_id" uuid,
	"id" uuid DEFAULT gen_random_uuid(),
	"hash" text NOT NULL,
	"email" text NOT NULL,
	"role" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "invitations_pkey" PRIMARY KEY("account_id","id"),
	CONSTRAINT "invitations_account_id_hash_unique" UNIQUE("account_id","hash")
);
--> statement-breakpoint
CREATE TABLE "logins" (
	"hash" text PRIMARY KEY,
	"user_id" uuid NOT NULL UNIQUE
);
--> statement-breakpoint
CREATE TABLE "members" (
	"account_id" uuid,
	"user_id" uuid,
	"role" text NOT NULL,
	"name" text NOT NULL,
	"email" text NOT NULL,
	CONSTRAINT "members_pkey" PRIMARY KEY("account_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "notes" (
	"account_id" uuid,
	"id" uuid DEFAULT gen_random_uuid(),
	"author_id" uuid NOT NULL,
	"text" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "notes_pkey" PRIMARY KEY("account_id","id")
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"user_id" uuid,
	"hash" text,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "sessions_pkey" PRIMARY KEY("user_id","hash")
);
--> statement-breakpoint
CREATE TABLE "user_accounts" (
	"user_id" uuid,
	"account_id" uuid,
	CONSTRAINT "user_accounts_pkey" PRIMARY KEY("user_id","account_id")
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" uuid PRIMARY KEY,
	"email" text NOT NULL,
	"name" text NOT NULL,
	"password_hash" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "notes_account_id_created_at_index" ON "notes" ("account_id","created_at");--> statement-breakpoint
-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- logins: every node has all rows
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"logins"'::regclass AND partmethod = 'n' AND repmodel = 't') THEN
		PERFORM create_reference_table('"logins"');
	END IF;
	-- accounts: by id, over 32 shards
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"accounts"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"accounts"', 'id', shard_count => 32, colocate_with => 'none');
	END IF;
	-- invitations: by account_id, beside accounts
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"invitations"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"invitations"', 'account_id', colocate_with => '"accounts"');
	END IF;
	-- members: by account_id, beside accounts
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"members"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"members"', 'account_id', colocate_with => '"accounts"');
	END IF;
	-- notes: by account_id, beside accounts
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"notes"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"notes"', 'account_id', colocate_with => '"accounts"');
	END IF;
	-- users: by id, over 32 shards
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"users"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"users"', 'id', shard_count => 32, colocate_with => 'none');
	END IF;
	-- sessions: by user_id, beside users
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"sessions"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"sessions"', 'user_id', colocate_with => '"users"');
	END IF;
	-- user_accounts: by user_id, beside users
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"user_accounts"'::regclass AND partmethod = 'h') THEN
		PERFORM create_distributed_table('"user_accounts"', 'user_id', colocate_with => '"users"');
	END IF;
END
$citus$;
--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_account_id_accounts_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_account_id_accounts_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "notes" ADD CONSTRAINT "notes_account_id_accounts_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE;--> statement-breakpoint
ALTER TABLE "user_accounts" ADD CONSTRAINT "user_accounts_user_id_users_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE;--> statement-breakpoint
CREATE POLICY "tenant_isolation" ON "accounts" USING ("id" = nullif(current_setting('app.account_id', true), '')::uuid) WITH CHECK ("id" = nullif(current_setting('app.account_id', true), '')::uuid);--> statement-breakpoint
ALTER TABLE "accounts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "accounts" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "tenant_isolation" ON "invitations" USING ("account_id" = nullif(current_setting('app.account_id', true), '')::uuid) WITH CHECK ("account_id" = nullif(current_setting('app.account_id', true), '')::uuid);--> statement-breakpoint
ALTER TABLE "invitations" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "invitations" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "tenant_isolation" ON "members" USING ("account_id" = nullif(current_setting('app.account_id', true), '')::uuid) WITH CHECK ("account_id" = nullif(current_setting('app.account_id', true), '')::uuid);--> statement-breakpoint
ALTER TABLE "members" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "members" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "tenant_isolation" ON "notes" USING ("account_id" = nullif(current_setting('app.account_id', true), '')::uuid) WITH CHECK ("account_id" = nullif(current_setting('app.account_id', true), '')::uuid);--> statement-breakpoint
ALTER TABLE "notes" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "notes" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "tenant_isolation" ON "sessions" USING ("user_id" = nullif(current_setting('app.user_id', true), '')::uuid) WITH CHECK ("user_id" = nullif(current_setting('app.user_id', true), '')::uuid);--> statement-breakpoint
ALTER TABLE "sessions" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "sessions" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "tenant_isolation" ON "user_accounts" USING ("user_id" = nullif(current_setting('app.user_id', true), '')::uuid) WITH CHECK ("user_id" = nullif(current_setting('app.user_id', true), '')::uuid);--> statement-breakpoint
ALTER TABLE "user_accounts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "user_accounts" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "tenant_isolation" ON "users" USING ("id" = nullif(current_setting('app.user_id', true), '')::uuid) WITH CHECK ("id" = nullif(current_setting('app.user_id', true), '')::uuid);--> statement-breakpoint
ALTER TABLE "users" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "users" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- Roles that row-level security tells apart. To log in: ALTER ROLE ... LOGIN PASSWORD, or grant them to roles that do.
DO $roles$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'people_app') THEN
		BEGIN
			CREATE ROLE "people_app" LOGIN;
		EXCEPTION WHEN insufficient_privilege THEN
			RAISE EXCEPTION USING MESSAGE = 'Have a role that may do it run CREATE ROLE "people_app" LOGIN; and then the migration again: this one may not. Nothing was changed.';
		END;
	ELSIF EXISTS (SELECT FROM pg_roles WHERE rolname = 'people_app' AND (rolbypassrls OR rolsuper)) THEN
		RAISE EXCEPTION USING MESSAGE = 'Run ALTER ROLE "people_app" NOSUPERUSER NOBYPASSRLS; and then the migration again: the policies do not hold it back. Nothing was changed.';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'people_admin') THEN
		BEGIN
			CREATE ROLE "people_admin" LOGIN BYPASSRLS;
		EXCEPTION WHEN insufficient_privilege THEN
			RAISE EXCEPTION USING MESSAGE = 'Have a role that may do it run CREATE ROLE "people_admin" LOGIN BYPASSRLS; and then the migration again: this one may not. Nothing was changed.';
		END;
	ELSIF EXISTS (SELECT FROM pg_roles WHERE rolname = 'people_admin' AND NOT (rolbypassrls OR rolsuper)) THEN
		RAISE EXCEPTION USING MESSAGE = 'Run ALTER ROLE "people_admin" BYPASSRLS; and then the migration again: the policies hide every row from it. Nothing was changed.';
	END IF;
END
$roles$;
--> statement-breakpoint
GRANT USAGE ON SCHEMA "public" TO "people_app", "people_admin";--> statement-breakpoint
ALTER DEFAULT PRIVILEGES IN SCHEMA "public" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "people_app", "people_admin";--> statement-breakpoint
ALTER DEFAULT PRIVILEGES IN SCHEMA "public" GRANT USAGE, SELECT ON SEQUENCES TO "people_app", "people_admin";--> statement-breakpoint
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA "public" TO "people_app", "people_admin";--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "accounts", "invitations", "logins", "members", "notes", "sessions", "user_accounts", "users" TO "people_app", "people_admin";