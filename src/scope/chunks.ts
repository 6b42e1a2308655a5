/** Pieces of SQL: their kinds, and how a value among them is encoded. */
import type { Param, SQLWrapper } from 'drizzle-orm';

export { chunkKindOf, chunkKinds } from '../schema/chunks.js';

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
