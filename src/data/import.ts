/** Writes an export into a database: all of it in one transaction, or nothing; with a journal, in batches. */
import { DamagedExportError, TenantDataError, TenantExistsError, TenantMismatchError } from '../errors.js';
import { readCatalog, type Subject, type TenantTable } from './catalog.js';
import { connected, transact, type Source } from './connection.js';
import { compareSchemas } from './differences.js';
import { hasRows } from './export.js';
import { checked } from './files.js';
import type { Piece } from './format.js';
import { BatchImport } from './import-batches.js';
import { assertMergeable, changedBy, Importing, type Imported, type ImportOptions } from './importing.js';
import { inOrder } from './order.js';
import { spool } from './spool.js';
import * as sql from './statements.js';

export type { Imported, ImportOptions } from './importing.js';

/**
 * @param of the tenant that the export is of
 * @param subject the tenant to write: the same, or another
 */
export async function importPieces(
  source: Source,
  of: Subject,
  subject: Subject,
  pieces: AsyncIterable<Piece>,
  options: ImportOptions = {},
): Promise<Imported> {
  const [from, tenant] = await connected(
    source,
    async (connection) =>
      [(await readCatalog(connection, of)).tenant, (await readCatalog(connection, subject)).tenant] as const,
  );
  const spooled = await spool(
    checked(pieces),
    (head) => {
      if (head.tenancy !== subject.tenancy)
        throw new DamagedExportError(
          `Import it into the tenancy "${head.tenancy}", whose tenant it is: this is "${subject.tenancy}". ` +
            'Nothing was written.',
        );
      if (head.tenant !== from) {
        throw new TenantMismatchError(
          'Import it by the id that it was exported by, as in tenantData(id).import(source), ' +
            'or tenantData(id).import(source, { as: newId }): the export is of another tenant. ' +
            'Nothing was written.',
        );
      }
      return tenant;
    },
    options,
  );
  try {
    return await connected(source, async (connection) => {
      const { signal } = options;
      const onAbort = () => void connection.close().catch(() => {});
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        if (options.journal !== undefined && !options.dryRun)
          return await new BatchImport(connection, subject, spooled, options, options.journal, tenant).run();
        return await transact(
          connection,
          { access: options.dryRun ? 'read' : 'write', settings: subject.settings, tenant, signal },
          () => new Import(connection, subject, spooled, options).run(),
        );
      } catch (error) {
        throw signal?.aborted ? signal.reason : taken(error);
      } finally {
        signal?.removeEventListener('abort', onAbort);
      }
    });
  } finally {
    await spooled.remove();
  }
}

/** A key that is unique over all tenants: a clone has the values of what it is of. */
function taken(error: any): unknown {
  const {
    code,
    constraint_name,
    constraint = constraint_name,
    table_name,
    table = table_name,
  } = error?.cause ?? error ?? {};
  if (code !== '23505') return error;
  const remedy =
    'Give the rows another value by masks, as in cloneTo(id, { masks }) or export({ masks }): ' +
    `a row that is there has a value already that "${constraint}" of "${table}" holds unique.`;
  return Object.assign(new TenantDataError(remedy), { cause: error });
}

class Import extends Importing {
  async run(): Promise<Imported> {
    const { connection, spooled, options } = this;
    const { head } = spooled;
    const run = (text: string, params?: string[]) => connection.query(text, params);
    if (!options.dryRun) await run(sql.lockTenant(this.subject.tenancy, this.subject.id));
    const catalog = (this.catalog = await readCatalog(connection, this.subject));
    const { tenant } = catalog;
    compareSchemas(head, catalog, options.schema ?? 'same');
    this.order = inOrder(catalog.tables);
    if (this.into === 'new' && (await hasRows(connection, catalog))) {
      throw new TenantExistsError(
        "Pass into: 'merge' or 'replace', or import under another id: the tenant has rows already. " +
          'Nothing was written.',
      );
    }
    const tables = this.order.tables.filter((it) => head.tables.some(({ name }) => name === it.title));
    if (this.into === 'merge') for (const it of tables) assertMergeable(it);
    const result = {
      tenant,
      from: head.tenant,
      at: head.at,
      tables: tables.map((it) => ({ table: it.title, rows: spooled.rowsOf(it.title) })),
      shared: [] as { table: string; rows: number }[],
      deleted: 0,
      dryRun: options.dryRun ?? false,
    };
    if (options.dryRun) return result;

    if (this.order.defers) await run(sql.deferConstraints);
    if (this.triggers === 'skip') await run(sql.skipTriggers);
    for (const exported of head.tables) {
      if (exported.kind !== 'reference') continue;
      const rows = await this.addShared(
        [...catalog.others.values()].find((it) => it.title === exported.name)!,
        exported,
      );
      if (rows > 0) result.shared.push({ table: exported.name, rows });
    }
    if (this.into === 'replace') result.deleted = await this.deleteAll();

    const withTriggers = catalog.tables.filter((it) => it.triggers.length > 0);
    const verifies = this.triggers === 'verify' && withTriggers.length > 0;
    const stages = new Map<TenantTable, string>();
    for (const table of tables) {
      const later = this.order.later.get(table.oid) ?? [];
      const stage = await this.load(table, {
        rows: spooled.rowsOf(table.title),
        bytes: this.rowsOf(table.title),
        later,
        verifies,
      });
      if (stage !== undefined) stages.set(table, stage);
    }
    for (const [table, stage] of stages) {
      const later = this.order.later.get(table.oid);
      if (later && spooled.rowsOf(table.title) > 0) await run(sql.fillLater(table, stage, later, table.key, tenant));
    }
    // Keys that were deferred are checked now, and their triggers run: what follows looks at what they did.
    await run(sql.checkConstraints);
    if (this.triggers === 'skip') await this.checkKeys(tables);
    if (this.into !== 'merge' && this.triggers !== 'run') await this.checkCounts(withTriggers);
    if (verifies) {
      for (const [table, stage] of stages) {
        const [[changed] = []] = await run(
          sql.countChanged(
            table,
            stage,
            this.columnsOf(table).map((it) => it.name),
            tenant,
          ),
        );
        if (changed !== '0')
          throw changedBy(`${changed} rows of "${table.title}" are not what the export says`, withTriggers);
      }
    }
    await this.raiseSequences(tables);
    return result;
  }
}
