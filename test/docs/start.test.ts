/** The start shows the README's files and commands, which are tried in an empty folder (`test/package/check.mjs`). */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const blocksOf = (page: string) =>
  [...page.matchAll(/^```(?:\w+\n\/\/ \w[\w.]+|sh\nnpm init)[^]*?^```$/gm)].map(([block]) => block);

test('are the same', () => {
  const blocks = blocksOf(read('README.md'));
  expect(blocks).toHaveLength(5);
  expect(blocksOf(read('docs/start.md')).sort()).toEqual(blocks.sort());
});
