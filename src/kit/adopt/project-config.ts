/** What `drizzle.config.ts` says, whether it is made by `defineTenantConfig` or not yet. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createJiti } from 'jiti';
import { TenantConfigError } from '../errors.js';
import { readConfig, type Options } from '../options.js';

export interface PlainConfig {
  readonly file: string;
  readonly schema?: string | string[];
  readonly out: string;
  readonly url?: string;
  /** Where `defineTenantConfig` made it. */
  readonly options?: Options;
}

/**
 * @param path the config's path; without it, drizzle-kit's default name in the current folder
 * @returns undefined where there is none, and no path was given
 * @throws TenantConfigError when it does not load
 */
export async function readPlainConfig(path: string | undefined): Promise<PlainConfig | undefined> {
  const file = [path ?? ['drizzle.config.ts', 'drizzle.config.js', 'drizzle.config.json']]
    .flat()
    .map((it) => resolve(it))
    .find((it) => existsSync(it));
  if (!file) {
    if (path === undefined) return undefined;
    throw new TenantConfigError(`Correct --config: there is no ${resolve(path)}.`);
  }
  let config: any;
  try {
    config = await createJiti(dirname(file), { interopDefault: true }).import(file);
  } catch (error) {
    throw new TenantConfigError(`Correct ${file}, which does not load: ${(error as Error).message}`, { cause: error });
  }
  config = config.default ?? config;
  const read = readConfig(config);
  return {
    file,
    schema: config.schema,
    out: resolve(config.out ?? './drizzle'),
    url: config.dbCredentials?.url,
    ...(read && { options: read.options }),
  };
}
