/** Searches the databases of a pool that exists already, and says how many programs passed: what `mutation.ts` starts. */
import { drawPool, type Pool } from './pool.js';
import { describe } from './print.js';
import { search } from './search.js';

const { seed, programs, urls } = JSON.parse(process.argv[2]!) as { seed: number; programs: number; urls: Pool['urls'] };
const pool: Pool = { seed, urls, schemas: drawPool(seed), drop: async () => {} };
const { told, found } = await search({ pool, seed, programs, shrink: false });
console.log(JSON.stringify({ programs: told.programs, caught: found !== undefined, isDifference: found?.failure !== undefined, what: found && describe(found.failure, found.error).slice(0, 300) }));
process.exit(0);
