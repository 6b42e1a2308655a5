/**
 * What an export consists of: a head that says of which tables, their rows, and an end that says how many and with
 * which digest.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Row } from './connection.js';

export interface ExportedColumn {
  readonly name: string;
  readonly type: string;
}

export interface ExportedTable {
  /** `public.projects`. */
  readonly name: string;
  readonly kind: 'tenant' | 'reference';
  /** Without generated columns: the database makes them. */
  readonly columns: readonly ExportedColumn[];
  readonly key: readonly string[];
  /** Columns that name the tenant, the tenant column first. */
  readonly tenant: readonly string[];
}

export interface ExportHead {
  /** The version of this format. */
  readonly drizzleTenant: 1;
  readonly tenancy: string;
  /** The tenant's id, as PostgreSQL prints it. */
  readonly tenant: string;
  /** When the snapshot was taken. */
  readonly at: string;
  /** A digest of the tables' definitions: two exports of one schema have the same. */
  readonly schemaVersion: string;
  /** Columns whose values were masked, as `public.users.email`. */
  readonly masked: readonly string[];
  /** In an order in which they can be imported. */
  readonly tables: readonly ExportedTable[];
}

export interface TableDigest {
  readonly name: string;
  readonly rows: number;
  /** Of the rows as NDJSON, each with its newline, in the order of the export. */
  readonly sha256: string;
}

/** What an export says of itself: `manifest.json` in a folder, the first and the last line of a stream. */
export interface Manifest extends ExportHead {
  readonly digests: readonly TableDigest[];
}

export const schemaVersionOf = (tables: readonly ExportedTable[]): string =>
  createHash('sha256')
    .update(JSON.stringify([...tables].sort((a, b) => (a.name < b.name ? -1 : 1))))
    .digest('hex')
    .slice(0, 16);

/** Rows as NDJSON: an array of texts and nulls each, in the order of the table's columns. */
export const ndjsonOf = (rows: readonly Row[]): string => {
  let text = '';
  for (const row of rows) text += `${JSON.stringify(row)}\n`;
  return text;
};

/** Counts and digests the rows of one table. */
export class Digest {
  readonly #hash: Hash = createHash('sha256');
  #rows = 0;

  constructor(readonly name: string) {}

  add(ndjson: string, rows: number): void {
    this.#hash.update(ndjson);
    this.#rows += rows;
  }

  end(): TableDigest {
    return { name: this.name, rows: this.#rows, sha256: this.#hash.digest('hex') };
  }
}

/** A part of a table: what is behind one key, up to another. A whole table, where both are null. */
export interface Part {
  readonly after: readonly string[] | null;
  readonly to: readonly string[] | null;
  /** Changes when a row of the part is added, changed or deleted. */
  readonly fingerprint: string;
}

/** What happens while an export is read or written. Parts are of exports that may be taken up again. */
export type Piece =
  | { readonly kind: 'part'; readonly table: ExportedTable; readonly n: number; readonly part: Part }
  | { readonly kind: 'kept'; readonly table: ExportedTable; readonly n: number }
  | { readonly kind: 'head'; readonly head: ExportHead }
  | { readonly kind: 'table'; readonly table: ExportedTable }
  | { readonly kind: 'rows'; readonly table: ExportedTable; readonly rows: readonly Row[]; readonly ndjson: string }
  | { readonly kind: 'end'; readonly digests: readonly TableDigest[] };
