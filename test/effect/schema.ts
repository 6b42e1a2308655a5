/** The sample schema of the Effect suite. */
import { check, integer, text, uuid } from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';
import { defineTenantRelations, referenceTable, tenancy, tenantTable } from '../../src/index.js';
import { TenantDb } from '../../src/effect/index.js';

export const account = tenancy('account', uuid);

export const countries = referenceTable('countries', { id: integer().primaryKey(), name: text().notNull() });

export const accounts = tenantTable('accounts', {
  id: account.id().primaryKey().defaultRandom(),
  name: text().notNull(),
  countryId: integer().references(() => countries.id),
});

export const projects = tenantTable(
  'projects',
  {
    accountId: account.id().references(() => accounts.id, { onDelete: 'cascade' }),
    id: integer().primaryKey(),
    name: text().notNull().unique('projects_name_key'),
    budget: integer().notNull().default(0),
  },
  (t) => [check('budget_is_positive', sql`${t.budget} >= 0`)],
);

export const tasks = tenantTable('tasks', {
  accountId: account.id(),
  id: integer().primaryKey(),
  projectId: integer()
    .notNull()
    .references(() => projects.id, { onDelete: 'cascade' }),
  title: text().notNull(),
});

export const relations = defineTenantRelations({ countries, accounts, projects, tasks }, (r) => ({
  projects: { tasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId }) },
  tasks: { project: r.one.projects() },
}));

export class Db extends TenantDb.Service<Db>()('test/Db', { tenancy: account, relations }) {}

export const a = account.parse('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');
export const b = account.parse('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb');
export const c = account.parse('cccccccc-cccc-4ccc-8ccc-cccccccccccc');
export const tenants = [a, b, c];
export const tables = { countries, accounts, projects, tasks };
