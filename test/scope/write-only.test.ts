/** Write-only mode: tables that have rows without a tenant yet, and keys without the tenant column. */
import type { PGlite } from '@electric-sql/pglite';
import { eq } from 'drizzle-orm';
import { integer, text, uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pglite';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { defineTenantRelations, tenancy, tenantTable, TenantMismatchError, withTenancy } from '../../src/index.js';
import { createPglite } from '../support/pglite.js';

const account = tenancy('account', uuid);
const projects = tenantTable('projects', {
  accountId: account.id('account_id'),
  id: integer().primaryKey(),
  name: text().notNull().unique(),
});
const tasks = tenantTable('tasks', {
  accountId: account.id('account_id'),
  id: integer().primaryKey(),
  projectId: integer('project_id')
    .notNull()
    .references(() => projects.id),
});
const relations = defineTenantRelations({ projects, tasks }, (r) => ({
  projects: { tasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId }) },
}));
const a = account.parse('11111111-1111-4111-8111-111111111111');
const b = account.parse('22222222-2222-4222-8222-222222222222');

let client: PGlite;
beforeAll(async () => {
  client = await createPglite();
});
afterAll(() => client.close());
beforeEach(async () => {
  await client.exec(`
    drop table if exists tasks, projects;
    create table projects (account_id uuid, id integer primary key, name text not null unique);
    create table tasks (account_id uuid, id integer primary key, project_id integer not null references projects);
    insert into projects values (null, 1, 'old');
    insert into tasks values (null, 1, 1);
  `);
});
const database = () => withTenancy(drizzle({ client }), { relations, mode: 'write-only' });
const tenants = async () => (await client.query('select id, account_id from projects order by id')).rows;

test('a new row gets its tenant, and old rows keep none', async () => {
  await database().forTenant(a).insert(projects).values({ id: 2, name: 'new' });
  expect(await tenants()).toEqual([
    { id: 1, account_id: null },
    { id: 2, account_id: a },
  ]);
});

test('nothing is filtered, relations included', async () => {
  const tdb = database().forTenant(a);
  expect(await tdb.select({ id: tasks.id }).from(projects).innerJoin(tasks, eq(tasks.projectId, projects.id))).toEqual([
    { id: 1 },
  ]);
  expect(
    await tdb.query.projects.findMany({ columns: { id: true }, with: { tasks: { columns: { id: true } } } }),
  ).toEqual([{ id: 1, tasks: [{ id: 1 }] }]);
  expect(await tdb.$count(projects)).toBe(1);
  await tdb.update(projects).set({ name: 'changed' }).where(eq(projects.id, 1));
  expect(await tdb.select({ name: projects.name }).from(projects)).toEqual([{ name: 'changed' }]);
});

test('a conflict is met on the keys that the tables still have', async () => {
  await database()
    .forTenant(a)
    .insert(projects)
    .values({ id: 1, name: 'x' })
    .onConflictDoUpdate({ target: projects.id, set: { name: 'upserted' } });
  expect(await tenants()).toEqual([{ id: 1, account_id: null }]);
});

test('a row for another tenant is refused all the same', async () => {
  const insert = database().forTenant(a).insert(projects) as any;
  expect(() => insert.values({ accountId: b, id: 3, name: 'x' }).toSQL()).toThrow(TenantMismatchError);
});
