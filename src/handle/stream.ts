/** `stream()` of the promise handles: Drizzle's SELECT builders, with one method more. */
import { UnsupportedTenantOperationError } from '../errors.js';
import type { StreamOptions } from './handle.types.js';

type Class = new (...args: any[]) => any;
const classes = new WeakMap<Class, Class>();

function streamedClass(base: Class): Class {
  let found = classes.get(base);
  if (!found) {
    found = class extends base {
      async *stream(options?: StreamOptions): AsyncGenerator<unknown, void, undefined> {
        const prepared = this._prepare?.();
        if (!prepared?.stream)
          throw new UnsupportedTenantOperationError(
            'Stream a query of the handle, as in tdb.select().from(projects).stream(): this one can only be run.',
          );
        yield* await prepared.stream(undefined, options);
      }
    };
    classes.set(base, found);
  }
  return found;
}

/** @param builder what `select()` gives, before `from()` */
export function streamed<T>(builder: T): T {
  (builder as any).builder = streamedClass((builder as any).builder);
  return builder;
}

/** @param builders what `with()` gives */
export const streamedWith = (builders: any): any => ({
  ...builders,
  ...Object.fromEntries(
    ['select', 'selectDistinct', 'selectDistinctOn'].map((name) => [
      name,
      (...args: unknown[]) => streamed(builders[name](...args)),
    ]),
  ),
});
