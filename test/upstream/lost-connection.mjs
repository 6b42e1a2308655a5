/**
 * postgres.js: what a connection took between its error and its end is left without an answer, or gets another's.
 * Repaired by src/drivers/postgres-js-query.ts (`lone`, `dropRest`) and src/drivers/postgres-js.ts (`Held`).
 */
import postgres from 'postgres';
import { within } from './within.mjs';

const sql = postgres(process.env.DATABASE_URL, { max: 1, onnotice: () => {} });
const admin = postgres(process.env.DATABASE_URL, { max: 1, onnotice: () => {} });
let isFaulty = false;
for (let i = 0; i < 10 && !isFaulty; i++) {
  const found = await within(
    1_000,
    sql`select pg_backend_pid() as pid`.catch(() => sql`select pg_backend_pid() as pid`),
  );
  isFaulty = found === 'no answer';
  if (isFaulty) break;
  const [{ pid }] = found;
  const waiting = sql`select pg_sleep(5)`.catch(() => {});
  const behind = [1, 2, 3].map((n) =>
    sql.unsafe(`select ${n} as n`).then(
      (rows) => rows[0].n === n || 'wrong',
      () => 'failed',
    ),
  );
  setTimeout(() => void admin`select pg_terminate_backend(${pid})`, 20);
  await within(1_000, waiting);
  const answers = await Promise.all(behind.map((it) => within(1_000, it)));
  isFaulty = answers.includes('no answer') || answers.includes('wrong');
}
console.log(isFaulty ? "faulty: a query was left without an answer, or got another one's" : 'mended');
await Promise.race([
  Promise.all([sql.end({ timeout: 0 }), admin.end({ timeout: 0 })]),
  new Promise((resolve) => setTimeout(resolve, 500)),
]);
process.exit(0);
