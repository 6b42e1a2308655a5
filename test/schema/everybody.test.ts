/** Rows of everybody: what is declared, what the database gets, and what can never work. */
import { foreignKey, index, integer, primaryKey, text, unique, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { pgView } from 'drizzle-orm/pg-core';
import { tenancy, tenantTable, unscoped } from '../../src/index.js';
import { classOf } from '../../src/schema/classify.js';
import { declaredOf } from '../../src/scope/declared.js';
import { freshSchema, statementsOf } from './support.js';

const account = tenancy('account', uuid);
const db = freshSchema();
const a = '00000000-0000-4000-8000-00000000000a';

const accounts = tenantTable('accounts', { id: account.id().primaryKey() });
const templates = tenantTable(
  'templates',
  { accountId: account.id('account_id', { everybody: true }).references(() => accounts.id), id: integer().primaryKey(), name: text().unique(), code: text(), kind: text() },
  (t) => [unique('by_code').on(t.accountId, t.code), unscoped(unique('by_kind').on(t.kind)), index('templates_kind').on(t.kind)],
);

test('the database has a column that may be NULL, the primary key as written, and one value for everybody', async () => {
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
  await expect(db.sql`insert into templates values (null, 3, 'one', 'c')`.execute()).rejects.toThrow('templates_account_id_name_unique');
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
    ['an inline primary key of the tenant column', () => ({ x: tenantTable('x', { accountId: (account.id('account_id', { everybody: true }) as any).primaryKey() }) }), 'Leave the tenant column out of the primary key'],
    ['a primary key with the tenant column', () => ({ x: tenantTable('x', id(), (t) => [primaryKey({ columns: [t.accountId, t.id] as any })]) }), 'Leave the tenant column out of the primary key'],
    ['a unique index', () => ({ x: tenantTable('x', id(), (t) => [uniqueIndex().on(t.name)]) }), 'Write unique().on(...) instead of uniqueIndex()'],
    ['a foreign key to such a table, inline', () => ({ accounts, templates, x: tenantTable('x', { accountId: account.id(), templateId: integer().references(() => templates.id) }) }), 'Drop the reference to "templates", and keep the id in a column without a foreign key'],
    ['a foreign key to such a table, in extra', () => ({ accounts, templates, x: tenantTable('x', { accountId: account.id(), templateId: integer() }, (t) => [foreignKey({ columns: [t.templateId], foreignColumns: [templates.id] })]) }), 'Drop the reference to "templates"'],
    ['a foreign key within such a table', () => ({ x: tenantTable('x', { ...id(), id: integer().primaryKey(), parentId: integer() }, (t) => [foreignKey({ columns: [t.parentId], foreignColumns: [t.id] as any })]) }), 'Drop the reference to "x"'],
  ])('%s', async (_, make, remedy) => {
    await expect((async () => statementsOf(make()))()).rejects.toThrow(remedy);
  });

  test('on Citus, and with row-level security as long as no policy knows of them', async () => {
    await expect(statementsOf({ accounts, templates }, { citus: {} })).rejects.toThrow('"templates" (account_id) [everybody] Keep the rows of everybody in a referenceTable beside it');
    await expect(statementsOf({ accounts, templates }, { citus: false, rls: true })).rejects.toThrow('"templates" (account_id) [everybody]');
  });
});
