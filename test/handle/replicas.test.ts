/**
 * Drizzle's `withReplicas`: what runs on the primary, what on a replica, and that a replica's statements are confined
 * alike.
 */
import { eq, sql } from 'drizzle-orm';
import { withReplicas } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  assertRowLevelSecurity,
  RawSqlNotScopedError,
  RowLevelSecurityError,
  UnsupportedTenantOperationError,
  withTenancy,
} from '../../src/index.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';
import { a, b } from '../support/rows.js';
import { admin as across, asRole, createAdmin, rlsStatements } from '../support/rls.js';
import { account, accounts, countries, projects, relations } from '../support/schema.js';

const setUp = [
  ...rlsStatements(),
  createAdmin,
  `grant usage on schema public to ${across}`,
  `grant select, update on all tables in schema public to ${across}`,
];
const names = ['primary', 'one', 'two'] as const;
type Name = (typeof names)[number];

const urls = {} as Record<Name, string>;
const clients: postgres.Sql[] = [];
const sent: [where: string, text: string][] = [];

/** Databases that tell by every row of `accounts` which of them it is. */
beforeAll(async () => {
  for (const name of names) {
    const { url } = await freshDatabase();
    urls[name] = url;
    const owner = postgres(url, { max: 1, onnotice: () => {} });
    await owner.unsafe([...setUp, `update accounts set name = '${name} ' || name`].join(';\n'));
    await owner.end();
  }
});
afterAll(async () => {
  await Promise.all(clients.map((it) => it.end()));
  await dropDatabases();
});

const open = (name: string, url: string) => {
  const client = postgres(url, { max: 2, onnotice: () => {} });
  clients.push(client);
  return drizzle({ client, logger: { logQuery: (text) => void sent.push([name, text]) } });
};

type Orm = ReturnType<typeof open>;

/** The replicas take turns. */
const replicated = (prefix = '', as = asRole) => {
  let turn = 0;
  const [primary, one, two] = names.map((name) => open(prefix + name, as(urls[name]))) as [Orm, Orm, Orm];
  return withReplicas(primary, [one, two], (all) => all[turn++ % 2]!);
};

const nameIn = async (tdb: any) => (await tdb.select({ name: accounts.name }).from(accounts)).map((it: any) => it.name);

test('statements run on the primary, and on a replica where it is asked for', async () => {
  const db = withTenancy(replicated(), { relations, rls: true, across: { role: across } });
  expect(await nameIn(db.forTenant(a))).toEqual(['primary Account a']);
  expect(await nameIn(db.$primary.forTenant(b))).toEqual(['primary Account b']);
  expect(await nameIn(db.$replica.forTenant(a))).toEqual(['one Account a']);
  expect(await nameIn(db.$replica.forTenant(b))).toEqual(['two Account b']);
  expect(await Promise.all(db.$replicas.map((it) => nameIn(it.forTenant(a))))).toEqual([
    ['one Account a'],
    ['two Account a'],
  ]);

  const { $replica } = db;
  const tdb = $replica.forTenant(b);
  expect(
    await tdb.query.accounts.findFirst({ columns: { name: true }, with: { projects: { columns: { id: true } } } }),
  ).toEqual({
    name: 'one Account b',
    projects: expect.arrayContaining([{ id: 5 }]),
  });
  expect(await tdb.$count(accounts, eq(accounts.name, 'one Account b'))).toBe(1);
  expect(await tdb.$count(accounts)).toBe(1);
  expect(await tdb.execute(sql`select name from ${accounts}`)).toEqual([{ name: 'one Account b' }]);
  expect(await $replica.shared.$count(countries)).toBe(3);
  const byId = $replica.prepare(account, (it) =>
    it
      .select({ name: accounts.name })
      .from(accounts)
      .where(eq(accounts.id, sql.placeholder('id'))),
  );
  expect(await byId.run(b, { id: b })).toEqual([{ name: 'one Account b' }]);
  expect(await byId.run(b, { id: a })).toEqual([]);
  const rows: string[] = [];
  for await (const row of tdb.select().from(accounts).stream()) rows.push(row.name);
  expect(rows).toEqual(['one Account b']);
});

test("transactions and writes are the primary's", async () => {
  const db = withTenancy(replicated(), { relations, rls: true, across: { role: across } });
  await db.forTenant(a).transaction(async (tx) => {
    await tx.update(projects).set({ name: 'moved' }).where(eq(projects.id, 1));
    expect(await nameIn(tx)).toEqual(['primary Account a']);
  });
  await db.transaction(async (tx) => {
    expect(await nameIn(tx.forTenant(b))).toEqual(['primary Account b']);
    expect('$replica' in tx).toBe(false);
  });
  const named = (it: typeof db.$primary) => it.forTenant(a).$count(projects, eq(projects.name, 'moved'));
  expect([await named(db), await named(db.$replica), await named(db.$replica)]).toEqual([1, 0, 0]);
  expect(await db.$replica.transaction(async (tx) => nameIn(tx.forTenant(b)))).toEqual(['one Account b']);
});

test.each([true, false])('what a replica is sent is confined and proved, with rls: %s', async (rls) => {
  const db = withTenancy(replicated(), { relations, rls });
  const unbound = withTenancy(
    replicated('', (it) => it),
    { relations },
  );
  sent.length = 0;
  for (const it of rls ? [db.$replica, db.$replica] : [unbound.$replica, unbound.$replica]) {
    expect(await it.forTenant(a).$count(projects)).toBe(3);
    expect(await it.forTenant(b).$count(projects)).toBe(4);
    await expect(it.forTenant(a).execute(sql`select own(${projects.id}) from ${projects}`)).rejects.toThrow(
      RawSqlNotScopedError,
    );
  }
  expect(sent.map(([where]) => where)).toEqual(['one', 'one', 'two', 'two']);
  for (const [, text] of sent) expect(text).toMatch(/"accountId" = \$1/);
});

test('across tenants: by a role, or by a handle with a replica for each', async () => {
  const count = async (db: any) =>
    (
      await db.acrossTenants({ reason: 'test' }).select({ name: accounts.name }).from(accounts).orderBy(accounts.name)
    ).map((it: any) => it.name);
  const byRole = withTenancy(replicated(), { relations, rls: true, across: { role: across } });
  expect(await count(byRole)).toEqual(['primary Account a', 'primary Account b', 'primary Account c']);
  expect(await count(byRole.$replica)).toEqual(['one Account a', 'one Account b', 'one Account c']);
  expect((await byRole.$replica.forTenants([a, b]).select().from(accounts)).map((it) => it.name).sort()).toEqual([
    'two Account a',
    'two Account b',
  ]);

  const byHandle = withTenancy(replicated(), { relations, rls: true, across: replicated('admin ', (it) => it) });
  sent.length = 0;
  expect(await count(byHandle)).toEqual(['primary Account a', 'primary Account b', 'primary Account c']);
  expect(await count(byHandle.$replicas[1])).toEqual(['two Account a', 'two Account b', 'two Account c']);
  expect(sent.map(([where]) => where)).toEqual(['admin primary', 'admin two']);

  const withoutReplica = withTenancy(replicated(), { relations, rls: true, across: open('admin', urls.primary) });
  expect(await count(withoutReplica)).toHaveLength(3);
  expect(() => withoutReplica.$replica.acrossTenants({ reason: 'test' })).toThrow(/^Pass across: withReplicas\(admin/);
  expect(() => withoutReplica.$replica.forTenants([a])).toThrow(UnsupportedTenantOperationError);
  expect(await nameIn(withoutReplica.$replica.forTenant(a))).toEqual(['one Account a']);
});

test('a replica has a fair queue of its own, as it has a pool', async () => {
  const waits: string[] = [];
  const db = withTenancy(replicated(), {
    relations,
    rls: true,
    fair: { perTenant: 1, onWait: ({ scope }) => waits.push(scope) },
  });
  const { $replica } = db;
  await Promise.all([db.forTenant(a).$count(projects), $replica.forTenant(a).$count(projects)]);
  expect(waits).toEqual([]);
  await Promise.all([$replica.forTenant(a).$count(projects), $replica.forTenant(a).$count(projects)]);
  expect(waits).toEqual(['one']);
});

test('the start-up check asks each replica', async () => {
  await assertRowLevelSecurity(withTenancy(replicated(), { relations, rls: true }), { except: ['project_sizes'] });
  const [primary, one] = [open('primary', asRole(urls.primary)), open('one', urls.one)];
  const db = withTenancy(withReplicas(primary, [one]), { relations, rls: true });
  await expect(assertRowLevelSecurity(db)).rejects.toThrow(RowLevelSecurityError);
  await expect(assertRowLevelSecurity(db)).rejects.toThrow(/superuser/);
});

test('a tenant as a whole is read from a replica', async () => {
  const db = withTenancy(
    replicated('', (it) => it),
    { relations },
  );
  const total = async (it: typeof db.$primary) => (await it.tenantData(a, { tenancy: account }).count()).total;
  await db.forTenant(a).insert(projects).values({ id: 9, name: 'new' });
  expect(await total(db)).toBe((await total(db.$replica)) + 1);
  expect(() => withTenancy(db.$replica as never)).toThrow(UnsupportedTenantOperationError);
});

test('without replicas there are none', () => {
  const db = withTenancy(open('primary', urls.primary), { relations });
  expect('$replica' in db).toBe(false);
  // @ts-expect-error
  void db.$replica;
});
