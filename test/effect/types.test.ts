/** Each line of a fixture that is marked with `error~ text` has an error with the text, and no other line has one. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { expectedErrors } from '../support/markers.js';

const directory = join(import.meta.dirname, 'fixtures');

async function errorsOf(compiler: string): Promise<Map<string, Map<number, string>>> {
  const command = [
    join(import.meta.dirname, `../../node_modules/${compiler}/bin/tsc`),
    '-p',
    directory,
    '--pretty',
    'false',
  ];
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: directory, maxBuffer: 2 ** 26 }).catch(
    (failed) => failed,
  );
  const found = new Map<string, Map<number, string>>();
  let current: [string, number] | undefined;
  for (const line of String(stdout).split('\n')) {
    const [, file, number, text] = /^(.+?)\((\d+),\d+\): error (.*)$/.exec(line) ?? [];
    if (file) {
      current = [file, Number(number)];
      if (!found.has(file)) found.set(file, new Map());
    }
    if (current)
      found.get(current[0])!.set(current[1], `${found.get(current[0])!.get(current[1]) ?? ''}${text ?? line}\n`);
  }
  return found;
}

it.each(['typescript', 'typescript-5.9'])(
  '%s refuses what has no tenant, at that line and nowhere else',
  async (compiler) => {
    const errors = await errorsOf(compiler);
    const fixtures = ['11-endpoint-without-a-tenant.ts', '11-without-a-tenant.ts'];
    for (const name of fixtures) {
      const expected = expectedErrors(readFileSync(join(directory, name), 'utf8'));
      expect(expected.length).toBeGreaterThan(0);
      const found = errors.get(name) ?? new Map<number, string>();
      expect([...found.keys()], [...found.values()].join('')).toEqual([...new Set(expected.map((it) => it.line))]);
      for (const { line, words } of expected) expect(found.get(line), `line ${line}`).toContain(words);
    }
    expect([...errors.keys()].sort()).toEqual(fixtures);
  },
  120_000,
);
