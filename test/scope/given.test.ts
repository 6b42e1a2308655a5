/**
 * What is not a handle of Drizzle's, or cannot do what is asked of it, is refused when it is given, with what to write.
 */
import { drizzle as proxy } from 'drizzle-orm/pg-proxy';
import { NeonHttpSession } from 'drizzle-orm/neon-http/session';
import { integer, uuid } from 'drizzle-orm/pg-core';
import { expect, test } from 'vitest';
import { tenancy, tenantTable, withTenancy } from '../../src/index.js';

const account = tenancy('given', uuid);
tenantTable('given', { accountId: account.id(), id: integer().primaryKey() });
const orm = proxy(async () => ({ rows: [] }));
const db = withTenancy(orm);

test('what withTenancy() returned is used as it is, and so is a handle of it', () => {
  expect(() => withTenancy(db as any)).toThrow('Use this database as it is');
  const tdb = db.forTenant(account.parse('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'));
  for (const handle of [tdb, db.shared, db.acrossTenants({ reason: 'a test' })])
    expect(() => withTenancy(handle as any)).toThrow('Use this handle as it is');
  for (const other of [undefined, null, 'postgres://localhost', {}, () => {}])
    expect(() => withTenancy(other as any)).toThrow('Pass withTenancy() a Drizzle handle');
});

test('row-level security needs a driver that has transactions', () => {
  expect(() => withTenancy(orm, { rls: true })).toThrow('Connect by a driver that has transactions');
  // Its batch is a transaction.
  const neon = Object.assign(Object.create(orm), { session: Object.create(NeonHttpSession.prototype) });
  expect(() => withTenancy(neon, { rls: true })).not.toThrow();
});
