import { integer, text, uuid } from 'drizzle-orm/pg-core';
import { defineTenantRelations, tenancy, tenantTable } from 'drizzle-tenant';

export const account = tenancy('account', uuid);
export const projects = tenantTable('projects', {
  accountId: account.id('account_id'),
  id: integer().primaryKey(),
  name: text().notNull(),
});
export const relations = defineTenantRelations({ projects });
