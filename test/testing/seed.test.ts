/** `seedTenants`: rows of several tenants, which respect every key, and are the same each time. */
import { sql } from 'drizzle-orm';
import {
  boolean,
  customType,
  date,
  foreignKey,
  integer,
  jsonb,
  numeric,
  pgEnum,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import {
  defineTenantRelations,
  referenceTable,
  tenancy,
  tenantTable,
  unscoped,
  UnsupportedTenantOperationError,
  withTenancy,
} from '../../src/index.js';
import {
  type SeedRow,
  expectIsolated,
  freshDatabase,
  IsolationError,
  seedTenants,
  type FreshDatabase,
} from '../../src/testing/index.js';
import {
  account as suiteAccount,
  relations as suiteRelations,
  workspace as suiteWorkspace,
} from '../support/schema.js';
import { freshDatabase as suiteDatabase } from '../support/databases.js';

const account = tenancy('seed_account', uuid);
const mood = pgEnum('seed_mood', ['calm', 'wild']);
const odd = customType<{ data: string }>({ dataType: () => 'text' });

const countries = referenceTable('seed_countries', {
  id: integer().primaryKey(),
  code: varchar({ length: 2 }).notNull().unique(),
});
const accounts = tenantTable('seed_accounts', {
  id: account.id().primaryKey(),
  slug: text().notNull().unique(),
  countryId: integer()
    .notNull()
    .references(() => countries.id),
});
const users = tenantTable(
  'seed_users',
  {
    accountId: account.id().references(() => accounts.id),
    id: uuid().primaryKey().defaultRandom(),
    mail: text().notNull(),
    boss: uuid(),
  },
  (t) => [
    unscoped(uniqueIndex('seed_users_mail').on(sql`lower(${t.mail})`)),
    foreignKey({ columns: [t.boss], foreignColumns: [t.id] }),
  ],
);
const projects = tenantTable('seed_projects', {
  accountId: account.id(),
  id: integer().generatedAlwaysAsIdentity().primaryKey(),
  name: text().notNull().unique(),
  mood: mood().notNull(),
  moods: mood().array().notNull(),
  tags: text().array(),
  meta: jsonb().$type<{ n: number }>().notNull(),
  budget: numeric().notNull(),
  due: date({ mode: 'date' }).notNull(),
  at: timestamp({ withTimezone: true }).notNull().defaultNow(),
  ownerId: uuid()
    .notNull()
    .references(() => users.id),
  guest: account.ref('guest').notNull(),
  upper: text().generatedAlwaysAs(sql`upper(name)`),
  ignored: odd(),
});
const members = tenantTable(
  'seed_members',
  {
    accountId: account.id(),
    projectId: integer()
      .notNull()
      .references(() => projects.id),
    userId: uuid()
      .notNull()
      .references(() => users.id),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.userId] })],
);
const settings = tenantTable('seed_settings', {
  accountId: account.id(),
  projectId: integer()
    .notNull()
    .unique()
    .references(() => projects.id),
  on: boolean().notNull(),
});
const switches = tenantTable(
  'seed_switches',
  { accountId: account.id(), mood: mood().notNull(), on: boolean().notNull() },
  (t) => [unique().on(t.mood, t.on)],
);
const templates = tenantTable('seed_templates', {
  accountId: account.id('account_id', { everybody: true }),
  id: integer().primaryKey(),
  name: text().notNull(),
});

const tables = { mood, countries, accounts, users, projects, members, settings, switches, templates };
const { mood: _mood, ...entities } = tables;
const relations = defineTenantRelations(entities, (r) => ({
  projects: { owner: r.one.users({ from: r.projects.ownerId, to: r.users.id }) },
}));
const [a, b, c] = ['a', 'b', 'c'].map((it) => account.parse(`${it.repeat(8)}-aaaa-4aaa-8aaa-aaaaaaaaaaaa`)) as [
  any,
  any,
  any,
];

const databases: FreshDatabase[] = [];
const open = async () => {
  const database = await freshDatabase({ schema: tables, server: inject('databaseUrl') });
  databases.push(database);
  return { db: withTenancy(database.drizzle, { relations }), plain: database.drizzle };
};
let first: Awaited<ReturnType<typeof open>>;
beforeAll(async () => {
  first = await open();
  await seedTenants(first.db, {
    relations,
    tenants: [a, b, c],
    rows: { projects: 4, users: 3, members: 50, switches: 9, templates: 2 },
  });
});
afterAll(() => Promise.all(databases.map((it) => it.close())));

const all = async ({ plain }: typeof first, name: string): Promise<any[]> =>
  [...(await plain.execute(`select to_jsonb(t) as row from ${name} t order by t::text`))].map((it) => it.row);

test('each tenant has so many rows, in keys of few values as many as there are', async () => {
  const counts = async (id: any) => {
    const tdb = first.db.forTenant(id);
    return Promise.all([accounts, users, projects, members, settings, switches].map((it: any) => tdb.$count(it)));
  };
  for (const id of [a, b, c]) expect(await counts(id)).toEqual([1, 3, 4, 12, 3, 4]);
  expect(await first.db.shared.$count(countries)).toBe(3);
  expect((await all(first, 'seed_templates')).filter((it) => it.account_id === null)).toHaveLength(2);
  expect(await first.db.forTenant(a).$count(templates)).toBe(4);
});

test('tenants are alike where their keys allow it', async () => {
  const names = async (id: any) =>
    (await first.db.forTenant(id).select({ name: projects.name }).from(projects)).map((it) => it.name).sort();
  expect(await names(a)).toEqual(['name 1', 'name 2', 'name 3', 'name 4']);
  expect(await names(b)).toEqual(await names(a));
  const ids = async (id: any) =>
    (await first.db.forTenant(id).select({ id: users.id }).from(users)).map((it) => it.id).sort();
  expect(await ids(b)).toEqual(await ids(a));
  expect(new Set((await all(first, 'seed_users')).map((it) => it.mail)).size).toBe(9);
  const [row] = await all(first, 'seed_projects');
  expect(row).toMatchObject({
    moods: expect.anything(),
    tags: [expect.any(String)],
    meta: { n: expect.any(Number) },
    ignored: null,
  });
});

test('the same seed gives the same rows, and another one others', async () => {
  const [again, other] = [await open(), await open()];
  const options = {
    relations,
    tenants: [a, b, c],
    rows: { projects: 4, users: 3, members: 50, switches: 9, templates: 2 },
  };
  await seedTenants(again.db, options);
  await seedTenants(other.db, {
    ...options,
    seed: 1,
    rows: 1,
    columns: { projects: { name: ({ index, tenant }) => `${tenant} ${index}` } },
  });
  for (const name of ['seed_users', 'seed_projects', 'seed_members', 'seed_templates'])
    expect(await all(again, name)).toEqual(await all(first, name));
  expect((await all(other, 'seed_projects')).map((it) => it.name).sort()).toEqual([`${a} 0`, `${b} 0`, `${c} 0`]);
  expect((await all(other, 'seed_projects'))[0].budget).not.toBe((await all(first, 'seed_projects'))[0].budget);
});

test('with expectIsolated', async () => {
  const options = {
    schema: tables,
    server: inject('databaseUrl'),
    relations,
    tenant: a,
    seed: (db: any) => seedTenants(db, { relations, tenants: [a, b] }),
  };
  expect(await expectIsolated(options, (tdb) => tdb.query.projects.findMany({ with: { owner: true } }))).toHaveLength(
    3,
  );
  await expect(
    expectIsolated(options, (_, db) => db.acrossTenants({ reason: 'a leak' }).select().from(projects)),
  ).rejects.toThrow(IsolationError);
});

test('the schema of the isolation suite, with two tenancies', async () => {
  const { url } = await suiteDatabase('alone');
  const client = postgres(url, { max: 2, onnotice: () => {} });
  await client.unsafe(
    'truncate accounts, countries, workspaces, boards, crm.notes, tasks, projects, users, project_users, ' +
      'x_labels cascade',
  );
  const db = withTenancy(drizzle({ client }), { relations: suiteRelations });
  const ids = [1, 2].map((n) => `0000000${n}-0000-4000-8000-000000000000`);
  await expect(seedTenants(db, { relations: suiteRelations, tenants: ids as never })).rejects.toThrow(
    /^Name the tenancies of the tenants, as in tenants: { account: \[id\], workspace: \[id\] }/,
  );
  await seedTenants(db, {
    relations: suiteRelations,
    tenants: { account: ids.map(suiteAccount.parse), workspace: ids.map(suiteWorkspace.parse) },
  });
  for (const table of ['accounts', 'users', 'projects', 'tasks', 'project_users', 'crm.notes', 'x_labels', 'boards']) {
    const rows = await client.unsafe(`select count(*)::int as n from ${table}`);
    expect([table, rows[0]!.n]).toEqual([table, table === 'accounts' ? 2 : 6]);
  }
  await client.end();
});

test('a unique column that names a tenant has no more values than there are tenants', async () => {
  const person = tenancy('seed_person', uuid);
  const people = tenantTable('seed_people', { id: person.id().primaryKey(), name: text().notNull() });
  const logins = referenceTable('seed_logins', { hash: text().primaryKey(), person: person.ref().notNull().unique() });
  const seats = tenantTable(
    'seed_seats',
    { accountId: account.id(), person: person.ref().notNull(), role: text().notNull() },
    (t) => [primaryKey({ columns: [t.person] })],
  );
  const some = { people, logins, seats };
  const only = defineTenantRelations(some);
  const database = await freshDatabase({ schema: some, server: inject('databaseUrl') });
  databases.push(database);
  const db = withTenancy(database.drizzle, { relations: only });
  await seedTenants(db, { relations: only, tenants: { seed_account: [a, b], seed_person: [a, b] } });
  expect(await db.shared.$count(logins)).toBe(2);
  expect(await db.forTenant(a).$count(seats)).toBe(2);
  await expect(seedTenants(db, { relations: only, tenants: { seed_account: [c] } })).rejects.toThrow(/^Say what/);
});

test('what it does not know is said, with what to add', async () => {
  const strict = tenantTable('seed_strict', {
    accountId: account.id(),
    id: integer().primaryKey(),
    odd: odd().notNull(),
  });
  const first = referenceTable('seed_first', { id: integer().primaryKey() });
  const stranger = tenantTable('seed_stranger', {
    accountId: account.id(),
    id: integer().primaryKey(),
    one: odd().notNull(),
    two: odd('Two').notNull(),
    three: odd(),
  });
  const only = defineTenantRelations({ first, strict, stranger });
  const database = await freshDatabase({ schema: { first, strict, stranger }, server: inject('databaseUrl') });
  databases.push(database);
  const db = withTenancy(database.drizzle, { relations: only });
  const columns = { strict: { odd: ({ index }: SeedRow) => `${index}` } };
  await expect(seedTenants(db, { relations: only, tenants: [a] })).rejects.toThrow(
    'Say what "strict"."odd", "stranger"."one", "stranger"."Two" hold, as in seedTenants(db, { columns: ' +
      '{ strict: { odd: ({ index }) => value }, stranger: { one: ({ index }) => value, two: ' +
      '({ index }) => value } } })',
  );
  await expect(
    seedTenants(db, { relations: only, tenants: [a], columns: { ...columns, stranger: { one: () => '' } } }),
  ).rejects.toThrow(/^Say what "stranger"."Two" holds, as in seedTenants\(db, { columns: { stranger: { two:/);
  // Before anything is written: what has rows could not be seeded again.
  expect(await db.shared.$count(first)).toBe(0);
  await seedTenants(db, { relations: only, tenants: [a], columns, rows: { stranger: 0 } });
  expect(await db.forTenant(a).$count(strict)).toBe(3);
  await expect(seedTenants(db, { relations: only, tenants: [a], rows: { nothing: 1 } })).rejects.toThrow(
    UnsupportedTenantOperationError,
  );
  await expect(
    seedTenants(db, { relations: only, tenants: [a], columns: { strict: { nothing: () => 1 } } }),
  ).rejects.toThrow(/has no column "nothing"/);
});
