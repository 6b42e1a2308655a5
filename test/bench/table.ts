/**
 * What the benchmarks found: a part for each, with the day and the load of its last run. A table in `docs` is written
 * from it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';

export interface Line {
  readonly what: string;
  readonly text: string;
  readonly reach: string;
}

/** The benchmarks, in the order of the table. */
export const parts = {
  build: 'Building a statement',
  gate: 'The gate',
  handles: 'Handles',
  'end-to-end': 'On a PostgreSQL, through postgres.js',
  mappers: 'From rows to objects, through postgres.js',
  rls: 'Row-level security',
  peers: 'Six questions, in units of bare postgres.js',
  citus: 'On Citus',
  types: 'Type checking, 100 tables and 300 queries',
  size: 'Size',
} as const;
export type Part = keyof typeof parts;

interface Measured {
  readonly day: string;
  readonly load: number;
  readonly lines: readonly Line[];
}

interface File {
  machine: string;
  readonly parts: Partial<Record<Part, Measured>>;
}

const [begin, end] = ['<!-- bench: written by npm run bench -->', '<!-- /bench -->'];

export class Figures {
  readonly #path: string;
  readonly #page: string;
  readonly #file: File;

  /** @param root the folder of the package */
  constructor(root: string) {
    this.#path = join(root, 'test/bench/figures.json');
    this.#page = join(root, 'docs/benchmarks.md');
    this.#file = JSON.parse(readFileSync(this.#path, 'utf8'));
  }

  /** @returns the first number of a line: the median */
  figure(what: string): number {
    const line = Object.values(this.#file.parts)
      .flatMap((it) => it.lines)
      .find((it) => it.what === what);
    const figure = Number(line?.text.match(/^[\d.]+/)?.[0]);
    if (!(figure > 0)) throw new Error(`test/bench/figures.json has no figure for "${what}".`);
    return figure;
  }

  /** Puts what a benchmark found in the place of what it found last time. */
  set(part: Part, lines: readonly Line[]): void {
    this.#file.parts[part] = {
      day: new Date().toISOString().slice(0, 10),
      load: Number(loadavg()[1]!.toFixed(1)),
      lines,
    };
  }

  write(machine: string): void {
    this.#file.machine = machine;
    writeFileSync(this.#path, `${JSON.stringify(this.#file, null, 2)}\n`);
    writeFileSync(this.#page, this.page());
  }

  /** @returns the page with the table of these figures */
  page(): string {
    const text = readFileSync(this.#page, 'utf8');
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from)
      throw new Error(`docs/benchmarks.md has no place for the table: put "${begin}" and "${end}" there.`);
    return `${text.slice(0, from + begin.length)}\n${this.#table().join('\n')}\n${text.slice(to)}`;
  }

  #table(): string[] {
    const rows = (Object.keys(parts) as Part[]).flatMap((part) => {
      const found = this.#file.parts[part];
      if (!found) return [];
      return [
        `| **${parts[part]}**, ${found.day}, load ${found.load.toFixed(1)} | | |`,
        ...found.lines.map(({ what, text, reach }) => `| ${what} | ${text} | ${reach} |`),
      ];
    });
    return ['| what | median (quartiles) | to reach |', '| --- | --- | --- |', ...rows, '', this.#file.machine];
  }
}
