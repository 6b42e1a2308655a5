/** PGlite for tests. */
import type { PGlite } from '@electric-sql/pglite';
import { dataDirOf, emptyPglite, startPglite } from '../../src/testing/pglite.js';

let empty: Promise<Blob> | undefined;

/** An empty database in this process. */
export async function createPglite(): Promise<PGlite> {
  empty ??= emptyPglite().then(async (client) => {
    const directory = await dataDirOf(client);
    await client.close();
    return directory;
  });
  return startPglite(await empty);
}
