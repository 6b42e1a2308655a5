/** Files beside the schema's, which adopt does not change, and that need another import. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shown } from './site.js';
import { Source } from './source.js';

/** What takes tenant tables only as the package exports it. */
const instead: Readonly<Record<string, string>> = {
  defineRelations: 'defineTenantRelations',
  getColumns: 'getColumns',
  getTableColumns: 'getTableColumns',
  alias: 'alias',
};

const mayNeed = new RegExp(`\\b(?:${Object.keys(instead).join('|')})\\b[^;]*['"]drizzle-orm`);
/** More are not looked through: a folder with so many files is no project's. */
const most = 20_000;

/**
 * @param folder the project's
 * @param changed the files that adopt changes itself
 * @returns what a person has to change in the others
 */
export function importsElsewhere(folder: string, changed: ReadonlySet<string>): string[] {
  return filesIn(folder).flatMap((file) => {
    if (changed.has(file)) return [];
    const text = readFileSync(file, 'utf8');
    if (!mayNeed.test(text)) return [];
    let imports: ReturnType<Source['imports']>;
    try {
      imports = new Source(text).imports();
    } catch {
      return [];
    }
    return imports
      .filter((it) => !it.isType && /^['"]drizzle-orm(?:\/pg-core)?['"]$/.test(it.module.text))
      .flatMap((it) => it.names.flatMap(({ name }) => (Object.hasOwn(instead, name) ? name : [])))
      .map((name) => {
        const other = instead[name]!;
        const what = name === 'defineRelations' ? `write ${other}() in place of ${name}()` : `import ${other}`;
        return `${shown(file)}: ${what}, from "drizzle-tenant", where it is about tenant tables`;
      });
  });
}

function filesIn(folder: string): string[] {
  const files: string[] = [];
  const open = [folder];
  for (let at = open.pop(); at !== undefined && files.length < most; at = open.pop())
    for (const it of readdirSync(at, { withFileTypes: true })) {
      if (it.name.startsWith('.') || it.name === 'node_modules' || it.name === 'dist') continue;
      if (it.isDirectory()) open.push(join(at, it.name));
      else if (it.isFile() && /\.[cm]?tsx?$/.test(it.name) && !/\.d\.[cm]?ts$/.test(it.name))
        files.push(join(at, it.name));
    }
  return files.sort();
}
