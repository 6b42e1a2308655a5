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
      if (step.alone) for (const statement of step.sql) await database.query(statement);
      else await inTransaction(database, step.sql);
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

async function inTransaction(database: Database, statements: readonly string[]): Promise<void> {
  try {
    await database.query('BEGIN');
    await database.query(sequential);
    for (const statement of statements) await database.query(statement);
    await database.query('COMMIT');
  } catch (error) {
    await database.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
