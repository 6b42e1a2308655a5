/** What tells a call from where it was made, across what it awaits. */
import type { AsyncLocalStorage } from 'node:async_hooks';

/** @returns undefined where the runtime has no such thing */
export function asyncStorage<T>(): AsyncLocalStorage<T> | undefined {
  try {
    const { AsyncLocalStorage } = globalThis.process.getBuiltinModule('node:async_hooks');
    return new AsyncLocalStorage<T>();
  } catch {
    // An edge runtime has no such module, and throws when it is asked for one.
    const Storage = (globalThis as { AsyncLocalStorage?: new () => AsyncLocalStorage<T> }).AsyncLocalStorage;
    return Storage && new Storage();
  }
}
