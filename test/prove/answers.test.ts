/** Answers are kept by text, and are as good as the first; names, types and encodings that only some tables have. */
import { customType, integer, numeric, pgSchema, text, varchar, bigint } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { RawSqlNotScopedError, referenceTable, tenancy, tenantSchema, tenantTable } from '../../src/index.js';
import { Prover } from '../../src/sql/index.js';
import { proveScoped } from '../../src/testing/index.js';
import { a, b } from '../support/rows.js';
import * as schema from '../support/schema.js';

const prover = () => new Prover([schema.projects, schema.tasks, schema.countries]);
const of = (id: unknown) => new Set([String(id)]);
const refused = (promise: Promise<unknown>, reason: RegExp = /./) => expect(promise).rejects.toThrow(reason);

describe('kept answers', () => {
  const param = 'select * from projects where "accountId" = $1';

  test('hold for the parameters that carry the tenant, not for their values', async () => {
    const it = prover();
    await it.prove({ text: param, params: [a], tenants: of(a) });
    await it.prove({ text: param, params: [b], tenants: of(b) });
    await refused(it.prove({ text: param, params: [b], tenants: of(a) }));
    await it.prove({ text: param, params: [a], tenants: of(a) });
    await refused(it.prove({ text: param, params: [], tenants: of(a) }));
    await refused(it.prove({ text: param, params: [a], tenants: undefined }), /reference tables only/);
    for (const hostile of [{ toString: () => String(a) }, [String(a)], null, undefined, Object(String(a))]) {
      await refused(it.prove({ text: param, params: [hostile], tenants: of(a) }));
    }
  });

  test('hold for one tenant where it stands in the text', async () => {
    const it = prover();
    const literal = `select * from projects where "accountId" = '${a}'`;
    await it.prove({ text: literal, params: [], tenants: of(a) });
    await refused(it.prove({ text: literal, params: [], tenants: of(b) }));
    await it.prove({ text: literal, params: [], tenants: of(a) });
  });

  test('an error is a new one each time', async () => {
    const it = prover();
    const errors = await Promise.all([1, 2].map(() => it.prove({ text: 'select * from tasks', params: [], tenants: of(a) }).catch((error) => error)));
    expect(errors[0]).toBeInstanceOf(RawSqlNotScopedError);
    expect(errors[0]).not.toBe(errors[1]);
    expect(errors[0].message).toBe(errors[1].message);
  });

  test('are given up when a table is declared', async () => {
    const it = prover();
    await refused(it.prove({ text: 'select * from late_countries', params: [], tenants: of(a) }), /not declared/);
    referenceTable('late_countries', { id: integer().primaryKey() });
    await it.prove({ text: 'select * from late_countries', params: [], tenants: of(a) });
  });

  test('are bounded, and a thousand others do not change one', async () => {
    const it = prover();
    for (let i = 0; i < 1_500; i++) await it.prove({ text: `${param} and id = ${i}`, params: [a], tenants: of(a) });
    await it.prove({ text: param, params: [a], tenants: of(a) });
    await refused(it.prove({ text: param, params: [b], tenants: of(a) }));
  });
});

describe('names', () => {
  const team = tenancy('team', text);
  const one = tenantSchema(pgSchema('one'));
  const two = tenantSchema(pgSchema('two'));
  const oneItems = one.table('items', { team: team.id(), id: integer().primaryKey() });
  const twoItems = two.referenceTable('items', { id: integer().primaryKey() });
  const bareItems = tenantTable('items', { team: team.id(), id: integer().primaryKey() });
  const t = team.parse('red');
  const prove = (sql: string, tables: object[]) => proveScoped(sql, { tables, tenant: t, params: [t] });

  test('a schema tells them apart', async () => {
    await prove('select * from one.items where team = $1', [oneItems, twoItems]);
    await prove('select * from two.items', [oneItems, twoItems]);
    await refused(prove('select * from one.items', [oneItems, twoItems]), /not bound/);
    await refused(prove('select * from one.items o where two.items.team = $1', [oneItems, twoItems]));
    await refused(prove('select * from one.items, two.items where one.items.team = $1', [oneItems, twoItems]), /two sources/);
  });

  test('without one, which of them is meant depends on search_path', async () => {
    await refused(prove('select * from items where team = $1', [bareItems, oneItems]), /search_path/);
    await refused(prove('select * from items where team = $1', [bareItems]), /search_path/);
    await refused(prove('select * from items', [twoItems]), /not declared|search_path/);
  });

  test('two declarations that are not alike', async () => {
    const tenants = tenantTable('twice', { team: team.id(), id: integer().primaryKey() });
    const shared = referenceTable('twice', { id: integer().primaryKey() });
    await refused(prove('select * from twice where team = $1', []), /declared twice/);
    await prove('select * from twice where team = $1', [tenants]);
    await prove('select * from twice', [shared]);
  });
});

describe('types', () => {
  const cut = tenancy('cut', () => varchar({ length: 5 }));
  const big = tenancy('big', () => bigint({ mode: 'bigint' }));
  const cuts = tenantTable('cuts', { cut: cut.id(), id: integer().primaryKey(), ratio: numeric() });
  const bigs = tenantTable('bigs', { big: big.id(), id: integer().primaryKey() });
  const ofCut = (sql: string) => proveScoped(sql, { tables: [cuts], tenant: cut.parse('abcde'), params: ['abcde'] });
  const ofBig = (sql: string, ...params: unknown[]) => proveScoped(sql, { tables: [bigs], tenant: big.parse(9007199254740993n), params });

  test('a cast that keeps the value', async () => {
    for (const type of ['varchar', 'text', 'varchar(5)', 'character varying(5)', 'pg_catalog.text']) await ofCut(`select * from cuts where cut = $1::${type}`);
    for (const type of ['bigint', 'int8', 'int']) await ofBig(`select * from bigs where big = $1::${type}`, 9007199254740993n);
    await ofBig('select * from bigs where big = $1', '9007199254740993');
    await ofBig('select * from bigs where big = 9007199254740993');
    await ofBig("select * from bigs where big = '9007199254740993'");
  });

  test('a cast that could make it another', async () => {
    for (const type of ['varchar(1)', 'char', 'char(5)', '"char"', 'bpchar', 'name', 'text[]', 'my.text', 'citext', 'varchar(6)']) {
      await refused(ofCut(`select * from cuts where cut = $1::${type}`), /something else/);
    }
    for (const type of ['float8', 'real', 'numeric(3)', 'numeric', 'money']) await refused(ofBig(`select * from bigs where big = $1::${type}`, 9007199254740993n), /something else/);
    await refused(ofBig('select * from bigs where big = 9007199254740993.0'));
    await refused(ofBig('select $1::float8 from bigs where big = $1', 9007199254740993n), /another type/);
    await refused(ofBig('select * from bigs where big = $1', 9007199254740992));
  });

  test('a tenant that is kept in another form than the id is not compared by hand', async () => {
    const { withTenancy } = await import('../../src/index.js');
    const { drizzle } = await import('drizzle-orm/postgres-js');
    const { sql } = await import('drizzle-orm');
    const prefixed = tenancy('prefixed', customType<{ data: string; driverData: string }>({ dataType: () => 'text', toDriver: (it) => `p-${it}`, fromDriver: (it) => it.slice(2) }) as any);
    tenantTable('prefixed_rows', { owner: prefixed.id() as any, id: integer().primaryKey() });
    const sent: string[] = [];
    const db = withTenancy(drizzle({ client: { options: { parsers: {}, serializers: {} }, unsafe: (text: string) => (sent.push(text), Promise.resolve([])) } as any }));
    const tdb = db.forTenant(prefixed.parse('x')) as any;
    await refused(tdb.execute(sql`select * from prefixed_rows where owner = ${'x'}`), /another form/);
    await refused(tdb.execute(sql`select * from prefixed_rows where owner = ${'p-x'}`));
    expect(sent).toEqual([]);
  });
});
