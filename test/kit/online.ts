/** Migrations with `online` in this process: what a migration left is done as `drizzle-tenant apply` does it. */
import { applySteps } from '../../src/kit/live/apply.js';
import { readColumns } from '../../src/kit/live/columns.js';
import type { Database } from '../../src/kit/live/database.js';
import { planSteps } from '../../src/kit/live/plan.js';
import { readLive } from '../../src/kit/live/read.js';
import type { PlanStep } from '../../src/kit/live/step.js';
import type { OnlineSteps } from '../../src/kit/online.js';
import type { History } from './support.js';

const none: OnlineSteps = { fills: [], drops: [], indexes: [] };
const silent = { start() {}, tick() {}, end() {} };

/** The steps from the database to where the history stands. */
export async function leftBy(database: Database, history: History, left: OnlineSteps = none): Promise<PlanStep[]> {
  const { writeOnly } = history.state!;
  const online = { ...left, columns: await readColumns(database), blockWrites: false, ...(writeOnly && { writeOnly }) };
  const live = await readLive(database);
  return planSteps(
    history.state!,
    history.entities,
    live,
    writeOnly?.statements,
    writeOnly ? undefined : { due: history.entities, createIndexes: left.indexes },
    online,
  );
}

/** Applies until nothing is left. */
export async function finish(database: Database, history: History, left?: OnlineSteps): Promise<string[]> {
  const done: string[] = [];
  for (let round = 0; ; round++) {
    const steps = await leftBy(database, history, left);
    if (steps.length === 0) return done;
    if (round === 4) throw new Error(`still to be done: ${steps.map((it) => it.what).join('; ')}`);
    await applySteps(database, steps, silent);
    done.push(...steps.map((it) => it.what));
  }
}
