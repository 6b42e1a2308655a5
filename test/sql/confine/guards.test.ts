/** The list of the guards of `confine`, which `npm run test:mutations` breaks in turn, is that of the source. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mutations } from '../../random/confine-mutations.js';
import { broken } from '../../support/broken.js';

const sourceOf = (file: string) =>
  readFileSync(new URL(`../../../src/sql/confine/${file}.ts`, import.meta.url), 'utf8');

test.each(mutations.map((it) => [`${it[0]}: ${it[1]}`, it] as const))('%s', (_, [file, , guard, replacement]) => {
  const source = sourceOf(file);
  expect(broken(source, guard, replacement)).not.toBe(source);
});
