import { startPostgres } from '../support/server.js';
import { openPool } from './pool.js';
import { describe } from './print.js';
import { search } from './search.js';
const seed = Number(process.argv[2] ?? 1), programs = Number(process.argv[3] ?? 100);
let t = Date.now();
const { url, stop } = await startPostgres();
try {
  const pool = await openPool(url, seed);
  console.log('pool', Date.now() - t); t = Date.now();
  if (process.env.ANALYZE) { const pg = (await import('pg')).default; for (const u of Object.values(pool.urls)) { const c = new pg.Client({ connectionString: u }); await c.connect(); await c.query(process.env.ANALYZE); await c.end(); } }
  const { told, reach, found } = await search({ pool, seed, programs, path: process.argv[4], shrink: process.env.NOSHRINK === undefined });
  console.log(told, Date.now() - t, reach.size, process.cpuUsage());
  if (found) console.log(found.path, describe(found.failure, found.error), found.text);
  const { writeFileSync } = await import('node:fs');
  writeFileSync('/tmp/reach.json', JSON.stringify([...reach]));
} finally { await stop(); }
