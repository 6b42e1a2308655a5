/** PGlite for tests. A database that is made anew takes seconds; one that is loaded takes half of one. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';

const cache = join(import.meta.dirname, '../../node_modules/.cache/drizzle-tenant-pglite');
const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
const { version } = JSON.parse(
  readFileSync(join(entry.slice(0, entry.lastIndexOf('pglite') + 'pglite'.length), 'package.json'), 'utf8'),
);
const file = join(cache, `${version}.tar`);

let empty: Promise<Blob> | undefined;

/** The data directory of a database that nothing happened to: made once for each version of PGlite. */
async function emptyDataDir(): Promise<Blob> {
  if (existsSync(file)) return new Blob([readFileSync(file)]);
  const first = await PGlite.create();
  const dump = await first.dumpDataDir('none');
  await first.close();
  mkdirSync(cache, { recursive: true });
  const place = `${file}.${process.pid}`;
  writeFileSync(place, new Uint8Array(await dump.arrayBuffer()));
  renameSync(place, file);
  return dump;
}

/** An empty database in this process. */
export const createPglite = async (): Promise<PGlite> =>
  PGlite.create({ loadDataDir: await (empty ??= emptyDataDir()) });
