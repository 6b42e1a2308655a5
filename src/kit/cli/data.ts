/** `drizzle-tenant export|import|clone|erase|compare`: a tenant as a whole, from the command line. */
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { compareTenants } from '../../data/compare.js';
import { compareWithExport } from '../../data/compare-export.js';
import { countTenant } from '../../data/count.js';
import { eraseTenant, type EraseOptions, type EraseRecord } from '../../data/erase.js';
import { readTenant, type Masks, type Progress } from '../../data/export.js';
import { exportTo } from '../../data/export-to.js';
import { piecesOf } from '../../data/files.js';
import { importPieces, type Imported, type ImportOptions } from '../../data/import.js';
import { DatabaseStateError } from '../errors.js';
import type { Project } from './load.js';
import { loadModule } from './load.js';
import { subjectOf, withSource } from './subject.js';

interface Common {
  readonly config?: string;
  readonly url?: string;
  readonly json?: boolean;
  readonly tenancy?: string;
  readonly dryRun?: boolean;
}

/** What the program gives its commands. */
export interface Program {
  command(name: string, description: string, help: string): Command;
  load(options: Common): Promise<Project>;
  urlOf(options: Common, project: Project): string | undefined;
  line(text: string): void;
  report(value: object): void;
  /** The exit status of a command that is no error, and does not say "well" either. */
  exitWith(status: number): void;
}

const n = (rows: number, what = 'row') => `${rows.toLocaleString('en')} ${what}${rows === 1 ? '' : 's'}`;
const sum = (all: readonly { readonly rows: number }[]) => all.reduce((total, it) => total + it.rows, 0);
const titled = (name: string) => name.replace(/^public\./, '');

/** Adds the commands to the program. */
export function addDataCommands({ command, load, urlOf, line, report, exitWith }: Program): void {
  const add = (name: string, description: string, help: string) =>
    command(name, description, help)
      .option('--tenancy <name>', 'which tenancy the id is of, when there are several')
      .option('--dry-run', 'say what would happen, and change nothing');
  /** A line for each table, and for each second that it takes. */
  const progress = (json: boolean | undefined) => {
    let last = Date.now();
    return ({ table, rows }: Progress) => {
      if (json || Date.now() - last < 1_000) return;
      last = Date.now();
      line(`  ${titled(table)}: ${n(rows)} ...`);
    };
  };
  const list = (tables: readonly { readonly table: string; readonly rows: number }[]) => {
    for (const it of tables) line(`  ${titled(it.table)}: ${n(it.rows)}`);
  };
  const planned = async (project: Project, options: Common, id: string, what: string) => {
    const counted = await withSource(urlOf(options, project), (source) =>
      countTenant(source, subjectOf(project, id, options.tenancy)),
    );
    if (options.json) return report({ status: 'ok', dryRun: true, ...counted });
    line(`Would ${what}: ${n(counted.total)}.`);
    list(counted.tables);
  };

  add(
    'export <id>',
    'write every row of a tenant to a file or a folder',
    'In one snapshot. The file or folder has its name when it is whole. After an interruption, ' +
      'run it again: it goes on.',
  )
    .option('--to <path>', 'the file (NDJSON) or the folder (CSV)', 'the id, with .ndjson.gz')
    .option('--format <format>', 'ndjson: one file; csv: a folder', 'ndjson')
    .option('--no-gzip', 'do not compress')
    .action(async (id: string, options: Common & { to: string; format: string; gzip: boolean }) => {
      const { format, gzip } = options;
      if (format !== 'ndjson' && format !== 'csv')
        throw new DatabaseStateError('Pass --format ndjson or --format csv.');
      const project = await load(options);
      if (options.dryRun) return planned(project, options, id, 'export');
      const to = resolve(
        options.to === 'the id, with .ndjson.gz'
          ? `${encodeURIComponent(id)}${format === 'csv' ? '' : `.ndjson${gzip ? '.gz' : ''}`}`
          : options.to,
      );
      const shown = progress(options.json);
      const kept = new Map<string, number>();
      const onProgress = (it: Progress) => {
        if (it.kept) kept.set(it.table, it.kept);
        shown(it);
      };
      const manifest = await withSource(urlOf(options, project), (source) =>
        exportTo(source, subjectOf(project, id, options.tenancy), to, {
          format: format === 'csv' ? 'csv' : 'file',
          gzip,
          onProgress,
        }),
      );
      const keptRows = [...kept.values()].reduce((total, it) => total + it, 0);
      if (options.json) return report({ status: 'ok', to, kept: keptRows, ...manifest });
      list(manifest.digests.map(({ name, rows }) => ({ table: name, rows })));
      line(
        `Done: ${n(sum(manifest.digests))} in ` +
          `${to}${keptRows > 0 ? `, ${n(keptRows)} of them from an earlier run` : ''}.`,
      );
    });

  const importing = (made: Command) =>
    made
      .option('--merge', 'change rows that are there, add the others, leave the rest')
      .option('--replace', "delete the tenant's rows first, in the same transaction")
      .option('--schema <mode>', 'same, or compatible: the database may have more than the export', 'same')
      .option('--shared <mode>', 'refuse, or keep shared rows that differ', 'refuse')
      .option('--triggers <mode>', 'verify, run or skip', 'verify');
  type Importing = Common & { merge?: boolean; replace?: boolean; schema: string; shared: string; triggers: string };
  const importOptions = (options: Importing): ImportOptions => {
    if (options.merge && options.replace) throw new DatabaseStateError('Pass --merge or --replace, not both.');
    const { schema, shared, triggers } = options as any;
    const isKnown =
      ['same', 'compatible'].includes(schema) &&
      ['refuse', 'keep'].includes(shared) &&
      ['verify', 'run', 'skip'].includes(triggers);
    if (!isKnown)
      throw new DatabaseStateError(
        'Pass --schema same|compatible, --shared refuse|keep and --triggers verify|run|skip.',
      );
    return {
      into: options.merge ? 'merge' : options.replace ? 'replace' : 'new',
      schema,
      shared,
      triggers,
      dryRun: options.dryRun,
      onProgress: progress(options.json),
    };
  };
  const imported = (options: Common, done: Imported) => {
    if (options.json) return report({ status: 'ok', ...done });
    list(done.tables);
    for (const it of done.shared) line(`  ${titled(it.table)}: ${n(it.rows, 'shared row')} added`);
    if (done.deleted > 0) line(`  ${n(done.deleted)} replaced`);
    line(`${options.dryRun ? 'Would import' : 'Done'}: ${n(sum(done.tables))} of ${done.tenant}, as of ${done.at}.`);
  };

  importing(
    add(
      'import <id>',
      'write an export into the database',
      'All of it in one transaction, or nothing: after an interruption, run it again. ' +
        'With --journal, in batches: it goes on.',
    ),
  )
    .requiredOption('--from <path>', 'the file or the folder')
    .option('--as <id>', 'import it under another id')
    .option('--journal <path>', 'write in batches, and note here how far it has come')
    .option('--batch <rows>', 'rows for each batch, with --journal', '100000')
    .action(async (id: string, options: Importing & { from: string; as?: string; journal?: string; batch: string }) => {
      const project = await load(options);
      const [of, target] = [id, options.as ?? id].map((it) => subjectOf(project, it, options.tenancy));
      imported(
        options,
        await withSource(urlOf(options, project), (source) =>
          importPieces(source, of!, target!, piecesOf(resolve(options.from)), {
            ...importOptions(options),
            journal: options.journal === undefined ? undefined : resolve(options.journal),
            batch: Number.parseInt(options.batch, 10) || undefined,
          }),
        ),
      );
    });

  importing(
    add(
      'clone <id>',
      'copy a tenant to another id',
      'The file of masks exports by default { table: { column: (value, row) => value } }.',
    ),
  )
    .requiredOption('--as <id>', 'the id of the copy')
    .option('--masks <path>', 'a module with values in place of others')
    .action(async (id: string, options: Importing & { as: string; masks?: string }) => {
      const project = await load(options);
      const masks =
        options.masks === undefined
          ? undefined
          : ((await loadModule(resolve(options.masks))) as { default?: Masks }).default;
      if (options.masks !== undefined && typeof masks !== 'object')
        throw new DatabaseStateError(`Export the masks from ${options.masks} by default.`);
      const [of, target] = [id, options.as].map((it) => subjectOf(project, it, options.tenancy));
      imported(
        options,
        await withSource(urlOf(options, project), (source) =>
          importPieces(source, of!, target!, readTenant(source, of!, { masks }), importOptions(options)),
        ),
      );
    });

  add(
    'erase <id>',
    'delete every row of a tenant, and prove it',
    'In batches, each a transaction. After an interruption, run it again with the same --record: it goes on.',
  )
    .requiredOption('--reason <text>', 'why: it stands in the record')
    .option('--record <path>', 'where the record is written, as JSON')
    .option('--keep <tables>', 'tables that hold the id and whose rows stay, with commas between them')
    .option('--shared <tables>', 'tables of shared rows from which those go that only it used')
    .option('--batch <rows>', 'rows for each transaction', '5000')
    .option('--hooks <path>', 'a module that exports before, after or both: what is outside of the database')
    .action(
      async (
        id: string,
        options: Common & {
          reason: string;
          record?: string;
          keep?: string;
          shared?: string;
          batch: string;
          hooks?: string;
        },
      ) => {
        const project = await load(options);
        const { before, after } =
          options.hooks === undefined
            ? {}
            : ((await loadModule(resolve(options.hooks))) as Pick<EraseOptions, 'before' | 'after'>);
        if (options.hooks !== undefined && typeof (before ?? after) !== 'function')
          throw new DatabaseStateError(`Export a function "before" or "after" from ${options.hooks}.`);
        const path = options.record === undefined ? undefined : resolve(options.record);
        const earlier =
          path !== undefined && existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as EraseRecord) : undefined;
        const names = (given: string | undefined) =>
          given
            ?.split(',')
            .map((it) => it.trim())
            .filter(Boolean);
        const record = await withSource(urlOf(options, project), (source) =>
          eraseTenant(source, subjectOf(project, id, options.tenancy), {
            reason: options.reason,
            batch: Number.parseInt(options.batch, 10) || undefined,
            keep: names(options.keep),
            shared: names(options.shared),
            resume: earlier?.finishedAt === null ? earlier : undefined,
            dryRun: options.dryRun,
            before,
            after,
            onProgress: progress(options.json),
            onRecord: (it) => (path === undefined ? undefined : writeFile(path, `${JSON.stringify(it, null, 2)}\n`)),
          }),
        );
        if (options.json) return report({ status: 'ok', dryRun: options.dryRun ?? false, ...record });
        list(record.tables);
        for (const it of record.along)
          line(
            `  ${titled(it.table)}: ${it.rows === null ? 'rows that policies hide' : n(it.rows)} ` +
              `with them, by ${it.key} (ON DELETE ${it.onDelete})`,
          );
        if (options.dryRun) {
          for (const it of record.proof)
            if (!it.isDeclared && it.rows > 0)
              line(
                `  ${titled(it.table)}: ${n(it.rows)}, by "${it.column}": nobody declared this table, ` +
                  'and its rows would remain',
              );
          return line(`Would erase: ${n(sum(record.tables))}.`);
        }
        line(
          `Done: ${n(sum(record.tables))} erased. ${n(record.proof.length, 'table')} counted afterwards: ` +
            `none has a row of ${record.tenant}` +
            `${record.kept.length > 0 ? `, but those kept in ${record.kept.join(', ')}` : ''}.`,
        );
      },
    );

  add(
    'compare <id>',
    'compare a tenant with another database, row by row, or with an export',
    'Nothing is changed. The exit status is 0 where they are equal, and 1 where they differ. ' +
      'To make the tenant what it is there, export it there and import it here with --replace.',
  )
    .requiredOption('--with <url or path>', 'the other database, or the file or folder of an export')
    .option('--as <id>', 'the id of the tenant there')
    .action(async (id: string, options: Common & { with: string; as?: string }) => {
      const project = await load(options);
      if (!/^postgres(ql)?:/.test(options.with)) return compareExport(project, id, options);
      const [own, other] = [id, options.as ?? id].map((it) => subjectOf(project, it, options.tenancy));
      const compared = await withSource(urlOf(options, project), (here) =>
        withSource(options.with, (there) => compareTenants(here, own!, there, other!)),
      );
      if (!compared.isEqual) exitWith(1);
      if (options.json) return report({ status: compared.isEqual ? 'ok' : 'different', ...compared });
      for (const it of compared.tables) {
        if (it.onlyHere + it.onlyThere + it.changed === 0) continue;
        line(`  ${titled(it.table)}: ${it.changed} changed, ${it.onlyHere} here only, ${it.onlyThere} there only`);
        for (const { key, is, columns } of it.examples)
          line(`      ${key.join(', ')}: ${is}${columns ? ` in ${columns.join(', ')}` : ''}`);
      }
      line(compared.isEqual ? `Equal: ${n(sum(compared.tables))}.` : 'The tenant differs.');
    });

  async function compareExport(project: Project, id: string, options: Common & { with: string }): Promise<void> {
    const subject = subjectOf(project, id, options.tenancy);
    const compared = await withSource(urlOf(options, project), (here) =>
      compareWithExport(here, subject, piecesOf(options.with)),
    );
    if (!compared.isEqual) exitWith(1);
    if (options.json) return report({ status: compared.isEqual ? 'ok' : 'different', ...compared });
    for (const it of compared.tables)
      if (!it.isEqual)
        line(`  ${titled(it.table)}: ${n(it.rows)} here, ${n(it.exportRows)} in the export of ${compared.at}`);
    line(compared.isEqual ? `Equal: ${n(sum(compared.tables))}, as of ${compared.at}.` : 'The tenant differs.');
  }
}
