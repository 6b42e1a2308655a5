/** What a database lacks of the schema, or of the migrations that ran: for plan, apply and migrate. */
import { readColumns } from '../live/columns.js';
import { requireCitus, type Database } from '../live/database.js';
import { applySteps, inTransaction, patiently, type Progress } from '../live/apply.js';
import { isOnItsWay } from '../live/online-plan.js';
import { planSteps } from '../live/plan.js';
import { readLive, type Live } from '../live/read.js';
import { migrated, requireCoordinator, standingOf } from '../live/server.js';
import { remedyFor, saidBy } from '../live/remedies.js';
import type { PlanStep } from '../live/step.js';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseStateError } from '../errors.js';
import { ident, type TableName } from '../names.js';
import { readOnline } from '../online.js';
import { Entities, entitiesAt, leavesOf, readMigrations, type Migration } from '../snapshot.js';
import { stateAt, type TenancyState } from '../state.js';
import { splitStatements } from '../statements.js';
import { keysDue } from './behind.js';
import { migratedState, type Project } from './load.js';

export interface Planned {
  readonly steps: readonly PlanStep[];
  /** Migrations that did not run yet. */
  readonly pending: readonly string[];
  /** Whether some step may only show what is left after it. */
  readonly online: boolean;
}

export interface PlanOptions {
  /** Whether tables are distributed while writes to them wait. */
  readonly blockWrites?: boolean;
  /** Whether to go as far as the migrations that ran, without `online` too. */
  readonly asFarAsRan?: boolean;
}

/**
 * @returns the steps from the database to the schema; where migrations with `online` did not all run, to what those
 *   that ran say
 * @throws DatabaseStateError where the database is ahead, or a step would fail
 */
export async function planFor(project: Project, database: Database, options: PlanOptions = {}): Promise<Planned> {
  if (project.options.citus && !project.options.online) await requireCitus(database);
  await requireCoordinator(database);
  const { pending = [], ahead = [] } = (await standingOf(database, project)) ?? {};
  if (ahead.length > 0) {
    throw new DatabaseStateError(
      `Pull the branch that has ${ahead.join(', ')}: these migrations ran on the database, and are not in ` +
        `${project.out}. Nothing was changed.`,
    );
  }
  const live = await readLive(database);
  const migrations = readMigrations(project.out);
  const ran = migrations.filter((it) => !pending.includes(it.folder));
  const left = readOnline(ran);
  const isOnline = project.options.online || left !== undefined;
  const target =
    (isOnline || options.asFarAsRan) && pending.length > 0
      ? targetAt(migrations, ran)
      : await targetOf(project, live, pending, isOnline);
  const online = isOnline
    ? {
        fills: left?.fills ?? [],
        drops: left?.drops ?? [],
        columns: await readColumns(database),
        blockWrites: options.blockWrites ?? false,
        ...(target.writeOnly && { writeOnly: target.writeOnly }),
      }
    : undefined;
  const keys = target.keys && {
    due: online ? withoutWaiting(target.keys.due, target.writeOnly) : target.keys.due,
    createIndexes: [...(left?.indexes ?? []), ...target.keys.createIndexes],
  };
  const waiting = target.writeOnly?.statements ?? [];
  const steps = planSteps(target.state, target.entities, live, waiting, keys, online);
  for (const { what, precondition } of steps) {
    if (!precondition) continue;
    const found = await database.query<{ remedy?: string }>(`${precondition.query} LIMIT 5`);
    const remedies = [...new Set(found.flatMap((it) => it.remedy ?? []))];
    if (remedies.length > 0)
      throw new DatabaseStateError(`${remedies.join('; ')}. This step would fail: ${what}. Nothing was changed.`);
    if (found.length > 0)
      throw new DatabaseStateError(
        `${precondition.remedy}: this step would fail (${what}). They are found by: ${precondition.query}.`,
      );
  }
  return { steps, pending, online: isOnline };
}

interface Target {
  readonly state: TenancyState;
  readonly entities: Entities;
  readonly keys?: { readonly due: Entities; readonly createIndexes: readonly string[] };
  readonly writeOnly?: TenancyState['writeOnly'];
}

async function targetOf(project: Project, live: Live, pending: readonly string[], isOnline: boolean): Promise<Target> {
  const { writeOnly } = project.options.writeOnly ? migratedState(project.out) : {};
  // What a migration is yet to make is no drift, nor what the schema asks for and no migration has.
  const isCompared = isOnline || !(project.options.writeOnly || pending.length > 0);
  return {
    state: stateFor(project, live),
    entities: project.entities,
    ...(isCompared && { keys: { due: keysDue(project), createIndexes: await project.statements() } }),
    ...(writeOnly && { writeOnly }),
  };
}

/** What the database is to be after the migrations that ran. */
function targetAt(migrations: readonly Migration[], ran: readonly Migration[]): Target {
  const ids = leavesOf(ran);
  const [state, entities] = [stateAt(migrations, ids), entitiesAt(migrations, ids)];
  return {
    state,
    entities,
    keys: { due: entities, createIndexes: [] },
    ...(state.writeOnly && { writeOnly: state.writeOnly }),
  };
}

/** In write-only mode, tables on their way have no keys yet by which they could be distributed. */
function stateFor({ options, state }: Project, live: Live): TenancyState {
  if (!options.writeOnly) return state;
  const tables = Object.entries(state.tables).filter(
    ([key, it]) => it.kind !== 'tenant' || live.tables.get(key)?.kind === 'tenant',
  );
  return { ...state, tables: Object.fromEntries(tables) };
}

function withoutWaiting(due: Entities, writeOnly: TenancyState['writeOnly']): Entities {
  if (!writeOnly) return due;
  const at = (row: any): TableName => ({
    schema: row.schema,
    name: row.entityType === 'tables' ? row.name : row.table,
  });
  return new Entities(due.all().filter((row) => row.schema === undefined || !isOnItsWay(at(row), writeOnly)));
}

/**
 * Plans and applies until nothing is left: some steps show only afterwards what they leave.
 *
 * @returns the steps that ran
 * @throws DatabaseStateError when a step fails, or migrations did not run
 */
export async function applyAll(
  plan: () => Promise<Planned>,
  database: Database,
  progress: Progress,
  watcher?: Database,
): Promise<PlanStep[]> {
  const done: PlanStep[] = [];
  for (let last = ''; ; ) {
    const { steps, online } = await plan();
    const now = JSON.stringify(steps.map((it) => it.sql));
    if (steps.length === 0) return done;
    if (now === last)
      throw new DatabaseStateError(
        'Report this, with the output of "npx drizzle-tenant plan": these steps ran, and are still to be ' +
          `done: ${steps.map((it) => it.what).join('; ')}.`,
      );
    last = now;
    await applySteps(database, steps, progress, watcher);
    done.push(...steps);
    if (!online) return done;
  }
}

/**
 * Runs one migration as drizzle-kit does, in a transaction of its own, again where a lock is not to be had.
 *
 * @throws DatabaseStateError when it fails: then nothing of it stays
 */
export async function runMigration(
  database: Database,
  { config }: Project,
  { folder, path }: Pick<Migration, 'folder' | 'path'>,
  again: () => void,
): Promise<void> {
  const text = readFileSync(join(path, 'migration.sql'), 'utf8');
  const { schema = 'drizzle', table = '__drizzle_migrations' } = config['migrations'] ?? {};
  const at = `${ident(schema)}.${ident(table)}`;
  if ((await migrated(database, { schema, table })) === undefined) {
    await database.query(`CREATE SCHEMA IF NOT EXISTS ${ident(schema)}`);
    await database.query(
      `CREATE TABLE IF NOT EXISTS ${at} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint, ` +
        'name text, applied_at timestamp with time zone DEFAULT now())',
    );
  }
  const hash = createHash('sha256').update(text).digest('hex');
  const [, year, ...rest] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(folder) ?? [];
  const [month = 1, day = 1, hour = 0, minute = 0, second = 0] = rest.map(Number);
  const created = Date.UTC(Number(year ?? 1970), month - 1, day, hour, minute, second);
  const note =
    `INSERT INTO ${at} (hash, created_at, name) VALUES ('${hash}', ${created}, ` + `'${folder.replaceAll("'", "''")}')`;
  try {
    await patiently(() => inTransaction(database, [...splitStatements(text), note]), again);
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    const failed = `${folder} failed, and nothing of it was changed`;
    throw new DatabaseStateError(
      // What a migration of ours raises says itself what to do.
      code === 'P0001'
        ? `${message.replace(/ Nothing was changed\.$/, '')} Then run migrate again: ${failed}.`
        : `${remedyFor(error as Error)}, and run migrate again: ${failed}: ${saidBy(error as Error)}.`,
      { cause: error },
    );
  }
}
