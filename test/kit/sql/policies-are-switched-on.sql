-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
CREATE POLICY "tenant_isolation" ON "accounts" USING ("id" = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK ("id" = nullif(current_setting('app.tenant_id', true), '')::uuid);
ALTER TABLE "accounts" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "accounts" FORCE ROW LEVEL SECURITY;
CREATE POLICY "tenant_isolation" ON "projects" USING ("account_id" = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK ("account_id" = nullif(current_setting('app.tenant_id', true), '')::uuid);
ALTER TABLE "projects" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "projects" FORCE ROW LEVEL SECURITY;
CREATE POLICY "tenant_isolation" ON "tasks" USING ("account_id" = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK ("account_id" = nullif(current_setting('app.tenant_id', true), '')::uuid);
ALTER TABLE "tasks" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "tasks" FORCE ROW LEVEL SECURITY;
