/** Some programs at random with each run of the tests: random.slow.test.ts draws ten times as many, and all kinds. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openPool, type Pool } from './pool.js';
import { differs, seed } from './run.js';
import { search } from './search.js';

let pool: Pool;
beforeAll(async () => {
  pool = await openPool(inject('databaseUrl'), seed);
}, 120_000);
afterAll(() => pool?.drop());

test('programs at random do the same over many tenants as over one', { timeout: 120_000 }, async () => {
  const { told, found } = await search({ pool, seed, programs: 300 });
  console.log(`RANDOM_SEED=${seed}: ${told.programs} programs, ${told.steps} steps`);
  if (found) throw differs(found, seed);
  expect(told.telling / told.programs).toBeGreaterThan(0.8);
});
