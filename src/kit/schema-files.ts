/** The files that a config's `schema` names. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { createJiti } from 'jiti';
import { globSync } from 'tinyglobby';
import { SchemaLoadError } from './errors.js';

/**
 * As drizzle-kit finds them: files, folders and globs.
 *
 * @throws SchemaLoadError where there are none
 */
export function schemaFiles(schema: string | string[]): string[] {
  const files = [schema].flat().flatMap((pattern) => {
    const path = resolve(pattern);
    if (existsSync(path)) return statSync(path).isDirectory() ? readdirSync(path).map((it) => join(path, it)) : [path];
    return globSync(pattern, { cwd: process.cwd(), absolute: true });
  });
  const code = [...new Set(files.filter((it) => /\.[cm]?[jt]sx?$/.test(it)).map((it) => resolve(it)))];
  if (code.length === 0)
    throw new SchemaLoadError(`Correct "schema" in the config: no file matches ${[schema].flat().join(', ')}.`);
  return code;
}

/**
 * A module by jiti. Its `import` waits for ever where two modules that are TypeScript import each other, as files of a
 * schema do, and Node.js then ends without a word. So it is required, and imported only where that cannot be: with
 * await at its top.
 */
export async function importOf(jiti: ReturnType<typeof createJiti>, file: string): Promise<Record<string, unknown>> {
  try {
    return jiti(file) as Record<string, unknown>;
  } catch (error) {
    if (
      !/await|ERR_REQUIRE_(?:ESM|ASYNC_MODULE)/.test(`${(error as { code?: string }).code} ${(error as Error).message}`)
    )
      throw error;
    return (await jiti.import(file)) as Record<string, unknown>;
  }
}
