/**
 * What kind of thing a piece of SQL is: told by Drizzle's renderer itself, so that nothing reads as other than it
 * renders. An older release candidate asks class by class, in this order; the range of the peers admits it.
 */
import { Column, entityKind, is, Name, Param, Placeholder, SQL, StringChunk, Subquery, Table, View } from 'drizzle-orm';
import * as renderer from 'drizzle-orm/sql/sql';

const kinds = {
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
};
const classes: readonly [type: any, kind: number][] = [
  [StringChunk, kinds.string],
  [SQL, kinds.sql],
  [Name, kinds.name],
  [Column, kinds.column],
  [Param, kinds.param],
  [Placeholder, kinds.placeholder],
  [Table, kinds.table],
  [View, kinds.view],
  [SQL.Aliased, kinds.aliased],
  [Subquery, kinds.subquery],
];
const known = new WeakMap<object, number>();

function kindOf(chunk: unknown): number {
  if (chunk === null || typeof chunk !== 'object') return kinds.other;
  const type = Object.getPrototypeOf(chunk)?.constructor;
  if (typeof type !== 'function') return kinds.other;
  let kind = known.get(type);
  if (kind === undefined) {
    kind = classes.find(([it]) => is(chunk, it))?.[1] ?? (type[entityKind] === 'ValueRows' ? kinds.valueRows : kinds.other);
    known.set(type, kind);
  }
  return kind;
}

const { chunkKinds: drizzleKinds, chunkKindOf: drizzleKindOf } = renderer as Partial<typeof renderer>;
const isTold = drizzleKinds !== undefined && drizzleKindOf !== undefined;

export const chunkKinds: typeof kinds = isTold ? drizzleKinds : kinds;
/** @returns the kind of a chunk, one of {@link chunkKinds} */
export const chunkKindOf: (chunk: unknown) => number = isTold ? drizzleKindOf : kindOf;
