/**
 * postgres.js: a prepared statement whose plan is out of date is sent again, behind what was sent since: within a
 * transaction, behind COMMIT. Repaired by `neverAgain` in src/drivers/postgres-js-query.ts.
 */
import postgres from 'postgres';
import { within } from './within.mjs';

const sql = postgres(process.env.DATABASE_URL, { max: 1, onnotice: () => {} });
const admin = postgres(process.env.DATABASE_URL, { max: 1, onnotice: () => {} });
const table = `upstream_${process.pid}`;
await admin.unsafe(`create table ${table} (id integer); insert into ${table} values (1)`);
const text = `select * from ${table} where id = $1`;
const prepared = () => sql.unsafe(text, [1], { prepare: true });
await prepared();
await prepared();
await admin.unsafe(`alter table ${table} add name text`);
await sql.unsafe('begin');
const outdated = prepared().then(
  (rows) => `answered with ${rows.length} rows`,
  (error) => `failed: ${error.code ?? error.message}`,
);
const commit = sql.unsafe('commit').then(
  (it) => it.command,
  (error) => `failed: ${error.code ?? error.message}`,
);
const [first, second] = [await within(1_000, outdated), await within(1_000, commit)];
// The transaction has failed with the statement, which must not be answered from outside of it.
console.log(
  first === 'failed: 0A000' && second === 'ROLLBACK'
    ? 'mended'
    : `faulty: the statement ${first}, though COMMIT gave ${second}`,
);
await within(
  500,
  admin.unsafe(`drop table ${table}`).catch(() => {}),
);
process.exit(0);
