/** Where a piece of a program stands while its text is made: what it sees, how deep it is, and what it is part of. */
import type { ColumnSpec, Kind, LinkSpec, SchemaSpec, TableSpec } from '../spec.js';

export interface Col {
  /** The column, as text of TypeScript. */
  readonly code: string;
  readonly kind: Kind;
  /** Its name in the database, where it is a column of a table or view as it stands. */
  readonly name?: string;
  readonly key: string;
}

/** Where rows come from, as a statement knows it. */
export interface Rows {
  readonly code: string;
  /** What `linkSpec`s are about: the table, or undefined for what is none. */
  readonly table?: TableSpec;
  readonly name: string;
  readonly kind: string;
  readonly isAlias: boolean;
  readonly cols: readonly Col[];
  /** Columns that order its rows totally. */
  readonly total: readonly string[];
}

/** What all parts of one program share. */
export interface Shared {
  readonly spec: SchemaSpec;
  readonly tenancy: number;
  readonly several: boolean;
  readonly reach: Set<string>;
  names: number;
}

const comparable = (kind: Kind) => !kind.startsWith('key') && !kind.startsWith('tenant');

export class Env {
  constructor(
    readonly shared: Shared,
    /** Lines that have to stand before the statement. */
    readonly lines: string[],
    /** What builds queries here: a handle's name. */
    readonly handle: string,
    readonly rows: readonly Rows[] = [],
    readonly outer: readonly Rows[] = [],
    readonly ctes: readonly Rows[] = [],
    readonly path: readonly string[] = [],
    /** Placeholders that a prepared statement has, and their kinds. */
    readonly placeholders: { next: number; max: number } | undefined = undefined,
  ) {}

  get spec(): SchemaSpec {
    return this.shared.spec;
  }

  with(change: Partial<Pick<Env, 'lines' | 'handle' | 'rows' | 'outer' | 'ctes' | 'path' | 'placeholders'>>): Env {
    const it = { ...this, ...change } as Env;
    return new Env(this.shared, it.lines, it.handle, it.rows, it.outer, it.ctes, it.path, it.placeholders);
  }

  /** The same place, within something. */
  in(part: string): Env {
    return this.with({ path: [...this.path, part] });
  }

  /** Says that a clause or the like was drawn, here. */
  reach(what: string): void {
    const { reach } = this.shared;
    reach.add(what);
    const [last, before] = [this.path.at(-1), this.path.at(-2)];
    if (last) reach.add(`${what} in ${last}`);
    if (last && before) reach.add(`${what} in ${last} in ${before}`);
  }

  name(prefix: string): string {
    return `${prefix}${++this.shared.names}`;
  }

  /** The tables that this program's handle may read. */
  get tables(): readonly TableSpec[] {
    return this.spec.tables.filter((it) => it.tenancy === undefined || it.tenancy === this.shared.tenancy);
  }

  /** Those whose rows are a tenant's own to write. */
  get writable(): readonly TableSpec[] {
    return this.tables.filter((it) => it.kind === 'tenant' || it.kind === 'link' || it.kind === 'root');
  }

  table(name: string): TableSpec {
    return this.spec.tables.find((it) => it.name === name)!;
  }

  /** All columns in sight: those of this statement first. */
  columns(kind?: Kind | ((kind: Kind) => boolean), inner = false): readonly Col[] {
    const all = [...this.rows, ...(inner ? [] : this.outer)].flatMap((it) => it.cols);
    if (kind === undefined) return all;
    return all.filter(typeof kind === 'function' ? (it) => kind(it.kind) : (it) => it.kind === kind);
  }

  /** A column to choose by number; one of this statement's own two times of three. */
  column(n: number, kind: Kind | ((kind: Kind) => boolean), inner = false): Col | undefined {
    const own = this.columns(kind, true);
    const all = own.length > 0 && n % 3 !== 0 ? own : this.columns(kind, inner);
    return all.length === 0 ? undefined : all[n % all.length];
  }

  isSeen(name: string): boolean {
    return [...this.rows, ...this.outer].some((it) => it.name === name);
  }

  linksOf(table: TableSpec): readonly LinkSpec[] {
    // A reference table leads to the tables of every tenancy.
    const isSeen = (name: string) => this.tables.some((it) => it.name === name);
    return this.spec.links.filter(
      (it) => (it.from === table.name && isSeen(it.to)) || (it.to === table.name && isSeen(it.from)),
    );
  }
}

export const choose = <T>(list: readonly T[], n: number): T => list[n % list.length]!;
export const isPlain = comparable;
export const columnOf = (table: TableSpec, key: string): ColumnSpec => table.columns.find((it) => it.key === key)!;

/** Text as a literal of TypeScript. */
export const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
/** Text as a literal of SQL within a template. */
export const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** How two sources are linked, as a condition; undefined where they are not. */
export function linkOf(env: Env, a: Rows, b: Rows): string | undefined {
  if (!a.table || !b.table) return undefined;
  const from = (left: Rows, right: Rows) =>
    env.spec.links.find((it) => it.from === left.table!.name && it.to === right.table!.name);
  const [one, link, other] = from(a, b) ? [a, from(a, b)!, b] : [b, from(b, a), a];
  if (!link) return undefined;
  const column = (rows: Rows, key: string) => rows.cols.find((it) => it.key === key)?.code;
  const pairs = link.fromKeys.map((key, i) => [column(one, key), column(other, link.toKeys[i]!)]);
  if (pairs.some(([left, right]) => !left || !right)) return undefined;
  const equal = pairs.map(([left, right]) => `eq(${left}, ${right})`);
  return equal.length === 1 ? equal[0] : `and(${equal.join(', ')})`;
}
