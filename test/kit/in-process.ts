/** The command line in this process, which is far quicker than one of its own. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { main } from '../../src/kit/cli/cli.js';
import type { Project } from './project.js';

const { cache } = createRequire(import.meta.url);

/** A config with absolute paths: the command line in this process stands in another folder. */
export function configure(project: Project, tenancy: string, url: string): void {
  project.config(tenancy, `schema: '${project.folder}/schema.ts', dbCredentials: { url: '${url}' },`);
  project.write(
    'drizzle.config.ts',
    project.read('drizzle.config.ts').replace(`out: './drizzle'`, `out: '${project.folder}/drizzle'`),
  );
}

/** One command at a time: a schema that is loaded tells its tables once, and the process stands in one folder. */
export async function tenantIn(
  project: { readonly folder: string },
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  // What is loaded once stays loaded in a process.
  for (const key of Object.keys(cache)) if (key.startsWith(project.folder)) delete cache[key];
  const said = { stdout: '', stderr: '' };
  const before = process.cwd();
  process.chdir(project.folder);
  try {
    const code = await main(args, {
      out: (text) => void (said.stdout += text),
      err: (text) => void (said.stderr += text),
    });
    return { code, ...said };
  } finally {
    process.chdir(before);
  }
}

/** What "drizzle-kit migrate" does, by the migrator of drizzle-orm. */
export async function migrateIn(project: { readonly folder: string }, url: string): Promise<void> {
  const client = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await migrate(drizzle({ client }), { migrationsFolder: join(project.folder, 'drizzle') });
  } finally {
    await client.end();
  }
}
