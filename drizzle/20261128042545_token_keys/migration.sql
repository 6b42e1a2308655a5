-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "token_key" uuid DEFAULT gen_random_uuid() NOT NULL;