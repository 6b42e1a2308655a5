/**
 * What `drizzle-tenant advise` says of a database: the plans and counts of indexes are PostgreSQL's, those of
 * statements are given.
 */
import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { advise } from '../../src/kit/live/advise.js';
import { connect, type Database } from '../../src/kit/live/database.js';
import type { TenancyState } from '../../src/kit/state.js';

const name = `advise_${process.pid}_${randomBytes(3).toString('hex')}`;
const state: TenancyState = {
  version: 1,
  citus: false,
  tenancies: {},
  tables: {
    'public.projects': { schema: 'public', name: 'projects', kind: 'tenant', tenancy: 'account', column: 'accountId' },
    'crm.notes': { schema: 'crm', name: 'notes', kind: 'tenant', tenancy: 'account', column: 'account_id' },
    'public.countries': { schema: 'public', name: 'countries', kind: 'reference' },
  },
};
let admin: postgres.Sql;
let client: postgres.Sql;
let database: Database;

beforeAll(async () => {
  admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${name}`);
  const url = Object.assign(new URL(inject('databaseUrl')), { pathname: `/${name}` }).href;
  client = postgres(url, { max: 1, onnotice: () => {} });
  database = await connect(url);
  await client.unsafe(`
    create schema crm;
    create table projects ("accountId" int not null, id int not null, status text not null, created int not null,
      tags int[] not null, primary key ("accountId", id));
    insert into projects select t, p, 'open', p * 50 + t, array[p] from generate_series(1, 50) t, generate_series(1,
      300) p;
    create index projects_created on projects (created desc);
    create index projects_tags on projects using gin (tags);
    create index projects_good on projects ("accountId", status, created);
    create table crm.notes (account_id int not null, id int not null, body text not null);
    insert into crm.notes select t, n, repeat('x', 200) from generate_series(1, 50) t, generate_series(1, 100) n;
    create table countries (id int primary key);`);
  await client.unsafe('vacuum analyze');
});
afterAll(async () => {
  await database?.close();
  await client?.end();
  await admin.unsafe(`drop database if exists ${name} with (force)`);
  await admin.end();
});
beforeEach(() => client.unsafe('drop view if exists pg_stat_statements'));

/** What the server would have counted. */
const counted = (statements: readonly (readonly [query: string, calls: number, blocks: number, rows: number])[]) =>
  client.unsafe(`create view pg_stat_statements as select (select oid from pg_database
    where datname = current_database()) as dbid, query,
    calls::bigint, (blocks * calls)::bigint as shared_blks_hit, 0::bigint as shared_blks_read,
      (rows * calls)::bigint as rows
    from (values ${statements.map(([query, ...numbers]) => `($q$${query}$q$, ${numbers.join(', ')})`).join(', ')})
      v(query, calls, blocks, rows)`);

const latest = 'select "id" from "projects" where "accountId" = $1 order by "created" desc limit $2';

test('before PostgreSQL 16, where EXPLAIN plans no parameters: the same, and nothing stays prepared', async () => {
  await counted([
    // As Drizzle numbers them: the limit stands before the tenant.
    ['select "id" from "projects" where "accountId" = $2 order by "created" desc limit $1', 120, 7_949, 20],
    ['select * from gone where "accountId" = $1', 5, 900, 1],
    ['select * from crm.notes where account_id = 7', 9, 160, 2],
  ]);
  const asked: string[] = [];
  const old: Database = {
    ...database,
    query: async (text: string, values?: readonly unknown[]) => {
      asked.push(text);
      const rows: any[] = await database.query(text, values);
      return text.includes('server_version_num') ? [{ ...rows[0], version: 150_000 }] : rows;
    },
  };
  const told = await advise(old, state);
  expect(asked.filter((it) => it.includes('GENERIC_PLAN'))).toEqual([]);
  expect(told).toEqual(await advise(database, state));
  expect(told.advice.map((it) => it.index)).toEqual(['projects_created', null]);
  expect(await database.query('select name from pg_prepared_statements')).toEqual([]);
});

test('a statement that reads an index over all tenants, with the index and SQL that PostgreSQL takes', async () => {
  await counted([[latest, 120, 7_949, 20]]);
  const { advice, notes } = await advise(database, state);
  expect(notes).toEqual([]);
  expect(advice).toMatchObject([
    {
      table: 'projects',
      index: 'projects_created',
      statements: [{ query: latest, calls: 120, blocks: 7_949, rows: 20 }],
    },
  ]);
  expect(advice[0]!.evidence).toContain('7,949 blocks for 20 rows a call, in 120 calls');
  expect(advice[0]!.sql).toEqual([
    'CREATE INDEX CONCURRENTLY "projects_created_by_tenant" ON public.projects USING btree ("accountId", created DESC)',
    'DROP INDEX CONCURRENTLY public."projects_created"',
  ]);
  for (const statement of advice[0]!.sql) await client.unsafe(statement);
  expect((await advise(database, state)).advice).toEqual([]);
  await client.unsafe(
    'drop index projects_created_by_tenant; create index projects_created on projects (created desc)',
  );
});

test('a table that is read as a whole, where no index begins with the tenant column', async () => {
  await counted([['select * from crm.notes where account_id = $1', 9, 160, 2]]);
  const { advice } = await advise(database, state);
  expect(advice).toMatchObject([
    { table: 'crm.notes', index: null, sql: ['CREATE INDEX CONCURRENTLY ON "crm"."notes" ("account_id")'] },
  ]);
});

test('of a table with partitions, whose plans name those: without CONCURRENTLY, which PostgreSQL refuses', async () => {
  await client.unsafe(`create table logs ("accountId" int not null, id int not null, at int not null)
      partition by range (at);
    create table crm.logs_1 partition of logs for values from (0) to (2000);
    create table crm.logs_2 partition of logs for values from (2000) to (9000);
    insert into logs select t, p, p * 10 from generate_series(1, 20) t, generate_series(1, 800) p;
    create index logs_at on logs (at);
    analyze logs`);
  const byTime = 'select "id" from "logs" where "accountId" = $1 order by "at" desc limit $2';
  await counted([[byTime, 120, 7_949, 20]]);
  const there = { ...state.tables['public.projects']!, name: 'logs' };
  const asked = () => advise(database, { ...state, tables: { ...state.tables, 'public.logs': there } });
  const { advice } = await asked();
  expect(advice).toMatchObject([{ table: 'logs', index: 'logs_at', statements: [{ query: byTime }] }]);
  expect(advice[0]!.sql).toEqual([
    'CREATE INDEX "logs_at_by_tenant" ON public.logs USING btree ("accountId", at)',
    'DROP INDEX public."logs_at"',
  ]);
  expect(advice[0]!.schema).toContain('Writes wait while it is built');
  await client.unsafe(advice[0]!.sql[1]!);
  expect((await asked()).advice).toMatchObject([
    { table: 'logs', index: null, sql: ['CREATE INDEX ON "public"."logs" ("accountId")'] },
  ]);
  await client.unsafe(advice[0]!.sql[0]!);
  expect((await asked()).advice).toEqual([]);
  await client.unsafe('drop table logs');
});

test('nothing of what costs little, crosses tenants, cannot be planned, or reads an index of the tenant', async () => {
  await counted([
    [latest, 120, 40, 20],
    ['select "id" from "projects" order by "created" desc limit $1', 5, 900, 20],
    ['select * from gone where "accountId" = $1', 5, 900, 1],
    ['select * from "projects" where "accountId" = $1 and status = $2 order by created limit $3', 5, 900, 1],
    ['delete from countries where id = $1', 5, 900, 1],
  ]);
  expect((await advise(database, state)).advice).toEqual([]);
});

test('without counts of statements: an index that is read far, and that no more is known', async () => {
  await client.unsafe('set enable_seqscan = off; set enable_sort = off; set enable_bitmapscan = off');
  for (let i = 0; i < 3; i++)
    await client.unsafe(
      'select count(*) from (select * from projects where "accountId" = 7 order by created desc) x where created > 0',
    );
  await client.unsafe('select pg_stat_force_next_flush()');
  const { advice, notes } = await advise(database, state);
  expect(notes).toEqual([expect.stringContaining('shared_preload_libraries')]);
  expect(advice).toMatchObject([{ index: 'projects_created', statements: [] }]);
  expect(advice[0]!.evidence).toMatch(
    /^\d+,\d{3} entries read in each of \d scans since statistics were reset; it is not known by whose/,
  );
});

test('a gin index gets the tenant column by an extension', async () => {
  await counted([['select id from projects where tags @> $1 and "accountId" = $2', 10, 5_000, 1]]);
  await client.unsafe(
    'create table kept as select * from projects; alter table projects drop constraint projects_pkey; ' +
      'drop index projects_good',
  );
  const { advice } = await advise(database, state);
  const gin = advice.find((it) => it.index === 'projects_tags')!;
  expect(gin.sql).toEqual([
    'CREATE EXTENSION IF NOT EXISTS btree_gin',
    'CREATE INDEX CONCURRENTLY "projects_tags_by_tenant" ON public.projects USING gin ("accountId", tags)',
  ]);
});
