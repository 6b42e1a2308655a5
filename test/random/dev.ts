import * as fc from 'fast-check';
import { startPostgres } from '../support/server.js';
import { program } from './arbitrary.js';
import { openPool } from './pool.js';
import { Lane } from './lane.js';
const seed = Number(process.argv[2] ?? 1), runs = Number(process.argv[3] ?? 100);
const only = process.argv[4] === undefined ? undefined : Number(process.argv[4]);
let t = Date.now();
const { url, stop } = await startPostgres();
const errors = new Map<string, number>();
const samples = new Map<string, string>();
try {
  const pool = await openPool(url, seed);
  console.log('pool', Date.now() - t); t = Date.now();
  let n = 0;
  const reach = new Map<string, number>();
  await Promise.all(pool.schemas.filter((s) => only === undefined || s.spec.index === only).map(async (pooled) => {
    const lane = await Lane.open(pool, pooled);
    const details = await fc.check(fc.asyncProperty(program, async (p) => {
      n++;
      const d = await lane.run(p, (c) => c.reach.forEach((r) => reach.set(r, (reach.get(r) ?? 0) + 1)));
      if (d) throw Object.assign(new Error(`${d.what}\nmany:  ${JSON.stringify(d.many)}\nalone: ${JSON.stringify(d.alone)}\n${d.compiled.body}`), { d });
    }), { numRuns: runs, seed: seed * 1000 + pooled.spec.index, endOnFailure: process.env.NOSHRINK !== undefined });
    if (details.failed) console.log('LANE', pooled.spec.index, details.numRuns, details.numShrinks, details.counterexamplePath, (details.errorInstance as any)?.stack?.slice(0, 3000) ?? details.error);
    for (const [k, v] of lane.errors) { errors.set(k, (errors.get(k) ?? 0) + v[0]); samples.set(k, v[1]); }
    console.log('lane', pooled.spec.index, lane.told);
    await lane.close();
  }));
  console.log('programs', n, 'ms', Date.now() - t, 'features', reach.size);
  for (const [k, v] of [...errors].sort((a, b) => b[1] - a[1]).slice(0, 60)) { console.log(v, k); if (process.env.SAMPLES) console.log(samples.get(k)); }
} finally { await stop(); }
