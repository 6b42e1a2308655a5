import postgres from 'postgres';
import { expect, it } from 'vitest';
import { defineTenantConfig } from '../../src/kit/index.js';
import { createDatabase, onServer } from './database.js';
import { tryRoles } from './roles.js';
import { History } from './support.js';
import { tenancy, tenantTable } from '../../src/schema/index.js';
import { uuid } from 'drizzle-orm/pg-core';

it('grants the tables to an application that the policies hold, and to an administrator', {
  timeout: 60_000,
}, async () => {
  const database = await createDatabase();
  const sql = postgres(database.url(), { max: 1, onnotice: () => {} });
  await tryRoles(sql, false);
  await sql.end();
  await database.drop();
});

it('says who has to make the roles, where the migrating one may not', { timeout: 60_000 }, async () => {
  const owner = `kit_maker_${process.pid}`;
  await onServer(`CREATE ROLE ${owner} LOGIN PASSWORD 'owner'`);
  const database = await createDatabase(owner);
  const sql = postgres(database.url(owner, 'owner'), { max: 1, onnotice: () => {} });
  const account = tenancy('account', uuid);
  const schema = { accounts: tenantTable('accounts', { id: account.id().primaryKey() }) };
  const statements = await new History().next({
    schema,
    tenancy: { citus: false, rls: true, roles: { application: `${owner}_app` } },
  });
  const run = sql.begin(async (tx) => {
    for (const it of statements) await tx.unsafe(it);
  });
  await expect(run).rejects.toThrow(
    `Have a role that may do it run CREATE ROLE "${owner}_app" NOLOGIN; and then the migration again`,
  );
  await sql.end();
  await database.drop();
  await onServer(`DROP ROLE ${owner}`);
});

it('refuses roles without policies, and names that are none', () => {
  const config = (tenancy: object) => () =>
    defineTenantConfig({ dialect: 'postgresql', schema: '', tenancy: tenancy as any });
  expect(config({ citus: false, roles: { application: 'app' } })).toThrow(
    'Set tenancy.rls to true, or take tenancy.roles out',
  );
  for (const roles of [
    {},
    'app',
    { application: '' },
    { application: 'pg_app' },
    { application: 'a', administrator: 'a' },
    { application: 'a', reader: 'b' },
  ]) {
    expect(config({ citus: false, rls: true, roles })).toThrow('Set tenancy.roles to two names');
  }
});
