/** ISOLATION.md 15: what is no tenant's id makes no handle. */
import { sql, Param } from 'drizzle-orm';
import { bigint, integer, text, uuid, varchar } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { tenancy } from '../../src/index.js';
import { comparison } from '../support/comparison.js';
import { a } from '../support/rows.js';

const pair = comparison();
const none: Record<string, unknown> = {
  null: null, undefined: undefined, 'an empty string': '', NaN: Number.NaN, zero: 0, 'an array': [a], 'an empty array': [], 'an object': {}, true: true,
  'an object with toString': { toString: () => a }, 'an object with valueOf': { valueOf: () => a }, SQL: sql`${a}`, 'raw SQL': sql.raw(`'${a}'`), 'a parameter': new Param(a),
  'a placeholder': sql.placeholder('tenant'), 'text with SQL': `${a}' or true --`, 'a uuid with a newline': `${a}\n`, 'a uuid in braces': `{${a}}`, 'a uuid with a space': ` ${a}`,
  'a boxed string': new String(a), 'a promise': Promise.resolve(a), 'a date': new Date(0), 'a symbol': Symbol('x'), 'a function': () => a, 'a bigint': 1n,
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
      expect(() => pair.many.db.forTenants(value as any)).toThrow(expect.objectContaining({ _tag: 'InvalidTenantIdError' }));
    }
  });
  test('across tenants only with a reason', () => {
    for (const options of [undefined, null, {}, { reason: '' }, { reason: ' ' }, { reason: 1 }, { reason: sql`x` }, { reason: '\0' }]) {
      expect(() => pair.many.db.acrossTenants(options as any)).toThrow(expect.objectContaining({ _tag: 'UnsupportedTenantOperationError' }));
    }
  });
});

test('an id is parsed to the form in which PostgreSQL prints it', async () => {
  const { account } = await import('../support/schema.js');
  expect(account.parse(String(a).toUpperCase())).toBe(a);
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
    for (const value of bad) expect(() => it.parse(value), String(value)).toThrow(expect.objectContaining({ _tag: 'InvalidTenantIdError' }));
  }
});
