/** `drizzle-tenant/sql`: what anything made, confined and proved. */
import { Placeholder } from 'drizzle-orm';
import { beforeAll, expect, test } from 'vitest';
import {
  InvalidTenantIdError,
  RawSqlNotScopedError,
  TenantMismatchError,
  UnscopedTableError,
  UnsupportedTenantOperationError,
} from '../../src/index.js';
import { confine, ready } from '../../src/handle/sql.js';
import { a, b } from '../support/rows.js';
import * as schema from '../support/schema.js';

const options = { tables: schema, tenant: a };
beforeAll(async () => ready);

test('the tenant is the last parameter', () => {
  expect(confine('select name from projects where name = $1', ['x'], options)).toEqual({
    text: expect.stringMatching(/"accountId" = \$2/),
    params: ['x', a],
  });
});

test('the given parameters are not changed, and no other handle is met', () => {
  const params = Object.freeze(['x']);
  const first = confine('select name from projects where name = $1', params, options);
  const second = confine('select name from projects where name = $1', params, { tables: schema, tenant: b });
  expect(params).toEqual(['x']);
  expect(second).toEqual({ text: first.text, params: ['x', b] });
});

test.each<[string, unknown[], unknown]>([
  ['select * from nowhere', [], UnscopedTableError],
  ['select 1; select 2', [], RawSqlNotScopedError],
  ['select * from projects where name = $2', ['x'], RawSqlNotScopedError],
  ['select slugify(name) from projects', [], RawSqlNotScopedError],
  ['select from from', [], RawSqlNotScopedError],
  ['insert into projects ("accountId", name) values ($1, $2)', [b, 'x'], TenantMismatchError],
  ['insert into projects ("accountId", name) values ($1, $2)', [new Placeholder('tenant'), 'x'], TenantMismatchError],
])('%s', (text, params, error) => {
  expect(() => confine(text, params, options)).toThrow(error as never);
});

test('functions of the application are trusted where they are named', () => {
  expect(confine('select slugify(name) from projects', [], { ...options, functions: ['slugify'] }).params).toEqual([a]);
  expect(() => confine('select slugify(name) from projects', [], options)).toThrow(RawSqlNotScopedError);
});

test('what is no tenant, no text and no table', () => {
  expect(() => confine('select 1', [], { ...options, tenant: 'x' as never })).toThrow(InvalidTenantIdError);
  expect(() => confine({ toString: () => 'select 1' } as never, [], options)).toThrow(UnsupportedTenantOperationError);
  expect(() => confine('select 1', { length: 0 } as never, options)).toThrow(UnsupportedTenantOperationError);
  expect(() => confine('select 1', [], { tables: {}, tenant: a })).toThrow(UnsupportedTenantOperationError);
});

test('a row that names its own tenant is sent', () => {
  expect(
    confine('insert into projects ("accountId", name) values ($1, $2)', [a, 'x'], options).params.slice(0, 2),
  ).toEqual([a, 'x']);
});
