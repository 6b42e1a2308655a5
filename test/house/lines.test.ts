/** Lines have 120 characters at most, in everything that people write here. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** What may have longer lines, and why. */
const exceptions: Readonly<Record<string, RegExp>> = {
  'written by drizzle-kit': /^(drizzle|playground\/people\/migrations)\//,
  'written by generate, and compared byte for byte': /^test\/kit\/sql\//,
  'written by a benchmark': /^test\/bench\/(figures|scale)\.json$|^docs\/[\w-]+\.svg$/,
};

/** Rows of tables cannot be broken in Markdown, and addresses nowhere. */
const isWhole = (file: string, line: string) =>
  (file.endsWith('.md') && /^\s*\|/.test(line)) || /^\S*https?:\S+$/.test(line.trim());

const tooLong = (file: string, text: string) =>
  text
    .split('\n')
    .flatMap((line, i) => (line.length > 120 && !isWhole(file, line) ? [`${file}:${i + 1} has ${line.length}`] : []));

const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
const exceptionOf = (file: string) => Object.keys(exceptions).find((why) => exceptions[why]!.test(file));

test('lines have 120 characters at most', () => {
  const written = files.filter((it) => exceptionOf(it) === undefined);
  expect(written.length).toBeGreaterThan(900);
  expect(written.flatMap((it) => tooLong(it, readFileSync(join(root, it), 'utf8')))).toEqual([]);
  expect(tooLong('a.ts', `\n${'x'.repeat(121)}`)).toEqual(['a.ts:2 has 121']);
});

test('each exception is one', () => {
  const needed = new Set(
    files
      .filter((it) => exceptionOf(it) && tooLong(it, readFileSync(join(root, it), 'utf8')).length > 0)
      .map(exceptionOf),
  );
  expect([...needed].sort()).toEqual(Object.keys(exceptions).sort());
});
