-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
DROP POLICY "tenant_isolation" ON "accounts";
ALTER TABLE "accounts" NO FORCE ROW LEVEL SECURITY;
ALTER TABLE "accounts" DISABLE ROW LEVEL SECURITY;
DROP POLICY "tenant_isolation" ON "projects";
ALTER TABLE "projects" NO FORCE ROW LEVEL SECURITY;
ALTER TABLE "projects" DISABLE ROW LEVEL SECURITY;
DROP POLICY "everyone" ON "tasks";
ALTER TABLE "tasks" NO FORCE ROW LEVEL SECURITY;
CREATE POLICY "everyone" ON "tasks" USING (true);
