/**
 * postgres.js: a password that cannot be had ends the process, and fails no query. Repaired by `pass` in
 * src/drivers/postgres-client.ts.
 */
import postgres from 'postgres';
import { within } from './within.mjs';

process.on('unhandledRejection', (error) => {
  console.log(`faulty: a rejection that nobody handles: ${error.message}`);
  process.exit(0);
});
const sql = postgres(process.env.DATABASE_URL, {
  max: 1,
  password: async () => {
    throw new Error('no password to be had');
  },
});
const answer = await within(
  1_000,
  sql`select 1`.then(
    () => 'answered',
    () => 'failed',
  ),
);
console.log(answer === 'failed' ? 'mended' : `faulty: the query ${answer}`);
process.exit(0);
