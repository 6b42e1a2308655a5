/** A run of many programs: draws on while something has not been reached yet. */
import { describe } from './print.js';
import { required } from './reach.js';
import { search, type Found, type SearchOptions, type SearchResult } from './search.js';

/** Programs that are added where something is still missing, and how often. */
const more = 300;
const times = 5;

export async function searchAll(options: SearchOptions): Promise<SearchResult> {
  const result = await search(options);
  const reach = new Map(result.reach);
  const told = { ...result.told };
  let { found } = result;
  for (let i = 1; i <= times && !found && options.path === undefined && required.some((it) => !reach.get(it)); i++) {
    const added = await search({ ...options, seed: options.seed + 1000 * i, programs: more });
    for (const [what, count] of added.reach) reach.set(what, (reach.get(what) ?? 0) + count);
    for (const key of ['programs', 'telling', 'steps', 'failed'] as const) told[key] += added.told[key];
    found = added.found;
  }
  return { told, reach, found };
}

/** What to say of a program that differs, and how to run it again. */
export const differs = ({ failure, error, path, text }: Found, seed: number): Error =>
  new Error(
    `${describe(failure, error)}\n\nRun it again with RANDOM_SEED=${seed} RANDOM_PATH=${path} npx vitest run ` +
      `test/random/random.slow.test.ts, or paste it:\n\n${text}`,
  );

// In CI the same programs each time, so that it is the change that turns it red; anywhere else new ones.
export const seed = Number(process.env.RANDOM_SEED ?? (process.env.CI ? 1 : Math.floor(Math.random() * 1_000_000)));
