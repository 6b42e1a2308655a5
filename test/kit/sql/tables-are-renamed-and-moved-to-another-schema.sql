-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
CREATE SCHEMA "app";

ALTER TABLE "tasks" RENAME TO "todos";
ALTER TABLE "projects" SET SCHEMA "app";

