/** How long it takes from importing the package to the first statement, Drizzle being there. */
import { drizzle } from 'drizzle-orm/pg-proxy';
import { integer, text, uuid } from 'drizzle-orm/pg-core';

const start = performance.now();
const { tenancy, tenantTable, withTenancy } = await import('drizzle-tenant');
const account = tenancy('account', uuid);
const projects = tenantTable('projects', {
  accountId: account.id('account_id'),
  id: integer().primaryKey(),
  name: text().notNull(),
});
const db = withTenancy(
  drizzle(async () => (console.log(`${(performance.now() - start).toFixed(0)} ms`), { rows: [] })),
);
await db.forTenant(account.parse('11111111-1111-4111-8111-111111111111')).select().from(projects);
