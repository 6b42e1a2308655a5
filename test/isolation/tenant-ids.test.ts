/** What is no tenant's id makes no handle. */
import { sql, Param } from 'drizzle-orm';
import {
  bigint,
  boolean,
  bytea,
  char,
  cidr,
  customType,
  date,
  doublePrecision,
  inet,
  integer,
  interval,
  json,
  jsonb,
  macaddr,
  macaddr8,
  numeric,
  pgEnum,
  point,
  real,
  serial,
  smallint,
  text,
  time,
  timestamp,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { drizzle } from 'drizzle-orm/node-postgres';
import { defineTenantRelations, InvalidTenantIdError, tenancy, tenantTable, withTenancy } from '../../src/index.js';
import { comparison } from '../support/comparison.js';
import { a } from '../support/rows.js';

const pair = comparison();
const none: Record<string, unknown> = {
  null: null,
  undefined: undefined,
  'an empty string': '',
  NaN: Number.NaN,
  zero: 0,
  'an array': [a],
  'an empty array': [],
  'an object': {},
  true: true,
  'an object with toString': { toString: () => a },
  'an object with valueOf': { valueOf: () => a },
  SQL: sql`${a}`,
  'raw SQL': sql.raw(`'${a}'`),
  'a parameter': new Param(a),
  'a placeholder': sql.placeholder('tenant'),
  'text with SQL': `${a}' or true --`,
  'a uuid with a newline': `${a}\n`,
  'a uuid in braces': `{${a}}`,
  'a uuid with a space': ` ${a}`,
  'a boxed string': new String(a),
  'a promise': Promise.resolve(a),
  'a date': new Date(0),
  'a symbol': Symbol('x'),
  'a function': () => a,
  'a bigint': 1n,
};

describe('forTenant', () => {
  for (const [name, value] of Object.entries(none)) {
    test(name, () => {
      const { db } = pair.many;
      expect(() => db.forTenant(value as any)).toThrow(expect.objectContaining({ _tag: 'InvalidTenantIdError' }));
      expect(() => db.forTenants([a, value] as any)).toThrow(expect.objectContaining({ _tag: 'InvalidTenantIdError' }));
    });
  }
  test('no list, or an empty one, makes no handle of several', () => {
    for (const value of [undefined, null, [], a, {}, new Set([a])]) {
      expect(() => pair.many.db.forTenants(value as any)).toThrow(
        expect.objectContaining({ _tag: 'InvalidTenantIdError' }),
      );
    }
  });
  test('across tenants only with a reason', () => {
    for (const options of [
      undefined,
      null,
      {},
      { reason: '' },
      { reason: ' ' },
      { reason: 1 },
      { reason: sql`x` },
      { reason: '\0' },
    ]) {
      expect(() => pair.many.db.acrossTenants(options as any)).toThrow(
        expect.objectContaining({ _tag: 'UnsupportedTenantOperationError' }),
      );
    }
  });
});

test('an id is parsed to the form in which PostgreSQL prints it', async () => {
  const { account } = await import('../support/schema.js');
  expect(account.parse(String(a).toUpperCase())).toBe(a);
});

test('a value from outside is asked about without throwing', () => {
  const account = tenancy('account', uuid);
  expect(account.safeParse(a.toUpperCase())).toEqual({ success: true, data: a });
  for (const value of Object.values(none)) {
    const parsed = account.safeParse(value);
    expect(parsed.success).toBe(false);
    expect(parsed.data).toBeUndefined();
    expect(parsed.error).toBeInstanceOf(InvalidTenantIdError);
    expect(() => account.parse(value)).toThrow(parsed.error!.message);
  }
});

test('each type of key takes its own values only', () => {
  const types: [any, unknown[], unknown[]][] = [
    [tenancy('t1', integer), [1, -5, 2147483647], ['1', 1.5, 2147483648, Number.NaN, Infinity, null, -0, 1n]],
    [tenancy('t2', () => bigint({ mode: 'number' })), [1, Number.MAX_SAFE_INTEGER], [2 ** 53, '1', 1n]],
    [tenancy('t3', () => bigint({ mode: 'bigint' })), [1n, 2n ** 63n - 1n], [1, '1', 2n ** 63n]],
    [tenancy('t4', text), ['a', "o'c", 'ü'], ['', '\0', '\ud800', 1, null, ['a']]],
    [tenancy('t5', () => varchar({ length: 3 })), ['abc'], ['abcd', '']],
    [tenancy('t6', uuid), [a], [`${String(a).slice(0, -1)}g`, 'x']],
  ];
  for (const [it, good, bad] of types) {
    for (const value of good) expect(it.parse(value)).toBe(value);
    for (const value of bad)
      expect(() => it.parse(value), String(value)).toThrow(expect.objectContaining({ _tag: 'InvalidTenantIdError' }));
  }
});

const typeOf = (dataType: string, to?: (value: any) => any, from?: (value: any) => any) =>
  customType<{ data: string }>({
    dataType: () => dataType,
    ...(to ? { toDriver: to } : {}),
    ...(from ? { fromDriver: from } : {}),
  });

describe('a type of which equal values have several spellings', () => {
  const types: Record<string, () => any> = {
    numeric: () => numeric(),
    'numeric, a number': () => numeric({ mode: 'number' }),
    'numeric, a bigint': () => numeric({ mode: 'bigint' }),
    char: () => char({ length: 5 }),
    date: () => date(),
    'date, a string': () => date({ mode: 'string' }),
    time: () => time(),
    timestamp: () => timestamp({ mode: 'string' }),
    timestamptz: () => timestamp({ mode: 'string', withTimezone: true }),
    interval: () => interval(),
    inet: () => inet(),
    cidr: () => cidr(),
    macaddr: () => macaddr(),
    macaddr8: () => macaddr8(),
    real: () => real(),
    double: () => doublePrecision(),
    boolean: () => boolean(),
    json: () => json(),
    jsonb: () => jsonb(),
    bytea: () => bytea(),
    point: () => point(),
    array: () => text().array(),
    citext: typeOf('citext'),
    bpchar: typeOf('bpchar'),
    'custom numeric': typeOf('numeric(10, 2)'),
    'custom date': typeOf('date'),
    'a domain': typeOf('email_address'),
    'custom text array': typeOf('text[]'),
    ltree: typeOf('ltree'),
  };
  test.each(Object.keys(types))('%s makes no tenancy', (name) => {
    expect(() => tenancy(name, types[name]!)).toThrow(
      expect.objectContaining({
        _tag: 'TenantDefinitionError',
        message: expect.stringContaining('Use a uuid, text, integer or bigint column'),
      }),
    );
  });

  test('a type of the application is parsed to what it reads back of what it sent', () => {
    const lower = tenancy(
      'lower',
      typeOf('text', (it) => it.toLowerCase()),
    );
    expect([lower.parse('Acme'), lower.parse('acme')]).toEqual(['acme', 'acme']);
    const prefixed = tenancy(
      'prefixed',
      typeOf(
        'uuid',
        (it) => String(it).replace(/^acct_/, ''),
        (it) => `acct_${it}`,
      ),
    );
    expect(prefixed.parse(`acct_${String(a).toUpperCase()}`)).toBe(`acct_${a}`);
    expect(prefixed.parse(a)).toBe(`acct_${a}`);
    const coded = tenancy(
      'coded',
      typeOf(
        'character varying(4)',
        (it) => `c${it}`,
        (it) => it.slice(1),
      ),
    );
    expect(coded.parse('abc')).toBe('abc');
    for (const [it, value] of [
      [coded, 'abcd'],
      [coded, ''],
      [prefixed, 'acct_x'],
      [prefixed, null],
      [lower, {}],
      [
        tenancy(
          'sent as SQL',
          typeOf('text', (it) => sql`lower(${it})`),
        ),
        'a',
      ],
      [
        tenancy(
          'lossy',
          typeOf(
            'text',
            (it) => it,
            (it) => it.slice(1),
          ),
        ),
        'ab',
      ],
      [
        tenancy(
          'throws',
          typeOf('text', () => {
            throw new Error('no');
          }),
        ),
        'ab',
      ],
      [
        tenancy(
          'read as an object',
          typeOf(
            'text',
            (it) => it,
            () => ({}),
          ),
        ),
        'ab',
      ],
    ] as [any, unknown][])
      expect(() => it.parse(value), it.name).toThrow(expect.objectContaining({ _tag: 'InvalidTenantIdError' }));
  });

  test('a type of one spelling makes one', () => {
    const kind = pgEnum('tenant_kind', ['red', 'blue']);
    const types: [any, unknown, unknown][] = [
      [smallint, 1, 32768],
      [serial, 1, '1'],
      [() => bigint({ mode: 'string' }), '1', '01'],
      [() => kind(), 'red', 'Red'],
      [() => text({ enum: ['x', 'y'] }), 'x', 'z'],
      [typeOf('int4', Number, String), '7', '7.5'],
    ];
    for (const [column, good, bad] of types) {
      const it = tenancy('one spelling', column);
      expect(it.parse(good)).toBe(good);
      expect(() => it.parse(bad)).toThrow(expect.objectContaining({ _tag: 'InvalidTenantIdError' }));
    }
  });
});

describe('ids of two tenancies', () => {
  const [account, workspace, slug] = [
    tenancy('an account', uuid),
    tenancy('a workspace', uuid),
    tenancy('a slug', text),
  ];
  const accounts = tenantTable('id_accounts', { id: account.id().primaryKey(), name: text() });
  const workspaces = tenantTable('id_workspaces', { id: workspace.id().primaryKey(), name: text() });
  const slugs = tenantTable('id_slugs', { id: slug.id().primaryKey(), name: text() });
  const db: any = withTenancy(drizzle.mock(), { relations: defineTenantRelations({ accounts, workspaces, slugs }) });
  const paramsOf = (tenant: unknown, table: unknown) => db.forTenant(tenant).select().from(table).toSQL().params;

  test('one that another tenancy has parsed is still an id', () => {
    // A request that names an account's id as a workspace must not shut the account out.
    const id = account.parse('0f8fad5b-d9cb-469f-a165-70867728950e');
    expect(paramsOf(id, accounts)).toEqual([id]);
    expect(workspace.parse(id)).toBe(id);
    expect(workspace['~standard'].validate(id)).toEqual({ value: id });
    expect(paramsOf(id, accounts)).toEqual([id]);
    expect(paramsOf(workspace.parse(id), workspaces)).toEqual([id]);
    for (let i = 0; i < 3; i++)
      expect(db.prepare(account, (tdb: any) => tdb.select().from(accounts)).run).toBeTypeOf('function');
  });

  test('one that another tenancy would spell in another way is that of its own', () => {
    const id = '0F8FAD5B-D9CB-469F-A165-70867728950E';
    expect(paramsOf(slug.parse(id), slugs)).toEqual([id]);
    expect(() => paramsOf(slug.parse(id), accounts)).toThrow(expect.objectContaining({ _tag: 'UnscopedTableError' }));
    expect(paramsOf(account.parse(id), accounts)).toEqual([id.toLowerCase()]);
  });
});

test('an array with a map() of its own brings in no id', () => {
  const map = () => [{ value: "a' or true --", tenancy: undefined }];
  expect(() => pair.many.db.forTenants(Object.assign(['none'], { map }) as any)).toThrow(InvalidTenantIdError);
});
