/**
 * All benchmarks, each in a process of its own, and the table of the README.
 *
 *   npm run bench                    all of them
 *   npm run bench -- build types     some of them: the other rows of the table stay
 */
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Line {
  readonly what: string;
  readonly text: string;
  readonly reach: string;
}

const compiled = fileURLToPath(new URL('../..', import.meta.url));
const root = join(compiled, '..', '..', '..');
const parts = ['build', 'handles', 'end-to-end', 'types', 'size'] as const;

function run(part: string, args: readonly string[]): Promise<Line[]> {
  const lines: Line[] = [];
  const child = fork(join(compiled, `test/bench/${part}.js`), [...args], { execArgv: ['--expose-gc'], cwd: root });
  child.on('message', (line) => lines.push(line as Line));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve(lines) : reject(new Error(`The benchmark "${part}" ended with ${code}.`))));
  });
}

const wished = parts.filter((it) => process.argv.includes(it));
const others = process.argv.slice(2).filter((it) => !parts.includes(it as (typeof parts)[number]));
const lines: Line[] = [];
for (const part of wished.length > 0 ? wished : parts) {
  lines.push(...(await run(part, others)));
}

const versionOf = (name: string) => JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
const versions = ['drizzle-orm', 'postgres', 'typescript', 'typescript-5.9'].map((it) => `${it} ${versionOf(it)}`).join(', ');
const readme = join(root, 'README.md');
const text = readFileSync(readme, 'utf8');
const [begin, end] = ['<!-- bench: written by npm run bench -->', '<!-- /bench -->'];
const [from, to] = [text.indexOf(begin), text.indexOf(end)];
if (from < 0 || to < from) throw new Error(`README.md has no place for the table: put "${begin}" and "${end}" there.`);
const rows = new Map<string, string>();
if (wished.length > 0) {
  for (const row of text.slice(from, to).split('\n')) if (/^\| (?!what|---)/.test(row)) rows.set(row.split(' | ')[0]!.slice(2), row);
}
for (const { what, text, reach } of lines) rows.set(what, `| ${what} | ${text} | ${reach} |`);
const table = [
  '| what | median (quartiles) | to reach |',
  '| --- | --- | --- |',
  ...rows.values(),
  '',
  `${new Date().toISOString().slice(0, 10)}, Node.js ${process.versions.node}, ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${versions}.`,
].join('\n');
if (others.length === 0) writeFileSync(readme, `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`);
