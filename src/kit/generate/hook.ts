/**
 * Inside drizzle-kit. It has no hook for adding statements, but it evaluates `drizzle.config.ts` in its own process,
 * before it reads the schema, and writes a migration as one new folder with two files. So, for the folder `out` only
 * and for `generate` only, this holds the folder back until drizzle-kit has written its last file, adds to the SQL,
 * and puts the whole folder in place with one rename. What fails or is interrupted before leaves nothing behind.
 *
 * `export` prints the schema without policies and distribution: all of it is printed here instead.
 *
 * A change that is none to drizzle-kit (another kind of table, a shard count, policies) makes it write nothing. Then,
 * when it exits, its own `generate --custom` is run for the empty migration, which gets our statements in the same way.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { resolve } from 'node:path';
import { askAtTerminal } from './ask.js';
import { listen, type Declared } from './declared.js';
import { drizzleKitLeave } from '../../schema/drizzle-kit.js';
import { describeFault, MigrationFolderError, TenantConfigError, TenantRuleError } from '../errors.js';
import { requireTestedVersion } from './drizzle-kit-version.js';
import { contentOf, holdFolders, writtenPast, type Files } from './folder.js';
import { generate, isBehind } from './generate.js';
import { onlineFile } from '../online.js';
import type { Options, ReadConfig } from '../options.js';
import type { Fault } from '../faults.js';
import { leavesOf, parseSnapshot, readMigrations } from '../snapshot.js';
import { stateAt } from '../state.js';
import { breakpoint, splitStatements } from '../statements.js';
import { sequential } from '../citus.js';
import { readViewsElsewhere } from '../rules/views.js';

/** Set for the `generate --custom` that this starts itself. */
const fillVariable = 'DRIZZLE_TENANT_FILL';

let hooked = false;

/** Called for each config; does something in a drizzle-kit process only, and there once. */
export function hookIntoDrizzleKit(read: ReadConfig): void {
  const command = drizzleKitCommand(process.argv);
  allow(read, command);
  if (command === undefined || hooked) return;
  hooked = true;
  if (command === 'generate') {
    requireTestedVersion(realPath(process.argv[1]!));
    hookGenerate(read, process.argv.slice(3));
  }
  if (command === 'export') {
    requireTestedVersion(realPath(process.argv[1]!));
    exportWhole(process.argv.slice(3));
  }
  if (command === 'check') onExit(() => void stateOf(read.out));
}

/**
 * Tells the tables what drizzle-kit may do with them. A config that needs more than push can do forbids it to the whole
 * process, whatever another one says.
 */
function allow({ options }: ReadConfig, command: string | undefined): void {
  const leave = drizzleKitLeave();
  leave.push = !options.citus && !options.rls && leave.push !== false;
  if (command === 'generate') leave.generate = true;
  if (command === 'push' && !leave.push) {
    throw new TenantConfigError(
      'Use "npx drizzle-kit generate" and "npx drizzle-kit migrate": push would drop the policies of ' +
        'row-level security, switch it off, and leave tables undistributed. Nothing was changed.',
    );
  }
}

/** The command of a drizzle-kit process, or undefined in any other: an application may import the config too. */
function drizzleKitCommand(argv: readonly string[]): string | undefined {
  const script = argv[1] === undefined ? '' : realPath(argv[1]);
  return /drizzle-kit[^/\\]*([/\\]bin\.c?js)?$/.test(script) ? argv[2] : undefined;
}

const realPath = (path: string) => {
  try {
    return fs.realpathSync(path);
  } catch {
    return path;
  }
};

const say = (text: string) => void process.stderr.write(`drizzle-tenant: ${text}\n`);

const stateOf = (out: string) => {
  const migrations = readMigrations(out);
  return stateAt(migrations, leavesOf(migrations));
};

/** Runs when drizzle-kit ends well. An error then is reported, and is the process's result. */
function onExit(run: () => void): void {
  process.on('exit', (code) => {
    if (code !== 0) return;
    try {
      run();
    } catch (error) {
      say((error as Error).message);
      process.exitCode = 1;
    }
  });
}

/**
 * drizzle-kit would print the tables without policies and distribution. So this prints all of it, and the process ends
 * here.
 */
function exportWhole(args: readonly string[]): never {
  const value = (name: string) => args[args.indexOf(name) + 1] ?? '';
  const given = (name: string) =>
    args.find((it) => it.startsWith(`${name}=`))?.slice(name.length + 1) ??
    (args.includes(name) ? value(name) : undefined);
  const isJson = given('--output') === 'json';
  const script = `
    import { exportStatements } from ${JSON.stringify(new URL('../cli/export.js', import.meta.url).href)};
    const { log } = console;
    console.log = console.error; // What the schema's modules print is no SQL.
    try {
      const statements = await exportStatements(${JSON.stringify(given('--config'))});
      const result = { status: 'ok', dialect: 'postgresql', statements, warnings: [] };
      log(${isJson} ? JSON.stringify(result) : statements.join('\\n'));
    } catch (error) {
      console.error(error.message);
      process.exitCode = 1;
    }`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  fs.writeSync(1, stdout);
  process.exit(status ?? 1);
}

function hookGenerate(read: ReadConfig, args: readonly string[]): void {
  const out = resolve(read.out);
  const isNewOut = !fs.existsSync(out);
  const declared = listen();
  const isCustom = args.includes('--custom') && process.env[fillVariable] === undefined;
  let written = false;

  const placed = new Set<string>();
  holdFolders(out, (files, folder) => {
    written = true;
    placed.add(folder);
    if (isCustom) return custom(files, read);
    return fill(files, out, declared, read, args);
  });

  const isDry = args.some((it) => it === '--explain' || it === '--help' || it === '-h');
  // Before what may be filled in by another process, which looks at its own.
  const before = contentOf(out);
  // Should a drizzle-kit write in another way, whatever came of it, that must not pass for a migration that
  // distributes.
  process.on('exit', () => {
    if (isDry) return;
    const { added, changed } = writtenPast(before, out, placed);
    const past = [...added, ...changed].filter((it) => it !== 'migrations.js');
    if (past.length === 0) return;
    const remedy = added.length > 0 ? `Delete ${added.join(', ')}` : `Restore ${changed.join(', ')} from git`;
    say(
      new MigrationFolderError(
        `${remedy}, and report the version of drizzle-kit: drizzle-tenant could not add to it, ` +
          'and it has neither policies nor distribution.',
      ).message,
    );
    process.exitCode = 1;
  });
  if (!isDry && !isCustom && process.env[fillVariable] === undefined)
    holdNoChanges(
      () => written,
      () => isBehind(readMigrations(out), declared, read.options),
      args,
    );
  process.on('exit', (code) => {
    if (code !== 0) reportDefinitions(declared);
    if (code !== 0 && isNewOut && fs.existsSync(out) && fs.readdirSync(out).length === 0) fs.rmdirSync(out);
  });
}

/** drizzle-kit stops at the first definition that can never work. This tells the others too. */
function reportDefinitions(declared: readonly Declared[]): void {
  const faults = definitionFaults(declared);
  if (faults.length > 1) say(new TenantRuleError(faults).message);
}

/** Foreign keys that can never work, of all tables: one for each table at most. */
export function definitionFaults(declared: readonly Declared[]): Fault[] {
  const found = new Map<string, Fault>();
  for (const { table, schema, name, kind } of declared) {
    if (kind === 'plain') continue;
    for (const error of definitionErrors(table)) {
      const fault: Fault = {
        rule: 'definition',
        table: schema === 'public' ? name : `${schema}.${name}`,
        column: error.column ?? '',
        remedy: error.message.replace(/ \(table .*\)\.$/s, ''),
        reason: 'the definition can never work',
        level: 'error',
      };
      found.set(JSON.stringify(fault), fault);
    }
  }
  return [...found.values()];
}

function definitionErrors(table: object): (Error & { column?: string })[] {
  const errors: (Error & { column?: string })[] = [];
  const inline = ((table as any)[Symbol.for('drizzle:PgInlineForeignKeys')] ?? []) as { reference(): unknown }[];
  const builder = (table as any)[Symbol.for('drizzle:ExtraConfigBuilder')] as ((self: any) => unknown) | undefined;
  let extra: any[] = [];
  try {
    const values = builder?.((table as any)[Symbol.for('drizzle:ExtraConfigColumns')]) ?? [];
    extra = Array.isArray(values) ? values.flat(1) : Object.values(values as object);
  } catch (error) {
    errors.push(error as Error);
  }
  for (const it of [...inline, ...extra]) {
    if (typeof it?.reference !== 'function') continue;
    try {
      it.reference();
    } catch (error) {
      if ((error as any)?._tag === 'TenantDefinitionError') errors.push(error as Error);
    }
  }
  return errors;
}

function fill(
  files: Files,
  out: string,
  declared: readonly Declared[],
  read: ReadConfig,
  args: readonly string[],
): void {
  const text = process.env[fillVariable] === undefined ? files['migration.sql']! : '';
  const breakpoints = text.includes(breakpoint) || breakpointsOf(read, args);
  const snapshot = parseSnapshot(files['snapshot.json']!, 'snapshot.json');
  const run = (options: Options) =>
    generate(
      splitStatements(text),
      snapshot,
      readMigrations(out),
      declared,
      options,
      breakpoints,
      readViewsElsewhere(read.schema),
    );
  const generated = askingForUniques(run, read.options);
  for (const fault of generated.warnings) say(`warning: ${describeFault(fault)}`);
  files['migration.sql'] = generated.sql;
  files['tenancy.json'] = generated.tenancy;
  if (generated.online !== undefined) files[onlineFile] = generated.online;
}

/**
 * Asks for each unique key that would mean less, where there is someone to ask; elsewhere the faults say what to set.
 */
export function askingForUniques<T>(run: (options: Options) => T, options: Options, ask = askAtTerminal): T {
  try {
    return run(options);
  } catch (error) {
    const faults = error instanceof TenantRuleError ? error.faults : [];
    if (faults.length === 0 || faults.some((it) => it.rule !== 'unique-meaning')) throw error;
    const named: string[] = [];
    for (const { table, column } of faults) {
      const name = `${table}(${column})`;
      const isNamed = ask(`${name} is unique over all rows today. May each tenant have its own from now on?`);
      if (!isNamed) throw error;
      named.push(name);
    }
    return run({ ...options, uniquePerTenant: [...options.uniquePerTenant, ...named] });
  }
}

/** A migration that a person writes: only the setting without which Citus may refuse the transaction. */
function custom(files: Files, { options }: ReadConfig): void {
  if (options.citus) files['migration.sql'] = `${sequential}${breakpoint}\n${files['migration.sql']}`;
}

function breakpointsOf({ config }: ReadConfig, args: readonly string[]): boolean {
  const at = args.findIndex((it) => it === '--breakpoints' || it.startsWith('--breakpoints='));
  if (at < 0) return config.breakpoints !== false;
  const value = args[at]!.includes('=') ? args[at]!.split('=')[1] : args[at + 1];
  return !['false', '0', 'no'].includes(String(value).toLowerCase());
}

/**
 * Keeps drizzle-kit's word that nothing changed until that is known, and otherwise gives its word on the migration
 * that it then writes. Its exit status is the one of that run.
 */
function holdNoChanges(wasWritten: () => boolean, behind: () => boolean, args: readonly string[]): void {
  const write = process.stdout.write;
  const { log } = console;
  const held: (() => void)[] = [];
  const isNoChange = (text: unknown) =>
    typeof text === 'string' && (text.startsWith('No schema changes') || text.startsWith('{"status":"no_changes"'));
  process.stdout.write = function (this: unknown, chunk: any, ...rest: any[]) {
    if (isNoChange(chunk)) {
      held.push(() => (write as any).call(process.stdout, chunk));
      return true;
    }
    return (write as any).call(process.stdout, chunk, ...rest);
  } as typeof write;
  console.log = (...values: unknown[]) =>
    isNoChange(values[0]) ? void held.push(() => log(...values)) : log(...values);
  process.on('exit', (code) => {
    process.stdout.write = write;
    console.log = log;
    try {
      if (code === 0 && !wasWritten() && held.length > 0 && behind()) {
        if (!process.exitCode) process.exitCode = fillByCustom(args);
        return;
      }
    } catch (error) {
      say((error as Error).message);
      process.exitCode = 1;
      return;
    }
    for (const print of held) print();
  });
}

function fillByCustom(args: readonly string[]): number {
  const kept: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const [option] = args[i]!.split('=');
    if (option === '--fix-conflicts') continue;
    if (option === '--hints' || option === '--hints-file') {
      if (!args[i]!.includes('=')) i++;
      continue;
    }
    kept.push(args[i]!);
  }
  const name = kept.some((it) => it.split('=')[0] === '--name') ? [] : ['--name', 'tenancy'];
  const { status, stdout } = spawnSync(
    process.execPath,
    [...process.execArgv, process.argv[1]!, 'generate', ...kept, '--custom', ...name],
    {
      env: { ...process.env, [fillVariable]: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
    },
  );
  fs.writeSync(1, stdout);
  return status ?? 1;
}
