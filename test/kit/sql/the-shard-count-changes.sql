-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
-- Citus: split the tables anew. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- accounts and the tables beside it: over 8 shards
	IF (SELECT count(*) FROM pg_dist_shard WHERE logicalrelid = '"accounts"'::regclass) <> 8 THEN
		PERFORM alter_distributed_table('"accounts"', shard_count => 8, cascade_to_colocated => true);
	END IF;
END
$citus$;
