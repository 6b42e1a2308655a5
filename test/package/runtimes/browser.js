import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { integer, text, uuid } from 'drizzle-orm/pg-core';
import { tenancy, tenantTable, withTenancy } from 'drizzle-tenant';

const account = tenancy('account', uuid);
const projects = tenantTable('projects', {
  accountId: account.id('account_id'),
  id: integer().primaryKey(),
  name: text().notNull(),
});

globalThis.result = (async () => {
  const client = new PGlite();
  await client.exec(globalThis.setup);
  const db = withTenancy(drizzle({ client }));
  const seen = [];
  for (const id of ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']) {
    const rows = await db.forTenant(account.parse(id)).select().from(projects);
    seen.push(`${rows[0].name}, ${rows.length} of them`);
  }
  return seen.join('; ');
})();
