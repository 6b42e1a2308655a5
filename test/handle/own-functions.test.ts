/** A listed name that means an application's own function is found and named before it is called. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertNoOwnFunctions, withTenancy } from '../../src/index.js';
import { dropDatabases, open } from '../support/databases.js';
import { a } from '../support/rows.js';
import { countries, relations } from '../support/schema.js';

let database: any;
beforeAll(async () => {
  database = await open('many', 1);
});
afterAll(async () => {
  await database.close();
  await dropDatabases();
});

const signatures = async (db = database.db, options = {}): Promise<readonly string[]> =>
  assertNoOwnFunctions(db, options).then(
    () => [],
    (error) => (error._tag === 'OwnFunctionError' ? error.signatures : Promise.reject(error)),
  );

test('PostgreSQL and its extensions alone are in order', async () => {
  expect(await signatures()).toEqual([]);
});

test("it is called in place of PostgreSQL's own, and is found: functions, operators and casts", async () => {
  await database.client.unsafe(`
    create function format(integer) returns text language sql stable as 'select string_agg(title, '','') from tasks';
    create schema elsewhere;
    create function elsewhere.lower(integer) returns text language sql as 'select 1::text';
    create function unlisted(integer) returns integer language sql as 'select 1';
    create type mood as enum ('fine');
    create function equals(mood, integer) returns boolean language sql as 'select true';
    create operator = (leftarg = mood, rightarg = integer, function = equals);
    create function moody(integer) returns mood language sql as 'select ''fine''::mood';
    create cast (integer as mood) with function moody(integer);`);
  // What is guarded against: one tenant's statement reads everybody's titles.
  const [row] = await database.db.forTenant(a).execute(sql`select format(1) as titles`);
  const [every] = await database.client.unsafe(`select string_agg(title, ',') as titles from tasks`);
  expect(row.titles).toBe(every.titles);
  expect(await signatures()).toEqual(['cast (integer as mood)', 'public.format(integer)', 'public.=(mood, integer)']);
  await expect(assertNoOwnFunctions(database.db)).rejects.toThrow(
    /^Rename these, or trust them with assertNoOwnFunctions/,
  );
  // One that no unqualified name leads to is found where the search path leads there.
  await database.client.unsafe('set search_path to public, elsewhere');
  expect(await signatures()).toContain('elsewhere.lower(integer)');
  await database.client.unsafe('reset search_path');
});

test('what is trusted is left out: by name, by signature, and by the handles', async () => {
  const rest = { except: ['cast (integer as mood)', 'public.=(mood, integer)'] };
  expect(await signatures(database.db, rest)).toEqual(['public.format(integer)']);
  expect(await signatures(database.db, { except: [...rest.except, 'format'] })).toEqual([]);
  expect(await signatures(withTenancy(database.plain, { relations, functions: ['format'] }), rest)).toEqual([]);
  await expect(assertNoOwnFunctions({} as any)).rejects.toMatchObject({ _tag: 'UnsupportedTenantOperationError' });
});

test('a table that the search path finds before the one in public', async () => {
  const { db, client } = database;
  // Only this connection reads tables of "ahead" by their bare names.
  await client.unsafe(`create schema ahead; create table ahead.countries as select id, title as name, 'x' as code
    from tasks;
    create view ahead.tasks as select * from public.tasks; create table ahead.alone (id integer)`);
  const except = ['cast (integer as mood)', 'public.=(mood, integer)', 'format'];
  expect(await signatures(db, { except })).toEqual([]);
  await client.unsafe('set search_path to ahead, public');
  // What is guarded against: a reference table is read, and each tenant's rows are seen.
  const seen = await db.forTenant(a).select({ name: countries.name }).from(countries);
  expect(seen.map((it: any) => it.name)).toContain('secret b');
  expect(await signatures(db, { except })).toEqual(['ahead.countries', 'ahead.tasks']);
  await expect(assertNoOwnFunctions(db, { except })).rejects.toThrow(
    /the table ahead\.countries, which countries may mean in place of the one in public/,
  );
  expect(await signatures(db, { except: [...except, 'ahead.countries', 'ahead.tasks'] })).toEqual([]);
  await client.unsafe('set search_path to public, ahead');
  expect(await signatures(db, { except })).toEqual([]);
  await client.unsafe('set search_path to ahead');
  expect((await signatures(db, { except })).filter((it) => it.includes('ahead'))).toEqual([]);
  await client.unsafe('set search_path to public');
});

test('a function that later grammars know is found where the server calls it', async () => {
  const [{ version }] = await database.client.unsafe(`select current_setting('server_version_num')::int as version`);
  await database.client.unsafe(`create function "json_value"(jsonb, text) returns text language sql as 'select null'`);
  const found = (await signatures()).filter((it) => it.includes('json_value'));
  expect(found).toEqual(version < 170_000 ? ['public.json_value(jsonb, text)'] : []);
});
