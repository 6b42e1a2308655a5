/** What kind of thing a piece of SQL is, told as Drizzle's renderer tells it. */
import { Column, entityKind, is, Name, Param, Placeholder, SQL, StringChunk, Subquery, Table, View, type SQLWrapper } from 'drizzle-orm';
import { RawSqlNotScopedError } from '../schema/index.js';

/** The kinds, in the order in which the renderer asks. */
export const chunkKinds = {
  other: 0,
  string: 1,
  sql: 2,
  name: 3,
  column: 4,
  param: 5,
  placeholder: 6,
  table: 7,
  view: 8,
  aliased: 9,
  subquery: 10,
  valueRows: 11,
} as const;

const classes: readonly [type: any, kind: number][] = [
  [StringChunk, chunkKinds.string],
  [SQL, chunkKinds.sql],
  [Name, chunkKinds.name],
  [Column, chunkKinds.column],
  [Param, chunkKinds.param],
  [Placeholder, chunkKinds.placeholder],
  [Table, chunkKinds.table],
  [View, chunkKinds.view],
  [SQL.Aliased, chunkKinds.aliased],
  [Subquery, chunkKinds.subquery],
];
const known = new WeakMap<object, number>();

let symbol: symbol | undefined;

/** The symbol of what a chunk is, which Drizzle's renderer goes by, and an object may have of itself. */
function kindSymbol(): symbol {
  if (!symbol) {
    // Drizzle sets it when it first renders a chunk of the class.
    new SQL([new StringChunk('')]).toQuery({ escapeName: String, escapeParam: String, escapeString: String } as any);
    symbol = Object.getOwnPropertySymbols(StringChunk.prototype).find((it) => it.description === 'drizzle:chunkKind') ?? Symbol();
  }
  return symbol;
}

/**
 * @returns the kind of a chunk; a class is looked at once
 * @throws RawSqlNotScopedError for what Drizzle's renderer would take for something else
 */
export function chunkKindOf(chunk: unknown): number {
  const kind = kindOf(chunk);
  const said = chunk !== null && typeof chunk === 'object' ? (chunk as any)[kindSymbol()] : undefined;
  if (said !== undefined && said !== kind) throw new RawSqlNotScopedError('an object says of itself that it is something else', '');
  return kind;
}

function kindOf(chunk: unknown): number {
  if (chunk === null || typeof chunk !== 'object') return chunkKinds.other;
  const type = Object.getPrototypeOf(chunk)?.constructor;
  if (typeof type !== 'function') return chunkKinds.other;
  let kind = known.get(type);
  if (kind === undefined) {
    kind = classes.find(([it]) => is(chunk, it))?.[1] ?? (type[entityKind] === 'ValueRows' ? chunkKinds.valueRows : chunkKinds.other);
    known.set(type, kind);
  }
  return kind;
}

export function isSQLWrapper(value: unknown): value is SQLWrapper {
  return typeof (value as SQLWrapper | null | undefined)?.getSQL === 'function';
}

const encoders = new WeakMap<object, Param['encoder']>();

/** The encoder for a value that it has encoded: what else it is, a column of a type, stays. */
export function withoutEncoding(encoder: Param['encoder']): Param['encoder'] {
  let found = encoders.get(encoder);
  if (!found) encoders.set(encoder, (found = Object.create(encoder, { mapToDriverValue: { value: noop } }) as Param['encoder']));
  return found;
}
const noop = Object.assign((value: unknown) => value, { isNoop: true });
