/** Every program of the corpus, compared; and with Drizzle's own handle over the tenant alone. */
import { describe, expect, test } from 'vitest';
import { comparison } from '../support/comparison.js';
import { programs } from './programs.js';

const pair = comparison();

test('each program has a name of its own', () => {
  expect(new Set(programs.map((it) => it.name)).size).toBe(programs.length);
  expect(programs.length).toBeGreaterThan(120);
});

describe('programs', () => {
  for (const { name, run, ordered, notPlain, fails = false } of programs) {
    test(name, async () => {
      const scoped = await pair.isolated(run, ordered);
      expect({ fails: scoped.error !== undefined, error: scoped.error }).toMatchObject({ fails });
      if (notPlain === undefined) expect(scoped).toEqual(await pair.plainly(run, ordered));
    });
  }
});
