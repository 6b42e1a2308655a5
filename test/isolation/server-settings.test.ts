/**
 * Text that the server reads otherwise than a parser does, since `standard_conforming_strings` is off, and
 * counters of the whole server that stand in a value.
 */
import { sql } from 'drizzle-orm';
import { integer, text } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { tenancy, tenantTable, withTenancy } from '../../src/index.js';
import { freshDatabase } from '../support/databases.js';
import { a } from '../support/rows.js';
import { relations, tasks } from '../support/schema.js';

let client: postgres.Sql;
let tdb: any;

beforeAll(async () => {
  const { url } = await freshDatabase('many');
  client = postgres(url, { max: 1, onnotice: () => {}, connection: { standard_conforming_strings: 'off' } as any });
  tdb = withTenancy(drizzle({ client }), { relations }).forTenant(a);
});
afterAll(() => client?.end());

/** The tenants whose rows came back; none where the statement was refused, here or by the server. */
const tenantsOf = async (run: () => PromiseLike<unknown>): Promise<unknown[]> => {
  try {
    return [...new Set([...((await run()) as any)].map((it: any) => it.accountId))];
  } catch {
    return [];
  }
};

describe('a value that is written into the text, where a backslash escapes', () => {
  const values = [
    "\\') or true --",
    "\\') or (true) --\n",
    "\\' or true or '",
    "\\'\\') or true) --",
    "x\\') union all select * from tasks --",
    "\\') or true /*",
    "\\\\') or true --",
  ];
  for (const value of values)
    test(JSON.stringify(value), async () => {
      const inlined = () => sql`${tasks.title} = ${value}`.inlineParams();
      const programs = [
        () => tdb.select().from(tasks).where(inlined()),
        () => tdb.select().from(tasks).where(sql`${inlined()} and true\n)`),
        () => tdb.execute(sql`select * from ${tasks} where ${inlined()}`),
        () => tdb.execute(sql`select * from ${tasks} where title = ${value}\n`.inlineParams()),
        () =>
          tdb
            .select()
            .from(tasks)
            .where(sql.raw(`title = '${value.replaceAll("'", "''")}'`)),
      ];
      for (const run of programs) expect((await tenantsOf(run)).filter((it) => it !== a)).toEqual([]);
    });
});

describe('a counter of the whole server', () => {
  const expressions = [
    "age('3'::xid)",
    "age('3'::text::xid)",
    "age(cast('3' as xid))",
    "age('3'::pg_catalog.xid)",
    "mxid_age('3'::xid)",
    "'16400'::regclass::text",
    'pg_current_xact_id()::text',
    'xmin::text',
  ];
  for (const expression of expressions)
    test(expression, async () => {
      // What one tenant's statement says of the transactions of all, or of the tables that there are, is refused before
      // it is sent.
      for (const run of [
        () => tdb.select({ x: sql.raw(expression) }).from(tasks),
        () => tdb.execute(sql`select ${sql.raw(expression)} as x from ${tasks}`),
      ])
        await expect((async () => run())()).rejects.toMatchObject({ _tag: 'RawSqlNotScopedError' });
    });
});

/**
 * The parser takes each text for UTF-8, as most databases do. In one of another encoding, PostgreSQL cuts a name of
 * more than 63 bytes elsewhere: what is two names here is one there, and the other way round.
 */
describe('a database in another encoding', () => {
  const tenancyOfTexts = tenancy('of texts', text);
  tenantTable('words', { tenant: tenancyOfTexts.id(), id: integer().primaryKey(), word: text() });
  let admin: postgres.Sql;
  let latin: postgres.Sql;
  const name = `latin_${process.pid}`;

  beforeAll(async () => {
    admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
    await admin.unsafe(`create database ${name} encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'`);
    latin = postgres(Object.assign(new URL(inject('databaseUrl')), { pathname: `/${name}` }).href, {
      max: 1,
      onnotice: () => {},
    });
    await latin.unsafe(`create table words (tenant text, id int, word text);
      insert into words values ('a', 1, 'mine'), ('b', 2, 'hidden')`);
  });
  afterAll(async () => {
    await latin?.end();
    await admin?.unsafe(`drop database if exists ${name}`);
    await admin?.end();
  });

  const [short, long] = ['a'.repeat(62), `${'a'.repeat(62)}é`];
  const statements = {
    'an alias in a query within':
      `select (select string_agg(word, ',') from words "${long}") as x ` + `from words "${short}"`,
    'an alias in EXISTS':
      `select (select exists (select from words "${long}" where word = 'hidden'))::text as x ` +
      `from words "${short}"`,
    'a row that is changed':
      `with "${short}" as (select * from words) update words "${long}" set word = 'x' ` + `from "${short}"`,
  };
  for (const [title, statement] of Object.entries(statements))
    test(title, async () => {
      const scoped: any = withTenancy(drizzle({ client: latin })).forTenant(tenancyOfTexts.parse('a'));
      await expect(scoped.execute(sql.raw(statement))).rejects.toMatchObject({ _tag: 'RawSqlNotScopedError' });
      expect(await latin`select word from words order by id`).toEqual([{ word: 'mine' }, { word: 'hidden' }]);
    });
  test('names that mean the same there', async () => {
    const scoped: any = withTenancy(drizzle({ client: latin })).forTenant(tenancyOfTexts.parse('a'));
    expect([...(await scoped.execute(sql`select "größe".word as "Ü" from words as "größe"`))]).toEqual([{ Ü: 'mine' }]);
  });
});
