/**
 * An import in batches, each a transaction, that goes on where it was cut off. A journal says how far it has come.
 * Before a batch is committed, its transaction's id is noted, so that the database can be asked what became of it; and
 * the rows that are there are counted before anything is added. Where the two do not agree, it is refused.
 */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { TenantDataError, TenantExistsError, UnsupportedTenantOperationError } from '../errors.js';
import { readCatalog, type Subject, type TenantTable } from './catalog.js';
import { transact, type Connection } from './connection.js';
import { compareSchemas } from './differences.js';
import { hasRows } from './export.js';
import { assertMergeable, Importing, type Imported, type ImportOptions } from './importing.js';
import { Journal } from './journal.js';
import { breakable, inOrder } from './order.js';
import { batchesOf, type Spool } from './spool.js';
import * as sql from './statements.js';

type Line =
  | {
      readonly drizzleTenant: 1;
      readonly tenancy: string;
      readonly tenant: string;
      readonly into: string;
      readonly sha256: string;
    }
  /** A batch that is about to be committed: the rows of the table up to here, and the id of its transaction. */
  | { readonly table: string; readonly to: number; readonly xid: string }
  | { readonly table: string; readonly done: number };

export class BatchImport extends Importing {
  #journal!: Journal<Line>;
  readonly #done = new Map<string, number>();
  #isResumed = false;

  constructor(
    connection: Connection,
    subject: Subject,
    spooled: Spool,
    options: ImportOptions,
    readonly path: string,
    readonly tenant: string,
  ) {
    super(connection, subject, spooled, options);
    if (this.into === 'replace')
      throw new UnsupportedTenantOperationError(
        "Erase the tenant first, and pass into: 'new' with the journal: in batches, it would be neither " +
          'what it was nor what it is to be for a while.',
      );
  }

  async run(): Promise<Imported> {
    this.#journal = await Journal.open<Line>(this.path);
    try {
      const tables = await this.#begin();
      const shared = await this.#step(() => this.#addAllShared());
      for (const table of tables) await this.#write(table);
      await this.#step(() => this.#finish(tables));
      const { head } = this.spooled;
      const rows = tables.map((it) => ({ table: it.title, rows: this.spooled.rowsOf(it.title) }));
      await rm(this.path, { force: true });
      return { tenant: this.tenant, from: head.tenant, at: head.at, tables: rows, shared, deleted: 0, dryRun: false };
    } finally {
      await this.#journal.close();
    }
  }

  /** A transaction that has the tenant to itself among imports: one that was cut off, and still runs, is waited for. */
  #step<T>(use: () => Promise<T>): Promise<T> {
    const { subject, tenant, options } = this;
    return transact(
      this.connection,
      { access: 'write', settings: subject.settings, tenant, signal: options.signal },
      async () => {
        await this.connection.query(sql.lockTenant(subject.tenancy, subject.id));
        if (this.triggers === 'skip') await this.connection.query(sql.skipTriggers);
        return use();
      },
    );
  }

  /** Looks whether it can be done in batches, and how far an earlier run has come. */
  async #begin(): Promise<TenantTable[]> {
    const { subject, spooled, tenant, into, path } = this;
    const { head, digests } = spooled;
    const begun: Line = {
      drizzleTenant: 1,
      tenancy: subject.tenancy,
      tenant,
      into,
      sha256: createHash('sha256')
        .update(JSON.stringify([head, digests]))
        .digest('hex'),
    };
    const [before, ...lines] = this.#journal.lines;
    if (before && JSON.stringify(before) !== JSON.stringify(begun))
      throw new UnsupportedTenantOperationError(`Name another journal: ${path} is of another import.`);
    this.#isResumed = before !== undefined;
    return this.#step(async () => {
      this.catalog = await readCatalog(this.connection, subject);
      compareSchemas(head, this.catalog, this.options.schema ?? 'same');
      this.order = inOrder(this.catalog.tables, false);
      if (this.order.defers)
        throw new UnsupportedTenantOperationError(
          'Leave the journal out: foreign keys go in a circle that only one transaction can close.',
        );
      const withTriggers = this.catalog.tables.filter((it) => it.triggers.length > 0);
      if (this.triggers === 'verify' && withTriggers.length > 0) {
        throw new UnsupportedTenantOperationError(
          "Pass triggers: 'run' or 'skip' with the journal: what triggers make of the rows of " +
            `${withTriggers.map((it) => `"${it.title}"`).join(', ')} is not verified in batches.`,
        );
      }
      const tables = this.order.tables.filter((it) => head.tables.some(({ name }) => name === it.title));
      if (into === 'merge') for (const it of tables) assertMergeable(it);
      if (!this.#isResumed) {
        if (into === 'new' && (await hasRows(this.connection, this.catalog)))
          throw new TenantExistsError(
            "Pass into: 'merge', erase the tenant first, or import under another id: " +
              'the tenant has rows already. Nothing was written.',
          );
        await this.#journal.append(begun);
      }
      await this.#read(lines);
      if (this.#isResumed && into === 'new' && this.triggers !== 'run')
        for (const it of this.catalog.tables) await this.#checkCount(it);
      return tables;
    });
  }

  async #read(lines: readonly Line[]): Promise<void> {
    for (const [i, it] of lines.entries()) {
      if ('done' in it) this.#done.set(it.table, it.done);
      // Of the batch that was on its way, the database knows whether it was committed.
      if (!('xid' in it) || i < lines.length - 1) continue;
      const [[status] = []] = await this.connection.query(sql.statusOf(it.xid));
      if (status === 'committed') this.#done.set(it.table, it.to);
      else if (status !== 'aborted')
        throw new TenantDataError(
          `Erase the tenant, remove ${this.path} and import it anew: the database does not know any more ` +
            'whether the last batch was committed.',
        );
    }
  }

  async #checkCount(table: TenantTable): Promise<void> {
    const [[rows] = []] = await this.connection.query(sql.countRows(table, this.tenant));
    const wanted = this.#done.get(table.title) ?? 0;
    if (Number(rows) === wanted) return;
    throw new TenantDataError(
      `Erase the tenant, remove ${this.path} and import it anew, and keep the tenant from being written ` +
        `to: "${table.title}" has ${rows} rows, and the batches so far wrote ${wanted}.`,
    );
  }

  async #addAllShared(): Promise<{ table: string; rows: number }[]> {
    const added: { table: string; rows: number }[] = [];
    for (const exported of this.spooled.head.tables) {
      if (exported.kind !== 'reference') continue;
      const rows = await this.addShared(
        [...this.catalog.others.values()].find((it) => it.title === exported.name)!,
        exported,
      );
      if (rows > 0) added.push({ table: exported.name, rows });
    }
    return added;
  }

  /** Columns that point at rows of a later table, or batch. */
  #laterOf(table: TenantTable): string[] {
    const own =
      table.key.length > 0
        ? table.foreignKeys.filter((it) => it.to === table.oid).flatMap((it) => breakable(table, it))
        : [];
    return [...new Set([...(this.order.later.get(table.oid) ?? []), ...own])];
  }

  async #write(table: TenantTable): Promise<void> {
    const { title } = table;
    const total = this.spooled.rowsOf(title);
    let at = this.#done.get(title) ?? 0;
    if (at > 0) this.options.onProgress?.({ table: title, rows: at, kept: at });
    if (at >= total) return;
    const later = this.#laterOf(table);
    // A key that points at rows of the same table, and cannot be empty for a while, holds within one statement.
    const isWhole = table.foreignKeys.some(
      (it) => it.to === table.oid && !it.columns.some((column) => later.includes(column)),
    );
    const size = isWhole ? total : Math.max(1, Math.trunc(this.options.batch ?? 100_000));
    for await (const { rows, bytes } of batchesOf(this.spooled.read(title), at, size)) {
      await this.#step(async () => {
        await this.load(table, { rows, bytes, later });
        const [[xid] = []] = await this.connection.query(sql.transactionId);
        await this.#journal.append({ table: title, to: at + rows, xid: xid! });
      });
      at += rows;
      await this.#journal.append({ table: title, done: at });
      this.#done.set(title, at);
      this.options.onProgress?.({ table: title, rows: at });
    }
  }

  /** What needs every row to be there. It can be done twice. */
  async #finish(tables: readonly TenantTable[]): Promise<void> {
    for (const table of tables) {
      const later = this.#laterOf(table);
      if (later.length === 0 || this.spooled.rowsOf(table.title) === 0) continue;
      const stage = await this.stage(this.columnsOf(table), this.spooled.read(table.title));
      await this.connection.query(sql.fillLater(table, stage, later, table.key, this.tenant));
    }
    await this.connection.query(sql.checkConstraints);
    if (this.triggers === 'skip') await this.checkKeys(tables);
    if (this.into === 'new' && this.triggers !== 'run')
      for (const it of this.catalog.tables) await this.#checkCount(it);
    await this.raiseSequences(tables);
  }
}
