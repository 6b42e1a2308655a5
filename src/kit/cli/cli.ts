#!/usr/bin/env node
/** The command line `drizzle-tenant`. Each command prints for a person, or with `--json` for a program. */
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { advise } from '../live/advise.js';
import { applySteps } from '../live/apply.js';
import { connect, requireCitus, urlOfConfig, type Database } from '../live/database.js';
import { DatabaseStateError, describeFault } from '../errors.js';
import { addAdoptCommands } from '../adopt/commands.js';
import { addClusterCommands } from './cluster.js';
import { addDataCommands } from './data.js';
import { bytesOf, count, mayBeLeft } from './text.js';
import { differences, keysDue } from './behind.js';
import { editedMigrations } from '../generate/edited.js';
import { readLive, type Live } from '../live/read.js';
import { planSteps } from '../live/plan.js';
import type { PlanStep } from '../live/step.js';
import { loadConfig, loadProject, migratedState, type Project } from './load.js';
import { buildIndexes } from '../live/prebuild.js';
import { ruleNames, ruleTexts } from '../faults.js';
import { alone, requireCoordinator, requireWritable, standingOf } from '../live/server.js';
import { describeOwn, ownFunctionsQuestion, type OwnFunction } from '../../sql/own-functions.js';
import type { TenancyState } from '../state.js';

/** Where a command writes, so that tests can read it. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

interface Common {
  config?: string;
  url?: string;
  json?: boolean;
}

/**
 * Runs the command line.
 *
 * @param args what follows the program's name
 * @returns the exit status: 0 for well, 1 for faults, errors, tenants that differ, and what check and plan find left to do, 2 for a command that is not understood
 */
export async function main(args: readonly string[], output: Output): Promise<number> {
  const json = args.includes('--json');
  const status = { code: 0 };
  const program = commands(output, status);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return status.code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { _tag = 'InternalError', message, faults } = error as Error & { _tag?: string; faults?: unknown };
    if (json)
      output.out(
        `${JSON.stringify({ status: 'error', error: { tag: _tag, message, ...(faults ? { faults } : {}) } })}\n`,
      );
    else output.err(`${message}\n`);
    return 1;
  }
}

function commands(output: Output, status: { code: number }): Command {
  const line = (text: string) => output.out(`${text}\n`);
  const report = (value: object) => line(JSON.stringify(value));
  const program = new Command('drizzle-tenant')
    .version(createRequire(import.meta.url)('../../../package.json').version)
    .description(
      'Looks after tenant tables that plain drizzle-kit migrates. The usual way needs none of these commands:\n' +
        '"npx drizzle-kit generate" writes migrations that distribute, and "npx drizzle-kit migrate" runs them.',
    )
    .exitOverride()
    .configureOutput({ writeOut: output.out, writeErr: output.err })
    .addHelpText(
      'after',
      '\nTo begin:\n' +
        '  1. In drizzle.config.ts, export defineTenantConfig({ ..., tenancy: { citus: { shardCount: 32 } } }).\n' +
        '  2. npx drizzle-tenant check      Does the schema keep to the rules of Citus?\n' +
        '  3. npx drizzle-kit generate      Writes the migration and, beside it, tenancy.json.\n' +
        '  4. npx drizzle-kit migrate       Runs it, on Citus or on plain PostgreSQL.\n' +
        '  5. npx drizzle-tenant status     What does the database hold now?\n\n' +
        '"drizzle-kit push" is refused where there is row-level security or Citus, which it knows nothing of.',
    );
  const command = (name: string, description: string, help: string, withUrl = true) => {
    const made = program
      .command(name)
      .description(description)
      .option('--config <path>', 'the config', 'drizzle.config.ts in this folder')
      .option('--json', 'one line of JSON')
      .addHelpText('after', `\n${help}`);
    return withUrl ? made.option('--url <url>', 'the database', 'dbCredentials.url of the config') : made;
  };
  const load = (options: Common) => loadProject(configOf(options));
  const withDatabase = async <T>(
    options: Common,
    project: { config: Record<string, any> },
    use: (database: Database) => Promise<T>,
  ) => {
    const database = await connect(urlOf(options) ?? urlOfConfig(project.config));
    try {
      return await use(database);
    } finally {
      await database.close();
    }
  };

  command(
    'check',
    'check the schema and the migrations, without writing anything',
    'Every fault is reported in one go, with the table, the column and what to do; the exit status is then 1. It is 1 too\n' +
      'where the migrations are behind the schema, or were edited until they no longer distribute a table.\n' +
      "Each rule can be set in the config: tenancy: { rules: { 'replica-identity': 'off' } }. The rules:\n" +
      ruleNames.map((it) => `  ${it.padEnd(20)} ${ruleTexts[it]}`).join('\n'),
    false,
  )
    .option(
      '--url <url>',
      'a database, to be asked for functions of its own that a statement could call by a name that is known to be safe',
    )
    .action(async (options: Common) => {
      const project = await load(options);
      const behind = differences(project);
      const edited = editedMigrations(project.out);
      const own =
        options.url === undefined
          ? []
          : await withDatabase(options, project, (database) => database.query<OwnFunction>(ownFunctionsQuestion));
      if (behind.length + edited.length + own.length > 0) status.code = 1;
      if (options.json) {
        return report({
          status: behind.length + edited.length > 0 ? 'behind' : own.length > 0 ? 'own functions' : 'ok',
          tables: Object.values(project.state.tables),
          warnings: project.warnings,
          behind: behind.length > 0,
          differences: behind,
          edited,
          own,
        });
      }
      for (const it of project.warnings) output.err(`warning: ${describeFault(it)}\n`);
      for (const it of edited) output.err(`${it.message}\n`);
      for (const it of own)
        output.err(
          `Rename ${describeOwn(it)}, or trust it with assertNoOwnFunctions(db, { except: ['${it.signature}'] }) once you know that it reads no table.\n`,
        );
      line(
        `The schema keeps to the rules: ${count(Object.values(project.state.tables).filter((it) => it.kind === 'tenant').length, 'tenant table')}, ${count(Object.values(project.state.tables).filter((it) => it.kind === 'reference').length, 'reference table')}.`,
      );
      if (behind.length === 0) return;
      const [first, ...rest] = behind;
      line(
        `Run "npx drizzle-kit generate": the migrations do not know all of it yet (${first!.what}: ${first!.change}${rest.length > 0 ? `, and ${rest.length} more` : ''}).`,
      );
    });

  command(
    'plan',
    'compare a live database with the schema, and print what apply would run',
    'Nothing is changed. It compares tables, their places on Citus, keys, indexes and policies, on the shards too: columns are\n' +
      'for drizzle-kit. The exit status is 1 where something is left to do, also migrations that did not run.',
  ).action(async (options: Common) => {
    const project = await load(options);
    const { steps, pending } = await withDatabase(options, project, (database) => planFor(project, database));
    if (steps.length + pending.length > 0) status.code = 1;
    if (options.json)
      return report({ status: status.code === 0 ? 'ok' : 'pending', steps, ...(pending.length > 0 && { pending }) });
    if (status.code === 0) return line('Nothing to do: each table is there, and held as the schema says.');
    if (pending.length > 0)
      line(
        `Run "npx drizzle-kit migrate" first: ${count(pending.length, 'migration')} did not run here yet (${pending.join(', ')}).`,
      );
    steps.forEach((it, i) => {
      line(`${i + 1}. ${it.what}${sizeOf(it)}`);
      for (const statement of it.sql) line(`     ${statement}`);
    });
    if (steps.length > 0) line('Run "npx drizzle-tenant apply" to do this.');
  });

  command(
    'apply',
    'bring a live database to what the schema says',
    'Each step is a transaction. When it stops halfway, what is done stays, and the next run goes on from there.\n' +
      'Foreign keys of a table that moves are dropped before and added again after, and checked then.',
  ).action(async (options: Common) => {
    const project = await load(options);
    const say = options.json ? () => {} : line;
    await withDatabase(options, project, async (database) => {
      await requireWritable(database);
      await alone(
        database,
        () => say('Another apply runs on this database: waiting for its end.'),
        () => apply(database),
      );
    });
    async function apply(database: Database) {
      const { steps, pending } = await planFor(project, database);
      if (pending.length > 0)
        throw new DatabaseStateError(
          `Run "npx drizzle-kit migrate" first: ${count(pending.length, 'migration')} did not run here yet (${pending.join(', ')}). Nothing was changed.`,
        );
      await applySteps(database, steps, {
        start: (it, i, total) => say(`[${i + 1}/${total}] ${it.what}${sizeOf(it)}`),
        tick: (_, seconds) => say(`      ... ${seconds.toFixed(0)} s`),
        end: (_, seconds) => say(`      done in ${seconds.toFixed(1)} s`),
      });
      if (options.json) return report({ status: 'ok', applied: steps.map((it) => it.what) });
      line(
        steps.length === 0
          ? 'Nothing to do: each table is there, and held as the schema says.'
          : `Done: ${count(steps.length, 'step')}.`,
      );
    }
  });

  command(
    'indexes',
    'build the indexes of migrations that did not run yet, without blocking writes',
    'Run it before "npx drizzle-kit migrate", which runs in one transaction and blocks writes to a table while it builds its\n' +
      'indexes. Each index is built with CREATE INDEX CONCURRENTLY, on Citus too, and the migration then finds it. A run that is\n' +
      'interrupted leaves an invalid index, which the next run replaces.',
  ).action(async (options: Common) => {
    const config = await loadConfig(configOf(options));
    const say = options.json ? () => {} : line;
    const indexes = await withDatabase(options, config, (database) =>
      buildIndexes(database, config, (index, table) => say(`${index} on ${table} ...`)),
    );
    if (options.json) return report({ status: 'ok', indexes });
    for (const it of indexes.filter((it) => it.result === 'left'))
      line(`${it.index} on ${it.table} is left to the migration: ${it.reason}.`);
    const built = indexes.filter((it) => it.result === 'built').length;
    line(built === 0 ? 'Nothing to build.' : `Built ${count(built, 'index')}. Run "npx drizzle-kit migrate" now.`);
  });

  command(
    'advise',
    "say which tenants' questions pay for other tenants' rows, and what to do",
    'Nothing is changed. It reads pg_stat_user_indexes, and pg_stat_statements where it is there, and looks at the plans of\n' +
      'statements that touch many more blocks than they have rows. What it says, it says with that evidence, or not at all.',
  ).action(async (options: Common) => {
    const project = await load(options);
    const { advice, notes } = await withDatabase(options, project, (database) => advise(database, project.state));
    if (options.json) return report({ status: 'ok', advice, notes });
    for (const it of notes) output.err(`note: ${it}\n`);
    if (advice.length === 0) return line("Nothing that was counted shows a tenant's question that pays for others.");
    for (const it of advice) {
      line(`${it.index ?? 'the table'} on ${it.table}: ${it.evidence}.`);
      for (const { query, calls, blocks } of it.statements.slice(0, 3))
        line(`  ${blocks} blocks x ${calls}: ${query.replaceAll(/\s+/g, ' ').slice(0, 300)}`);
      line(`  ${it.schema}`);
      for (const statement of it.sql) line(`    ${statement};`);
    }
  });

  addClusterCommands({ command, configOf, load, withDatabase, line, warn: (text) => output.err(`${text}\n`), report });
  addAdoptCommands({ program, line, report });
  addDataCommands({
    command,
    load,
    urlOf: (options, { config }) => urlOf(options) ?? urlOfConfig(config),
    line,
    report,
    exitWith: (code) => void (status.code = code),
  });
  return program;
}

async function planFor(
  project: Project,
  database: Database,
): Promise<{ steps: PlanStep[]; pending: readonly string[] }> {
  if (project.options.citus) await requireCitus(database);
  await requireCoordinator(database);
  const { pending = [], ahead = [] } = (await standingOf(database, project)) ?? {};
  if (ahead.length > 0) {
    throw new DatabaseStateError(
      `Pull the branch that has ${ahead.join(', ')}: these migrations ran on the database, and are not in ${project.out}. Nothing was changed.`,
    );
  }
  const live = await readLive(database);
  // What a migration is yet to make is no drift, nor what the schema asks for and no migration has.
  const keys =
    project.options.writeOnly || pending.length > 0
      ? undefined
      : { due: keysDue(project), createIndexes: await project.statements() };
  const steps = planSteps(
    stateFor(project, live),
    project.entities,
    live,
    project.options.writeOnly ? migratedState(project.out).writeOnly?.statements : [],
    keys,
  );
  for (const { what, precondition } of steps) {
    if (!precondition) continue;
    const found = await database.query(`${precondition.query} LIMIT 1`);
    if (found.length > 0)
      throw new DatabaseStateError(
        `${precondition.remedy}: this step would fail (${what}). They are found by: ${precondition.query}.`,
      );
  }
  return { steps, pending };
}

/** In write-only mode, tables on their way have no keys yet by which they could be distributed. */
function stateFor({ options, state }: Project, live: Live): TenancyState {
  if (!options.writeOnly) return state;
  const tables = Object.entries(state.tables).filter(
    ([key, it]) => it.kind !== 'tenant' || live.tables.get(key)?.kind === 'tenant',
  );
  return { ...state, tables: Object.fromEntries(tables) };
}

const defaultConfig = 'drizzle.config.ts in this folder';
const configOf = (options: Common) => (options.config === defaultConfig ? undefined : options.config);
const urlOf = (options: Common) => (options.url === 'dbCredentials.url of the config' ? undefined : options.url);

const sizeOf = ({ rows, bytes }: PlanStep) =>
  bytes === undefined
    ? ''
    : ` (${rows !== undefined && rows >= 0 ? `about ${Math.round(rows).toLocaleString('en')} rows, ` : ''}${bytesOf(bytes)})`;

const isProgram = () => {
  try {
    return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
  } catch {
    return false;
  }
};

if (isProgram()) {
  for (const stream of [process.stdout, process.stderr]) mayBeLeft(stream);
  process.exitCode = await main(process.argv.slice(2), {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  });
}
