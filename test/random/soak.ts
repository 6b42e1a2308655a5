/**
 * The comparison at random for as long as is asked: npm run test:soak -- --minutes 60 [--seed 1]. Each round has
 * schemas, rows and programs of its own, in a process of its own.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '../support/server.js';
import type { RoundInput, RoundOutput } from './hunt.js';
import { openPool } from './pool.js';
import { missing, reachTables } from './reach.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    programs: { type: 'string', default: '3000' },
  },
});
const first = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
const until = Date.now() + Number(values.minutes) * 60_000;

/** One round. */
function round(input: RoundInput): Promise<RoundOutput> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', join(import.meta.dirname, 'hunt.ts'), JSON.stringify(input)],
      { stdio: ['ignore', 'pipe', 'inherit'], timeout: 30 * 60_000 },
    );
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.on('error', reject);
    child.on('close', () => {
      const last = output.trim().split('\n').at(-1);
      if (last?.startsWith('{')) resolve(JSON.parse(last) as RoundOutput);
      else reject(new Error(`The round ended without an answer:\n${output}`));
    });
  });
}

const { url, stop } = await startPostgres();
const reach = new Map<string, number>();
let [programs, telling, steps, seed] = [0, 0, 0, first];
let failed = false;
console.log(`seed ${first}, ${values.minutes} minutes`);
try {
  for (; Date.now() < until && !failed; seed++) {
    const pool = await openPool(url, seed);
    try {
      const {
        told,
        found,
        reach: reached,
      } = await round({ seed, urls: pool.urls, programs: Number(values.programs), until, shrink: true });
      programs += told.programs;
      telling += told.telling;
      steps += told.steps;
      for (const [what, count] of reached) reach.set(what, (reach.get(what) ?? 0) + count);
      console.log(
        `seed ${seed}: ${programs} programs, ${steps} steps, ` +
          `${Math.round((100 * telling) / Math.max(1, programs))} % of programs telling`,
      );
      if (found) {
        failed = true;
        console.log(
          `${found.what}\n\nRun it again with RANDOM_SEED=${seed} RANDOM_PATH=${found.path}, ` +
            `or paste it:\n\n${found.text}`,
        );
      }
    } finally {
      await pool.drop();
    }
  }
} finally {
  await stop();
}
console.log(`\n${reachTables(reach)}\n`);
const unseen = missing(reach);
console.log(
  `seeds ${first} to ${seed - 1}: ${programs} programs, ${steps} steps; ` +
    `${failed ? 'ONE DIFFERS' : 'no difference'}; ` +
    `${unseen.length === 0 ? 'everything was drawn' : `not drawn: ${unseen.join(', ')}`}`,
);
process.exit(failed ? 1 : 0);
