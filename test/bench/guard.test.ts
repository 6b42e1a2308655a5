/** What of the benchmarks does not vary from run to run, so that it can fail one: results, counts and sizes. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { afterAll, describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { comparison } from '../support/comparison.js';
import { a } from '../support/rows.js';
import * as schema from '../support/schema.js';
import { queries } from './queries.js';
import { sizes } from './size.js';
import { applications } from './types.js';

const pair = comparison();
const rowsIn = (rows: unknown) => (Array.isArray(rows) ? rows.map((it) => JSON.stringify(it)).sort() : rows);

describe('the queries by hand are those of the corpus', () => {
  for (const { name, scoped, byHand } of queries) {
    test(name, async () => {
      const mine = await scoped(pair.many.db.forTenant(a), schema);
      await pair.restore();
      expect(rowsIn(mine)).toEqual(rowsIn(await byHand(pair.many.plain, schema, a)));
      await pair.restore();
    });
  }
});

test('the core stays small', async () => {
  const { minified, brotli } = await sizes();
  expect(minified).toBeGreaterThan(10_000);
  expect(brotli).toBeLessThan(24_000);
});

test('handles leave nothing behind', () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const db = withTenancy(drizzle({ client: (pair.many.plain as any).$client }), { relations: schema.relations });
  const heap = () => {
    gc();
    gc();
    return process.memoryUsage().heapUsed;
  };
  const make = (count: number) => {
    for (let i = 0; i < count; i++) db.forTenant(a);
  };
  make(1_000);
  const before = heap();
  make(100_000);
  expect(heap() - before).toBeLessThan(2 ** 20);
});

describe('an application of a hundred tables', () => {
  const project = applications(fileURLToPath(new URL('../..', import.meta.url)));
  afterAll(() => project.remove());

  test('costs the compiler no more than a plain one', () => {
    const [scoped, plain] = (['scoped', 'plain'] as const).map((kind) => project.compile('TypeScript 7', kind).instantiations) as [number, number];
    expect(plain).toBeGreaterThan(100_000);
    expect(scoped / plain).toBeLessThan(1.15);
  }, 60_000);
});
