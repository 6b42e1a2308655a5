/** Rows of everybody: what is declared, what the database gets, and what can never work. */
import { sql } from 'drizzle-orm';
import { foreignKey, index, integer, pgPolicy, primaryKey, text, unique, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { pgView } from 'drizzle-orm/pg-core';
import { tenancy, tenantTable, unscoped } from '../../src/index.js';
import { classOf } from '../../src/schema/classify.js';
import { holdsTenant } from '../../src/rls/policies.js';
import { declaredOf } from '../../src/scope/declared.js';
import { freshSchema, statementsOf } from './support.js';

const account = tenancy('account', uuid);
const db = freshSchema();
const a = '00000000-0000-4000-8000-00000000000a';

const accounts = tenantTable('accounts', { id: account.id().primaryKey() });
const templates = tenantTable(
  'templates',
  {
    accountId: account.id('account_id', { everybody: true }).references(() => accounts.id),
    id: integer().primaryKey(),
    name: text().unique(),
    code: text(),
    kind: text(),
  },
  (t) => [
    unique('by_code').on(t.accountId, t.code),
    unscoped(unique('by_kind').on(t.kind)),
    index('templates_kind').on(t.kind),
  ],
);

test('the database has a column that may be NULL, the key as written, and one value for everybody', async () => {
  await db.build({ accounts, templates });
  expect(await db.keys('templates')).toEqual([
    'UNIQUE by_code btree (account_id, code) NULLS NOT DISTINCT',
    'UNIQUE by_kind btree (kind)',
    'UNIQUE templates_account_id_name_unique btree (account_id, name) NULLS NOT DISTINCT',
    'templates_kind btree (account_id, kind)',
    'UNIQUE templates_pkey btree (id)',
  ]);
  await db.sql`insert into accounts values (${a})`;
  await db.sql`insert into templates values (${a}, 1, 'one', 'a'), (null, 2, 'one', 'b')`;
  await expect(db.sql`insert into templates values (null, 3, 'one', 'c')`.execute()).rejects.toThrow(
    'templates_account_id_name_unique',
  );
});

test('the gate is told, and never of a view: an outer join makes NULLs, too', () => {
  expect(declaredOf(templates)!.tenant).toMatchObject({ column: 'account_id', everybody: true });
  expect(declaredOf(accounts)!.tenant).toMatchObject({ everybody: false });
  expect(declaredOf(templates)!.uniqueOverAll).toEqual([['id'], ['kind']]);
  const view = pgView('some', { accountId: account.id('account_id', { everybody: true }), id: integer() }).existing();
  expect(classOf(view)).toMatchObject({ kind: 'tenant', everybody: false });
  expect(declaredOf(view)!.tenant).toMatchObject({ everybody: false });
});

describe('refused, with the remedy', () => {
  const id = () => ({ accountId: account.id('account_id', { everybody: true }), id: integer(), name: text() });
  test.each<[string, () => Record<string, unknown>, string]>([
    [
      'an inline primary key of the tenant column',
      () => ({
        x: tenantTable('x', { accountId: (account.id('account_id', { everybody: true }) as any).primaryKey() }),
      }),
      'Leave the tenant column out of the primary key',
    ],
    [
      'a primary key with the tenant column',
      () => ({ x: tenantTable('x', id(), (t) => [primaryKey({ columns: [t.accountId, t.id] as any })]) }),
      'Leave the tenant column out of the primary key',
    ],
    [
      'a unique index',
      () => ({ x: tenantTable('x', id(), (t) => [uniqueIndex().on(t.name)]) }),
      'Write unique().on(...) instead of uniqueIndex()',
    ],
    [
      'a foreign key to such a table, inline',
      () => ({
        accounts,
        templates,
        x: tenantTable('x', { accountId: account.id(), templateId: integer().references(() => templates.id) }),
      }),
      'Drop the reference to "templates", and keep the id in a column without a foreign key',
    ],
    [
      'a foreign key to such a table, in extra',
      () => ({
        accounts,
        templates,
        x: tenantTable('x', { accountId: account.id(), templateId: integer() }, (t) => [
          foreignKey({ columns: [t.templateId], foreignColumns: [templates.id] }),
        ]),
      }),
      'Drop the reference to "templates"',
    ],
    [
      'a foreign key within such a table',
      () => ({
        x: tenantTable('x', { ...id(), id: integer().primaryKey(), parentId: integer() }, (t) => [
          foreignKey({ columns: [t.parentId], foreignColumns: [t.id] as any }),
        ]),
      }),
      'Drop the reference to "x"',
    ],
  ])('%s', async (_, make, remedy) => {
    await expect((async () => statementsOf(make()))()).rejects.toThrow(remedy);
  });

  test('on Citus', async () => {
    await expect(statementsOf({ accounts, templates }, { citus: {} })).rejects.toThrow(
      '"templates" (account_id) [everybody] Keep the rows of everybody in a referenceTable beside it',
    );
  });
});

test('with row-level security, one policy for reading and others for writing, whatever the schema adds', async () => {
  const policies = async (schema: Record<string, unknown>) =>
    (await statementsOf(schema, { citus: false, rls: true })).filter(
      (it) => it.includes('POLICY') && it.includes('"templates"'),
    );
  const own = `"account_id" = nullif(current_setting('app.tenant_id', true), '')::uuid`;
  const ours = [
    `CREATE POLICY "tenant_isolation" ON "templates" AS RESTRICTIVE FOR SELECT USING ((${own}) ` +
      'OR "account_id" IS NULL);',
    `CREATE POLICY "tenant_isolation_insert" ON "templates" AS RESTRICTIVE FOR INSERT WITH CHECK (${own});`,
    `CREATE POLICY "tenant_isolation_update" ON "templates" AS RESTRICTIVE FOR UPDATE USING (${own}) ` +
      `WITH CHECK (${own});`,
    `CREATE POLICY "tenant_isolation_delete" ON "templates" AS RESTRICTIVE FOR DELETE USING (${own});`,
  ];
  expect(await policies({ accounts, templates })).toEqual([
    ...ours,
    `CREATE POLICY "tenant_access" ON "templates" USING ((${own}) OR "account_id" IS NULL) WITH CHECK (${own});`,
  ]);
  const named = (name: string) => ({
    accounts,
    templates: tenantTable(
      'templates',
      { accountId: account.id('account_id', { everybody: true }), id: integer().primaryKey() },
      () => [pgPolicy(name, { using: sql`true` })],
    ),
  });
  expect((await policies(named('own'))).filter((it) => it.includes('tenant_'))).toEqual(ours);
  await expect(policies(named('tenant_isolation_delete'))).rejects.toThrow(
    'Give the policy "tenant_isolation_delete" another name',
  );
});

test('a policy that PostgreSQL prints is read as what it is', () => {
  const tenant = { column: 'account_id', settings: ['app.tenant_id'], types: ['uuid'], everybody: true };
  const is = `(account_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)`;
  for (const text of [`(${is} OR (account_id IS NULL))`, `((account_id IS NULL) OR ${is})`]) {
    expect(holdsTenant(text, tenant, true)).toBe(true);
    expect(holdsTenant(`(${text} AND done)`, tenant, true)).toBe(true);
    expect(holdsTenant(text, tenant)).toBe(false);
    expect(holdsTenant(text, { ...tenant, everybody: false }, true)).toBe(false);
  }
  for (const text of [
    `(${is} OR (id IS NULL))`,
    `(${is} OR (account_id IS NOT NULL))`,
    `(${is} OR (account_id IS NULL) OR done)`,
    `((account_id IS NULL) OR (account_id IS NULL))`,
    `(${is} OR ((account_id IS NULL) OR done))`,
    `((account_id = account_id) OR (account_id IS NULL))`,
    '(account_id IS NULL)',
    `(${is} OR (("x account_id") IS NULL))`,
  ]) {
    expect([text, holdsTenant(text, tenant, true)]).toEqual([text, false]);
  }
});
