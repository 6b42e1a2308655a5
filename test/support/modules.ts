/** Runs before each test file: the file has the package's modules for itself, as in a process that just started. */
import { vi } from 'vitest';

vi.resetModules();
for (const symbol of Object.getOwnPropertySymbols(globalThis))
  if (Symbol.keyFor(symbol)?.startsWith('drizzle-tenant:')) delete (globalThis as Record<symbol, unknown>)[symbol];
