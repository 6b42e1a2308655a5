-- drizzle-tenant: what follows distributes tables on Citus. See tenancy.json for what they are afterwards.
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';
