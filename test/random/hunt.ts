/**
 * Searches the databases of a pool that exists already, in a process of its own: what `soak.ts` and `mutation.ts`
 * start.
 */
import { drawPool, type Pool } from './pool.js';
import { describe } from './print.js';
import { search } from './search.js';
import type { Told } from './lane.js';

export interface RoundInput {
  readonly seed: number;
  readonly urls: Pool['urls'];
  readonly programs: number;
  readonly until?: number;
  readonly shrink: boolean;
}

export interface RoundOutput {
  readonly told: Told;
  readonly reach: readonly (readonly [what: string, count: number])[];
  readonly found?: {
    /** Whether two databases differed; otherwise what ran them broke. */
    readonly isDifference: boolean;
    readonly what: string;
    readonly path: string;
    readonly text: string;
  };
}

const { seed, urls, programs, until, shrink } = JSON.parse(process.argv[2]!) as RoundInput;
const pool: Pool = { seed, urls, schemas: drawPool(seed), drop: async () => {} };
const { told, reach, found } = await search({
  pool,
  seed,
  programs,
  shrink,
  ...(until === undefined ? {} : { until }),
});
const output: RoundOutput = {
  told,
  reach: [...reach],
  ...(found && {
    found: {
      isDifference: found.failure !== undefined,
      what: describe(found.failure, found.error),
      path: found.path,
      text: found.text,
    },
  }),
};
process.stdout.write(`${JSON.stringify(output)}\n`, () => process.exit(0));
