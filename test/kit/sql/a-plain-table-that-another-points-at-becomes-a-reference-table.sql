-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
-- Citus: free the tables that change their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	ALTER TABLE "orders" DROP CONSTRAINT IF EXISTS "orders_plan_id_plans_id_fkey";
END
$citus$;
-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- plans: every node has all rows
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"plans"'::regclass AND partmethod = 'n' AND repmodel = 't') THEN
		PERFORM create_reference_table('"plans"');
	END IF;
	IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = '"orders"'::regclass AND conname = 'orders_plan_id_plans_id_fkey') THEN
		ALTER TABLE "orders" ADD CONSTRAINT "orders_plan_id_plans_id_fkey" FOREIGN KEY ("plan_id") REFERENCES "plans"("id");
	END IF;
END
$citus$;
