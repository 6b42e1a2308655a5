-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
DROP POLICY "tenant_access" ON "tasks";
ALTER TABLE "tasks" ENABLE ROW LEVEL SECURITY;
CREATE POLICY "everyone" ON "tasks" AS PERMISSIVE FOR ALL TO public USING (true);
