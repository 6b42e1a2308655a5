/**
 * Comparison at random: programs that nobody thought of, over schemas that nobody thought of. RANDOM_SEED=n runs the
 * same again, and RANDOM_PATH, which a failure prints, its one program; RANDOM_PROGRAMS asks for more of them.
 */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { openPool, type Pool } from './pool.js';
import { missing, reachSummary } from './reach.js';
import { differs, searchAll, seed } from './run.js';
import { search } from './search.js';

const programs = Number(process.env.RANDOM_PROGRAMS ?? 3_000);
const path = process.env.RANDOM_PATH;
let pool: Pool;

beforeAll(async () => {
  pool = await openPool(inject('databaseUrl'), seed);
}, 120_000);
afterAll(() => pool?.drop());

test('programs at random do the same over many tenants as over one', { timeout: 600_000 }, async () => {
  const before = Date.now();
  const { told, reach, found } = await searchAll({ pool, seed, programs, path });
  console.log(
    `RANDOM_SEED=${seed}: ${told.programs} programs, ${told.steps} steps, ` +
      `${Math.round((100 * told.telling) / told.programs)} % of programs telling, ` +
      `${((Date.now() - before) / 1000).toFixed(0)} s; ${reachSummary(reach)}`,
  );
  if (found) throw differs(found, seed);
  if (path !== undefined) return;
  expect(missing(reach)).toEqual([]);
  expect(told.telling / told.programs).toBeGreaterThan(0.8);
});

test('a handle that filters nothing is found out', { timeout: 120_000 }, async () => {
  const { told, found } = await search({
    pool,
    seed,
    programs: 200,
    shrink: false,
    make: (db, relations) => withTenancy(db, { relations, mode: 'write-only' }),
  });
  expect(found?.failure?.what).toBeDefined();
  expect(told.programs).toBeLessThan(100);
});
