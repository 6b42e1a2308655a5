/** SECURITY.md names the tests of each line: they are there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { globSync } from 'tinyglobby';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'SECURITY.md'), 'utf8');

test('every file that is named exists', () => {
  const named = [...text.matchAll(/`((?:test|src)\/[^`\s]+)`/g)].map(([, path]) => path!);
  expect(named.length).toBeGreaterThan(40);
  const missing = named.filter((path) =>
    path.includes('*') ? globSync(path, { cwd: root }).length === 0 : !existsSync(join(root, path)),
  );
  expect(missing).toEqual([]);
});

test('each place where a filter is easily forgotten has a test', () => {
  const rows = [...text.matchAll(/^\| (\d+) \| [^|]+ \| ([^|]*) \|$/gm)];
  expect(rows.map(([, row]) => Number(row))).toEqual(Array.from({ length: 23 }, (_, i) => i + 1));
  for (const [, row, tests] of rows) expect(tests, `row ${row}`).toContain('`test/');
});
