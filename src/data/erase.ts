/**
 * Deletes a tenant in batches, and proves that nothing is left. Each batch is a transaction: an erasure that was
 * interrupted is run again, and goes on.
 */
import { TenantDataError, TenantNotErasedError, UnsupportedTenantOperationError } from '../errors.js';
import { assertOthersStay, takesAlong } from './along.js';
import { readCatalog, type Catalog, type LiveTable, type Subject, type TenantTable } from './catalog.js';
import { connected, transact, type Connection, type Source } from './connection.js';
import { countsOf, isView, type TableCount } from './count.js';
import { noRows, type Progress } from './export.js';
import { breakable, inOrder, type Ordered } from './order.js';
import { sharedTables, type SharedTable } from './shared.js';
import * as sql from './statements.js';

/** What was erased, why, and the proof. It holds no value of the tenant's rows but keys of shared rows. */
export interface EraseRecord {
  readonly tenancy: string;
  readonly tenant: string;
  readonly reason: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
  /** Shared rows that only this tenant used, of the tables that were named for it. */
  readonly shared: readonly { readonly table: string; readonly rows: number }[];
  /** Keys of shared rows that may go with the tenant: what an erasure that is taken up again needs. */
  readonly sharedKeys: Readonly<Record<string, readonly unknown[]>>;
  /** What `before` gave back: what an erasure that is taken up again, and `after`, know of what is outside. */
  readonly outside: unknown;
  readonly refreshed: readonly string[];
  /** Tables whose rows were to stay. */
  readonly kept: readonly string[];
  /**
   * Rows of tables that nobody declared, which a foreign key deletes or changes with the rows that they point at. Null
   * where policies hide them.
   */
  readonly along: readonly ErasedAlong[];
  /** Rows of every table that is the tenant's by the schema or by the catalog, afterwards. */
  readonly proof: readonly TableCount[];
}

/** Rows that go or change with a tenant's, by a foreign key of theirs. */
export interface ErasedAlong {
  readonly table: string;
  readonly key: string;
  readonly onDelete: 'CASCADE' | 'SET NULL' | 'SET DEFAULT';
  readonly rows: number | null;
}

const actions = { c: 'CASCADE', n: 'SET NULL', d: 'SET DEFAULT' } as const;

/** What a hook of an erasure is told. */
export interface Erasing {
  readonly tenancy: string;
  readonly tenant: string;
  readonly reason: string;
}

export interface EraseOptions {
  /** Why: it stands in the record. */
  readonly reason: string;
  /** Rows for each transaction: 5,000 without it. */
  readonly batch?: number | undefined;
  /** Tables that hold the tenant's id and whose rows are to stay, such as a log that the law asks for. */
  readonly keep?: readonly string[] | undefined;
  /** Tables of shared rows from which those go that only this tenant used. */
  readonly shared?: readonly string[] | undefined;
  /**
   * Looks at what is outside of the database, while the rows are still there: the names of files, say. What it gives
   * back is kept in the record as JSON, and it does not run again when an erasure whose record has it is taken up
   * again.
   */
  readonly before?: ((tenant: Erasing) => unknown) | undefined;
  /**
   * Removes what is outside of the database: files, a search index. It runs when the proof is made, and the record is
   * finished when it is done; where it fails, an erasure that is taken up again runs it again.
   */
  readonly after?: ((tenant: Erasing & { readonly outside: any; readonly record: EraseRecord }) => unknown) | undefined;
  /** The record of an erasure that was interrupted. */
  readonly resume?: EraseRecord | undefined;
  /** Is given the record after each step, to be stored. */
  readonly onRecord?: ((record: EraseRecord) => unknown) | undefined;
  /** Whether a tenant without rows is erased already, and not an error. */
  readonly allowEmpty?: boolean | undefined;
  /** Counts what would be deleted, and deletes nothing. */
  readonly dryRun?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

const rounds = 3;

/**
 * @throws TenantNotErasedError with the record, where rows remain
 * @throws TenantNotFoundError for an id without rows
 */
export function eraseTenant(source: Source, subject: Subject, options: EraseOptions): Promise<EraseRecord> {
  if (typeof options?.reason !== 'string' || options.reason.trim() === '') {
    throw new UnsupportedTenantOperationError(
      "Say why, as in erase({ reason: 'contract ended' }): it stands in the record.",
    );
  }
  return connected(source, (connection) => new Erasure(connection, subject, options).run());
}

class Erasure {
  #record!: { -readonly [K in keyof EraseRecord]: EraseRecord[K] };
  #catalog!: Catalog;
  #order!: Ordered;

  constructor(
    readonly connection: Connection,
    readonly subject: Subject,
    readonly options: EraseOptions,
  ) {}

  async run(): Promise<EraseRecord> {
    const { connection, subject, options } = this;
    const { reason, keep = [], resume } = options;
    const catalog = (this.#catalog = await readCatalog(connection, subject));
    const { tenant } = catalog;
    if (resume && (resume.tenant !== tenant || resume.tenancy !== subject.tenancy))
      throw new UnsupportedTenantOperationError('Pass the record of this tenant to resume: this one is of another.');
    const before = await this.#transact('read', () => countsOf(connection, catalog));
    if (before.every((it) => it.rows === 0) && !resume && !options.allowEmpty) throw noRows(subject);
    await this.#transact('read', () =>
      assertOthersStay(connection, catalog, (title) => !this.#isKept(title), 'Nothing was deleted.'),
    );
    this.#order = inOrder(catalog.tables, false);
    const named = this.#named();
    this.#record = {
      tenancy: subject.tenancy,
      tenant,
      reason,
      startedAt: resume?.startedAt ?? new Date().toISOString(),
      finishedAt: null,
      tables: resume?.tables ?? [],
      shared: resume?.shared ?? [],
      sharedKeys: { ...resume?.sharedKeys },
      outside: resume?.outside,
      refreshed: [],
      kept: keep,
      along: resume?.along ?? (await this.#transact('read', () => this.#goingAlong())),
      proof: before,
    };
    if (options.dryRun)
      return {
        ...this.#record,
        tables: before
          .filter((it) => it.isDeclared && !this.#isKept(it.table))
          .map(({ table, rows }) => ({ table, rows })),
      };
    for (const it of named) if (!this.#record.sharedKeys[it.table.title]) await this.#collect(it);
    await this.#tell();
    const hook = { tenancy: subject.tenancy, tenant, reason };
    if (options.before && this.#record.outside === undefined) {
      // Null where it gave nothing back: it has run.
      this.#record.outside = JSON.parse(JSON.stringify((await options.before(hook)) ?? null));
      await this.#tell();
    }

    for (let round = 0; round < rounds; round++) {
      const tables = [...this.#order.tables].reverse().filter((it) => !this.#isKept(it.title));
      try {
        if (this.#order.defers) await this.#deleteAtOnce(tables);
        else {
          for (const table of tables) await this.#clear(table);
          for (const table of tables) await this.#delete(table);
        }
      } catch (error) {
        throw await this.#heldBack(error);
      }
      // Who writes for the tenant meanwhile is waited for, a few times.
      if (!(await this.#prove()).some((it) => it.isDeclared)) break;
    }
    for (const it of named) await this.#deleteShared(it);
    const remaining = await this.#prove();
    if (remaining.length > 0) {
      await this.#tell();
      const undeclared = remaining.filter((it) => !it.isDeclared);
      throw new TenantNotErasedError(
        undeclared.length > 0
          ? 'Declare the table with tenantTable(), or pass keep where its rows are to stay, ' +
              `and erase again: rows of the tenant remain in ${namesOf(undeclared)}.`
          : `Keep the tenant from being written to, and erase again: rows of it remain in ${namesOf(remaining)}.`,
        this.#record,
      );
    }
    await this.#tell();
    await options.after?.({ ...hook, outside: this.#record.outside, record: { ...this.#record } });
    this.#record.finishedAt = new Date().toISOString();
    await this.#tell();
    return { ...this.#record };
  }

  /** @throws TenantDataError where rows that are to stay would go or change with what they point at */
  async #goingAlong(): Promise<ErasedAlong[]> {
    const { tables, others, tenant } = this.#catalog;
    const found: ErasedAlong[] = [];
    for (const from of [...others.values(), ...tables.filter((it) => this.#isKept(it.title))]) {
      for (const key of from.foreignKeys) {
        const to = tables.find((it) => it.oid === key.to && !this.#isKept(it.title));
        const onDelete = actions[key.onDelete as keyof typeof actions];
        if (!to || !onDelete) continue;
        const rows = from.isRestricted
          ? null
          : Number((await this.connection.query(sql.countPointing(from, key, to, tenant)))[0]?.[0]);
        if (rows === 0) continue;
        if (this.#isKept(from.title))
          throw new TenantDataError(
            `Let go of the foreign key "${key.name}" of "${from.title}", or leave the table out of keep: ` +
              `it has ON DELETE ${onDelete}, so that rows which are to stay would not. Nothing was deleted.`,
          );
        found.push({ table: from.title, key: key.name, onDelete, rows });
      }
    }
    return found;
  }

  /** Rows of a table that nobody declared, or that is kept, point at rows that were to go. */
  async #heldBack(error: any): Promise<unknown> {
    const { code, table_name = '', table = '' } = error?.cause ?? error ?? {};
    if (code !== '23503') return error;
    const remaining = await this.#prove();
    await this.#tell();
    const by = `"${table_name || table}"`;
    const remedy =
      'Declare the table with tenantTable(), delete its rows, or let go of the foreign key, ' +
      `and erase again: rows of ${by} point at rows of the tenant, which remain in ${namesOf(remaining)}.`;
    return Object.assign(new TenantNotErasedError(remedy, { ...this.#record }), { cause: error });
  }

  #transact<T>(access: 'read' | 'write', use: () => Promise<T>): Promise<T> {
    return transact(
      this.connection,
      { access, settings: this.subject.settings, tenant: this.#catalog.tenant, signal: this.options.signal },
      use,
    );
  }

  #isKept(title: string): boolean {
    return this.options.keep?.some((it) => it === title || `public.${it}` === title) ?? false;
  }

  async #tell(): Promise<void> {
    await this.options.onRecord?.({ ...this.#record });
  }

  #named(): SharedTable[] {
    const all = sharedTables(this.#catalog);
    return (this.options.shared ?? []).map((name) => {
      const found = all.find((it) => it.table.title === name || it.table.title === `public.${name}`);
      if (!found)
        throw new UnsupportedTenantOperationError(
          `Name tables of shared rows that tenant tables point at: "${name}" is none.`,
        );
      // A row that another tenant uses, and policies hide, would be taken for unused, and its key could cascade.
      const hidden = this.#pointingAt(found).find(({ table }) => table.isRestricted);
      if (hidden)
        throw new UnsupportedTenantOperationError(
          `Erase with a role that has BYPASSRLS, or leave "${name}" out of shared: policies hide which ` +
            `other rows of "${hidden.table.title}" point at it.`,
        );
      return found;
    });
  }

  async #collect({ table, key, pointers }: SharedTable): Promise<void> {
    const { connection } = this;
    const text = sql.keysOfShared(table, key, pointers, this.#catalog.tenant);
    const [[keys] = []] = await this.#transact('read', () => connection.query(text));
    this.#record.sharedKeys = { ...this.#record.sharedKeys, [table.title]: JSON.parse(keys!) };
  }

  /** Takes apart what points at its own table or goes in a circle, so that batches may take any row first. */
  async #clear(table: TenantTable): Promise<void> {
    const { later } = this.#order;
    const own = table.foreignKeys.filter((it) => it.to === table.oid && !takesAlong(it.onDelete));
    const columns = [...new Set([...own.flatMap((it) => breakable(table, it)), ...(later.get(table.oid) ?? [])])];
    if (columns.length === 0) return;
    const { tenant } = this.#catalog;
    if (table.isSpread && table.key.length === 0)
      return void (await this.#transact('write', () => this.connection.query(sql.clearAll(table, columns, tenant))));
    const size = this.#batch();
    while ((await this.#run(sql.clearBatch(table, columns, tenant, size), table)) >= size);
  }

  async #delete(table: TenantTable): Promise<void> {
    const { tenant } = this.#catalog;
    const size = this.#batch();
    // A key of its own that cannot be taken apart holds between the rows of one statement only.
    const isWhole =
      (table.isSpread && table.key.length === 0) ||
      table.foreignKeys.some(
        (it) => it.to === table.oid && !takesAlong(it.onDelete) && breakable(table, it).length === 0,
      );
    let total = 0;
    for (;;) {
      const rows = await this.#run(
        isWhole ? sql.deleteWhole(table, tenant) : sql.deleteBatch(table, tenant, size),
        table,
      );
      total += rows;
      if (rows > 0) this.options.onProgress?.({ table: table.title, rows: total });
      if (rows > 0) this.#add('tables', table.title, rows);
      if (isWhole || rows < size) break;
      await this.#tell();
    }
  }

  /** Where a circle of keys holds until a transaction ends, its rows can only go in one. */
  async #deleteAtOnce(tables: readonly TenantTable[]): Promise<void> {
    const gone = await this.#transact('write', async () => {
      await this.connection.query(sql.deferConstraints);
      const counts: [string, number][] = [];
      for (const table of tables) {
        const later = this.#order.later.get(table.oid);
        if (later) await this.connection.query(sql.clearAll(table, later, this.#catalog.tenant));
      }
      for (const table of tables)
        counts.push([table.title, await this.#told(sql.deleteWhole(table, this.#catalog.tenant), table)]);
      return counts;
    });
    for (const [title, rows] of gone) if (rows > 0) this.#add('tables', title, rows);
  }

  #batch(): number {
    return Math.max(1, Math.trunc(this.options.batch ?? 5_000));
  }

  /** Runs a batch, and takes it back where it touched what is another tenant's. */
  #run(text: string, table: TenantTable): Promise<number> {
    return this.#transact('write', () => this.#told(text, table));
  }

  async #told(text: string, table: TenantTable): Promise<number> {
    const [[rows, others] = []] = await this.connection.query(text);
    if (others !== '0')
      throw new TenantDataError(
        `Report this: a batch reached rows of another tenant in "${table.title}", and was taken back.`,
      );
    return Number(rows);
  }

  #add(to: 'tables' | 'shared', table: string, rows: number): void {
    const all = this.#record[to];
    const known = all.find((it) => it.table === table)?.rows ?? 0;
    this.#record[to] = [...all.filter((it) => it.table !== table), { table, rows: known + rows }];
  }

  /** Every key of the database that points at shared rows. */
  #pointingAt({ table }: SharedTable) {
    const { tables, others } = this.#catalog;
    return [...tables, ...others.values()].flatMap((from: LiveTable) =>
      from.foreignKeys.filter((it) => it.to === table.oid).map((foreignKey) => ({ table: from, foreignKey })),
    );
  }

  async #deleteShared(shared: SharedTable): Promise<void> {
    const { table, key } = shared;
    const keys = this.#record.sharedKeys[table.title] ?? [];
    if (keys.length === 0) return;
    const pointers = this.#pointingAt(shared);
    const columns = key.map((name) => table.columns.find((it) => it.name === name)!);
    const named = [JSON.stringify(keys)];
    const [[rows] = []] = await this.#transact('write', async () => {
      await this.connection.query(sql.lockShared(table, columns), named);
      return this.connection.query(sql.deleteUnused(table, columns, pointers), named);
    });
    if (Number(rows) > 0) this.#add('shared', table.title, Number(rows));
  }

  /** @returns where rows remain. A materialized view that still holds some is refreshed first. */
  async #prove(): Promise<TableCount[]> {
    const { connection, subject } = this;
    const catalog = await readCatalog(connection, subject);
    const count = () => this.#transact('read', () => countsOf(connection, catalog));
    let counts = await count();
    const stale = [...new Set(counts.filter((it) => it.rows > 0).flatMap((it) => isView(catalog, it) ?? []))];
    for (const view of stale) {
      await this.#transact('write', () => connection.query(sql.refreshView(view)));
      this.#record.refreshed = [...new Set([...this.#record.refreshed, view.title])];
    }
    if (stale.length > 0) counts = await count();
    this.#record.proof = counts;
    return counts.filter((it) => it.rows > 0 && !this.#isKept(it.table));
  }
}

const namesOf = (tables: readonly TableCount[]) =>
  tables.map((it) => `"${it.table}" ("${it.column}": ${it.rows})`).join(', ');
