/**
 * Compares a tenant's rows with an export of them, table by table, in constant memory and in whatever order the rows
 * come.
 */
import { createHash } from 'node:crypto';
import type { Row, Source } from './connection.js';
import type { Subject } from './catalog.js';
import { SchemaDifferenceError } from '../errors.js';
import { readTenant } from './export.js';
import { checked } from './files.js';
import type { ExportedTable, Piece } from './format.js';

export interface TableWithExport {
  readonly table: string;
  readonly rows: number;
  readonly exportRows: number;
  /** Whether both have the same rows. The ids of the tenants are left out: an export of another tenant may be equal. */
  readonly isEqual: boolean;
}

/** What a tenant and an export of it have in common. */
export interface ComparedWithExport {
  readonly isEqual: boolean;
  /** When the export was made. */
  readonly at: string;
  readonly tables: readonly TableWithExport[];
}

/** The rows of a table, in any order: the sum of their digests. */
class Rows {
  #sum = 0n;
  count = 0;
  readonly #places: readonly number[];
  readonly columns: readonly string[];

  constructor({ columns, tenant }: ExportedTable) {
    const names = columns.map((it) => it.name);
    this.columns = names.filter((it) => !tenant.includes(it)).sort();
    this.#places = this.columns.map((it) => names.indexOf(it));
  }

  add(rows: readonly Row[]): void {
    for (const row of rows) {
      const digest = createHash('sha256')
        .update(JSON.stringify(this.#places.map((it) => row[it])))
        .digest();
      this.#sum = BigInt.asUintN(128, this.#sum + digest.readBigUInt64LE(0) + (digest.readBigUInt64LE(8) << 64n));
      this.count++;
    }
  }

  isEqual(other: Rows): boolean {
    return this.count === other.count && this.#sum === other.#sum;
  }
}

async function rowsOf(pieces: AsyncIterable<Piece>): Promise<{ at: string; tables: Map<string, Rows> }> {
  const tables = new Map<string, Rows>();
  let at = '';
  for await (const piece of pieces) {
    if (piece.kind === 'head') at = piece.head.at;
    else if (piece.kind === 'table') tables.set(piece.table.name, new Rows(piece.table));
    else if (piece.kind === 'rows') tables.get(piece.table.name)!.add(piece.rows);
  }
  return { at, tables };
}

/**
 * @param pieces of the export
 * @throws DamagedExportError where the export is cut off or changed; SchemaDifferenceError where a table or a column of
 * one is not in the other; TenantNotFoundError for an id without rows
 */
export async function compareWithExport(
  here: Source,
  subject: Subject,
  pieces: AsyncIterable<Piece>,
  signal?: AbortSignal,
): Promise<ComparedWithExport> {
  const { at, tables: exported } = await rowsOf(checked(pieces));
  const { tables: own } = await rowsOf(
    readTenant(here, subject, { signal, allowEmpty: [...exported.values()].some((it) => it.count > 0) }),
  );
  const differences = [...new Set([...own.keys(), ...exported.keys()])].flatMap((name) => {
    const [a, b] = [own.get(name), exported.get(name)];
    if (!a || !b) return [`"${name}" is ${a ? 'here' : 'in the export'} only`];
    return [
      ...a.columns.filter((it) => !b.columns.includes(it)).map((it) => `"${name}"."${it}" is here only`),
      ...b.columns.filter((it) => !a.columns.includes(it)).map((it) => `"${name}"."${it}" is in the export only`),
    ];
  });
  if (differences.length > 0)
    throw new SchemaDifferenceError('Bring the database to the migrations of the export', differences);
  const tables = [...own].map(([table, rows]): TableWithExport => {
    const other = exported.get(table)!;
    return { table, rows: rows.count, exportRows: other.count, isEqual: rows.isEqual(other) };
  });
  return { isEqual: tables.every((it) => it.isEqual), at, tables };
}
