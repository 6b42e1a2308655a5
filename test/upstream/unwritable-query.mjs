/**
 * postgres.js: a prepared query with a value that cannot be written fails the query that is active on its connection,
 * and itself waits for ever. Repaired by `failsAlone` in src/drivers/postgres-js-query.ts.
 */
import postgres from 'postgres';
import { within } from './within.mjs';

const sql = postgres(process.env.DATABASE_URL, { max: 1, onnotice: () => {} });
await sql`select ${1}::int as n`;
const text = 'select $1::text as x';
await sql.unsafe(text, ['x'], { prepare: true });
const innocent = sql`select pg_sleep(0.1), 1 as n`.then(
  () => 'answered',
  () => 'failed',
);
const unwritable = sql
  .unsafe(
    text,
    [
      {
        toString() {
          throw new Error('cannot be written');
        },
      },
    ],
    { prepare: true },
  )
  .then(
    () => 'answered',
    () => 'failed',
  );
const answers = [await within(2_000, innocent), await within(500, unwritable)];
console.log(
  answers[0] === 'answered' && answers[1] === 'failed'
    ? 'mended'
    : `faulty: the query before it ${answers[0]}, it itself ${answers[1]}`,
);
process.exit(0);
