/**
 * What is to be imported, on disk: read to its end, checked against its manifest, and written as COPY reads it, before
 * anything goes to the database. Each row's tenant is written here, and must have been the export's own.
 */
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DamagedExportError, TenantMismatchError } from '../errors.js';
import { lineOf } from './cells.js';
import type { Row } from './connection.js';
import type { ExportedTable, ExportHead, Piece, TableDigest } from './format.js';

export interface Spool {
  readonly head: ExportHead;
  readonly digests: readonly TableDigest[];
  readonly rowsOf: (table: string) => number;
  readonly read: (table: string) => AsyncIterable<Uint8Array>;
  readonly remove: () => Promise<void>;
}

export interface SpoolOptions {
  readonly signal?: AbortSignal | undefined;
  /** The folder for what is on its way; the system's own for temporary files without it. */
  readonly directory?: string | undefined;
}

/**
 * @param tenantFor the id to write, given the export's own
 * @throws DamagedExportError, TenantMismatchError
 */
export async function spool(
  pieces: AsyncIterable<Piece>,
  tenantFor: (head: ExportHead) => string | Promise<string>,
  { signal, directory }: SpoolOptions = {},
): Promise<Spool> {
  const folder = await mkdtemp(join(directory ?? tmpdir(), 'drizzle-tenant-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const files = new Map<string, { path: string; rows: number }>();
  let head: ExportHead | undefined;
  let digests: readonly TableDigest[] = [];
  let tenant = '';
  let file: FileHandle | undefined;
  try {
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      if (piece.kind === 'head') {
        head = piece.head;
        tenant = await tenantFor(head);
      } else if (piece.kind === 'table') {
        await file?.close();
        const path = join(folder, `${files.size}.copy`);
        file = await open(path, 'wx', 0o600);
        files.set(piece.table.name, { path, rows: 0 });
      } else if (piece.kind === 'rows') {
        const it = files.get(piece.table.name)!;
        const text = linesFor(piece.table, piece.rows, head!.tenant, tenant, it.rows);
        it.rows += piece.rows.length;
        await file!.write(text);
      } else if (piece.kind === 'end') digests = piece.digests;
    }
    await file?.close();
    file = undefined;
    return {
      head: head!,
      digests,
      rowsOf: (table) => files.get(table)?.rows ?? 0,
      read: (table) => createReadStream(files.get(table)!.path, { highWaterMark: 1 << 18 }),
      remove,
    };
  } catch (error) {
    await file?.close().catch(() => {});
    await remove();
    throw error;
  }
}

/** The rows behind the first `from`, `size` at a time. */
export async function* batchesOf(
  bytes: AsyncIterable<Uint8Array>,
  from: number,
  size: number,
): AsyncGenerator<{ rows: number; bytes: AsyncIterable<Uint8Array> }> {
  let skipped = 0;
  let rows = 0;
  let batch: Uint8Array[] = [];
  const given = () => {
    const chunks = batch;
    return {
      rows,
      bytes: (async function* () {
        yield* chunks;
      })(),
    };
  };
  for await (const chunk of bytes) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, end + 1)) {
      if (skipped < from) {
        skipped += 1;
        start = end + 1;
        continue;
      }
      if (++rows < size) continue;
      batch.push(chunk.subarray(start, end + 1));
      yield given();
      [start, rows, batch] = [end + 1, 0, []];
    }
    if (skipped >= from && start < chunk.length) batch.push(chunk.subarray(start));
  }
  if (rows > 0) yield given();
}

function linesFor(table: ExportedTable, rows: readonly Row[], from: string, to: string, before: number): string {
  const places = table.tenant.map((name) => table.columns.findIndex((it) => it.name === name));
  const [own] = places;
  if (table.kind === 'tenant' && (own === undefined || places.includes(-1))) {
    throw new DamagedExportError(
      `Export it anew: its head does not say which column of "${table.name}" is the tenant's. Nothing was written.`,
    );
  }
  const width = table.columns.length;
  let text = '';
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (!Array.isArray(row) || row.length !== width || !areCells(row)) {
      throw new DamagedExportError(
        `Export it anew: row ${before + i + 1} of "${table.name}" is not ${width} texts or nulls that ` +
          'PostgreSQL can hold. Nothing was written.',
      );
    }
    if (own === undefined) {
      text += `${lineOf(row)}\n`;
      continue;
    }
    if (row[own] !== from) {
      throw new TenantMismatchError(
        `Take the export from where it was made: row ${before + i + 1} of "${table.name}" belongs to ` +
          'another tenant than the rest. Nothing was written.',
      );
    }
    if (to === from) text += `${lineOf(row)}\n`;
    else {
      const renamed = [...row];
      for (const place of places) if (row[place] === from) renamed[place] = to;
      text += `${lineOf(renamed)}\n`;
    }
  }
  return text;
}

function areCells(row: readonly unknown[]): boolean {
  for (let i = 0; i < row.length; i++) {
    const cell = row[i];
    if (cell !== null && (typeof cell !== 'string' || cell.includes('\0'))) return false;
  }
  return true;
}
