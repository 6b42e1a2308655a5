/** What the samples give, run where the page is built. */
import { PGlite } from '@electric-sql/pglite';
import { openEngine, type Sight } from './engine.js';
import { programOf } from './program.js';

export async function resultsOf(ddl: readonly string[], programs: readonly (string | undefined)[]): Promise<Sight[][]> {
  const client = new PGlite();
  try {
    const engine = await openEngine(client, ddl);
    const results: Sight[][] = [];
    for (const program of programs) results.push(await engine.run(programOf(program ?? '')));
    return results;
  } finally {
    await client.close();
  }
}
