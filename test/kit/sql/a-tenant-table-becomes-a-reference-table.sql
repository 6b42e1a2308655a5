-- drizzle-tenant: tenancy.json beside this file says what the tables are after it.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
ALTER TABLE "tags" DROP CONSTRAINT "tags_account_id_accounts_id_fkey";
-- Citus: free the tables that change their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- tags: back to one node
	IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"tags"'::regclass AND partmethod = 'h' AND column_to_column_name(logicalrelid, partkey) = 'account_id') THEN
		PERFORM undistribute_table('"tags"');
	END IF;
END
$citus$;
ALTER TABLE "tags" DROP COLUMN "account_id";
ALTER TABLE "tags" ADD PRIMARY KEY ("id");
-- Citus: put the tables in their place. Does nothing on plain PostgreSQL.
DO $citus$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
	-- tags: every node has all rows
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '"tags"'::regclass AND partmethod = 'n' AND repmodel = 't') THEN
		PERFORM create_reference_table('"tags"');
	END IF;
END
$citus$;
