/** The table of the README: a part for each benchmark, with the day and the load of its last run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';

export interface Line {
  readonly what: string;
  readonly text: string;
  readonly reach: string;
}

/** The benchmarks, in the order of the table. */
export const parts = {
  build: 'Building a statement',
  handles: 'Handles',
  'end-to-end': 'On a PostgreSQL, through postgres.js',
  peers: 'Six questions, in units of bare postgres.js',
  citus: 'On Citus',
  types: 'Type checking, 100 tables and 300 queries',
  size: 'Size',
} as const;
export type Part = keyof typeof parts;

const [begin, end] = ['<!-- bench: written by npm run bench -->', '<!-- /bench -->'];
const titleOf = /^\| \*\*(.*?)\*\*/;

export class Table {
  readonly #path: string;
  readonly #before: string;
  readonly #after: string;
  /** The rows of each part, its title first. */
  readonly #rows = new Map<string, string[]>();

  constructor(path: string) {
    this.#path = path;
    const text = readFileSync(path, 'utf8');
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`README.md has no place for the table: put "${begin}" and "${end}" there.`);
    this.#before = text.slice(0, from + begin.length);
    this.#after = text.slice(to);
    let rows: string[] = [];
    for (const row of text.slice(from, to).split('\n')) {
      const title = titleOf.exec(row)?.[1];
      if (title) this.#rows.set(title, (rows = []));
      if (row.startsWith('| ')) rows.push(row);
    }
  }

  /** @returns the first number of a row: the median */
  figure(what: string): number {
    const row = [...this.#rows.values()].flat().find((it) => it.startsWith(`| ${what} | `));
    const figure = Number(row?.slice(what.length + 5).match(/^[\d.]+/)?.[0]);
    if (!(figure > 0)) throw new Error(`The table of the README has no figure for "${what}".`);
    return figure;
  }

  /** Puts what a benchmark found in the place of what it found last time. */
  set(part: Part, lines: readonly Line[]): void {
    const day = new Date().toISOString().slice(0, 10);
    this.#rows.set(parts[part], [
      `| **${parts[part]}**, ${day}, load ${loadavg()[1]!.toFixed(1)} | | |`,
      ...lines.map(({ what, text, reach }) => `| ${what} | ${text} | ${reach} |`),
    ]);
  }

  write(machine: string): void {
    const rows = Object.values(parts).flatMap((title) => this.#rows.get(title) ?? []);
    const table = ['| what | median (quartiles) | to reach |', '| --- | --- | --- |', ...rows, '', machine];
    writeFileSync(this.#path, `${this.#before}\n${table.join('\n')}\n${this.#after}`);
  }
}
