#!/usr/bin/env node
/** The command line `drizzle-tenant`. Each command prints for a person, or with `--json` for a program. */
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { advise } from '../live/advise.js';
import type { Progress } from '../live/apply.js';
import { connect, urlOfConfig, type Database } from '../live/database.js';
import { DatabaseStateError, describeFault } from '../errors.js';
import { addAdoptCommands } from '../adopt/commands.js';
import { addClusterCommands } from './cluster.js';
import { addDataCommands } from './data.js';
import { bytesOf, count, mayBeLeft } from './text.js';
import { differences } from './behind.js';
import { describeHazard, pendingHazards } from './hazards.js';
import { editedMigrations } from '../generate/edited.js';
import { typed } from '../live/remedies.js';
import type { PlanStep } from '../live/step.js';
import { loadConfig, loadProject, type Project } from './load.js';
import { applyAll, planFor, runMigration, type PlanOptions } from './planning.js';
import { refusedForeignKeys } from '../live/not-valid.js';
import { buildIndexes } from '../live/prebuild.js';
import { ruleNames, ruleTexts } from '../faults.js';
import { alone, pendingOf, requireWritable, standingOf } from '../live/server.js';
import { describeOwn, ownFunctionsQuestion, type OwnFunction } from '../../sql/own-functions.js';
import { tsString } from '../quotes.js';
import { foldersToRun } from '../snapshot.js';

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
 * @returns the exit status: 0 for well, 1 for faults, errors, tenants that differ, and what check and plan find left to
 * do, 2 for a command that is not understood
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
    const {
      _tag = 'InternalError',
      message,
      faults,
    } = typed(error as Error) as Error & {
      _tag?: string;
      faults?: unknown;
    };
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

  const say = (options: Common, text: string) => void (options.json || line(text));
  const progressOf = (options: Common): Progress => ({
    start: (it, i, total) => say(options, `[${i + 1}/${total}] ${it.what}${sizeOf(it)}`),
    tick: (_, seconds, rows) => say(options, `      ... ${seconds.toFixed(0)} s${rows ? `, ${rowsOf(rows)}` : ''}`),
    end: (_, seconds) => say(options, `      done in ${seconds.toFixed(1)} s`),
  });
  /** On a database that may be written to, alone, with a second connection that is asked how far a step is. */
  const changing = <T>(
    options: Common,
    project: Project,
    use: (database: Database, watcher: Database) => Promise<T>,
  ): Promise<T> =>
    withDatabase(options, project, async (database) => {
      await requireWritable(database);
      return withDatabase(options, project, (watcher) =>
        alone(
          database,
          () => say(options, 'Another apply runs on this database: waiting for its end.'),
          () => use(database, watcher),
        ),
      );
    });

  command(
    'check',
    'check the schema and the migrations, without writing anything',
    'Every fault is reported in one go, with the table, the column and what to do; the exit status is ' +
      'then 1. It is 1 too\n' +
      'where the migrations are behind the schema, or were edited until they no longer distribute a table ' +
      'or create its\n' +
      'policies. Statements of the newest migration, or with --url of those that did not run there, ' +
      'that hold a table while\n' +
      'its rows are read or written, or that destroy something, are warned of, with what to write instead.\n' +
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
      const { own, pending, refused } =
        options.url === undefined
          ? { own: [], pending: undefined, refused: [] }
          : await withDatabase(options, project, async (database) => {
              const standing = await standingOf(database, project);
              const refused = await refusedForeignKeys(database, pendingOf(foldersToRun(project.out), standing));
              return {
                own: await database.query<OwnFunction>(ownFunctionsQuestion),
                pending: standing?.pending,
                refused: refused.map((it) => it.message),
              };
            });
      const hazards = pendingHazards(project, pending);
      const wrong = { behind: [...behind, ...edited], 'own functions': own, refused };
      const found = Object.entries(wrong).find(([, all]) => all.length > 0)?.[0];
      if (found !== undefined) status.code = 1;
      if (options.json) {
        return report({
          status: found ?? 'ok',
          tables: Object.values(project.state.tables),
          warnings: project.warnings,
          behind: behind.length > 0,
          differences: behind,
          edited,
          own,
          refused,
          hazards,
        });
      }
      for (const it of project.warnings) output.err(`warning: ${describeFault(it)}\n`);
      for (const it of edited) output.err(`${it.message}\n`);
      for (const it of refused) output.err(`${it}\n`);
      for (const it of hazards) output.err(`${describeHazard(it)}\n`);
      for (const it of own)
        output.err(
          `Rename ${describeOwn(it)}, or trust it with assertNoOwnFunctions(db, ` +
            `{ except: [${tsString(it.signature)}] }) once you know that it reads no table.\n`,
        );
      const tables = Object.values(project.state.tables);
      const of = (kind: string) => count(tables.filter((it) => it.kind === kind).length, `${kind} table`);
      line(`The schema keeps to the rules: ${of('tenant')}, ${of('reference')}.`);
      if (behind.length === 0) return;
      const [first, ...rest] = behind;
      line(
        `Run "npx drizzle-kit generate": the migrations do not know all of it yet (${first!.what}: ` +
          `${first!.change}${rest.length > 0 ? `, and ${rest.length} more` : ''}).`,
      );
    });

  command(
    'plan',
    'compare a live database with the schema, and print what apply would run',
    'Nothing is changed. It compares tables, their places on Citus, keys, indexes and policies, ' +
      'on the shards too: columns are\n' +
      'for drizzle-kit. The exit status is 1 where something is left to do, also migrations that did not run.',
  ).action(async (options: Common) => {
    const project = await load(options);
    const { steps, pending, online } = await withDatabase(options, project, (database) => planFor(project, database));
    if (steps.length + pending.length > 0) status.code = 1;
    if (options.json)
      return report({ status: status.code === 0 ? 'ok' : 'pending', steps, ...(pending.length > 0 && { pending }) });
    if (status.code === 0) return line('Nothing to do: each table is there, and held as the schema says.');
    if (pending.length > 0 && !(online && steps.length > 0))
      line(
        `Run "npx drizzle-kit migrate" first: ${count(pending.length, 'migration')} did not run here yet ` +
          `(${pending.join(', ')}).`,
      );
    steps.forEach((it, i) => {
      line(`${i + 1}. ${it.what}${sizeOf(it)}`);
      for (const statement of it.sql) line(`     ${statement}`);
    });
    if (steps.length === 0) return;
    line('Run "npx drizzle-tenant apply" to do this.');
    if (online && pending.length > 0)
      line(
        `Then run "npx drizzle-kit migrate": ${count(pending.length, 'migration')} did not run here yet ` +
          `(${pending.join(', ')}).`,
      );
  });

  command(
    'apply',
    'bring a live database to what the schema says, and do what migrations with online left',
    'Each step is a transaction. When it stops halfway, what is done stays, and the next run goes on from there.\n' +
      'Foreign keys of a table that moves are dropped before and added again after, and checked then.',
  )
    .option('--block-writes', 'with online, let writes to a table wait while Citus copies it')
    .action(async (options: Common & PlanOptions) => {
      const project = await load(options);
      const done = await changing(options, project, async (database, watcher) => {
        const steps = await applyAll(
          async () => {
            const planned = await planFor(project, database, options);
            if (planned.pending.length > 0 && !planned.online)
              throw new DatabaseStateError(
                `Run "npx drizzle-kit migrate" first: ${count(planned.pending.length, 'migration')} did ` +
                  `not run here yet (${planned.pending.join(', ')}). Nothing was changed.`,
              );
            return planned;
          },
          database,
          progressOf(options),
          watcher,
        );
        return { steps, pending: (await standingOf(database, project))?.pending ?? [] };
      });
      const applied = done.steps.map((it) => it.what);
      if (options.json)
        return report({ status: 'ok', applied, ...(done.pending.length > 0 && { pending: done.pending }) });
      line(
        applied.length > 0
          ? `Done: ${count(applied.length, 'step')}.`
          : done.pending.length > 0
            ? 'Nothing to do for the migrations that ran.'
            : 'Nothing to do: each table is there, and held as the schema says.',
      );
      if (done.pending.length > 0)
        line(`Run "npx drizzle-kit migrate" now: ${count(done.pending.length, 'migration')} did not run here yet.`);
    });

  command(
    'migrate',
    'run the migrations that did not run yet, each by itself, with what it left to apply before the next',
    'The same as "npx drizzle-kit migrate" and "npx drizzle-tenant apply", migration by migration. ' +
      'A migration that does not\n' +
      'get its locks is tried again. When it stops halfway, what is done stays, and the next run goes on from there.',
  )
    .option('--block-writes', 'with online, let writes to a table wait while Citus copies it')
    .action(async (options: Common & PlanOptions) => {
      const project = await load(options);
      const { ran, steps } = await changing(options, project, async (database, watcher) => {
        const standing = await standingOf(database, project);
        const all = foldersToRun(project.out);
        const pending = pendingOf(all, standing);
        for (const refused of await refusedForeignKeys(database, pending)) throw refused;
        const steps: PlanStep[] = [];
        const applyLeft = async () =>
          steps.push(
            ...(await applyAll(
              () => planFor(project, database, { ...options, asFarAsRan: true }),
              database,
              progressOf(options),
              watcher,
            )),
          );
        // What an earlier run left comes before the first.
        if (standing && pending.length > 0 && pending.length < all.length) await applyLeft();
        for (const it of pending) {
          say(options, `${it.folder}`);
          await runMigration(database, project, it, () => say(options, '      ... waits for a lock'));
          await applyLeft();
        }
        if (pending.length === 0) await applyLeft();
        return { ran: pending.map((it) => it.folder), steps };
      });
      if (options.json) return report({ status: 'ok', ran, applied: steps.map((it) => it.what) });
      line(
        ran.length + steps.length === 0
          ? 'Nothing to do: each migration ran, and left nothing.'
          : `Done: ${count(ran.length, 'migration')}, ${count(steps.length, 'step')}.`,
      );
    });

  command(
    'indexes',
    'build the indexes of migrations that did not run yet, without blocking writes',
    'Run it before "npx drizzle-kit migrate", which runs in one transaction and blocks writes to a table ' +
      'while it builds its\n' +
      'indexes. Each index is built with CREATE INDEX CONCURRENTLY, on Citus too, and the migration ' +
      'then finds it. A run that is\n' +
      'interrupted leaves an invalid index, which the next run replaces.',
  ).action(async (options: Common) => {
    const config = await loadConfig(configOf(options));
    const say = options.json ? () => {} : line;
    const indexes = await withDatabase(options, config, async (database) => {
      await requireWritable(database);
      return buildIndexes(database, config, (index, table) => say(`${index} on ${table} ...`));
    });
    if (options.json) return report({ status: 'ok', indexes });
    for (const it of indexes.filter((it) => it.result === 'left'))
      line(`${it.index} on ${it.table} is left to the migration: ${it.reason}.`);
    const built = indexes.filter((it) => it.result === 'built').length;
    line(built === 0 ? 'Nothing to build.' : `Built ${count(built, 'index')}. Run "npx drizzle-kit migrate" now.`);
  });

  command(
    'advise',
    "say which tenants' questions pay for other tenants' rows, and what to do",
    'Nothing is changed. It reads pg_stat_user_indexes, and pg_stat_statements where it is there, ' +
      'and looks at the plans of\n' +
      'statements that touch many more blocks than they have rows. What it says, it says with that ' +
      'evidence, or not at all.',
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

const defaultConfig = 'drizzle.config.ts in this folder';
const configOf = (options: Common) => (options.config === defaultConfig ? undefined : options.config);
const urlOf = (options: Common) => (options.url === 'dbCredentials.url of the config' ? undefined : options.url);

const rowsOf = ({ done, total }: { done: number; total: number }) =>
  `${Math.round(done).toLocaleString('en')} of ${Math.round(total).toLocaleString('en')} rows ` +
  `(${total === 0 ? 100 : Math.floor((100 * done) / total)} %)`;

const sizeOf = ({ rows, bytes }: PlanStep) => {
  const about = rows !== undefined && rows >= 0 ? `about ${Math.round(rows).toLocaleString('en')} rows, ` : '';
  return bytes === undefined ? '' : ` (${about}${bytesOf(bytes)})`;
};

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
