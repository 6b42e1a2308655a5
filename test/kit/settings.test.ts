/**
 * A second tenancy, and another name of one, while programs of the version before run: whose rows each of them sees.
 */
import { drizzle } from 'drizzle-orm/postgres-js';
import { integer, text } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { assertRowLevelSecurity, defineTenantRelations, tenancy, tenantTable, withTenancy } from '../../src/index.js';
import { holdsTenant } from '../../src/rls/policies.js';
import { createDatabase, onServer, type Database } from './database.js';
import { History } from './support.js';

const account = tenancy('account', integer);
const workspace = tenancy('workspace', integer);
const tables = (first: any = account): any => ({
  accounts: tenantTable('accounts', { id: first.id().primaryKey() }),
  notes: tenantTable('notes', { accountId: first.id('account_id'), id: integer().primaryKey(), body: text() }),
});
const pages = tenantTable('pages', { workspaceId: workspace.id('workspace_id'), id: integer().primaryKey() });
const one = tables();
const two = { ...tables(), pages };

const owner = `settings_owner_${process.pid}`;
let database: Database;
let sql: postgres.Sql;
const history = new History();
const migrate = async (schema: Record<string, unknown>, retiredSettings: string[] = []) => {
  const statements = await history.next({ schema, tenancy: { citus: false, rls: true, retiredSettings } });
  await sql.begin(async (tx) => {
    for (const statement of statements) await tx.unsafe(statement);
  });
  return statements.filter((it) => it.includes('POLICY'));
};
/** What a program sees whose handles are of this version of the schema. */
const through = async (schema: any, id: number, tenants: any = account, isChecked = true) => {
  const db: any = withTenancy(drizzle({ client: sql }), {
    relations: defineTenantRelations(schema, () => ({})),
    rls: true,
  });
  if (isChecked) await assertRowLevelSecurity(db);
  return (await db.forTenant(tenants.parse(id)).select().from(schema.notes)).map((it: any) => it.body);
};
/** What a program sees that knows nothing of drizzle-tenant. */
const byHand = async (settings: Record<string, number>) => {
  const found = await sql.begin(async (tx) => {
    for (const [name, value] of Object.entries(settings)) await tx.unsafe(`SET LOCAL app.${name} = '${value}'`);
    return tx<{ body: string }[]>`SELECT body FROM notes ORDER BY body`;
  });
  return found.map((it) => it.body);
};

beforeAll(async () => {
  await onServer(`CREATE ROLE ${owner} LOGIN PASSWORD 'owner'`);
  database = await createDatabase(owner);
  sql = postgres(database.url(owner, 'owner'), { max: 2, onnotice: () => {} });
  await migrate(one);
  await sql.unsafe(
    "ALTER TABLE notes NO FORCE ROW LEVEL SECURITY; INSERT INTO notes VALUES (1, 1, 'a'), (2, 1, 'b'); " +
      'ALTER TABLE notes FORCE ROW LEVEL SECURITY',
  );
});
afterAll(async () => {
  await sql?.end();
  await database?.drop();
  await onServer(`DROP ROLE IF EXISTS ${owner}`);
});

it('a second tenancy comes while programs of the version before run', async () => {
  expect([await through(one, 1), await byHand({ tenant_id: 1 })]).toEqual([['a'], ['a']]);
  await migrate(two);
  expect([
    await through(one, 1),
    await through(two, 1),
    await byHand({ tenant_id: 1 }),
    await byHand({ account_id: 1 }),
  ]).toEqual([['a'], ['a'], ['a'], ['a']]);
  // Where the two differ, the new one counts; and the id of a workspace, which its handles say in both, is no
  // account's.
  expect(await byHand({ tenant_id: 1, account_id: 2 })).toEqual(['b']);
  expect(await byHand({ tenant_id: 1, workspace_id: 1 })).toEqual([]);
  expect(await byHand({})).toEqual([]);
  await sql
    .begin(async (tx) => {
      await tx`SET LOCAL app.tenant_id = '1'`;
      await expect(tx`INSERT INTO notes VALUES (2, 9, 'x')`).rejects.toThrow('row-level security');
    })
    .catch(() => {});
  // The next migration leaves them as they are.
  expect(await migrate(two)).toEqual([]);
});

it('a third tenancy is one more whose ids mean something else', async () => {
  // Once it is declared, the check of this process asks for it too.
  const shop = tenancy('shop', integer);
  const goods = tenantTable('goods', { shopId: shop.id('shop_id'), id: integer().primaryKey() });
  await expect(through(two, 1)).rejects.toThrow('has no policy on');
  await migrate({ ...two, goods });
  expect(await through(two, 1)).toEqual(['a']);
  expect([
    await byHand({ tenant_id: 1 }),
    await byHand({ tenant_id: 1, shop_id: 1 }),
    await byHand({ tenant_id: 1, workspace_id: 1 }),
  ]).toEqual([['a'], [], []]);
});

it('the old setting is retired when the config says so', async () => {
  await migrate(two, ['app.tenant_id']);
  expect([
    await through(one, 1),
    await through(two, 1),
    await byHand({ account_id: 1 }),
    await byHand({ tenant_id: 1 }),
  ]).toEqual([['a'], ['a'], ['a'], []]);
  expect(await migrate(two, ['app.tenant_id'])).toEqual([]);
  await expect(migrate(two, ['app.account_id'])).rejects.toThrow(
    'Take "app.account_id" out of tenancy.retiredSettings',
  );
});

it('a tenancy gets another name, and the old one is taken out of the policies later', async () => {
  // The programs of both versions are one process here, whose check would take the old name for a third tenancy.
  const org = tenancy('org', integer);
  const renamed = { ...tables(org), pages };
  await migrate(renamed, ['app.tenant_id']);
  expect([await through(two, 1, account, false), await through(renamed, 1, org, false)]).toEqual([['a'], ['a']]);
  expect(await byHand({ account_id: 1, workspace_id: 1 })).toEqual([]);
  await migrate(renamed, ['app.tenant_id', 'app.account_id']);
  expect([await byHand({ account_id: 1 }), await through(renamed, 2, org)]).toEqual([[], ['b']]);
});

it('the last tenancy keeps its setting: handles of one that is gone set app.tenant_id too', async () => {
  const org = tenancy('org', integer);
  await migrate(tables(org), ['app.tenant_id', 'app.account_id']);
  expect([await byHand({ org_id: 1 }), await byHand({ tenant_id: 1 }), await through(tables(org), 1, org)]).toEqual([
    ['a'],
    [],
    ['a'],
  ]);
});

it('the check takes no other expression for it', () => {
  const read = (name: string) => `NULLIF(current_setting('app.${name}'::text, true), ''::text)`;
  const guarded = (others: string[], earlier = 'tenant_id', own = 'account_id') =>
    `(account_id = (COALESCE(${read(own)}, \nCASE\n    WHEN ` +
    `(concat(${others.map((it) => `current_setting('app.${it}'::text, true)`).join(', ')}) = ''::text) ` +
    `THEN ${read(earlier)}\n    ELSE NULL::text\nEND))::integer)`;
  const holds = (expression: string, earlier?: any) =>
    holdsTenant(expression, { column: 'account_id', settings: ['app.account_id'], types: ['integer'], earlier });
  const [workspaces, both] = [{ unless: ['app.workspace_id'] }, { unless: ['app.workspace_id', 'app.shop_id'] }];
  expect(holds(guarded(['workspace_id']), workspaces)).toBe(true);
  expect(holds(guarded(['workspace_id', 'shop_id']), both)).toBe(true);
  expect(holds(guarded(['workspace_id']))).toBe(false);
  expect(holds(guarded(['workspace_id']), both)).toBe(false);
  expect(holds(guarded(['workspace_id'], 'workspace_id'), workspaces)).toBe(false);
  expect(holds(guarded(['workspace_id'], 'tenant_id', 'workspace_id'), workspaces)).toBe(false);
  expect(holds(guarded(['workspace_id'], 'other_id'), { ...workspaces, setting: 'app.tenant_id' })).toBe(false);
  // As a program of the version before reads it, which knows the earlier one.
  expect(holds(guarded(['workspace_id'], 'account_id', 'org_id'), workspaces)).toBe(true);
  expect(holds(guarded(['workspace_id'], 'account_id', 'workspace_id'), workspaces)).toBe(false);
  expect(holds(`(account_id = (COALESCE(${read('account_id')}, ${read('tenant_id')}))::integer)`, { unless: [] })).toBe(
    true,
  );
  expect(holds(`(account_id = (COALESCE(${read('account_id')}, ${read('tenant_id')}))::integer)`, workspaces)).toBe(
    false,
  );
  expect(
    holds(`(account_id = (COALESCE(${read('account_id')}, ${read('tenant_id')}, '1'::text))::integer)`, { unless: [] }),
  ).toBe(false);
  expect(holds(guarded(['workspace_id']).replace("= ''::text) THEN", "<> ''::text) THEN"), workspaces)).toBe(false);
});
