/** What kind of thing a piece of SQL is, told as Drizzle's renderer tells it. */
import { Column, entityKind, is, Name, Param, Placeholder, SQL, StringChunk, Subquery, Table, View, type SQLWrapper } from 'drizzle-orm';

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

/** @returns the kind of a chunk; a class is looked at once */
export function chunkKindOf(chunk: unknown): number {
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
