-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- plans: every node has all rows
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"plans"'::regclass AND partmethod = 'n' AND repmodel = 't') THEN
		PERFORM create_reference_table('"plans"');
	END IF;
END
$citus$;
