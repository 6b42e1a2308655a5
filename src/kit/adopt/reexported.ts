/** The files of a schema whose index exports them again: that is where the tables are declared. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Source } from './source.js';

const extensions = ['', '.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '/index.ts', '/index.mts', '/index.js'];

/** @returns the file that a relative module name means, as TypeScript finds it; undefined where there is none */
function fileOf(module: string, from: string): string | undefined {
  const path = resolve(dirname(from), module);
  const source = path.replace(/\.([cm]?)js$/, '.$1ts');
  return [source, ...extensions.map((it) => path + it)].find((it) => existsSync(it) && statSync(it).isFile());
}

/**
 * @param files those that the config names, with their whole paths
 * @returns these, and behind them those that they export again, and so on
 * @throws Error where a file is not readable as TypeScript
 */
export function withReexported(files: readonly string[]): string[] {
  const all = new Set(files);
  for (const file of all)
    for (const module of new Source(readFileSync(file, 'utf8')).reexports()) {
      const found = fileOf(module, file);
      if (found !== undefined) all.add(found);
    }
  return [...all];
}
