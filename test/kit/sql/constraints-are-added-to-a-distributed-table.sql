-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
ALTER TABLE "tasks" ADD COLUMN "parent_id" uuid;
ALTER TABLE "tasks" ADD COLUMN "country_id" integer;
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_country_id_countries_id_fkey" FOREIGN KEY ("country_id") REFERENCES "countries"("id");
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_parent" FOREIGN KEY ("account_id","parent_id") REFERENCES "tasks"("account_id","id");
ALTER TABLE "tasks" ADD CONSTRAINT "title_is_short" CHECK (length(title) < 100);
