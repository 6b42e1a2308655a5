/**
 * Tenant ids that would be more than a value: in the setting, which is a literal, and in the predicate, a parameter.
 */
import { eq } from 'drizzle-orm';
import { bigint, integer, text, uuid, varchar } from 'drizzle-orm/pg-core';
import { drizzle as drizzlePGlite } from 'drizzle-orm/pglite';
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { defineTenantRelations, InvalidTenantIdError, tenancy, tenantTable, withTenancy } from '../../src/index.js';
import { literalOf } from '../../src/rls/settings.js';
import { asRole, createRole, grants, policiesOf, role } from '../support/rls.js';
import { createPglite } from '../support/pglite.js';

const hostile = [
  "'",
  "''",
  "\\'",
  "\\\\'",
  "'; drop table canary; --",
  "\\'; drop table canary; --",
  "' or true --",
  "x' || (select 'y') || 'z",
  "'); commit; set local app.tenant_id = 'victim'; select ('",
  "E'",
  '\\',
  '\\\\',
  'a\\',
  '\\x27',
  '\\047',
  '\\u0027',
  "U&'\\0027'",
  '!0027',
  '$$',
  '$$; drop table canary; $$',
  '$tag$',
  '$1',
  '$2',
  '?',
  ':name',
  '%s',
  '%I',
  '"',
  '";',
  '`',
  '--',
  '/*',
  '*/',
  '/* */ drop',
  ';',
  '; ;',
  'victim',
  "victim'",
  ' victim',
  'victim ',
  'VICTIM',
  'default',
  'null',
  'NULL',
  'true',
  '0',
  '-1',
  '1e3',
  '{}',
  '{victim}',
  '[]',
  'a,b',
  "a','b",
  '\n',
  '\r\n',
  '\t',
  "\n'; drop table canary\n--",
  '\u0001',
  '\u001b',
  '\u007f',
  '\u00a0',
  '\u2028',
  '\ufeff',
  '\u02bc',
  '\u2019',
  '\uff07',
  '\uff3c',
  '\u00bf\u005c\u0027',
  '\u8868\u005c',
  '\u30bd',
  'é',
  'e\u0301',
  'ß',
  'İ',
  'Ω',
  '\u{1f600}',
  '\u{10ffff}',
  "\u{1f600}'",
  "あ' or 'あ'='あ",
  'a'.repeat(10_000),
  "'".repeat(1_000),
  '\\'.repeat(999),
  '\u{1f600}'.repeat(500),
];
/** What PostgreSQL cannot store, and what no id is. */
const impossible: unknown[] = [
  '',
  'a\0b',
  '\0',
  '\ud800',
  'a\udfff',
  null,
  undefined,
  {},
  [],
  ['a'],
  { toString: () => 'a' },
  Symbol('a'),
  () => 'a',
  NaN,
];

const account = tenancy('account', text);
const rows = tenantTable('hostile_rows', { account: account.id('account'), id: integer().primaryKey(), seen: text() });
const relations = defineTenantRelations({ rows });

const ddl = [
  'create table canary (id int)',
  // What the handle wrote by its parameter, beside what it had set.
  'create table hostile_rows (account text not null, id integer not null, seen text ' +
    "default current_setting('app.tenant_id', true), primary key (account, id))",
  "insert into hostile_rows values ('victim', 1, 'secret')",
];

let url: string;
let admin: postgres.Sql;
const database = `hostile_${process.pid}_${Date.now()}`;

beforeAll(async () => {
  const server = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  await server.unsafe(`create database ${database}`);
  await server.end();
  url = Object.assign(new URL(inject('databaseUrl')), { pathname: `/${database}` }).href;
  admin = postgres(url, { max: 1, onnotice: () => {} });
  for (const statement of [
    createRole,
    ...ddl,
    ...policiesOf('hostile_rows', 'account', 'text', 'account', true),
    ...grants('public'),
  ])
    await admin.unsafe(statement);
});
afterAll(async () => {
  await admin?.end();
  const server = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  await server.unsafe(`drop database if exists ${database} with (force)`);
  await server.end();
});

/** What a tenant of that name writes and reads: its own row, as it was set and as it was sent. */
async function isHarmless(db: any, id: string): Promise<void> {
  const own = { account: id, id: 2, seen: id };
  const tdb = db.forTenant(account.parse(id));
  const isVictim = id === 'victim';
  await tdb.insert(rows).values({ id: 2 });
  const expected = isVictim ? [{ account: id, id: 1, seen: 'secret' }, own] : [own];
  expect(await tdb.select().from(rows).orderBy(rows.id)).toEqual(expected);
  expect(await tdb.query.rows.findMany({ orderBy: { id: 'asc' } })).toEqual(expected);
  expect(await tdb.transaction((tx: any) => tx.select().from(rows).orderBy(rows.id))).toEqual(expected);
  expect(await db.prepare(account, (it: any) => it.select().from(rows).orderBy(rows.id)).run(id)).toEqual(expected);
  await tdb.delete(rows).where(eq(rows.id, 2));
}

const isIntact = async () => {
  expect(await admin`select account, id, seen from hostile_rows`).toEqual([
    { account: 'victim', id: 1, seen: 'secret' },
  ]);
  expect(await admin`select count(*)::int as n from canary`).toEqual([{ n: 0 }]);
};

describe.each([
  ['as PostgreSQL comes', {}],
  [
    'with standard_conforming_strings off',
    { standard_conforming_strings: 'off', backslash_quote: 'on', escape_string_warning: 'off' },
  ],
])('%s', (_, connection) => {
  test('postgres.js', async () => {
    const client = postgres(asRole(url), { max: 1, connection, onnotice: () => {} });
    const db = withTenancy(drizzle({ client }), { relations, rls: true });
    for (const id of hostile) await isHarmless(db, id);
    await client.end();
    await isIntact();
  });

  test('node-postgres', async () => {
    const options = Object.entries(connection)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' ');
    const client = new pg.Pool({ connectionString: asRole(url), max: 1, options });
    const db = withTenancy(drizzleNodePostgres({ client }), { relations, rls: true });
    for (const id of hostile) await isHarmless(db, id);
    await client.end();
    await isIntact();
  });

  test('PGlite', async () => {
    const client = await createPglite();
    await client.exec(
      [createRole, ...ddl, ...policiesOf('hostile_rows', 'account', 'text', 'account', true), ...grants('public')].join(
        ';\n',
      ),
    );
    for (const [name, value] of Object.entries(connection)) await client.exec(`set ${name} = '${value}'`);
    await client.exec(`set role ${role}`);
    const db = withTenancy(drizzlePGlite({ client }), { relations, rls: true });
    // It reads a byte order mark as nothing.
    for (const id of hostile.filter((it) => it !== '\ufeff')) await isHarmless(db, id);
    await client.exec('reset role');
    expect((await client.query('select account, id, seen from hostile_rows')).rows).toEqual([
      { account: 'victim', id: 1, seen: 'secret' },
    ]);
    await client.close();
  });
});

test('a connection whose encoding is not that of its bytes reads nothing into the literal', async () => {
  for (const encoding of ['SJIS', 'BIG5', 'GBK', 'GB18030', 'UHC', 'JOHAB', 'LATIN1']) {
    const client = postgres(asRole(url), { max: 1, connection: { client_encoding: encoding }, onnotice: () => {} });
    const tdb = (id: string) => withTenancy(drizzle({ client }), { relations, rls: true }).forTenant(account.parse(id));
    for (const id of hostile.filter((it) => it.length < 100 && it !== 'victim')) {
      // What the parameter says in such an encoding is not what was meant: the policy refuses it, or it is no text.
      const found = await tdb(id)
        .select()
        .from(rows)
        .catch(() => []);
      expect(found).toEqual([]);
    }
    await client.end();
  }
  await isIntact();
});

test('literals of random text read as that text', async () => {
  // Deterministic, so that what fails once fails again.
  let seed = 20_260_101;
  const random = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
  const alphabet = [
    "'",
    '\\',
    '$',
    '"',
    ';',
    '-',
    '/',
    '*',
    'E',
    'U',
    '&',
    'u',
    'x',
    '0',
    '2',
    '7',
    ' ',
    '\n',
    'é',
    '表',
    '\u{1f600}',
    '\uff07',
  ];
  const texts = Array.from({ length: 2_000 }, () =>
    Array.from({ length: 1 + random(12) }, () => alphabet[random(alphabet.length)]).join(''),
  );
  const literals = texts.map((it) => literalOf(it));
  for (const literal of literals) expect(literal).toMatch(/^E'(?:[A-Za-z0-9_-]|\\u[0-9a-f]{4}|\\U[0-9a-f]{8})*'$/);
  for (const setting of ['on', 'off']) {
    const [row] = await admin
      .unsafe(`set standard_conforming_strings = ${setting}; select array[${literals.join(', ')}] as texts`)
      .then((it: any) => it.at(-1));
    expect(row.texts).toEqual(texts);
  }
});

describe('what is no id is bound nowhere', () => {
  test.each([
    ['text', tenancy('a_text', text), []],
    ['varchar', tenancy('a_varchar', () => varchar({ length: 8 })), ['123456789', "'; drop table canary; --"]],
    ['uuid', tenancy('a_uuid', uuid), hostile],
    ['integer', tenancy('an_integer', integer), [...hostile, 1.5, 2 ** 31, -0, Infinity, 1n]],
    ['bigint, a number', tenancy('a_number', () => bigint({ mode: 'number' })), [...hostile, 1.5, 2 ** 53, -0, 1n]],
    ['bigint, a bigint', tenancy('a_bigint', () => bigint({ mode: 'bigint' })), [...hostile, 2n ** 63n, 1]],
  ] as [string, any, unknown[]][])('%s', (_, it, more) => {
    const table = tenantTable(`of_${it.name}`, { tenant: it.id('tenant'), id: integer().primaryKey() });
    const db = withTenancy(drizzle({ client: postgres(url, { max: 1 }) }), {
      relations: defineTenantRelations({ table }),
      rls: true,
    }) as any;
    const prepared = db.prepare(it, (tdb: any) => tdb.select().from(table));
    for (const value of [...impossible, ...more]) {
      expect(() => db.forTenant(value), String(value as any)).toThrow(InvalidTenantIdError);
      expect(() => prepared.run(value)).toThrow(InvalidTenantIdError);
    }
  });
});
