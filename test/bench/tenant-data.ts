/**
 * A large tenant: `tsx test/bench/tenant-data.ts`, with DATABASE_URL of a server whose version pg_dump and pg_restore
 * know. ROWS says how many; two million without it. Prints seconds, rows for each second, and the memory of the process
 * that did it, for this library and for pg_dump, pg_restore and COPY in the same run.
 */
import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sql } from 'drizzle-orm';
import { bigint, jsonb, numeric, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { defineTenantRelations, tenancy, tenantTable, withTenancy } from '../../src/index.js';

const account = tenancy('account', uuid);
const accounts = tenantTable('accounts', { id: account.id().primaryKey(), name: text().notNull() });
const tasks = tenantTable('tasks', {
  accountId: account.id('account_id').references(() => accounts.id),
  id: bigint({ mode: 'number' }).primaryKey(),
  title: text().notNull(),
  amount: numeric(),
  at: timestamp(),
  meta: jsonb(),
  note: text().default(sql`null`),
});
const relations = defineTenantRelations({ accounts, tasks });
const id = account.parse('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');
const ddl = `create table accounts (id uuid primary key, name text not null);
create table tasks (account_id uuid not null references accounts(id), id bigint not null, title text not null,
  amount numeric, at timestamp, meta jsonb, note text, primary key (account_id, id));`;

const server = process.env.DATABASE_URL!;
const rows = Number(process.env.ROWS ?? 2_000_000);
const urlOf = (name: string) => Object.assign(new URL(server), { pathname: `/${name}` }).href;
const folder = process.env.BENCH_FOLDER ?? '';
const file = () => join(folder, 'tenant.ndjson.gz');

/** One step in a process of its own, so that its memory is its own. */
const steps: Record<string, () => Promise<void>> = {
  async export() {
    const client = postgres(urlOf('bench_a'), { max: 1 });
    await pipeline(withTenancy(drizzle({ client }), { relations }).tenantData(id).export(), createWriteStream(file()));
    await client.end();
  },
  async import() {
    const client = postgres(urlOf('bench_b'), { max: 1 });
    await withTenancy(drizzle({ client }), { relations })
      .tenantData(id)
      .import(createReadStream(file()), { directory: folder });
    await client.end();
  },
  async erase() {
    const client = postgres(urlOf('bench_b'), { max: 1 });
    await withTenancy(drizzle({ client }), { relations }).tenantData(id).erase({ reason: 'bench' });
    await client.end();
  },
};

const step = process.argv[2];
if (step !== undefined) {
  await steps[step]!();
  console.log(Math.round(process.resourceUsage().maxRSS / 1024));
} else await run();

async function run() {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const admin = postgres(server, { max: 1, onnotice: () => {} });
  const names = ['bench_a', 'bench_b', 'bench_c', 'bench_d'];
  try {
    for (const name of names) {
      await admin.unsafe(`drop database if exists ${name} with (force)`);
      await admin.unsafe(`create database ${name}`);
      if (name === 'bench_c') continue;
      const client = postgres(urlOf(name), { max: 1, onnotice: () => {} });
      await client.unsafe(ddl);
      if (name === 'bench_a') {
        await client.unsafe(`insert into accounts values ('${id}', 'Acme');
          insert into tasks select '${id}', n, 'Task number ' || n, n / 7.0, '2024-01-01'::timestamp + n * interval
            '1 second', jsonb_build_object('level', n % 9, 'tags', jsonb_build_array('a', n::text)),
              case when n % 3 = 0 then repeat('word ', (n % 20)::int) end from generate_series(1, ${rows}) n`);
        await client.unsafe('vacuum analyze');
      }
      await client.end();
    }
    const told: string[][] = [['', 'seconds', 'rows/s', 'MB of memory']];
    const time = (what: string, run: () => string) => {
      const start = performance.now();
      const memory = run().trim();
      const seconds = (performance.now() - start) / 1000;
      told.push([what, seconds.toFixed(1), Math.round(rows / seconds).toLocaleString('en'), memory]);
      console.log(told.at(-1)!.join('  '));
    };
    const own = (name: string) => () =>
      execFileSync(process.execPath, [...process.execArgv, import.meta.filename, name], {
        encoding: 'utf8',
        env: { ...process.env, BENCH_FOLDER: directory },
      });
    const other =
      (command: string, ...args: string[]) =>
      () => (execFileSync(command, args, { stdio: 'pipe' }), '');
    const copied = join(directory, 'copy.txt');
    time('export (NDJSON, gzip 1)', own('export'));
    time('pg_dump -Fc -Z1', other('pg_dump', '-Fc', '-Z1', '-f', join(directory, 'dump'), urlOf('bench_a')));
    time(
      'psql COPY TO, uncompressed',
      other('psql', urlOf('bench_a'), '-qc', `\\copy (select * from tasks where account_id = '${id}') to '${copied}'`),
    );
    time('import', own('import'));
    time('pg_restore, with keys', other('pg_restore', '-d', urlOf('bench_c'), '--no-owner', join(directory, 'dump')));
    time(
      'pg_restore --data-only, keys are there',
      other('pg_restore', '-d', urlOf('bench_d'), '--data-only', join(directory, 'dump')),
    );
    const client = postgres(urlOf('bench_d'), { max: 1, onnotice: () => {} });
    await client.unsafe('truncate tasks');
    time('psql COPY FROM, keys are there', other('psql', urlOf('bench_d'), '-qc', `\\copy tasks from '${copied}'`));
    await client.end();
    time('erase, in batches of 5,000', own('erase'));
    console.log(
      `export: ${(statSync(join(directory, 'tenant.ndjson.gz')).size / 2 ** 20).toFixed(0)} MB, pg_dump: ` +
        `${(statSync(join(directory, 'dump')).size / 2 ** 20).toFixed(0)} MB, COPY: ` +
        `${(statSync(copied).size / 2 ** 20).toFixed(0)} MB`,
    );
  } finally {
    for (const name of names) await admin.unsafe(`drop database if exists ${name} with (force)`);
    await admin.end();
    rmSync(directory, { recursive: true, force: true });
  }
}
