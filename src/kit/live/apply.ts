/** Runs the steps of a plan. Each is a transaction, or can be begun anew, so that a run that stops halfway goes on with the next `apply`. */
import { sequential } from '../citus.js';
import type { Database } from './database.js';
import { DatabaseStateError } from '../errors.js';
import type { PlanStep } from './step.js';

export interface Progress {
  /** Before a step. */
  start(step: PlanStep, index: number, total: number): void;
  /** Every few seconds while a step runs. */
  tick(step: PlanStep, seconds: number): void;
  end(step: PlanStep, seconds: number): void;
}

/**
 * @param database where
 * @param steps what `planSteps` returned
 * @param progress what is told of each step
 * @throws DatabaseStateError when a step fails: what ran before it stays
 */
export async function applySteps(database: Database, steps: readonly PlanStep[], progress: Progress): Promise<void> {
  for (const [index, step] of steps.entries()) {
    const begin = Date.now();
    const seconds = () => (Date.now() - begin) / 1000;
    progress.start(step, index, steps.length);
    const ticker = setInterval(() => progress.tick(step, seconds()), 5000);
    try {
      if (step.alone)
        for (const statement of step.sql)
          await patiently(
            database,
            () => alone(database, statement),
            () => progress.tick(step, seconds()),
          );
      else
        await patiently(
          database,
          () => inTransaction(database, step.sql),
          () => progress.tick(step, seconds()),
        );
    } catch (error) {
      throw new DatabaseStateError(
        `Correct the cause and run apply again: step ${index + 1} of ${steps.length} failed (${step.what}): ${(error as Error).message}. ` +
          `${index === 0 && !step.alone ? 'Nothing was changed' : 'The steps before it stay, and apply goes on from there'}.`,
        { cause: error },
      );
    } finally {
      clearInterval(ticker);
    }
    progress.end(step, seconds());
  }
}

/** A statement that waits for a strong lock makes every later one wait behind it: so it waits shortly, and tries again. */
const lockTimeout = '500ms';
const tries = 60;

async function patiently(database: Database, run: () => Promise<void>, again: () => void): Promise<void> {
  for (let i = 1; ; i++) {
    try {
      return await run();
    } catch (error) {
      // lock_not_available; a deadlock is the same wait, seen by PostgreSQL.
      if (!['55P03', '40P01'].includes((error as { code?: string }).code ?? '') || i === tries) throw error;
      again();
      await new Promise((done) => setTimeout(done, Math.min(2_000, 100 * i)));
    }
  }
}

/** CONCURRENTLY waits for others without making them wait. */
async function alone(database: Database, statement: string): Promise<void> {
  const isPatient = statement.includes(' CONCURRENTLY ');
  if (!isPatient) await database.query(`SET lock_timeout = '${lockTimeout}'`);
  try {
    await database.query(statement);
  } finally {
    if (!isPatient) await database.query('RESET lock_timeout').catch(() => {});
  }
}

async function inTransaction(database: Database, statements: readonly string[]): Promise<void> {
  try {
    await database.query('BEGIN');
    await database.query(sequential);
    await database.query(`SET LOCAL lock_timeout = '${lockTimeout}'`);
    for (const statement of statements) await database.query(statement);
    await database.query('COMMIT');
  } catch (error) {
    await database.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
