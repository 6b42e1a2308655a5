/** All that an application exports is named in its declarations: `declaration: true` writes them. */
import { and, eq } from 'drizzle-orm';
import { index, integer, pgSchema, pgView, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import {
  alias,
  defineTenantRelations,
  getColumns,
  referenceTable,
  tenancy,
  tenantSchema,
  tenantTable,
  tenantTableCreator,
  unscoped,
} from 'drizzle-tenant';

export const account = tenancy('account', uuid);
export const workspace = tenancy('workspace', integer);
export const countries = referenceTable('countries', { id: integer().primaryKey(), name: text().notNull() });
export const accounts = tenantTable('accounts', {
  id: account.id().primaryKey().defaultRandom(),
  name: text().notNull(),
  countryId: integer().references(() => countries.id),
});
export const projects = tenantTable('projects', {
  accountId: account.id().references(() => accounts.id, { onDelete: 'cascade' }),
  id: uuid().primaryKey().defaultRandom(),
  name: text().notNull().unique(),
  createdAt: timestamp().defaultNow(),
});
export const tasks = tenantTable(
  'tasks',
  {
    accountId: account.id(),
    id: uuid().primaryKey().defaultRandom(),
    projectId: uuid().notNull().references(() => projects.id, { onDelete: 'cascade' }),
    title: text().notNull(),
  },
  (t) => [index().on(t.title)],
);
export const crm = tenantSchema(pgSchema('crm'));
export const notes = crm.table('notes', { accountId: account.id(), id: uuid().primaryKey() });
export const creator = tenantTableCreator((name: string) => `x_${name}`);
export const labels = creator.table('labels', { accountId: account.id(), id: uuid().primaryKey() });
export const other = alias(projects, 'other');
export const columns = getColumns(projects);
export const plain = unscoped(projects);
const [p, t] = [unscoped(projects), unscoped(tasks)];
export const titles = pgView('titles').as((qb) =>
  qb
    .select({ accountId: t.accountId, title: t.title, project: p.name })
    .from(t)
    .innerJoin(p, and(eq(p.accountId, t.accountId), eq(p.id, t.projectId))),
);
export const relations = defineTenantRelations({ accounts, countries, projects, tasks }, (r) => ({
  projects: { tasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId }) },
  tasks: { project: r.one.projects({ from: r.tasks.projectId, to: r.projects.id }) },
}));
