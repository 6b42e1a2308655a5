/** `drizzle-tenant adopt`, `pull` and `init`. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { TenantConfigError } from '../errors.js';
import { schemaFiles } from '../schema-files.js';
import { withReexported } from './reexported.js';
import { adopt, defaultAnswersFile, type Adopted } from './adopt.js';
import { joinAnswers, readAnswers, type Answers } from './answers.js';
import { askPerson } from './ask.js';
import { initProject, type InitOptions } from './init.js';
import { liveModel, pullSchema } from './live.js';
import { readPlainConfig } from './project-config.js';
import { describeAdoption } from './report.js';
import { shown } from './site.js';

export interface AdoptTools {
  readonly program: Command;
  readonly line: (text: string) => void;
  readonly report: (value: object) => void;
}

interface Flags {
  config?: string;
  url?: string;
  json?: boolean;
  schema?: string[];
  out?: string;
  citus?: boolean;
  write?: boolean;
  yes?: boolean;
  tenancy?: string;
  root?: string;
  column?: string;
  tenant?: string[];
  reference?: string[];
  plain?: string[];
  everybody?: string[];
  perTenant?: string[];
  overAll?: string[];
}

const several = (value: string, before: string[] = []) => [...before, value];

export function addAdoptCommands({ program, line, report }: AdoptTools): void {
  const withAnswers = (command: Command) =>
    command
      .option('--config <path>', 'the config; drizzle.config.ts in this folder, where there is one')
      .option('--json', 'one line of JSON')
      .option('--citus', 'the database has Citus, or will')
      .option('--tenancy <name>', 'what a tenant is called, such as team')
      .option('--root <table>', 'the table whose rows are the tenants')
      .option('--column <name>', 'the tenant column of tables that get a new one')
      .option('--tenant <table=column>', 'a table of tenants; the column may be left out', several)
      .option('--reference <table>', 'a table that every tenant may read', several)
      .option('--plain <table>', 'a table that no tenant sees', several)
      .option('--everybody <table>', 'a tenant table whose rows without a tenant are everybody’s', several)
      .option('--per-tenant <key>', 'a unique key that holds within each tenant, such as "users(email)"', several)
      .option('--over-all <key>', 'a unique key that holds over all tenants', several)
      .option('--yes', 'take what is proposed wherever it guesses');
  const tell = (options: Flags, adopted: Adopted, written: boolean) => {
    if (options.json) return report({ status: 'ok', ...plainly(adopted), written });
    for (const it of describeAdoption(adopted, written)) line(it);
  };

  withAnswers(program.command('adopt').description('make the tables of a schema, or of a live database, tenant tables'))
    .option('--schema <path>', 'the schema’s files; those of the config, where it names some', several)
    .option(
      '--url <url>',
      'a live database: with a schema it tells what the rows hold, without one its tables are read',
    )
    .option('--out <folder>', 'where the tables of a database are written; the config’s "out"')
    .option('--write', 'change the files; without it nothing is written')
    .addHelpText(
      'after',
      '\nIt proposes the tenancy by the foreign keys, asks where it guesses, and names each constraint ' +
        'that means something\n' +
        'else afterwards. Commit before: the files are changed in place. In CI, answer by flags, ' +
        'or with --yes. The answers are\n' +
        'kept in tenancy.answers.json beside the schema. Of a database without a schema, --write keeps the ' +
        'first migration too,\n' +
        'and marks it as run in drizzle’s own table.',
    )
    .action(async (options: Flags) => {
      const config = await readPlainConfig(options.config);
      const url = options.url ?? (options.schema || config?.schema ? undefined : config?.url);
      const named = options.schema ?? (config?.schema === undefined ? undefined : [config.schema].flat());
      const citus = options.citus ?? config?.options?.citus ?? false;
      if (!named && url === undefined)
        throw new TenantConfigError(
          'Pass --schema with the files of the schema, or --url with a live database: there is no ' +
            'drizzle.config.ts that names one.',
        );
      if (named) {
        const files = withReexported(schemaFiles(named));
        const answersFile = defaultAnswersFile(files);
        const answers = joinAnswers(readAnswers(answersFile), answersOf(options));
        const done = await adopt({
          files,
          answers,
          citus,
          ask: askPerson,
          answersFile,
          write: options.write ?? false,
          ...(url !== undefined && { live: liveModel(url) }),
        });
        return tell(options, done, options.write ?? false);
      }
      const out = resolve(options.out ?? config?.out ?? 'drizzle');
      if (existsSync(out) && readdirSync(out).length > 0)
        throw new TenantConfigError(
          'Pass --schema with the files of the schema, or --out with a folder that is not there yet: ' +
            `${shown(out)} holds files.`,
        );
      // Once to decide, and then to stay: the database is told of the first migration only when nothing is left to ask.
      const decided = await fromDatabase(url!, out, { answers: answersOf(options), citus, write: false });
      if (!options.write) return tell(options, decided, false);
      tell(options, await fromDatabase(url!, out, { answers: decided.answers, citus, write: true }), true);
    });

  withAnswers(program.command('pull').description('make what "drizzle-kit pull" wrote tenant tables again'))
    .option('--url <url>', 'the database; dbCredentials.url of the config')
    .addHelpText(
      'after',
      '\nRun it after "npx drizzle-kit pull", in the same folder. It decides as tenancy.answers.json says, ' +
        'which adopt wrote,\n' +
        'asks about tables that are new, and changes schema.ts and relations.ts. ' +
        'What is unique over all rows in the database\n' +
        'stays so, and the policies that the migrations wrote are left to the next one.',
    )
    .action(async (options: Flags) => {
      const config = await readPlainConfig(options.config);
      const out = config?.out ?? resolve('drizzle');
      const files = ['schema.ts', 'relations.ts'].map((it) => join(out, it)).filter((it) => existsSync(it));
      if (!files.some((it) => it.endsWith('schema.ts')))
        throw new TenantConfigError(`Run "npx drizzle-kit pull" first: there is no schema.ts in ${shown(out)}.`);
      const answersFile = defaultAnswersFile(files);
      const url = options.url ?? config?.url;
      const answers = joinAnswers(readAnswers(answersFile), answersOf(options));
      const citus = options.citus ?? config?.options?.citus ?? false;
      const done = await adopt({
        files,
        answers,
        citus,
        pulled: true,
        ask: askPerson,
        answersFile,
        write: true,
        ...(url !== undefined && { live: liveModel(url) }),
      });
      tell(options, done, true);
    });

  program
    .command('init')
    .description('start a new project: a config, a schema and a first query')
    .option('--tenancy <name>', 'what a tenant is called', 'account')
    .option('--driver <name>', 'postgres, pg, or pglite, which needs no server', 'postgres')
    .option('--citus', 'the database has Citus')
    .option('--json', 'one line of JSON')
    .addHelpText('after', '\nIt writes a file only where there is none, and says what to run then.')
    .action((options: InitOptions & { json?: boolean }) => {
      const { files, next } = initProject(process.cwd(), options);
      for (const [path, text] of files) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text, { flag: 'wx' });
      }
      if (options.json) return report({ status: 'ok', files: [...files.keys()].map(shown), next });
      line(
        `Written: ${[...files.keys()].map(shown).join(', ')}.\n\nNow run:\n${next.map((it) => `  ${it}`).join('\n')}`,
      );
    });
}

/** Pulls the tables of a database, and makes them tenant tables. The folder stays only where it is to be written. */
async function fromDatabase(
  url: string,
  out: string,
  { answers, citus, write }: { answers: Answers; citus: boolean; write: boolean },
): Promise<Adopted> {
  const isNew = !existsSync(out);
  let isDone = false;
  try {
    const files = await pullSchema(url, out, write);
    const done = await adopt({
      files,
      answers,
      citus,
      ask: askPerson,
      answersFile: defaultAnswersFile(files),
      write,
      live: liveModel(url),
    });
    isDone = write;
    return done;
  } finally {
    if (!isDone)
      for (const it of existsSync(out) ? readdirSync(out) : []) rmSync(join(out, it), { recursive: true, force: true });
    if (!isDone && isNew) rmSync(out, { recursive: true, force: true });
  }
}

function answersOf(options: Flags): Answers {
  const tenant = Object.fromEntries(
    (options.tenant ?? []).map((it): [string, string | true] => {
      const [table, column] = it.split('=');
      return [table!, column || true];
    }),
  );
  const { tenancy, root, column, reference, plain, everybody, perTenant, overAll, yes } = options;
  return { tenancy, root, column, tenant, reference, plain, everybody, perTenant, overAll, yes };
}

/** An adoption as JSON. */
function plainly({ proposal, changes, faults, byHand, notes, files, uniquePerTenant }: Adopted): object {
  return {
    tenancy: proposal.tenancy,
    root: proposal.root.plain,
    tables: [...proposal.tables.values()].map((it) => ({
      table: it.table.plain,
      kind: it.kind,
      column: it.column ?? null,
      everybody: it.everybody,
      why: it.why,
    })),
    changes,
    faults,
    byHand,
    notes,
    uniquePerTenant,
    files: files.map(shown),
  };
}
