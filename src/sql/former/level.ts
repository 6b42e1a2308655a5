/** One query level: the sources of rows that it sees, and which of their columns are known to hold the tenant. */
import type { Declared } from '../tables.js';

/** A source of rows by the name that the level knows it by. */
export interface Item {
  readonly name: string;
  /** The schema that may stand before the name. */
  readonly schema?: string | undefined;
  /** The declared table, where the item is one. */
  readonly table?: Declared | undefined;
  readonly location?: number | undefined;
  /** The names of its columns; undefined where they are not known. */
  columns: ReadonlySet<string> | undefined;
  /** The columns that hold the tenant's value, or null, in every row that the level gives. */
  bound: Set<string>;
  /** True while it is not read yet: neither itself nor what stands before it sees it. */
  pending?: boolean;
  /** What was found in place of a binding, for the message. */
  hint?: string;
}

export class Level {
  readonly items: Item[] = [];
  /** Columns merged by JOIN ... USING, and whether each such join is an inner one. */
  readonly merged = new Map<string, boolean>();

  constructor(readonly parent: Level | undefined) {}

  /** The items of this level and those around it that a qualified name could mean. */
  named(schema: string | undefined, name: string): Item[] {
    const found: Item[] = [];
    for (let level: Level | undefined = this; level; level = level.parent) {
      for (const item of level.items) {
        if (!item.pending && item.name === name && (schema === undefined || item.schema === schema)) found.push(item);
      }
    }
    return found;
  }
}

/** A common table expression that a statement may name, and those around it. */
export interface Ctes {
  readonly name: string;
  /** Its rows; undefined while it is being read, when nothing may name it. */
  rows: Rows | undefined;
  readonly outer: Ctes | undefined;
}

/** What a column of a query holds: a column known to hold the tenant, or an expression. */
export type Source = 'bound' | object;

export interface Rows {
  readonly columns: readonly { readonly name: string; readonly sources: readonly Source[] }[];
  /** How many of the first columns are known by their position: a star's columns come in the database's order. */
  readonly ordered: number;
  /** False where a star stands for columns that are not known. */
  readonly known: boolean;
}

const isBound = (sources: readonly Source[]) => sources.length > 0 && sources.every((it) => it === 'bound');

/** The columns of a query, as an item around it sees them. */
export function itemOf(name: string, rows: Rows, columnNames: readonly string[] | undefined, location?: number): Item {
  const { columns, known } = columnNames ? renamed(rows, columnNames) : rows;
  const bound = new Set(columns.filter((it) => isBound(it.sources)).map((it) => it.name));
  for (const { name, sources } of columns) if (!isBound(sources)) bound.delete(name);
  return { name, location, columns: known ? new Set(columns.map((it) => it.name)) : undefined, bound };
}

/** Rows whose first columns were given other names. */
export function renamed(rows: Rows, names: readonly string[]): Rows {
  if (names.length > rows.ordered) return { columns: [], ordered: 0, known: false };
  return { ...rows, columns: rows.columns.map((it, i) => ({ ...it, name: names[i] ?? it.name })) };
}
