/**
 * For a test of what a process does at first, or of one that takes a part of the package away. Test files of one
 * process share the package's modules and what these remember; a file that imports this before them has modules of its
 * own, as in a process that only just started, and leaves none of them behind.
 */
import { afterAll, vi } from 'vitest';

const forget = () => {
  vi.resetModules();
  for (const symbol of Object.getOwnPropertySymbols(globalThis))
    if (Symbol.keyFor(symbol)?.startsWith('drizzle-tenant:')) delete (globalThis as Record<symbol, unknown>)[symbol];
};

forget();
afterAll(forget);
