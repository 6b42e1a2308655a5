/**
 * A process that writes to a table every 10 ms, whether the last write has ended or not, and tells how long each
 * waited. node writer.mjs URL ROWS STATEMENT...: queries in turn, with the words ACCOUNT, ROW and NEW for numbers at
 * random. Ends when its input is closed.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import postgres from 'postgres';

const [url, rows, ...statements] = process.argv.slice(2);
const upTo = (n) => 1 + Math.floor(Math.random() * n);
const sql = postgres(url, { max: 20, onnotice: () => {}, prepare: false });
await Promise.all(Array.from({ length: 20 }, () => sql`select pg_sleep(0.05)`));
const lag = monitorEventLoopDelay({ resolution: 5 });
lag.enable();
const waits = [];
// What this process itself was kept waiting by a busy machine is no wait of the write.
const held = [];
let beat = performance.now();
setInterval(() => {
  const now = performance.now();
  if (now - beat > 15) held.push([beat, now]);
  beat = now;
}, 5).unref();
const heldSince = (begin) =>
  held.filter(([, end]) => end > begin).reduce((sum, [start, end]) => sum + end - Math.max(start, begin), 0);
const errors = new Map();
const open = new Set();
let writes = 0;
const timer = setInterval(() => {
  const row = upTo(Number(rows));
  const words = { ACCOUNT: (row % 1000) + 1, ROW: row, NEW: Number(rows) + upTo(1e15) };
  const statement = statements[writes++ % statements.length].replace(/ACCOUNT|ROW|NEW/g, (it) => words[it]);
  const begin = performance.now();
  const write = sql.unsafe(statement).then(
    () => void waits.push([performance.now() - begin, Date.now(), performance.now() - begin - heldSince(begin)]),
    (error) => void errors.set(error.message, (errors.get(error.message) ?? 0) + 1),
  );
  open.add(write);
  void write.finally(() => open.delete(write));
}, 10);
process.stdin.resume();
process.stdin.on('end', async () => {
  clearInterval(timer);
  await Promise.all(open);
  const sorted = waits.map((it) => it[0]).sort((a, b) => a - b);
  const at = (part) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] * 10) / 10;
  const slow = waits
    .filter((it) => it[0] > 200)
    .map(([ms, when]) => [Math.round(ms), new Date(when).toISOString().slice(11, 23)]);
  console.log(
    JSON.stringify({
      writes,
      p50: at(0.5),
      p99: at(0.99),
      longest: at(1),
      longestButForThisProcess: Math.round(Math.max(...waits.map((it) => it[2])) * 10) / 10,
      over200: slow.length,
      slow: slow.slice(0, 40),
      lag: Math.round(lag.max / 1e6),
      errors: Object.fromEntries(errors),
    }),
  );
  await sql.end();
});
