/** Values that stand in a statement. What an object holds is its owner's affair; that it is a value, and no SQL, is settled when it is read. */
import { Placeholder } from 'drizzle-orm';
import { RawSqlNotScopedError } from '../schema/index.js';
import { chunkKindOf, chunkKinds } from './chunks.js';

/** Carries an object that cannot be copied past the renderer, which asks once more what it is. */
class Carrier {
  readonly #value: object;

  constructor(value: object) {
    this.#value = value;
    Object.freeze(this);
  }

  /** What an inlined value is written as. */
  toString(): string {
    return String(this.#value);
  }

  toJSON(): unknown {
    return this.#value;
  }

  static is(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #value in value;
  }

  static unwrap(param: unknown): unknown {
    return typeof param === 'object' && param !== null && #value in param ? param.#value : param;
  }
}
Object.freeze(Carrier.prototype);

/**
 * A value that nobody makes SQL of by exchanging its prototype after it was read: a frozen copy, which has a prototype
 * of the language's own, or what carries it. A parameter is taken out of that with `valueOf`.
 */
export function fixed<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  const copy = copyOf(value) as T;
  if (chunkKindOf(copy) !== chunkKindOf(value)) throw new RawSqlNotScopedError('a value is SQL when it is looked at again', '');
  return copy;
}

function copyOf(value: object): object {
  if (chunkKindOf(value) === chunkKinds.placeholder) return Object.isFrozen(value) ? value : Object.freeze(new Placeholder((value as any).name));
  if (Carrier.is(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value) && prototype === Array.prototype) return Object.freeze([...value]);
  if (prototype === Object.prototype || prototype === null) return Object.freeze(Object.assign(Object.create(prototype as object | null), value));
  if (prototype === Date.prototype) return Object.freeze(new Date((value as Date).getTime()));
  return new Carrier(value);
}

/** Whether a parameter is carried. */
export const isCarried = (param: unknown): boolean => Carrier.is(param);

/** The value of a parameter. */
export const valueOf = (param: unknown): unknown => Carrier.unwrap(param);
