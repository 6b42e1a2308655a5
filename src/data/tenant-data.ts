/** `db.tenantData(id)`: a tenant as a whole. What it does is loaded when it is asked for: most requests never do. */
import type { TenancyDatabase } from './database.types.js';
import type { TenantId } from '../schema/tenancy.js';
import type { Subject } from './catalog.js';
import type { CompareOptions, Comparison } from './compare.js';
import type { ComparedWithExport } from './compare-export.js';
import type { Source } from './connection.js';
import type { Counted } from './count.js';
import type { EraseOptions, EraseRecord } from './erase.js';
import type { Masks, Progress } from './export.js';
import type { ExportFormat } from './export-to.js';
import type { ExportSource } from './files.js';
import type { Manifest } from './format.js';
import type { Imported, ImportOptions } from './import.js';

export interface ExportOptions {
  /** Whether the bytes are compressed: they are, without it. */
  readonly gzip?: boolean | undefined;
  /** Values in place of others, for an export that leaves the house. */
  readonly masks?: Masks | undefined;
  /** Whether a tenant without rows is an empty export, and not an error. */
  readonly allowEmpty?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface ExportToOptions extends ExportOptions {
  /** `csv` and `ndjson`: a folder with a file for each table. `file`: one file, as `export()` gives it. */
  readonly format?: ExportFormat | undefined;
  /** Rows for each part: what an interruption loses is less than one. A million without it. */
  readonly partRows?: number | undefined;
}

export interface CloneOptions extends ImportOptions {
  readonly masks?: Masks | undefined;
}

export interface Restored {
  /** How the tenant differed before. */
  readonly comparison: Comparison;
  /** Undefined where nothing differed. */
  readonly imported: Imported | undefined;
}

/** @param id another tenant, of the same tenancy */
type SubjectOf = (id: unknown) => Subject;
type OtherOf = (db: object, id: unknown) => { source: Source; subject: Subject };

/** A tenant as a whole. Made by `db.tenantData(id)`. */
export class TenantData<Name extends string = string> {
  readonly #source: Source;
  readonly #id: unknown;
  readonly #subject: Subject;
  readonly #subjectOf: SubjectOf;
  readonly #otherOf: OtherOf;

  /** Use `db.tenantData(id)`. */
  constructor(source: Source, id: unknown, subjectOf: SubjectOf, otherOf: OtherOf) {
    this.#source = source;
    this.#id = id;
    this.#subject = subjectOf(id);
    this.#subjectOf = subjectOf;
    this.#otherOf = otherOf;
  }

  async *#read(options: ExportOptions) {
    const { readTenant } = await import('./work.js');
    yield* readTenant(this.#source, this.#subject, options);
  }

  /**
   * Every row of the tenant, in one snapshot, as NDJSON: a head, the rows of each table in an order in which they can
   * be imported, and an end with their digests. It runs as it is read, in constant memory.
   *
   * @returns the bytes; reading them throws TenantNotFoundError for an id without rows
   * @example await pipeline(db.tenantData(id).export(), createWriteStream('acme.ndjson.gz'));
   */
  export(options: ExportOptions = {}): AsyncIterable<Uint8Array> {
    const read = () => this.#read(options);
    return (async function* () {
      const { streamOf } = await import('./work.js');
      yield* streamOf(read(), { gzip: options.gzip ?? true });
    })();
  }

  /**
   * The same to a folder with a file for each table and `manifest.json`, or to one file. It has its name when it is
   * whole. After an interruption, run it again: parts that were written, and whose rows did not change since, are kept.
   *
   * @param to the folder or the file; what is on its way is beside it, in `to.partial`
   * @throws UnsupportedTenantOperationError where it is there already, or another process writes it
   * @example await db.tenantData(id).exportTo('acme', { format: 'csv' });
   * @example await db.tenantData(id).exportTo('acme.ndjson.gz', { format: 'file' });
   */
  async exportTo(to: string, options: ExportToOptions = {}): Promise<Manifest> {
    const { exportTo } = await import('./work.js');
    return exportTo(this.#source, this.#subject, to, {
      ...options,
      format: options.format ?? 'csv',
      gzip: options.gzip ?? true,
    });
  }

  /**
   * Writes an export of this tenant, all of it in one transaction. It is read to its end and checked first: what is
   * cut off, changed or of another tenant is refused before anything is written.
   *
   * @param source the bytes of `export()`, or the path of a file or a folder
   * @param options `as` imports it under another id; `into` says what happens to rows that are there
   * @throws DamagedExportError, TenantMismatchError, TenantExistsError, SchemaDifferenceError, TenantDataError
   * @example await db.tenantData(acme).import(createReadStream('acme.ndjson.gz'), { as: dora });
   */
  async import(
    source: ExportSource,
    options: ImportOptions & { readonly as?: TenantId<Name> | undefined } = {},
  ): Promise<Imported> {
    const { importPieces, piecesOf } = await import('./work.js');
    const target = options.as === undefined ? this.#subject : this.#subjectOf(options.as);
    return importPieces(this.#source, this.#subject, target, piecesOf(source), options);
  }

  /**
   * Copies the tenant to another id of the same database.
   *
   * @param options `masks` gives values in place of others, by table and column
   * @throws as `import` does
   * @example
   * await db.tenantData(acme).cloneTo(sandbox, {
   *   masks: { users: { email: (_, row) => `user${row.id}@example.com` } },
   * });
   */
  async cloneTo(id: TenantId<Name>, options: CloneOptions = {}): Promise<Imported> {
    const { importPieces } = await import('./work.js');
    const { masks, signal } = options;
    return importPieces(this.#source, this.#subject, this.#subjectOf(id), this.#read({ masks, signal }), options);
  }

  /**
   * Deletes the tenant in batches, then counts its rows in every table that the schema or the database's catalog tells
   * to be its own. Run again after an interruption, it goes on.
   *
   * @returns the record of what was erased, with the counts
   * @throws TenantNotErasedError where rows remain, with the record; TenantNotFoundError for an id without rows
   * @example const record = await db.tenantData(id).erase({ reason: 'contract ended, ticket 4711' });
   */
  async erase(options: EraseOptions): Promise<EraseRecord> {
    const { eraseTenant } = await import('./work.js');
    return eraseTenant(this.#source, this.#subject, options);
  }

  /**
   * How many rows the tenant has in each table, declared or found in the catalog, in one snapshot.
   *
   * @example const counted = await db.tenantData(id).count();
   */
  async count(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Counted> {
    const { countTenant } = await import('./work.js');
    return countTenant(this.#source, this.#subject, options.signal);
  }

  /**
   * Compares the tenant with the same tenant of another database, row by row, in constant memory.
   *
   * @param other what `withTenancy` returned for the other database
   * @param options `as` compares with another tenant there: the ids themselves are no difference
   * @throws SchemaDifferenceError where tables or columns are in one database only; TenantNotFoundError where neither
   * has a row of it
   * @example const { isEqual, tables } = await db.tenantData(id).compare(backup);
   */
  async compare(
    other: TenancyDatabase<any, any>,
    options: CompareOptions & { readonly as?: TenantId<Name> | undefined } = {},
  ): Promise<Comparison> {
    const { compareTenants } = await import('./work.js');
    const { source, subject } = this.#otherOf(other, options.as ?? this.#id);
    return compareTenants(this.#source, this.#subject, source, subject, options);
  }

  /**
   * Compares the tenant with an export, in constant memory: what it was when the export was made. To go back to it,
   * import the export with `into: 'replace'`.
   *
   * @param source the bytes of `export()`, or the path of a file or a folder
   * @returns table by table, how many rows there are, and whether they are the same
   * @throws DamagedExportError, SchemaDifferenceError, TenantNotFoundError
   * @example const { isEqual, tables } = await db.tenantData(id).compareWithExport('acme');
   */
  async compareWithExport(
    source: ExportSource,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<ComparedWithExport> {
    const { compareWithExport, piecesOf } = await import('./work.js');
    return compareWithExport(this.#source, this.#subject, piecesOf(source), options.signal);
  }

  /**
   * Makes the tenant what it is in another database, such as a backup that was restored beside this one. Compares
   * first, and replaces in one transaction; other tenants are not touched.
   *
   * @example await db.tenantData(id).restoreFrom(yesterday);
   */
  async restoreFrom(other: TenancyDatabase<any, any>, options: Omit<ImportOptions, 'into'> = {}): Promise<Restored> {
    const { importPieces, readTenant } = await import('./work.js');
    const { source, subject } = this.#otherOf(other, this.#id);
    const comparison = await this.compare(other, { signal: options.signal });
    if (comparison.isEqual) return { comparison, imported: undefined };
    const pieces = readTenant(source, subject, { signal: options.signal });
    return {
      comparison,
      imported: await importPieces(this.#source, this.#subject, this.#subject, pieces, { ...options, into: 'replace' }),
    };
  }
}
