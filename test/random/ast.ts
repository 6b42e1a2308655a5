/**
 * Programs as plain data. Tables, columns and words are numbers that are taken modulo what there is to choose from
 * where they are used: every tree is a program over every schema, and stays one while it shrinks.
 */

export type Num =
  | { readonly k: 'int'; readonly n: number }
  | { readonly k: 'column'; readonly n: number }
  | { readonly k: 'arithmetic'; readonly op: number; readonly a: Num; readonly b: Num }
  | { readonly k: 'case'; readonly when: Bool; readonly a: Num; readonly b: Num }
  | { readonly k: 'coalesce'; readonly a: Num; readonly n: number }
  | { readonly k: 'length'; readonly of: Text }
  | { readonly k: '$count'; readonly table: number; readonly linked: boolean; readonly where: Bool | null }
  /** A subquery written by hand over an interpolated table. */
  | { readonly k: 'template'; readonly table: number; readonly form: number }
  | { readonly k: 'aggregate'; readonly fn: number; readonly style: number; readonly select: Select };

export type Text =
  | { readonly k: 'word'; readonly n: number }
  | { readonly k: 'column'; readonly n: number }
  | { readonly k: 'concat'; readonly a: Text; readonly b: Text }
  | { readonly k: 'function'; readonly fn: number; readonly of: Text }
  | { readonly k: 'case'; readonly when: Bool; readonly a: Text; readonly b: Text }
  | { readonly k: 'number'; readonly of: Num }
  | { readonly k: 'template'; readonly table: number; readonly form: number }
  | { readonly k: 'scalar'; readonly style: number; readonly select: Select };

export type Bool =
  | { readonly k: 'constant'; readonly n: number }
  | { readonly k: 'column'; readonly n: number }
  | { readonly k: 'compare'; readonly op: number; readonly style: number; readonly a: Num; readonly b: Num }
  | { readonly k: 'compareText'; readonly op: number; readonly style: number; readonly a: Text; readonly b: Text }
  | { readonly k: 'key'; readonly n: number; readonly value: number; readonly op: number }
  | { readonly k: 'like'; readonly n: number; readonly pattern: number; readonly op: number }
  | { readonly k: 'between'; readonly not: boolean; readonly of: Num; readonly low: number; readonly high: number }
  | { readonly k: 'list'; readonly not: boolean; readonly of: Num; readonly values: readonly number[] }
  | { readonly k: 'null'; readonly n: number; readonly not: boolean }
  | { readonly k: 'other'; readonly n: number; readonly op: number; readonly value: number }
  | { readonly k: 'tenant'; readonly n: number; readonly m: number; readonly op: number }
  | { readonly k: 'link' }
  | { readonly k: 'template'; readonly table: number; readonly form: number; readonly not: boolean }
  | { readonly k: 'and' | 'or'; readonly of: readonly Bool[] }
  | { readonly k: 'not'; readonly of: Bool }
  | { readonly k: 'case'; readonly when: Bool; readonly a: Bool; readonly b: Bool }
  | { readonly k: 'exists'; readonly not: boolean; readonly style: number; readonly select: Select }
  | { readonly k: 'in'; readonly not: boolean; readonly style: number; readonly of: Num; readonly select: Select }
  | { readonly k: 'quantified'; readonly op: number; readonly all: boolean; readonly of: Num; readonly select: Select };

export type Source =
  | { readonly k: 'table'; readonly table: number; readonly alias: boolean }
  /** A table that is linked to one that is there already. */
  | { readonly k: 'linked'; readonly n: number; readonly alias: boolean }
  | { readonly k: 'subquery'; readonly select: Select }
  | { readonly k: 'cte'; readonly n: number }
  | { readonly k: 'template'; readonly table: number; readonly join: number }
  | { readonly k: 'values'; readonly n: number };

export interface Join {
  readonly type: number;
  readonly lateral: boolean;
  readonly source: Source;
  readonly on: Bool | null;
}

export type Field =
  | { readonly k: 'column'; readonly n: number }
  | { readonly k: 'num'; readonly of: Num }
  | { readonly k: 'text'; readonly of: Text }
  | { readonly k: 'bool'; readonly of: Bool }
  | { readonly k: 'window'; readonly fn: number; readonly n: number; readonly partition: number };

export interface Order {
  readonly n: number;
  readonly style: number;
}

export interface Group {
  /** By the primary key of the first table, or by columns and expressions. */
  readonly key: boolean;
  readonly by: readonly number[];
  readonly aggregates: readonly number[];
  readonly rollup: boolean;
  readonly having: { readonly op: number; readonly than: Num } | null;
}

export interface Cte {
  readonly style: number;
  readonly named: number;
  readonly select: Select;
}

export interface Select {
  readonly ctes: readonly Cte[];
  readonly from: Source;
  readonly joins: readonly Join[];
  /** None for all columns. */
  readonly fields: readonly Field[];
  readonly correlated: boolean;
  readonly where: Bool | null;
  readonly group: Group | null;
  /** 1 for DISTINCT, 2 for DISTINCT ON. */
  readonly distinct: number;
  readonly order: readonly Order[];
  readonly limit: number | null;
  readonly offset: number | null;
  readonly lock: number | null;
  readonly set: { readonly op: number; readonly style: number; readonly right: Select } | null;
  readonly dynamic: boolean;
}

export type Filter =
  | { readonly k: 'column'; readonly n: number; readonly op: number; readonly value: number }
  | { readonly k: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly k: 'not'; readonly of: Filter }
  | { readonly k: 'relation'; readonly n: number; readonly of: Filter | null; readonly exists: boolean }
  | { readonly k: 'raw'; readonly of: Bool };

export interface Find {
  readonly table: number;
  readonly columns: readonly number[];
  readonly where: Filter | null;
  readonly order: readonly Order[];
  /** Orders by a relation: its count, an aggregate of it, or a column of the one it leads to. */
  readonly by: number | null;
  readonly limit: number | null;
  readonly offset: number | null;
  readonly extras: readonly Field[];
  readonly with: readonly { readonly n: number; readonly find: Find }[];
}

/** The value of a column that is written. */
export interface Cell {
  /** 0 leaves it out where it may be, 1 is a literal, 2 an expression, 3 null where it may be. */
  readonly k: number;
  readonly n: number;
  readonly num: Num;
  readonly text: Text;
}

export interface Returning {
  /** None for all columns. */
  readonly fields: readonly Field[];
  readonly some: boolean;
}

export interface Conflict {
  readonly action: number;
  readonly target: number;
  readonly set: readonly Cell[];
  readonly where: Bool | null;
}

export type Write =
  | {
      readonly k: 'insert';
      readonly table: number;
      readonly rows: readonly { readonly key: number; readonly tenant: boolean; readonly cells: readonly Cell[] }[];
      readonly conflict: Conflict | null;
      readonly returning: Returning | null;
    }
  | {
      readonly k: 'insert select';
      readonly table: number;
      readonly shift: number;
      readonly style: number;
      readonly joins: readonly Join[];
      readonly where: Bool | null;
      readonly conflict: Conflict | null;
      readonly returning: Returning | null;
    }
  | {
      readonly k: 'update';
      readonly table: number;
      readonly alias: boolean;
      readonly sets: readonly { readonly n: number; readonly cell: Cell }[];
      readonly from: { readonly k: number; readonly join: number | null; readonly joinType: number } | null;
      readonly where: Bool | null;
      readonly returning: Returning | null;
    }
  | { readonly k: 'delete'; readonly table: number; readonly where: Bool | null; readonly returning: Returning | null };

export interface Raw {
  readonly form: number;
  readonly table: number;
  readonly link: number;
  readonly column: number;
  readonly value: number;
  /** By hand with the tenant's predicate, or with the tables interpolated. */
  readonly byHand: boolean;
}

export type Statement =
  | { readonly k: 'select'; readonly select: Select }
  | { readonly k: '$count'; readonly source: Source; readonly where: Bool | null }
  | { readonly k: 'find'; readonly first: boolean; readonly find: Find }
  | { readonly k: 'write'; readonly ctes: readonly Cte[]; readonly write: Write }
  | { readonly k: 'writing CTE'; readonly write: Write; readonly join: Select | null }
  | { readonly k: 'raw'; readonly raw: Raw };

export type Step =
  | { readonly k: 'statement'; readonly statement: Statement }
  /** 0: `prepare(name)`; 1: `db.prepare(tenancy, ...)`. */
  | { readonly k: 'prepared'; readonly any: boolean; readonly statement: Statement; readonly values: readonly number[] }
  | { readonly k: 'transaction'; readonly steps: readonly Step[]; readonly end: number; readonly settings: number }
  | { readonly k: 'shared'; readonly n: number; readonly value: number }
  | { readonly k: 'refresh'; readonly n: number }
  | { readonly k: 'refused'; readonly n: number; readonly table: number; readonly link: number; readonly write: Write };

export interface Program {
  /** Of one tenant, or of two at once. */
  readonly several: boolean;
  readonly steps: readonly Step[];
}
