/**
 * All benchmarks, each in a process of its own, and the table of the README.
 *
 *   npm run bench                    all of them, and the table is written
 *   npm run bench -- build types     some of them, and nothing is written
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
const others = process.argv.slice(2).filter((it) => !parts.includes(it as any));
const lines: Line[] = [];
for (const part of wished.length > 0 ? wished : parts) {
  lines.push(...(await run(part, others)));
}

if (wished.length === 0) {
  const versionOf = (name: string) => JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
  const versions = ['drizzle-orm', 'postgres', 'typescript', 'typescript-5.9'].map((it) => `${it} ${versionOf(it)}`).join(', ');
  const table = [
    '| what | median (quartiles) | to reach |',
    '| --- | --- | --- |',
    ...lines.map(({ what, text, reach }) => `| ${what} | ${text} | ${reach} |`),
    '',
    `${new Date().toISOString().slice(0, 10)}, Node.js ${process.versions.node}, ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${versions}.`,
  ].join('\n');
  const readme = join(root, 'README.md');
  const text = readFileSync(readme, 'utf8');
  const [begin, end] = ['<!-- bench: written by npm run bench -->', '<!-- /bench -->'];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md has no place for the table: put "${begin}" and "${end}" there.`);
  writeFileSync(readme, `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`);
}
