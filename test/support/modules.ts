/**
 * Runs before each test file. Files of one process share the package's modules, as long as it lives: they are loaded
 * and compiled once. What a file declares is its own: the modules under test are evaluated anew, and no table is
 * declared yet. A file that needs modules of the package for itself imports fresh-modules.ts before them.
 */
import { declaredTables } from '../../src/schema/classify.js';

(declaredTables() as unknown[]).length = 0;

// What vi.resetModules() does, for these modules only. The command line keeps the loader of its process, which stands in
// the folder of its first project.
const { idToModuleMap } = (globalThis as any).__vitest_worker__.evaluatedModules;
const root = new URL('../..', import.meta.url).pathname;
const own = ['test/', 'playground/', 'src/kit/cli/'].map((it) => root + it);
for (const [path, module] of idToModuleMap as Map<string, any>)
  if (own.some((it) => path.startsWith(it))) {
    Object.assign(module, { promise: undefined, exports: undefined, evaluated: false });
    module.importers.clear();
  }
