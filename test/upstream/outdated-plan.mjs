/**
 * postgres.js: a prepared statement whose plan is out of date is sent again, behind what was sent since: within a transaction,
 * behind COMMIT. Repaired by `neverAgain` in src/drivers/postgres-js-query.ts.
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
const outdated = prepared().then((rows) => `answered with ${rows.length} rows`, (error) => `failed: ${error.code ?? error.message}`);
const behind = sql.unsafe('select 2 as n').then((rows) => (rows[0]?.n === 2 ? 'answered' : 'got another\'s answer'), (error) => `failed: ${error.code ?? error.message}`);
const [first, second] = [await within(1_000, outdated), await within(1_000, behind)];
// In an open transaction the statement has failed: the server says 0A000, and nothing that comes behind may answer in its place.
console.log(first === 'failed: 0A000' && second === 'failed: 25P02' ? 'mended' : `faulty: the statement ${first}, the one behind it ${second}`);
await within(500, admin.unsafe(`drop table ${table}`).catch(() => {}));
process.exit(0);
