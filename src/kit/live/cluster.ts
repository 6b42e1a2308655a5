/** The cluster itself: its nodes and shards, and moving shards until the nodes carry alike. */
import { requireCitus, type Database } from './database.js';
import { DatabaseStateError } from '../errors.js';
import { noLogicalReplication, remedyFor } from './remedies.js';

export interface ClusterNode {
  readonly node: number;
  readonly address: string;
  readonly role: 'coordinator' | 'worker';
  readonly isActive: boolean;
  /** Whether this node can reach it. */
  readonly isReachable: boolean;
  readonly takesShards: boolean;
  readonly shards: number;
  readonly bytes: number;
}

/** One shard's size, with the node that holds it. */
export interface Shard {
  readonly table: string;
  readonly shard: string;
  readonly address: string;
  readonly bytes: number;
}

const needed = 'Run CREATE EXTENSION citus in the database: plain PostgreSQL has one node, and no shards.';

/** @throws CitusRequiredError; DatabaseStateError when a node cannot be asked */
export async function readNodes(database: Database): Promise<ClusterNode[]> {
  await requireCitus(database, needed);
  const nodes = await database.query<Omit<ClusterNode, 'isReachable' | 'bytes'>>(
    `SELECT n.nodeid AS node, nodename || ':' || nodeport AS address, CASE groupid
      WHEN 0 THEN 'coordinator' ELSE 'worker' END AS role,
       isactive AS "isActive", shouldhaveshards AS "takesShards",
       (SELECT count(*)::int FROM pg_dist_placement p WHERE p.groupid = n.groupid) AS shards
     FROM pg_dist_node n WHERE noderole = 'primary' ORDER BY groupid <> 0, nodename, nodeport`,
  );
  const reached = await database.query<{ nodeid: number; success: boolean }>(
    `SELECT nodeid, success FROM run_command_on_all_nodes('SELECT 1')`,
  );
  const isReachable = (node: number) => reached.find((it) => it.nodeid === node)?.success ?? false;
  const shards = nodes.every((it) => isReachable(it.node)) ? await readShards(database) : [];
  return nodes.map((it) => ({
    ...it,
    isReachable: isReachable(it.node),
    bytes: shards.reduce((sum, { address, bytes }) => (address === it.address ? sum + bytes : sum), 0),
  }));
}

export async function readShards(database: Database): Promise<Shard[]> {
  // On a replica of the coordinator Citus takes the question for sizes for a write, unless it is told otherwise.
  const replica = await database.query(
    `SELECT set_config('citus.writable_standby_coordinator', 'on', false) WHERE pg_is_in_recovery()`,
  );
  const shards = await database.query<Shard>(
    `SELECT table_name::text AS table, shardid::text AS shard, nodename || ':' || nodeport AS address,
      coalesce(shard_size, 0)::float8 AS bytes
     FROM citus_shards WHERE citus_table_type IN ('distributed', 'reference') ORDER BY 1, shardid`,
  );
  if (replica.length > 0) await database.query('RESET citus.writable_standby_coordinator');
  return shards;
}

/** What a move of shards by logical replication needs, and these servers may not have. */
export const isNoLogicalReplication = (error: unknown): boolean =>
  new RegExp(`${noLogicalReplication}|replica identity|REPLICA IDENTITY`).test((error as Error).message);

export interface Move {
  readonly table: string;
  readonly shard: string;
  readonly bytes: number;
  readonly from: string;
  readonly to: string;
}

/** The moves that a rebalance would make, without one. */
export async function rebalanceMoves(database: Database): Promise<Move[]> {
  await requireCitus(database, needed);
  return database.query<Move>(
    `SELECT table_name::text AS table, shardid::text AS shard, shard_size::float8 AS bytes,
       sourcename || ':' || sourceport AS from, targetname || ':' || targetport AS to
         FROM get_rebalance_table_shards_plan()`,
  );
}

export interface RebalanceOptions {
  readonly blockWrites?: boolean;
  /** Whether to stop, instead of letting writes wait, where logical replication is not to be had. */
  readonly online?: boolean;
  /** Told once, before writes wait though nobody asked for it. */
  fallback(reason: string): void;
  /** Told again and again: how many of the moves are done, and why Citus waits, until it tries again by itself. */
  progress(done: number, total: number, waits?: string): void;
}

/**
 * Moves shards until the nodes carry alike, in Citus's background: a rebalance goes on when this command is stopped.
 *
 * @returns how many moves were made
 * @throws DatabaseStateError when a move fails
 */
export async function rebalance(database: Database, options: RebalanceOptions): Promise<number> {
  await requireCitus(database, needed);
  const [running] = await database.query<{ id: string }>(
    `SELECT job_id::text AS id FROM citus_rebalance_status() WHERE state IN ('scheduled', 'running')`,
  );
  if (running) return (await watch(database, running.id, options)).total;
  if ((await rebalanceMoves(database)).length === 0) return 0;
  const run = async (mode: 'auto' | 'block_writes') => {
    const [job] = await database.query<{ id: string | null }>(
      `SELECT citus_rebalance_start(shard_transfer_mode := '${mode}')::text AS id`,
    );
    return job?.id ? watch(database, job.id, options) : { total: 0, error: undefined };
  };
  const failed = (error: string) =>
    new DatabaseStateError(
      'Look at "SELECT * FROM citus_rebalance_status()" and correct the cause, then run rebalance again, ' +
        `which goes on from there: ${error}.`,
    );
  try {
    const first = await run(options.blockWrites ? 'block_writes' : 'auto');
    if (first.error === undefined) return first.total;
    throw failed(first.error);
  } catch (error) {
    if (options.blockWrites || options.online || !isNoLogicalReplication(error)) throw error;
    options.fallback((error as Error).message);
    await database.query('SELECT citus_rebalance_stop()').catch(() => {});
    const second = await run('block_writes');
    if (second.error !== undefined) throw failed(second.error);
    return second.total;
  }
}

async function watch(
  database: Database,
  job: string,
  { progress }: RebalanceOptions,
): Promise<{ total: number; error?: string }> {
  for (;;) {
    const [now] = await database.query<{ state: string; done: number; total: number; error: string | null }>(
      `SELECT j.state::text, count(*) FILTER (WHERE t.status = 'done')::int AS done, count(*)::int AS total,
        max(t.message) FILTER (WHERE t.status IN ('error', 'unscheduled') AND t.message <> '') AS error
       FROM pg_dist_background_job j LEFT JOIN pg_dist_background_task t USING (job_id) WHERE j.job_id = $1::bigint
         GROUP BY 1`,
      [job],
    );
    if (!now) return { total: 0 };
    // A task that is to be tried again says why in the meantime.
    const [retried] = await database.query<{ message: string }>(
      'SELECT message FROM pg_dist_background_task WHERE job_id = $1::bigint AND retry_count > 0 ' +
        "AND status = 'runnable' AND message <> '' ORDER BY task_id LIMIT 1",
      [job],
    );
    progress(now.done, now.total, retried && `${remedyFor(new Error(retried.message))}: ${firstLine(retried.message)}`);
    if (now.state === 'finished') return { total: now.total };
    if (now.state.startsWith('fail') || now.state.startsWith('cancel'))
      return { total: now.total, error: now.error ?? now.state };
    if (retried && isNoLogicalReplication(new Error(retried.message)))
      return { total: now.total, error: retried.message };
    await new Promise((done) => setTimeout(done, 500));
  }
}

const firstLine = (message: string) => message.split('\n')[0]!.replace(/^ERROR: +/, '');
