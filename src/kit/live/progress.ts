/** How far a step is that one statement does: asked on a second connection. */
import type { Database } from './database.js';
import { literal, quoted } from '../names.js';
import type { PlanStep } from './step.js';

/** @returns a number from 0 to 1; undefined where the server does not tell */
export async function progressOf(database: Database, step: PlanStep): Promise<number | undefined> {
  const isDistributing = step.sql.some((it) => it.includes('create_distributed_table_concurrently('));
  if (!step.index && !isDistributing) return undefined;
  const [citus] = await database.query(`SELECT FROM pg_extension WHERE extname = 'citus'`);
  if (isDistributing) return citus ? copied(database, step.sql.join('\n')) : undefined;
  return (await built(database, step)) ?? (citus ? builtOnShards(database, step) : undefined);
}

/** The phases of CREATE INDEX CONCURRENTLY, and what part of it each is, by experience. */
async function built(database: Database, { index }: PlanStep): Promise<number | undefined> {
  const [row] = await database.query<{ phase: string; blocks: number | null; tuples: number | null }>(
    `SELECT phase, (blocks_done::float8 / nullif(blocks_total, 0)) AS blocks,
      (tuples_done::float8 / nullif(tuples_total, 0)) AS tuples
     FROM pg_stat_progress_create_index WHERE index_relid = to_regclass(${literal(quoted(index!))})`,
  );
  if (!row || (row.blocks === null && row.tuples === null && row.phase === 'initializing')) return undefined;
  if (row.phase.includes('building index: scanning')) return 0.5 * (row.blocks ?? 0);
  if (row.phase.includes('building index')) return 0.5 + 0.2 * (row.tuples ?? 0);
  if (row.phase.includes('index validation: scanning table')) return 0.8 + 0.2 * (row.blocks ?? 0);
  if (row.phase.includes('index validation')) return 0.75;
  return row.phase.includes('old snapshots') ? 1 : 0.7;
}

/** Each shard's index is valid when it stands. */
async function builtOnShards(database: Database, { index }: PlanStep): Promise<number | undefined> {
  const counted = `SELECT json_build_object('done', count(*) FILTER (WHERE i.indisvalid
    AND i.indisready), 'all', count(*))::text
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${literal(index!.schema)} AND c.relname ~ ('^' || ${literal(index!.name)} || '_[0-9]+$')`;
  return shareOf(database, counted);
}

/** What a query of one row counts on every node: how much is done, of all. */
async function shareOf(database: Database, sql: string): Promise<number | undefined> {
  const nodes = await database.query<{ result: string; success: boolean }>(
    'SELECT success, result FROM run_command_on_all_nodes($1)',
    [sql],
  );
  const counts = nodes
    .filter((it) => it.success && it.result)
    .map((it) => JSON.parse(it.result) as { done: number; all: number });
  const all = counts.reduce((sum, it) => sum + it.all, 0);
  return all === 0 ? undefined : counts.reduce((sum, it) => sum + it.done, 0) / all;
}

/** New shards are known to the nodes only until the end: how large they are, of what the table is. */
async function copied(database: Database, sql: string): Promise<number | undefined> {
  const table = /concurrently\('((?:[^']|'')*)'/.exec(sql)?.[1];
  if (table === undefined) return undefined;
  const sizes = `SELECT json_build_object('all', coalesce(sum(pg_relation_size(c.oid)) FILTER (WHERE s.shardid
    IS NOT NULL), 0), 'done', coalesce(sum(pg_relation_size(c.oid)) FILTER (WHERE s.shardid IS NULL), 0))::text
    FROM pg_class t JOIN pg_class c ON c.relnamespace = t.relnamespace
      AND c.relname ~ ('^' || t.relname || '_[0-9]+$') AND c.relkind = 'r'
    LEFT JOIN pg_dist_shard s ON s.logicalrelid = t.oid AND c.relname = t.relname || '_' || s.shardid
    WHERE t.oid = to_regclass('${table}')`;
  const share = await shareOf(database, sizes);
  return share === undefined ? undefined : Math.min(1, share);
}
