/** Writes an export into a database: all of it in one transaction, or nothing. */
import { DamagedExportError, TenantDataError, TenantExistsError, TenantMismatchError, UnsupportedTenantOperationError } from '../errors.js';
import { cellsOf, linesOf } from './cells.js';
import { readCatalog, type Catalog, type Column, type LiveTable, type Subject, type TenantTable } from './catalog.js';
import { connected, transact, type Connection, type Source } from './connection.js';
import { compareSchemas, type SchemaMode } from './differences.js';
import { hasRows, type Progress } from './export.js';
import { checked } from './files.js';
import type { ExportedTable, Piece } from './format.js';
import { inOrder, type Ordered } from './order.js';
import { spool, type Spool } from './spool.js';
import * as sql from './statements.js';

export interface ImportOptions {
  /**
   * Where the tenant has rows already: `'new'` refuses; `'merge'` changes the rows whose key is there, adds the others
   * and leaves the rest; `'replace'` deletes the tenant's rows first, in the same transaction.
   */
  readonly into?: 'new' | 'merge' | 'replace' | undefined;
  readonly schema?: SchemaMode | undefined;
  /** Shared rows that are there under the same key, and differ: `'refuse'` names them, `'keep'` leaves them as they are. */
  readonly shared?: 'refuse' | 'keep' | undefined;
  /**
   * Triggers of the application: `'verify'` runs them, and refuses where they changed the rows; `'run'` takes what they
   * make of them; `'skip'` does not run them, which needs a role that may set session_replication_role.
   */
  readonly triggers?: 'verify' | 'run' | 'skip' | undefined;
  /** Reads and checks everything, and writes nothing. */
  readonly dryRun?: boolean | undefined;
  /** Where what is on its way is kept; the system's folder for temporary files without it. */
  readonly directory?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface Imported {
  readonly tenant: string;
  readonly from: string;
  /** When the snapshot was taken. */
  readonly at: string;
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
  /** Shared rows that were added. */
  readonly shared: readonly { readonly table: string; readonly rows: number }[];
  /** Rows that were deleted first, to be replaced. */
  readonly deleted: number;
  readonly dryRun: boolean;
}

/**
 * @param of the tenant that the export is of
 * @param subject the tenant to write: the same, or another
 */
export async function importPieces(source: Source, of: Subject, subject: Subject, pieces: AsyncIterable<Piece>, options: ImportOptions = {}): Promise<Imported> {
  const [from, tenant] = await connected(source, async (connection) => [(await readCatalog(connection, of)).tenant, (await readCatalog(connection, subject)).tenant] as const);
  const spooled = await spool(
    checked(pieces),
    (head) => {
      if (head.tenancy !== subject.tenancy) throw new DamagedExportError(`Import it into the tenancy "${head.tenancy}", whose tenant it is: this is "${subject.tenancy}". Nothing was written.`);
      if (head.tenant !== from) {
        throw new TenantMismatchError('Import it by the id that it was exported by, as in tenantData(id).import(source), or tenantData(id).import(source, { as: newId }): the export is of another tenant. Nothing was written.');
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
        return await transact(connection, { access: options.dryRun ? 'read' : 'write', settings: subject.settings, tenant, signal }, () => new Import(connection, subject, spooled, options).run());
      } catch (error) {
        throw signal?.aborted ? signal.reason : error;
      } finally {
        signal?.removeEventListener('abort', onAbort);
      }
    });
  } finally {
    await spooled.remove();
  }
}

class Import {
  readonly #into;
  readonly #triggers;
  #stages = 0;
  #catalog!: Catalog;
  #order!: Ordered;

  constructor(
    readonly connection: Connection,
    readonly subject: Subject,
    readonly spooled: Spool,
    readonly options: ImportOptions,
  ) {
    this.#into = options.into ?? 'new';
    this.#triggers = options.triggers ?? 'verify';
    if (!['new', 'merge', 'replace'].includes(this.#into)) throw new UnsupportedTenantOperationError("Say into: 'new', 'merge' or 'replace'.");
  }

  async run(): Promise<Imported> {
    const { connection, spooled, options } = this;
    const { head } = spooled;
    const run = (text: string, params?: string[]) => connection.query(text, params);
    if (!options.dryRun) await run(sql.lockTenant(this.subject.tenancy, this.subject.id));
    const catalog = (this.#catalog = await readCatalog(connection, this.subject));
    const { tenant } = catalog;
    compareSchemas(head, catalog, options.schema ?? 'same');
    this.#order = inOrder(catalog.tables);
    if (this.#into === 'new' && (await hasRows(connection, catalog))) {
      throw new TenantExistsError("Pass into: 'merge' or 'replace', or import under another id: the tenant has rows already. Nothing was written.");
    }
    const tables = this.#order.tables.filter((it) => head.tables.some(({ name }) => name === it.title));
    if (this.#into === 'merge') for (const it of tables) assertMergeable(it);
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

    if (this.#order.defers) await run(sql.deferConstraints);
    if (this.#triggers === 'skip') await run(sql.skipTriggers);
    for (const exported of head.tables) {
      if (exported.kind !== 'reference') continue;
      const rows = await this.#addShared([...catalog.others.values()].find((it) => it.title === exported.name)!, exported);
      if (rows > 0) result.shared.push({ table: exported.name, rows });
    }
    if (this.#into === 'replace') result.deleted = await this.#deleteAll();

    const withTriggers = catalog.tables.filter((it) => it.triggers.length > 0);
    const verifies = this.#triggers === 'verify' && withTriggers.length > 0;
    const stages = new Map<TenantTable, string>();
    for (const table of tables) {
      const stage = await this.#load(table, verifies);
      if (stage !== undefined) stages.set(table, stage);
    }
    for (const [table, stage] of stages) {
      const later = this.#order.later.get(table.oid);
      if (later && spooled.rowsOf(table.title) > 0) await run(sql.fillLater(table, stage, later, table.key, tenant));
    }
    // Keys that were deferred are checked now, and their triggers run: what follows looks at what they did.
    await run(sql.checkConstraints);
    if (this.#triggers === 'skip') await this.#checkKeys(tables);
    if (this.#into !== 'merge' && this.#triggers !== 'run') await this.#checkCounts(withTriggers);
    if (verifies) {
      for (const [table, stage] of stages) {
        const [[changed] = []] = await run(sql.countChanged(table, stage, this.#columnsOf(table).map((it) => it.name), tenant));
        if (changed !== '0') throw changedBy(`${changed} rows of "${table.title}" are not what the export says`, withTriggers);
      }
    }
    await this.#raiseSequences(tables);
    return result;
  }

  /** The columns that the export gives, as the database has them. */
  #columnsOf(table: LiveTable): Column[] {
    const exported = this.spooled.head.tables.find((it) => it.name === table.title)!;
    return exported.columns.map(({ name }) => table.columns.find((it) => it.name === name)!);
  }

  /** Writes a table's rows. @returns the stage that still holds them, where they went through one */
  async #load(table: TenantTable, verifies: boolean): Promise<string | undefined> {
    const { connection, spooled } = this;
    const columns = this.#columnsOf(table);
    const later = this.#order.later.get(table.oid) ?? [];
    const rows = spooled.rowsOf(table.title);
    // COPY checks keys when it ends, so that rows may come before those of the same table that they point at.
    const isDirect = connection.copyIn && !table.isRestricted && this.#into !== 'merge' && later.length === 0 && !verifies;
    if (isDirect) {
      if (rows === 0) return undefined;
      const written = await connection.copyIn(sql.copyInto(table, columns.map((it) => it.name)), this.#progress(table.title, spooled.read(table.title)));
      if (written !== rows && this.#triggers !== 'run') throw new TenantDataError(`Look at the triggers of "${table.title}": of ${rows} rows it took ${written}. Nothing was written.`);
      return undefined;
    }
    const stage = await this.#stage(table.title, columns);
    if (rows > 0) await connection.query(sql.insertStaged(table, stage, columns, later, this.#into === 'merge' ? table.key : undefined, this.#catalog.tenant));
    return stage;
  }

  async #stage(title: string, columns: readonly Column[]): Promise<string> {
    const { connection, spooled } = this;
    const stage = sql.stageOf(this.#stages++);
    await connection.query(sql.createStage(stage, columns));
    if (spooled.rowsOf(title) === 0) return stage;
    const bytes = this.#progress(title, spooled.read(title));
    if (connection.copyIn) {
      await connection.copyIn(sql.copyIntoStage(stage, columns.map((it) => it.name)), bytes);
      return stage;
    }
    const text = sql.insertIntoStage(stage, columns);
    for await (const lines of linesOf(bytes)) await connection.query(text, [JSON.stringify(lines.split('\n').map(cellsOf))]);
    return stage;
  }

  async *#progress(table: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { signal, onProgress } = this.options;
    let rows = 0;
    for await (const chunk of bytes) {
      signal?.throwIfAborted();
      yield chunk;
      if (!onProgress) continue;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) rows += 1;
      onProgress({ table, rows });
    }
  }

  async #addShared(table: LiveTable, exported: ExportedTable): Promise<number> {
    if (this.spooled.rowsOf(exported.name) === 0) return 0;
    const columns = this.#columnsOf(table);
    const names = columns.map((it) => it.name);
    const stage = await this.#stage(exported.name, columns);
    if (this.options.shared !== 'keep') {
      const differing = await this.connection.query(sql.differingShared(table, stage, names, exported.key));
      if (differing.length > 0) {
        throw new TenantDataError(
          `Make the rows of "${table.title}" the same, or pass shared: 'keep' to leave those that are here: under ${differing.map(([key]) => key).join('; ')} the export says something else. Nothing was written.`,
        );
      }
    }
    const [[added] = []] = await this.connection.query(sql.insertShared(table, stage, names, exported.key));
    return Number(added);
  }

  async #deleteAll(): Promise<number> {
    const { tenant } = this.#catalog;
    let deleted = 0;
    for (const table of this.#order.tables) {
      const later = this.#order.later.get(table.oid);
      if (later) await this.connection.query(sql.clearAll(table, later, tenant));
    }
    for (const table of [...this.#order.tables].reverse()) {
      const [[rows] = []] = await this.connection.query(sql.countRows(table, tenant));
      deleted += Number(rows);
      await this.connection.query(sql.deleteAll(table, tenant));
    }
    return deleted;
  }

  /** Keys are checked by triggers, which did not run. */
  async #checkKeys(tables: readonly TenantTable[]): Promise<void> {
    const { tables: own, others, tenant } = this.#catalog;
    for (const table of tables) {
      for (const key of table.foreignKeys) {
        const to = own.find((it) => it.oid === key.to) ?? others.get(key.to);
        if (!to) continue;
        const [[orphans] = []] = await this.connection.query(sql.countOrphans(table, key, to, tenant));
        if (orphans !== '0') throw new DamagedExportError(`Export it anew: ${orphans} rows of "${table.title}" point at no row of "${to.title}" ("${key.name}"). Nothing was written.`);
      }
    }
  }

  async #checkCounts(withTriggers: readonly TenantTable[]): Promise<void> {
    for (const table of this.#catalog.tables) {
      const [[rows] = []] = await this.connection.query(sql.countRows(table, this.#catalog.tenant));
      const wanted = this.spooled.rowsOf(table.title);
      if (Number(rows) === wanted) continue;
      const found = `"${table.title}" has ${rows} rows, and the export ${wanted}`;
      if (withTriggers.length > 0) throw changedBy(found, withTriggers);
      throw new TenantExistsError(`Keep the tenant from being written to, and import it again: ${found}. Nothing was written.`);
    }
  }

  async #raiseSequences(tables: readonly TenantTable[]): Promise<void> {
    for (const table of tables) {
      for (const { name, sequence } of this.#columnsOf(table)) {
        if (sequence && this.spooled.rowsOf(table.title) > 0) await this.connection.query(sql.raiseSequence(table, name, sequence, sequence.isDescending, this.#catalog.tenant));
      }
    }
  }
}

const changedBy = (what: string, tables: readonly TenantTable[]) =>
  new TenantDataError(
    `Pass triggers: 'run' to take what the triggers make of the rows, or 'skip' to leave them out: ${what}, with ` +
      `${tables.map((it) => `${it.triggers.map((name) => `"${name}"`).join(', ')} on "${it.title}"`).join(', ')}. Nothing was written.`,
  );

function assertMergeable(table: TenantTable): void {
  if (table.key.includes(table.column)) return;
  throw new UnsupportedTenantOperationError(
    table.key.length === 0
      ? `Give "${table.title}" a primary key, or pass into: 'replace': without a key, which rows are the same cannot be told.`
      : `Pass into: 'replace': the primary key of "${table.title}" is unique over all tenants, so that a row of the same key may be another's.`,
  );
}
