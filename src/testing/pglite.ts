/**
 * PGlite for tests. One that starts from nothing runs initdb, which takes seconds of the processor; one that starts
 * from a small data directory takes a quarter of one. So the directory of an empty one is kept: in this process, and in
 * `node_modules/.cache` for those that come later.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';

/** Starts PGlite in memory, from a data directory or anew. */
export async function startPglite(loadDataDir?: Blob): Promise<PGlite> {
  const { PGlite } = await import('@electric-sql/pglite');
  return PGlite.create(loadDataDir === undefined ? {} : { loadDataDir });
}

/** The data directory of an instance, which may not be used while it is read. */
export const dataDirOf = (client: PGlite): Promise<Blob> => client.dumpDataDir('none');

/** Starts PGlite in memory, with an empty database. */
export async function emptyPglite(): Promise<PGlite> {
  const file = cacheFile();
  try {
    if (file !== undefined && existsSync(file)) return await startPglite(new Blob([readFileSync(file)]));
  } catch {
    // What is kept cannot be started from. It is made again.
    rmSync(file!, { force: true });
  }
  const client = await startPglite();
  for (const statement of smaller) await client.exec(statement);
  if (file !== undefined) await keep(file, client);
  return client;
}

/**
 * Half of the time that a start takes goes into buffers of 128 MB, and into the files of two databases that nobody can
 * connect to here. The number of buffers counts from the next start on.
 */
const smaller = [
  "alter system set shared_buffers = '4MB'",
  "update pg_database set datistemplate = false, datallowconn = true where datname in ('template0', 'template1')",
  'drop database template0',
  'drop database template1',
];

/** Where the directory is kept for this version of PGlite; nowhere, where the project has no `node_modules`. */
function cacheFile(): string | undefined {
  const modules = join(process.cwd(), 'node_modules');
  try {
    const entry = createRequire(join(modules, 'x.js')).resolve('@electric-sql/pglite');
    const manifest = join(entry.slice(0, entry.lastIndexOf('pglite') + 'pglite'.length), 'package.json');
    const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
    return existsSync(modules) ? join(modules, '.cache/drizzle-tenant', `pglite-${version}.tar`) : undefined;
  } catch {
    return undefined;
  }
}

/** A folder that cannot be written keeps nothing: the next process starts from nothing, too. */
async function keep(file: string, client: PGlite): Promise<void> {
  try {
    const bytes = new Uint8Array(await (await dataDirOf(client)).arrayBuffer());
    mkdirSync(join(file, '..'), { recursive: true });
    const place = `${file}.${process.pid}`;
    writeFileSync(place, bytes);
    renameSync(place, file);
  } catch {}
}
