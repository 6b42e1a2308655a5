/**
 * Switches off each place that confines a statement, in a copy of the source, and counts the programs until the comparison
 * at random sees it: npm run test:mutation -- [--seed 1] [--programs 3000] [--only 'pattern of places'].
 */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '../support/server.js';
import { mutations, type Mutation } from './mutations.js';
import { openPool, type Pool } from './pool.js';
import type { RoundInput, RoundOutput } from './hunt.js';

const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, programs: { type: 'string', default: '3000' }, only: { type: 'string' }, verbose: { type: 'boolean' } } });
const root = join(import.meta.dirname, '../..');

/** The one file that has the text of a place. */
function fileOf({ place, from }: Mutation, sources: ReadonlyMap<string, string>): string {
  const found = [...sources].flatMap(([file, source]) => new Array<string>(source.split(from).length - 1).fill(file));
  if (found.length !== 1) throw new Error(`"${place}" is ${found.length} times in src, and has to be there once: ${from}`);
  return found[0]!;
}

/** Runs the search over a copy of the source. */
function hunt(directory: string, pool: Pool): Promise<RoundOutput> {
  const input: RoundInput = { seed: pool.seed, programs: Number(values.programs), urls: pool.urls, shrink: false };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', join(directory, 'test/random/hunt.ts'), JSON.stringify(input)], { cwd: directory, timeout: 600_000 });
    let output = '';
    let errors = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (errors += data));
    child.on('error', reject);
    child.on('close', () => {
      const last = output.trim().split('\n').at(-1);
      if (!last?.startsWith('{')) reject(new Error(`The search ended without an answer:\n${output}\n${errors}`));
      else resolve(JSON.parse(last) as RoundOutput);
    });
  });
}

const chosen = mutations.filter((it) => values.only === undefined || new RegExp(values.only).test(it.place));
const { url, stop } = await startPostgres();
const directory = await mkdtemp(join(tmpdir(), 'drizzle-tenant-mutation-'));
const unseen: string[] = [];
try {
  for (const part of ['src', 'test/random', 'test/support', 'package.json', 'tsconfig.json']) await cp(join(root, part), join(directory, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  const files = (await Promise.all(['src/scope', 'src/schema'].map(async (it) => (await readdir(join(root, it))).map((name) => join(it, name))))).flat();
  const sources = new Map(await Promise.all(files.map(async (file) => [file, await readFile(join(directory, file), 'utf8')] as const)));
  // All are there, before the first one runs.
  for (const it of mutations) fileOf(it, sources);
  const pool = await openPool(url, Number(values.seed));
  console.log('programs until seen | place');
  for (const it of chosen) {
    const file = fileOf(it, sources);
    const source = sources.get(file)!;
    await writeFile(join(directory, file), source.replace(it.from, () => it.to));
    try {
      const { told, found } = await hunt(directory, pool);
      const isSeen = found?.isDifference === true;
      if (!isSeen && it.elsewhere === undefined) unseen.push(it.place);
      const count = isSeen ? String(told.programs + 1) : found ? 'broken' : `none in ${told.programs}`;
      console.log(`${count.padStart(19)} | ${file.replace('src/', '')}: ${it.place}${!isSeen && it.elsewhere !== undefined ? ` (${it.elsewhere})` : ''}${found && (values.verbose || !isSeen) ? `\n${found.what.slice(0, 600)}` : ''}`);
    } finally {
      await writeFile(join(directory, file), source);
    }
  }
  await pool.drop();
} finally {
  await stop();
  await rm(directory, { recursive: true, force: true });
}
console.log(unseen.length === 0 ? `all of ${chosen.length} accounted for` : `NOT SEEN: ${unseen.join('; ')}`);
process.exitCode = unseen.length === 0 ? 0 : 1;
