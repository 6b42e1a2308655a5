/** What each runtime runs: two tenants' rows, over HTTP. */
import { eq } from 'drizzle-orm';
import { integer, text, uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pg-proxy';
import { defineTenantRelations, tenancy, tenantTable, withTenancy } from 'drizzle-tenant';

const account = tenancy('account', uuid);
const projects = tenantTable('projects', {
  accountId: account.id('account_id'),
  id: integer().primaryKey(),
  name: text().notNull(),
});
const relations = defineTenantRelations({ projects });

/** @returns what each tenant sees; to begin with, it asks before the parser can be there */
export async function run(url) {
  const proxy = drizzle(async (sql, params, method) => {
    const response = await fetch(url, { method: 'POST', body: JSON.stringify({ sql, params, method }) });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  });
  const db = withTenancy(proxy, { relations });
  const seen = [];
  for (const id of ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']) {
    const tdb = db.forTenant(account.parse(id));
    const [row] = await tdb.select().from(projects).where(eq(projects.id, 1));
    const found = await tdb.query.projects.findMany();
    seen.push(`${row?.name}, ${found.length} of them`);
  }
  return seen.join('; ');
}
