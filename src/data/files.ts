/** Exports as bytes: one stream of NDJSON, or a folder with a file for each table. Compressed with gzip, or not. */
import { createReadStream, existsSync, lstatSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { DamagedExportError, UnsupportedTenantOperationError } from '../errors.js';
import { linesOf } from './cells.js';
import type { Row } from './connection.js';
import { CsvReader } from './csv.js';
import { Digest, ndjsonOf, type ExportedTable, type ExportHead, type Manifest, type Piece } from './format.js';

export type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** The lightest: a stronger one costs more time than the database does. */
export const level = 1;

const gzipped = (bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => {
  const source = Readable.from(bytes);
  const gzip = createGzip({ level });
  source.on('error', (error) => gzip.destroy(error));
  gzip.on('close', () => source.destroy());
  return source.pipe(gzip);
};

export const headLine = (head: ExportHead) => `${JSON.stringify(head)}\n`;
export const tableLine = (table: ExportedTable) => `${JSON.stringify({ table: table.name })}\n`;
export const endLine = (digests: Manifest['digests']) => `${JSON.stringify({ digests })}\n`;

/** The pieces as one stream. The last line tells that it is whole. */
export function streamOf(pieces: AsyncIterable<Piece>, { gzip }: { gzip: boolean }): AsyncIterable<Uint8Array> {
  const lines = (async function* () {
    for await (const piece of pieces) {
      if (piece.kind === 'head') yield Buffer.from(headLine(piece.head));
      else if (piece.kind === 'table') yield Buffer.from(tableLine(piece.table));
      else if (piece.kind === 'rows') yield Buffer.from(piece.ndjson);
      else if (piece.kind === 'end') yield Buffer.from(endLine(piece.digests));
    }
  })();
  return gzip ? gzipped(lines) : lines;
}

export type FolderFormat = 'csv' | 'ndjson';

export const fileName = (table: ExportedTable, format: FolderFormat, gzip: boolean) =>
  `${encodeURIComponent(table.name)}.${format}${gzip ? '.gz' : ''}`;

/** What an export was read from: a stream of bytes, or the path of a file or a folder. */
export type ExportSource = Bytes | string;

/**
 * The pieces of an export that was written. The digests are those that it tells; `checked` compares them.
 *
 * @throws DamagedExportError
 */
export async function* piecesOf(source: ExportSource): AsyncGenerator<Piece> {
  if (typeof source === 'string' && !existsSync(source))
    throw new UnsupportedTenantOperationError(`Name a file or a folder of an export: ${source} is not there.`);
  if (typeof source === 'string' && statSync(source).isDirectory()) yield* folderPieces(source);
  else yield* streamPieces(typeof source === 'string' ? createReadStream(source) : source);
}

const damaged = (what: string) => new DamagedExportError(`Export it anew: ${what}. Nothing was written.`);

/** A stream with an encoding, as `createReadStream(path, 'utf8')`, gives text. */
const bytesOf = (piece: Uint8Array | string) => (typeof piece === 'string' ? Buffer.from(piece) : piece);

export async function* plain(bytes: Bytes): AsyncGenerator<Uint8Array> {
  const iterator = (
    Symbol.asyncIterator in bytes ? bytes[Symbol.asyncIterator]() : bytes[Symbol.iterator]()
  ) as AsyncIterator<Uint8Array>;
  const first: Uint8Array[] = [];
  let size = 0;
  while (size < 2) {
    const next = await iterator.next();
    if (next.done) break;
    first.push(bytesOf(next.value));
    size += next.value.length;
  }
  const rest = async function* () {
    try {
      yield* first;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield bytesOf(next.value);
    } finally {
      await iterator.return?.();
    }
  };
  const [a, b] = Buffer.concat(first);
  if (!(a === 0x1f && b === 0x8b)) return yield* rest();
  const gunzip = createGunzip();
  const source = Readable.from(rest());
  source.on('error', (error) => gunzip.destroy(error));
  try {
    yield* source.pipe(gunzip);
  } catch (error) {
    const { code } = error as { code?: string };
    throw code?.startsWith('Z_') ? damaged(`it is cut off, or changed (${(error as Error).message})`) : error;
  } finally {
    source.destroy();
  }
}

const parse = (line: string): any => {
  try {
    return JSON.parse(line);
  } catch {
    throw damaged(`a line is no JSON: ${JSON.stringify(line.slice(0, 40))}`);
  }
};

/** The values of lines: all in one go where each line is one value, which costs half of one by one. */
function valuesOf(text: string, lines: readonly string[]): any[] {
  try {
    const values = JSON.parse(`[${text.replaceAll('\n', ',')}]`);
    if (values.length === lines.length) return values;
  } catch {}
  return lines.map(parse);
}

async function* streamPieces(bytes: Bytes): AsyncGenerator<Piece> {
  let head: ExportHead | undefined;
  let table: ExportedTable | undefined;
  let digests: Manifest['digests'] | undefined;
  for await (const text of linesOf(plain(bytes))) {
    let rows: Row[] = [];
    let lines: string[] = [];
    const taken = (): Piece => ({ kind: 'rows', table: table!, rows, ndjson: `${lines.join('\n')}\n` });
    const all = text.split('\n');
    const values = valuesOf(text, all);
    for (let i = 0; i < all.length; i++) {
      const [line, value] = [all[i]!, values[i]];
      if (digests) throw damaged('there is more behind its end');
      if (Array.isArray(value)) {
        if (!table) throw damaged('it does not begin with a head');
        rows.push(value);
        lines.push(line);
        continue;
      }
      if (rows.length > 0) yield taken();
      rows = [];
      lines = [];
      if (!head) yield { kind: 'head', head: (head = headOf(value)) };
      else if (typeof value?.table === 'string') {
        table = head.tables.find((it) => it.name === value.table);
        if (!table) throw damaged(`its head does not know the table "${value.table}"`);
        yield { kind: 'table', table };
      } else if (value?.digests !== undefined) digests = digestsOf(value.digests);
      else throw damaged('a line is neither a row nor a table');
    }
    if (rows.length > 0) yield taken();
  }
  if (!digests) throw damaged('it is cut off');
  yield { kind: 'end', digests };
}

const isText = (it: unknown): it is string => typeof it === 'string';
const isListOf = (list: unknown, isOne: (it: any) => boolean): boolean => Array.isArray(list) && list.every(isOne);

function digestsOf(value: any): Manifest['digests'] {
  if (!isListOf(value, (it) => isText(it?.name))) throw damaged('its end is not whole');
  return value;
}

function headOf(value: any): ExportHead {
  const isTable = (it: any) =>
    typeof it?.name === 'string' &&
    ['tenant', 'reference'].includes(it.kind) &&
    isListOf(it.columns, (column) => [column?.name, column?.type].every(isText)) &&
    [it.key, it.tenant].every((names) => isListOf(names, isText));
  if (value?.drizzleTenant !== 1) throw damaged('it is no export of a tenant, or one of a later version');
  if (typeof value.tenant !== 'string' || typeof value.tenancy !== 'string' || !isListOf(value.tables, isTable))
    throw damaged('its head is not whole');
  return value;
}

/** Whoever made the folder may have put a link into it, to a file that is not theirs: none is followed. */
function own(file: string): void {
  if (!lstatSync(file).isFile())
    throw new DamagedExportError(
      `Put the file itself in the place of ${file}, which is a link, or no file. Nothing was written.`,
    );
}

async function* folderPieces(folder: string): AsyncGenerator<Piece> {
  const path = join(folder, 'manifest.json');
  if (!existsSync(path)) throw damaged(`${folder} has no manifest.json`);
  own(path);
  const { digests: told, format, gzip, ...rest } = parse(await readFile(path, 'utf8')) ?? {};
  const head = headOf(rest);
  const digests = digestsOf(told);
  // The name of each file is made of them: nothing else may lead out of the folder.
  const isFormat = (format === 'csv' || format === 'ndjson') && typeof gzip === 'boolean';
  if (!isFormat) throw damaged('its manifest is not whole');
  yield { kind: 'head', head };
  for (const table of head.tables) {
    const file = join(folder, fileName(table, format, gzip));
    if (!existsSync(file)) throw damaged(`${file} is not there`);
    own(file);
    yield { kind: 'table', table };
    for await (const rows of rowsOfFile(file, format, table)) yield { kind: 'rows', table, ...rows };
  }
  yield { kind: 'end', digests };
}

/** @param hasTitles whether the first line of a CSV names the columns */
export async function* rowsOfFile(
  file: string,
  format: FolderFormat,
  table: ExportedTable,
  hasTitles = true,
): AsyncGenerator<{ rows: Row[]; ndjson: string }> {
  const reader = new CsvReader();
  let isFirst = hasTitles;
  for await (const text of linesOf(plain(createReadStream(file)))) {
    let rows: Row[] = format === 'csv' ? reader.read(`${text}\n`) : valuesOf(text, text.split('\n'));
    if (format === 'csv' && isFirst && rows.length > 0) {
      if (JSON.stringify(rows[0]) !== JSON.stringify(table.columns.map((it) => it.name)))
        throw damaged(`the columns of ${file} are not those of the manifest`);
      rows = rows.slice(1);
      isFirst = false;
    }
    if (rows.length > 0) yield { rows, ndjson: format === 'csv' ? ndjsonOf(rows) : `${text}\n` };
  }
  if (format !== 'csv') return;
  const rows = reader.read('', true);
  if (rows.length > 0) yield { rows, ndjson: ndjsonOf(rows) };
}

/** The same pieces, once what the end tells is what came. */
export async function* checked(pieces: AsyncIterable<Piece>): AsyncGenerator<Piece> {
  const digests = new Map<string, Digest>();
  let tables: readonly ExportedTable[] = [];
  for await (const piece of pieces) {
    if (piece.kind === 'head') ({ tables } = piece.head);
    else if (piece.kind === 'table') {
      if (digests.has(piece.table.name)) throw damaged(`the table "${piece.table.name}" comes twice`);
      digests.set(piece.table.name, new Digest(piece.table.name));
    } else if (piece.kind === 'rows') digests.get(piece.table.name)!.add(piece.ndjson, piece.rows.length);
    else if (piece.kind === 'end') {
      const came = [...digests.values()].map((it) => it.end());
      const names = [...new Set([...tables, ...came, ...piece.digests].map((it) => it.name))];
      const wrong = names.filter((name) => {
        const [is, told] = [came, piece.digests].map((all) => all.find((it) => it.name === name));
        return !is || !told || is.rows !== told.rows || is.sha256 !== told.sha256;
      });
      if (wrong.length > 0)
        throw damaged(`the rows of ${wrong.map((it) => `"${it}"`).join(', ')} are not those that the manifest tells`);
    }
    yield piece;
  }
}
