/** Rows on their way from the spool into a database: by COPY where it can be, through a temporary table elsewhere. */
import { DamagedExportError, TenantDataError, TenantExistsError, UnsupportedTenantOperationError } from '../errors.js';
import { assertOthersStay, takesAlong } from './along.js';
import { cellsOf, linesOf } from './cells.js';
import type { Catalog, Column, LiveTable, Subject, TenantTable } from './catalog.js';
import type { Connection } from './connection.js';
import type { SchemaMode } from './differences.js';
import type { Progress } from './export.js';
import type { ExportedTable } from './format.js';
import type { Ordered } from './order.js';
import type { Spool } from './spool.js';
import * as sql from './statements.js';

export interface ImportOptions {
  /**
   * Where the tenant has rows already: `'new'` refuses; `'merge'` changes the rows whose key is there, adds the others
   * and leaves the rest; `'replace'` deletes the tenant's rows first, in the same transaction.
   */
  readonly into?: 'new' | 'merge' | 'replace' | undefined;
  readonly schema?: SchemaMode | undefined;
  /**
   * Shared rows that are there under the same key, and differ: `'refuse'` names them, `'keep'` leaves them as they are.
   */
  readonly shared?: 'refuse' | 'keep' | undefined;
  /**
   * Triggers of the application: `'verify'` runs them, and refuses where they changed the rows; `'run'` takes what they
   * make of them; `'skip'` does not run them, which needs a role that may set session_replication_role.
   */
  readonly triggers?: 'verify' | 'run' | 'skip' | undefined;
  /** Reads and checks everything, and writes nothing. */
  readonly dryRun?: boolean | undefined;
  /**
   * The path of a file. With it, rows are written in batches, each a transaction, and the file says how far it has
   * come: run again with it after an interruption, the import goes on. Others see the rows that are there so far. It is
   * gone when all is done. For `into: 'new'` and `'merge'`.
   */
  readonly journal?: string | undefined;
  /** Rows for each batch, with a journal: 100,000 without it. */
  readonly batch?: number | undefined;
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

export interface Load {
  readonly rows: number;
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly later: readonly string[];
  readonly verifies?: boolean;
}

/** What both ways to import have in common. */
export class Importing {
  readonly into;
  readonly triggers;
  #stages = 0;
  catalog!: Catalog;
  order!: Ordered;

  constructor(
    readonly connection: Connection,
    readonly subject: Subject,
    readonly spooled: Spool,
    readonly options: ImportOptions,
  ) {
    this.into = options.into ?? 'new';
    this.triggers = options.triggers ?? 'verify';
    if (!['new', 'merge', 'replace'].includes(this.into))
      throw new UnsupportedTenantOperationError("Say into: 'new', 'merge' or 'replace'.");
  }

  /** The columns that the export gives, as the database has them. */
  columnsOf(table: LiveTable): Column[] {
    const exported = this.spooled.head.tables.find((it) => it.name === table.title)!;
    return exported.columns.map(({ name }) => table.columns.find((it) => it.name === name)!);
  }

  /**
   * Writes rows of a table.
   *
   * @param later columns that stay empty until every table has its rows
   * @param verifies whether they are to be compared with the stage afterwards
   * @returns the stage that still holds them, where they went through one
   */
  async load(table: TenantTable, { rows, bytes, later, verifies = false }: Load): Promise<string | undefined> {
    const { connection } = this;
    const columns = this.columnsOf(table);
    // COPY checks keys when it ends, so that rows may come before those of the same table that they point at.
    const isDirect =
      connection.copyIn && !table.isRestricted && this.into !== 'merge' && later.length === 0 && !verifies;
    if (isDirect) {
      if (rows === 0) return undefined;
      const written = await connection.copyIn(
        sql.copyInto(
          table,
          columns.map((it) => it.name),
        ),
        bytes,
      );
      if (written !== rows && this.triggers !== 'run')
        throw new TenantDataError(
          `Look at the triggers of "${table.title}": of ${rows} rows it took ${written}. Nothing was written.`,
        );
      return undefined;
    }
    const stage = await this.stage(columns, rows > 0 ? bytes : undefined);
    if (rows > 0)
      await connection.query(
        sql.insertStaged(
          table,
          stage,
          columns,
          later,
          this.into === 'merge' ? table.key : undefined,
          this.catalog.tenant,
        ),
      );
    return stage;
  }

  async stage(columns: readonly Column[], bytes: AsyncIterable<Uint8Array> | undefined): Promise<string> {
    const { connection } = this;
    const stage = sql.stageOf(this.#stages++);
    await connection.query(sql.createStage(stage, columns));
    if (!bytes) return stage;
    if (connection.copyIn) {
      await connection.copyIn(
        sql.copyIntoStage(
          stage,
          columns.map((it) => it.name),
        ),
        bytes,
      );
      return stage;
    }
    const text = sql.insertIntoStage(stage, columns);
    for await (const lines of linesOf(bytes))
      await connection.query(text, [JSON.stringify(lines.split('\n').map(cellsOf))]);
    return stage;
  }

  /** All rows of a table, which are told of as they are taken. */
  rowsOf(title: string): AsyncIterable<Uint8Array> {
    return this.progress(title, this.spooled.read(title));
  }

  async *progress(table: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
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

  async addShared(table: LiveTable, exported: ExportedTable): Promise<number> {
    if (this.spooled.rowsOf(exported.name) === 0) return 0;
    const columns = this.columnsOf(table);
    const names = columns.map((it) => it.name);
    const stage = await this.stage(columns, this.rowsOf(exported.name));
    if (this.options.shared !== 'keep') {
      const differing = await this.connection.query(sql.differingShared(table, stage, names, exported.key));
      if (differing.length > 0) {
        throw new TenantDataError(
          `Make the rows of "${table.title}" the same, or pass shared: 'keep' to leave those that are ` +
            `here: under ${differing.map(([key]) => key).join('; ')} the export says something else. ` +
            'Nothing was written.',
        );
      }
    }
    const [[added] = []] = await this.connection.query(sql.insertShared(table, stage, names, exported.key));
    return Number(added);
  }

  async deleteAll(): Promise<number> {
    const { tenant } = this.catalog;
    await this.#assertNothingGoesAlong();
    let deleted = 0;
    for (const table of this.order.tables) {
      const later = this.order.later.get(table.oid);
      if (later) await this.connection.query(sql.clearAll(table, later, tenant));
    }
    for (const table of [...this.order.tables].reverse()) {
      const [[rows] = []] = await this.connection.query(sql.countRows(table, tenant));
      deleted += Number(rows);
      await this.connection.query(sql.deleteAll(table, tenant));
    }
    return deleted;
  }

  /**
   * Rows that are not of the tenant, and would be deleted or changed with what they point at: they do not come back
   * with it.
   */
  async #assertNothingGoesAlong(): Promise<void> {
    const { tables, others, tenant } = this.catalog;
    await assertOthersStay(this.connection, this.catalog, () => true, 'Nothing was written.');
    for (const from of others.values()) {
      for (const key of from.foreignKeys) {
        const to = tables.find((it) => it.oid === key.to);
        if (!to || !takesAlong(key.onDelete)) continue;
        const [[isPointed] = []] = await this.connection.query(sql.anyPointing(from, key, to, tenant));
        if (isPointed === 'true' || from.isRestricted)
          throw new TenantDataError(
            `Pass into: 'merge', or declare "${from.title}" with tenantTable(): its rows, which the export ` +
              `does not have, may point at rows of "${to.title}" and would be deleted or changed ` +
              `with them ("${key.name}"). Nothing was written.`,
          );
      }
    }
  }

  /** Keys are checked by triggers, which did not run. */
  async checkKeys(tables: readonly TenantTable[]): Promise<void> {
    const { tables: own, others, tenant } = this.catalog;
    for (const table of tables) {
      for (const key of table.foreignKeys) {
        const to = own.find((it) => it.oid === key.to) ?? others.get(key.to);
        if (!to) continue;
        const [[orphans] = []] = await this.connection.query(sql.countOrphans(table, key, to, tenant));
        if (orphans !== '0')
          throw new DamagedExportError(
            `Export it anew: ${orphans} rows of "${table.title}" point at no row of "${to.title}" ` +
              `("${key.name}"). Nothing was written.`,
          );
      }
    }
  }

  async checkCounts(withTriggers: readonly TenantTable[]): Promise<void> {
    for (const table of this.catalog.tables) {
      const [[rows] = []] = await this.connection.query(sql.countRows(table, this.catalog.tenant));
      const wanted = this.spooled.rowsOf(table.title);
      if (Number(rows) === wanted) continue;
      const found = `"${table.title}" has ${rows} rows, and the export ${wanted}`;
      if (withTriggers.length > 0) throw changedBy(found, withTriggers);
      throw new TenantExistsError(
        `Keep the tenant from being written to, and import it again: ${found}. Nothing was written.`,
      );
    }
  }

  async raiseSequences(tables: readonly TenantTable[]): Promise<void> {
    const { tenant } = this.catalog;
    const drawn = tables.flatMap((table) =>
      this.columnsOf(table).flatMap(({ name, sequence }) =>
        sequence && this.spooled.rowsOf(table.title) > 0 ? [{ table, name, sequence }] : [],
      ),
    );
    // All of them are looked at first: what a sequence was moved to is not rolled back.
    for (const { table, name, sequence } of drawn) {
      const [found] = await this.connection.query(sql.isFarSequence(table, name, sequence, tenant));
      if (!found) continue;
      const title = `${sequence.schema}.${sequence.name}`;
      throw new TenantDataError(
        `Import other rows; or move the sequence "${title}" by hand with setval(), ` +
          `and import again: "${name}" of "${table.title}" would use up most of what it has left, ` +
          'and every tenant draws from it. Nothing was written.',
      );
    }
    for (const { table, name, sequence } of drawn)
      await this.connection.query(sql.raiseSequence(table, name, sequence, tenant));
  }
}

export const changedBy = (what: string, tables: readonly TenantTable[]) =>
  new TenantDataError(
    `Pass triggers: 'run' to take what the triggers make of the rows, or 'skip' to leave them out: ${what}, with ` +
      `${tables.map((it) => `${it.triggers.map((name) => `"${name}"`).join(', ')} on "${it.title}"`).join(', ')}. ` +
      'Nothing was written.',
  );

export function assertMergeable(table: TenantTable): void {
  if (table.key.includes(table.column)) return;
  throw new UnsupportedTenantOperationError(
    table.key.length === 0
      ? `Give "${table.title}" a primary key, or pass into: 'replace': without a key, which rows are the ` +
          'same cannot be told.'
      : `Pass into: 'replace': the primary key of "${table.title}" is unique over all tenants, so that a row ` +
          "of the same key may be another's.",
  );
}
