/**
 * Rows as PostgreSQL's COPY writes them: cells of text with tabs between them, `\N` for NULL. No value is turned into
 * one of JavaScript's.
 */
import { constants, isUtf8 } from 'node:buffer';
import { DamagedExportError } from '../errors.js';
import type { Connection, Row } from './connection.js';
import { closeRows, fetchRows } from './statements.js';

const escapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
const unescape = (cell: string) =>
  cell === '\\N' ? null : cell.includes('\\') ? cell.replace(/\\(.)/gs, (_, it: string) => escapes[it] ?? it) : cell;

/** A line of COPY's text. Octal and hexadecimal escapes are read by PostgreSQL, and never written. */
export function cellsOf(line: string): Row {
  const cells = line.split('\t');
  return line.includes('\\') ? cells.map(unescape) : cells;
}

const written: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const special = /[\\\n\r\t]/;
const allSpecial = /[\\\n\r\t]/g;

export function lineOf(cells: Row): string {
  let line = '';
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]!;
    if (i > 0) line += '\t';
    line += cell === null ? '\\N' : special.test(cell) ? cell.replace(allSpecial, (it) => written[it]!) : cell;
  }
  return line;
}

const newline = 10;

/** Text of whole lines, as they come, without the last newline. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: Uint8Array[] = [];
  const textOf = (bytes: Buffer) => {
    if (!isUtf8(bytes))
      throw new DamagedExportError('Use a database and a file in UTF-8: there are bytes that are not.');
    return bytes.toString('utf8');
  };
  // A driver may give a row at a time: a few thousand together cost less.
  let size = 0;
  let hasEnd = false;
  for await (const chunk of chunks) {
    rest.push(chunk);
    size += chunk.length;
    hasEnd ||= chunk.includes(newline);
    if (!hasEnd && size > constants.MAX_STRING_LENGTH)
      throw new DamagedExportError('Export it anew: a line is longer than any row. Nothing was written.');
    // Put together once a line ends, and not with each piece of a long one.
    if (!hasEnd || size < 1 << 16) continue;
    const all = Buffer.concat(rest);
    const end = all.lastIndexOf(newline);
    yield textOf(all.subarray(0, end));
    rest = end + 1 < all.length ? [all.subarray(end + 1)] : [];
    size = rest[0]?.length ?? 0;
    hasEnd = false;
  }
  if (rest.length === 0) return;
  const all = Buffer.concat(rest);
  yield textOf(all.at(-1) === newline ? all.subarray(0, -1) : all);
}

/** How a table is read: by COPY where the driver has it, through a cursor elsewhere. */
export interface Reading {
  readonly copy: string;
  readonly declare: string;
}

/** The rows, some thousands at a time. */
export async function* readRows(connection: Connection, { copy, declare }: Reading): AsyncGenerator<Row[]> {
  if (connection.copyOut) {
    for await (const text of linesOf(connection.copyOut(copy))) yield text.split('\n').map(cellsOf);
    return;
  }
  await connection.query(declare);
  for (;;) {
    const rows = await connection.query(fetchRows(1_000));
    if (rows.length > 0) yield rows;
    if (rows.length < 1_000) break;
  }
  await connection.query(closeRows);
}
