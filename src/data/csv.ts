/** CSV as PostgreSQL's COPY writes it: NULL is an empty cell, the empty text is `""`. */
import { constants } from 'node:buffer';
import { DamagedExportError } from '../errors.js';
import type { Row } from './connection.js';

const special = /[",\n\r]/;
const cellOf = (cell: string | null) =>
  cell === null ? '' : cell === '' || special.test(cell) || cell === '\\.' ? `"${cell.replaceAll('"', '""')}"` : cell;

/** A table of one column: a NULL would be an empty line, which readers leave out. PostgreSQL reads it as NULL. */
export const csvLine = (cells: Row): string => cells.map(cellOf).join(',');

const cellEnd = /[,\n]/g;

/**
 * Reads records that may go over several lines, from text in pieces. What is known of a cell that has not ended is kept
 * in pieces, and put together once: each character is read once, however long a cell is.
 */
export class CsvReader {
  /** Where the text so far ends: `quote` is behind a quote that ends a cell, unless another follows. */
  #state: 'start' | 'bare' | 'quoted' | 'quote' | 'return' = 'start';
  #isQuoted = false;
  #pieces: string[] = [];
  #size = 0;
  #row: (string | null)[] = [];

  /** @returns the records that are whole */
  read(text: string, isLast = false): Row[] {
    const rows: Row[] = [];
    let at = 0;
    while (at < text.length) {
      const sign = text[at];
      switch (this.#state) {
        case 'start':
          this.#isQuoted = sign === '"';
          this.#state = this.#isQuoted ? 'quoted' : 'bare';
          if (this.#isQuoted) at += 1;
          break;
        case 'bare': {
          cellEnd.lastIndex = at;
          const end = cellEnd.exec(text)?.index ?? text.length;
          this.#keep(text.slice(at, end));
          at = end + 1;
          if (end < text.length) this.#endCell(text[end]!, rows);
          break;
        }
        case 'quoted': {
          let end = text.indexOf('"', at);
          while (end >= 0 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
          this.#keep(text.slice(at, end < 0 ? text.length : end));
          at = end < 0 ? text.length : end + 1;
          if (end >= 0) this.#state = 'quote';
          break;
        }
        case 'quote':
          if (sign === '"') {
            this.#keep('""');
            this.#state = 'quoted';
          } else if (sign === ',' || sign === '\n') this.#endCell(sign, rows);
          else if (sign === '\r') this.#state = 'return';
          else this.#goesOn();
          at += 1;
          break;
        case 'return':
          if (sign !== '\n') this.#goesOn();
          this.#endCell('\n', rows);
          at += 1;
      }
    }
    if (isLast) this.#end(rows);
    return rows;
  }

  #keep(piece: string): void {
    this.#size += piece.length;
    if (this.#size > constants.MAX_STRING_LENGTH)
      throw new DamagedExportError('Export it anew: a cell of the CSV is longer than any row. Nothing was written.');
    if (piece !== '') this.#pieces.push(piece);
  }

  #endCell(by: string, rows: Row[]): void {
    const text = this.#pieces.join('');
    const bare = by === '\n' && text.endsWith('\r') ? text.slice(0, -1) : text;
    this.#row.push(this.#isQuoted ? text.replaceAll('""', '"') : bare === '' ? null : bare);
    this.#pieces = [];
    this.#size = 0;
    this.#state = 'start';
    if (by === ',') return;
    rows.push(this.#row);
    this.#row = [];
  }

  #goesOn(): never {
    throw new DamagedExportError('Export it anew: a cell of the CSV goes on behind its closing quote.');
  }

  #end(rows: Row[]): void {
    if (this.#state === 'quoted') throw new DamagedExportError('Export it anew: the CSV ends in the middle of a cell.');
    if (this.#state === 'start' && this.#row.length === 0) return;
    // Behind a comma, an empty cell.
    if (this.#state === 'start') this.#isQuoted = false;
    this.#endCell('\n', rows);
  }
}
