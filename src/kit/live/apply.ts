/**
 * Runs the steps of a plan. Each is a transaction, or can be begun anew, so that a run that stops halfway goes on with
 * the next `apply`.
 */
import { sequential } from '../citus.js';
import type { Database } from './database.js';
import { DatabaseStateError } from '../errors.js';
import { fillRows } from './fill.js';
import { lockTimeout } from '../generate/lock-block.js';
import { literal } from '../names.js';
import { progressOf } from './progress.js';
import { noLogicalReplication, remedyFor, saidBy } from './remedies.js';
import type { PlanStep } from './step.js';

export interface Progress {
  /** Before a step. */
  start(step: PlanStep, index: number, total: number): void;
  /** Every few seconds while a step runs, with the rows that are done, where that is known. */
  tick(step: PlanStep, seconds: number, rows?: { readonly done: number; readonly total: number }): void;
  end(step: PlanStep, seconds: number): void;
}

/**
 * @param database where
 * @param steps what `planSteps` returned
 * @param progress what is told of each step
 * @param watcher a second connection, which is asked how far a step is
 * @param tries how often a lock is asked for
 * @throws DatabaseStateError when a step fails: what ran before it stays
 */
export async function applySteps(
  database: Database,
  steps: readonly PlanStep[],
  progress: Progress,
  watcher?: Database,
  tries = 150,
): Promise<void> {
  for (const [index, step] of steps.entries()) {
    const begin = Date.now();
    const seconds = () => (Date.now() - begin) / 1000;
    progress.start(step, index, steps.length);
    let rows: { done: number; total: number } | undefined;
    let waits = 0;
    const tick = async () => {
      const part = step.fill || !watcher ? undefined : await progressOf(watcher, step).catch(() => undefined);
      const total = step.rows ?? -1;
      progress.tick(
        step,
        seconds(),
        rows ?? (part === undefined || total < 0 ? undefined : { done: part * total, total }),
      );
    };
    const ticker = setInterval(() => void tick(), 5000);
    const again = () => void (++waits % 10 === 1 && tick());
    try {
      if (step.fill)
        await fillRows(
          database,
          step.fill,
          (statement, values) => patiently(() => alone(database, statement, values), again, tries),
          (done, total) => void (rows = { done, total }),
        );
      else if (step.alone)
        for (const statement of step.sql) await patiently(() => alone(database, statement), again, tries);
      else await patiently(() => inTransaction(database, step.sql), again, tries);
    } catch (error) {
      const where = `step ${index + 1} of ${steps.length} failed (${step.what}): ${saidBy(error as Error)}`;
      const isWhole = index === 0 && !step.alone && !step.fill;
      throw new DatabaseStateError(
        `${await remedyOf(error as Error & { code?: string }, step, database)}: ${where}. ` +
          `${isWhole ? 'Nothing was changed' : 'The steps before it stay, and apply goes on from there'}.`,
        { cause: error },
      );
    } finally {
      clearInterval(ticker);
    }
    progress.end(step, seconds());
  }
}

/** What a person does about it, in the words that a message begins with. */
async function remedyOf(error: Error & { code?: string }, step: PlanStep, database: Database): Promise<string> {
  if (error instanceof DatabaseStateError) return 'Do what this step asks for, and run apply again';
  if (locked.includes(error.code ?? ''))
    return (
      `Run apply again when the transactions that hold ${step.table} have ` +
      `ended${await holders(database, step.table)}`
    );
  if (new RegExp(noLogicalReplication, 'i').test(error.message))
    return (
      'Set wal_level = logical on every node, and put citus into output_plugin_libraries ' +
      'where the server has that setting, ' +
      'then run apply again; or run it with --block-writes, which lets writes to the table wait while it is copied'
    );
  // A node's word for it may come without its code.
  if (step.ifFailed && (error.code?.startsWith('23') || / violates /.test(error.message)))
    return `${step.ifFailed}, and run apply again`;
  return `${remedyFor(error)}, and run apply again`;
}

/** The sessions that hold a lock on a table, the oldest transaction first. */
async function holders(database: Database, table: string): Promise<string> {
  const found = await database
    .query<{ pid: number; seconds: number; query: string }>(
      `SELECT a.pid, round(extract(epoch FROM now() - a.xact_start))::int AS seconds, left(regexp_replace(a.query,
        '\\s+', ' ', 'g'), 80) AS query
       FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid() AND a.pid IN (SELECT l.pid FROM pg_locks l
         WHERE l.granted AND l.relation = to_regclass(${literal(table)}))
       ORDER BY a.xact_start LIMIT 3`,
    )
    .catch(() => []);
  return found.length === 0 ? '' : ` (${found.map((it) => `pid ${it.pid}, ${it.seconds} s, ${it.query}`).join('; ')})`;
}

/** lock_not_available; a deadlock is the same wait, seen by PostgreSQL. */
const locked = ['55P03', '40P01'];

/**
 * A statement that waits for a strong lock makes every later one wait behind it: so it waits shortly, and tries again.
 */
export async function patiently<T>(run: () => Promise<T>, again: () => void, tries = 150): Promise<T> {
  for (let i = 1; ; i++) {
    try {
      return await run();
    } catch (error) {
      if (!locked.includes((error as { code?: string }).code ?? '') || i === tries) throw error;
      again();
      await new Promise((done) => setTimeout(done, Math.min(2_000, 100 * i)));
    }
  }
}

/** What is done under strong locks. On Citus the workers wait as shortly as the coordinator: it passes SET LOCAL on. */
const begin = [
  'BEGIN',
  `SET LOCAL citus.propagate_set_commands TO 'local'`,
  `SET LOCAL lock_timeout = '${lockTimeout}'`,
].join('; ');

/**
 * CONCURRENTLY waits for others without making them wait, and so does Citus where it cuts a shard; any other statement
 * is a transaction of its own.
 */
async function alone(database: Database, statement: string, values: readonly unknown[] = []): Promise<number> {
  if (/ CONCURRENTLY |_concurrently\(|citus_split_shard/.test(statement)) {
    await database.query(statement);
    return 0;
  }
  try {
    await database.query(begin);
    if (!/^(?:WITH changed AS \()?\s*UPDATE\b/i.test(statement)) await database.query(sequential);
    const rows = await database.query<{ changed?: number }>(statement, values);
    await database.query('COMMIT');
    return rows[0]?.changed ?? 0;
  } catch (error) {
    await database.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

export async function inTransaction(database: Database, statements: readonly string[]): Promise<void> {
  try {
    await database.query(begin);
    await database.query(sequential);
    for (const statement of statements) await database.query(statement);
    await database.query('COMMIT');
  } catch (error) {
    await database.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
