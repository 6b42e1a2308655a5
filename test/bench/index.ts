/**
 * All benchmarks, each in a process of its own, `figures.json`, and the table of `docs/benchmarks.md`.
 *
 *   npm run bench                    all of them
 *   npm run bench -- build types     some of them: the other parts of the table stay
 *   npm run bench -- scale           10,000 tenants: its own page, see scale/index.ts
 *
 * `peers` wants packages of its own, and `citus` a CITUS_URL. Without, each says so, and its part stays as it is.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Figures, type Line, type Part, parts } from './table.js';

const compiled = fileURLToPath(new URL('../..', import.meta.url));
const root = join(compiled, '..', '..', '..');

function run(part: string, args: readonly string[]): Promise<Line[]> {
  const lines: Line[] = [];
  const child = fork(join(compiled, `test/bench/${part}.js`), [...args], { execArgv: ['--expose-gc'], cwd: root });
  child.on('message', (line) => lines.push(line as Line));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve(lines) : reject(new Error(`The benchmark "${part}" ended with ${code}.`)),
    );
  });
}

// It takes long and has a page of its own, so that it runs when it is asked for only.
if (process.argv[2] === 'scale') {
  await run('scale/index', process.argv.slice(3));
  process.exit();
}

const all = Object.keys(parts) as Part[];
const wished = all.filter((it) => process.argv.includes(it));
const others = process.argv.slice(2).filter((it) => !all.includes(it as Part));
const versionOf = (name: string) =>
  JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
const versions = ['drizzle-orm', 'postgres', 'typescript', 'typescript-5.9']
  .map((it) => `${it} ${versionOf(it)}`)
  .join(', ');
for (const part of wished.length > 0 ? wished : all) {
  const lines = await run(part, others);
  if (others.length > 0 || lines.length === 0) continue;
  const figures = new Figures(root);
  figures.set(part, lines);
  figures.write(`Node.js ${process.versions.node}, ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${versions}.`);
}
