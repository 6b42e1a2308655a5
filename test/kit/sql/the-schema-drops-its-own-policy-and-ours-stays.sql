-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
DROP POLICY "everyone" ON "tasks";
CREATE POLICY "tenant_isolation" ON "tasks" USING ("account_id" = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK ("account_id" = nullif(current_setting('app.tenant_id', true), '')::uuid);
