/** CSV as PostgreSQL's COPY writes it: NULL is an empty cell, the empty text is `""`. */
import { DamagedExportError } from '../errors.js';
import type { Row } from './connection.js';

const special = /[",\n\r]/;
const cellOf = (cell: string | null) =>
  cell === null ? '' : cell === '' || special.test(cell) || cell === '\\.' ? `"${cell.replaceAll('"', '""')}"` : cell;

/** A table of one column: a NULL would be an empty line, which readers leave out. PostgreSQL reads it as NULL. */
export const csvLine = (cells: Row): string => cells.map(cellOf).join(',');

/** Reads records that may go over several lines, from text in pieces. */
export class CsvReader {
  #rest = '';

  /** @returns the records that are whole */
  read(text: string, isLast = false): Row[] {
    const all = this.#rest + text;
    const rows: (string | null)[][] = [];
    let row: (string | null)[] = [];
    let at = 0;
    let start = 0;
    while (at < all.length || (isLast && row.length > 0)) {
      let cell: string | null;
      if (all[at] === '"') {
        let end = at + 1;
        for (;;) {
          end = all.indexOf('"', end);
          if (end < 0 || (end + 1 >= all.length && !isLast)) return this.#keep(all, start, rows, isLast);
          if (all[end + 1] !== '"') break;
          end += 2;
        }
        cell = all.slice(at + 1, end).replaceAll('""', '"');
        at = end + 1;
      } else {
        const comma = all.indexOf(',', at);
        const line = all.indexOf('\n', at);
        const ends = [comma, line].filter((it) => it >= 0);
        if (ends.length === 0 && !isLast) return this.#keep(all, start, rows, isLast);
        const end = ends.length === 0 ? all.length : Math.min(...ends);
        const text = all.slice(at, end);
        const bare = (all[end] === '\n' || end === all.length) && text.endsWith('\r') ? text.slice(0, -1) : text;
        cell = bare === '' ? null : bare;
        at = end;
      }
      row.push(cell);
      if (all[at] === ',') {
        at += 1;
        if (isLast && at >= all.length) row.push(null);
        continue;
      }
      if (all[at] === '\r') at += 1;
      if (at >= all.length && !isLast) return this.#keep(all, start, rows, isLast);
      if (at < all.length && all[at] !== '\n')
        throw new DamagedExportError('Export it anew: a cell of the CSV goes on behind its closing quote.');
      at += 1;
      start = at;
      rows.push(row);
      row = [];
    }
    this.#rest = all.slice(start);
    return rows;
  }

  #keep(all: string, start: number, rows: Row[], isLast: boolean): Row[] {
    if (isLast) throw new DamagedExportError('Export it anew: the CSV ends in the middle of a cell.');
    this.#rest = all.slice(start);
    return rows;
  }
}
