/**
 * Runs before each test file: the file has the package's modules for itself, as in a process that just started. The
 * files of one process share what holds no state, which is loaded and compiled once: src/sql, and what it imports.
 */
const { idToModuleMap } = (globalThis as any).__vitest_worker__.evaluatedModules;
const root = new URL('../../', import.meta.url).pathname;
const shared = ['src/sql/', 'src/errors.ts', 'src/pages.ts', 'src/copies.ts'].map((it) => root + it);

// What vi.resetModules() does, but for these.
for (const [path, module] of idToModuleMap as Map<string, any>)
  if (path.startsWith(root) && !path.includes('/node_modules/') && !shared.some((it) => path.startsWith(it))) {
    Object.assign(module, { promise: undefined, exports: undefined, evaluated: false });
    module.importers.clear();
  }
for (const symbol of Object.getOwnPropertySymbols(globalThis))
  if (Symbol.keyFor(symbol)?.startsWith('drizzle-tenant:')) delete (globalThis as Record<symbol, unknown>)[symbol];
