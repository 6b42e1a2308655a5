/** The range table: what stands in the FROM of a query, the columns of each entry, and which of them hold a tenant. */
import type { Node } from '../parser.js';
import type { Declared } from '../tables.js';

/** Where a column's values come from: from a column that holds the tenant, or from an expression. */
export type Source = true | Node;

export interface Column {
  readonly name: string;
  /** The entry whose tenant it holds; a null may stand in its place. */
  readonly of?: Entry | undefined;
  /** Whether an outer join within the entry may leave a null there. */
  readonly orNull?: boolean | undefined;
  /** Where the values of a query's column come from, and the entry for its rows. */
  readonly sources?: readonly Source[] | undefined;
  readonly entry?: Entry | undefined;
}

/**
 * What rows hold of tenants:
 * - `nothing`: no tenant's data;
 * - `tenant`: each row the data of one tenant, and they are as many and the same as that tenant's rows alone would
 *   give;
 * - `mixed`: several tenants' data together, counted, limited or put in order.
 */
export type Holds = 'nothing' | 'tenant' | 'mixed';

/** What is known of the rows of a query. */
export interface Rows {
  readonly columns: readonly {
    readonly name: string;
    readonly sources: readonly Source[];
    readonly orNull?: boolean;
    readonly orEverybody?: boolean;
  }[];
  /** How many of the first columns are known by their position: a star's columns come in the database's order. */
  readonly ordered: number;
  /** False where a star stands for columns that are not known. */
  readonly whole: boolean;
  readonly holds: Holds;
  /** What mixes them, where they are mixed. */
  readonly why?: string | undefined;
  /** Whether they are the rows of the handle's tenants only. */
  readonly own: boolean;
  /** Entries of a level around: the rows are of the same tenant as the row of each of those. */
  readonly ties: readonly Entry[];
}

/** Whether a column holds the tenant in each row. */
export const isTenant = (sources: readonly Source[]): boolean =>
  sources.length > 0 && sources.every((it) => it === true);

export const noRows: Rows = { columns: [], ordered: 0, whole: true, holds: 'nothing', own: false, ties: [] };

/** A range table entry. */
export class Entry {
  holds: Holds = 'nothing';
  why: string | undefined;
  /** False where it may have columns that are not known. */
  whole = true;
  /** Whether its columns are seen behind its name only. */
  isQualified = false;
  /** Whether its name may mean a value in place of a row: that of a function in FROM, whatever its column is called. */
  isValue = false;
  readonly #columns = new Map<string, Column>();

  constructor(
    readonly level: Level,
    readonly name: string,
    readonly table?: Declared | undefined,
    /** The schema that may stand before the name. */
    readonly schema?: string | undefined,
    readonly location?: number | undefined,
  ) {}

  add(name: string, of?: Entry, sources?: readonly Source[], orNull?: boolean): void {
    // Of two columns of one name, PostgreSQL lets neither be named.
    this.#columns.set(name, this.#columns.has(name) ? { name } : { name, of, sources, orNull, entry: this });
  }

  column(name: string): Column | undefined {
    if (!this.table) return this.#columns.get(name);
    if (!this.table.columns.has(name)) return undefined;
    return { name, of: this.holds === 'tenant' && this.table.tenant?.column === name ? this : undefined };
  }

  columns(): Column[] {
    return this.table ? [...this.table.columns].map((it) => this.column(it)!) : [...this.#columns.values()];
  }
}

/**
 * Two entries have the same tenant, or one has a tenant of the handle's, in every row in which `join` was satisfied.
 */
export interface Fact {
  readonly a: Entry;
  readonly b: Entry | 'tenant';
  /** Those of the two whose row may be everybody's instead. */
  readonly orNull?: readonly Entry[] | undefined;
  /** Undefined for WHERE, which every row satisfies. */
  readonly join?: Join | undefined;
}

/** A join: its sides, and the entries whose rows it drops where its condition is not satisfied. */
export interface Join {
  readonly left: readonly Entry[];
  readonly right: readonly Entry[];
  readonly filtered: readonly Entry[];
}

/** One query: its FROM, what is known of it, and the subqueries in its expressions. */
export class Level {
  readonly entries: Entry[] = [];
  readonly facts: Fact[] = [];
  readonly sublinks: { readonly rows: Rows; readonly isTarget: boolean; readonly location: number | undefined }[] = [];
  readonly windows: Node[] = [];
  own = false;
  ties: readonly Entry[] = [];

  /** Adds an entry for the rows of a query, and what is known of them. */
  addRows(name: string, { columns, whole, holds, why, own, ties }: Rows, location?: number): Entry {
    const entry = new Entry(this, name, undefined, undefined, location);
    entry.holds = holds;
    entry.why = why;
    entry.whole = whole;
    for (const { name, sources, orNull, orEverybody } of columns) {
      // Beside other rows, a null tells no more of a tenant where its row is everybody's.
      entry.add(
        name,
        holds !== 'mixed' && isTenant(sources) ? entry : undefined,
        sources,
        orNull === true || orEverybody === true,
      );
    }
    const join: Join = { left: [], right: [], filtered: [entry] };
    if (own) this.facts.push({ a: entry, b: 'tenant', join });
    for (const tie of ties) this.facts.push({ a: entry, b: tie, join });
    this.entries.push(entry);
    return entry;
  }
}

/** A common table expression that a statement may name, and those around it. */
export interface Ctes {
  readonly name: string;
  /** Its rows; undefined while it is being read, when nothing may name it. */
  rows: Rows | undefined;
  readonly outer: Ctes | undefined;
}

/** Rows whose first columns were given other names. Behind a star, which of them those are is not known. */
export function renamed(rows: Rows, names: readonly string[] | undefined): Rows {
  if (!names) return rows;
  const columns = rows.columns.map((it, i) => ({ ...it, name: names[i] ?? it.name }));
  if (names.length <= rows.ordered) return { ...rows, columns };
  const unknown = names.slice(rows.ordered).map((name) => ({ name, sources: [] }));
  return { ...rows, columns: [...columns.slice(0, rows.ordered), ...unknown], ordered: names.length, whole: false };
}
