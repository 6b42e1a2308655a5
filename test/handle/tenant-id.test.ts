/** `tdb.tenantId`: whose rows a handle sees, for logs and cache keys. */
import { drizzle } from 'drizzle-orm/pg-proxy';
import { integer, text, uuid } from 'drizzle-orm/pg-core';
import { expect, expectTypeOf, test } from 'vitest';
import {
  tenancy,
  tenantTable,
  UnsupportedTenantOperationError,
  withTenancy,
  type TenantDatabase,
  type TenantId,
} from '../../src/index.js';

const account = tenancy('tenant_id_account', uuid);
const notes = tenantTable('tenant_id_notes', { accountId: account.id(), id: integer().primaryKey(), body: text() });
const db = withTenancy(drizzle(async () => ({ rows: [] })));
const id = account.parse('AAAAAAAA-aaaa-4aaa-8aaa-aaaaaaaaaaaa');

test('it is the id, in the spelling that rows have, and cannot be set', () => {
  const tdb = db.forTenant(id);
  expectTypeOf(tdb.tenantId).toEqualTypeOf<TenantId<'tenant_id_account', string>>();
  expect(tdb.tenantId).toBe('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');
  expect(tdb.tenantId).toBe(id);
  // A helper that has the handle alone can open another one, also beside it.
  const again = (it: TenantDatabase<'tenant_id_account'>) => db.forTenant(it.tenantId).tenantId;
  expect(again(tdb)).toBe(id);
  expect(() => Object.assign(tdb, { tenantId: 'x' })).toThrow(TypeError);
  expect(tdb.tenantId).toBe(id);
});

test('handles of several tenants, or of none, have none', () => {
  const all = [db.forTenants([id]), db.acrossTenants({ reason: 'a test' }), db.shared];
  for (const it of all) {
    expectTypeOf(it.tenantId).toEqualTypeOf<undefined>();
    expect(it.tenantId).toBeUndefined();
  }
});

test('a statement that is prepared for every tenant has none', () => {
  expect(() => db.prepare(account, (tdb) => tdb.select().from(notes).comment(String(tdb.tenantId)))).toThrow(
    UnsupportedTenantOperationError,
  );
});

test('a value that is no id is told apart from one of another type', () => {
  const number = tenancy('tenant_id_number', integer);
  expect(() => account.parse('{aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa}')).toThrow('got a string of another form');
  expect(() => account.parse(7)).toThrow('expected uuid, got a number.');
  expect(() => number.parse(2 ** 31)).toThrow('expected integer, got a number out of its range');
  expect(() => number.parse('7')).toThrow('expected integer, got a string.');
});
