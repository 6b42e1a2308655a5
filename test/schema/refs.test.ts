/** A column that holds another tenant's id, or one of another tenancy: it is no tenant column, and opens no row. */
import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { beforeAll, expect, test } from 'vitest';
import { defineTenantRelations, tenancy, tenantTable, withTenancy } from '../../src/index.js';
import { freshSchema, statementsOf } from './support.js';

const account = tenancy('account', uuid);
const workspace = tenancy('workspace', uuid);
const accounts = tenantTable('accounts', { id: account.id().primaryKey(), name: text() });
const workspaces = tenantTable('workspaces', { id: workspace.id().primaryKey(), name: text() });
const shares = tenantTable('shares', {
  accountId: account.id('account_id').references(() => accounts.id),
  id: integer().primaryKey(),
  sharedWith: account.ref('shared_with'),
  workspaceId: workspace.ref('workspace_id'),
});
const schema = { accounts, workspaces, shares };
const relations = defineTenantRelations(schema, (r) => ({
  shares: { other: r.one.accounts({ from: r.shares.sharedWith, to: r.accounts.id }) },
}));
const fresh = freshSchema();
const [a, b] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'].map((it) =>
  account.parse(it),
) as any[];
const w = workspace.parse('00000000-0000-4000-8000-00000000000c');
let db: any;

beforeAll(async () => {
  await fresh.build(schema);
  db = withTenancy(drizzle({ client: fresh.sql }), { relations });
  for (const [id, name] of [
    [a, 'a'],
    [b, 'b'],
  ])
    await db.forTenant(id).insert(accounts).values({ name });
  await db.forTenant(w).insert(workspaces).values({ name: 'w' });
  await db
    .forTenant(a)
    .insert(shares)
    .values([{ id: 1, sharedWith: b, workspaceId: w }, { id: 2 }]);
});

test('it is written and read as any column, and names no row to the tenant that it holds', async () => {
  const rows = await db.forTenant(a).select().from(shares).where(eq(shares.sharedWith, b));
  expect(rows).toEqual([{ accountId: a, id: 1, sharedWith: b, workspaceId: w }]);
  expect(await db.forTenant(b).select().from(shares)).toEqual([]);
  expect(await db.forTenant(b).select().from(shares).where(eq(shares.sharedWith, b))).toEqual([]);
  expect(await db.forTenant(rows[0].sharedWith).select().from(accounts)).toEqual([{ id: b, name: 'b' }]);
  expect(await db.forTenant(rows[0].workspaceId).select().from(workspaces)).toEqual([{ id: w, name: 'w' }]);
  await db.forTenant(a).update(shares).set({ sharedWith: null }).where(eq(shares.id, 1));
  await db.forTenant(a).update(shares).set({ sharedWith: b }).where(eq(shares.id, 1));
});

test('it is no way to the other row: not by a join, a relation or SQL by hand', async () => {
  const tdb = db.forTenant(a);
  expect(await tdb.select().from(shares).leftJoin(accounts, eq(accounts.id, shares.sharedWith))).toMatchObject([
    { accounts: null },
    { accounts: null },
  ]);
  expect(await tdb.query.shares.findMany({ with: { other: true }, columns: { id: true } })).toEqual([
    { id: 1, other: null },
    { id: 2, other: null },
  ]);
  expect(
    await tdb.execute(sql`select name from accounts where id = (select shared_with from shares where id = 1)`),
  ).toEqual([]);
  await expect(
    tdb.execute(sql`select name from workspaces where id = (select workspace_id from shares where id = 1)`),
  ).rejects.toThrow('Use a handle of the tenancy "workspace"');
  await expect(
    tdb.execute(sql`update accounts set name = 'x' where id = (select shared_with from shares where id = 1)`),
  ).resolves.toEqual([]);
});

test('who is named reads it across tenants, or in the transaction that names both', async () => {
  const across = db.acrossTenants({ reason: 'what is shared with an account' });
  expect(
    await across.select({ id: shares.id, from: shares.accountId }).from(shares).where(eq(shares.sharedWith, b)),
  ).toEqual([{ id: 1, from: a }]);
  const name = await db.transaction(async (tx: any) => {
    const [share] = await tx.forTenant(a).select().from(shares).where(eq(shares.id, 1));
    const [row] = await tx.forTenant(share.sharedWith).select().from(accounts);
    return row.name;
  });
  expect(name).toBe('b');
});

test('a foreign key from it is refused, with the remedy', async () => {
  const to = (table: any, of: any) =>
    statementsOf({
      ...schema,
      x: tenantTable('x', {
        accountId: account.id(),
        id: integer().primaryKey(),
        other: of.ref().references(() => table.id) as ReturnType<typeof uuid>,
      }),
    });
  await expect(to(accounts, account)).rejects.toThrow('Reference "accounts" from the tenant column');
  await expect(to(workspaces, workspace)).rejects.toThrow('link the two through a column without a foreign key');
});

test('a table that reaches its tenant through a parent is told what it needs', async () => {
  const stars = pgTable('stars', {
    id: integer().primaryKey(),
    shareId: integer('share_id').references(() => shares.id as any),
  });
  await expect(statementsOf({ ...schema, stars })).rejects.toThrow(
    'Make "stars" a tenantTable, or drop the reference to "shares": a table that is not split by tenant ' +
      'cannot point into one that is. With a tenant column, as in accountId: account.id(), the migration ' +
      'adds it and fills it in from "shares", by share_id',
  );
});

test.each([
  ['array()', () => account.id().array()],
  ['$onUpdate', () => account.id().$onUpdate(() => a)],
  ['generatedAlwaysAs', () => account.id().generatedAlwaysAs(sql`gen_random_uuid()`)],
])('a tenant column with %s is refused where the table is declared', (what, column) => {
  expect(() => tenantTable('x', { accountId: column() as any, id: integer().primaryKey() })).toThrow(
    `Drop ${what} from the tenant column`,
  );
});
