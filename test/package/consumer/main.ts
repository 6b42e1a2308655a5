import { PGlite } from '@electric-sql/pglite';
import { eq } from 'drizzle-orm';
import { integer, text, uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pglite';
import { defineTenantRelations, tenancy, tenantTable, withTenancy, type TenantDatabase } from 'drizzle-tenant';

const account = tenancy('account', uuid);
const projects = tenantTable('projects', {
  accountId: account.id('account_id'),
  id: integer().primaryKey(),
  name: text().notNull(),
});
const relations = defineTenantRelations({ projects });

const client = new PGlite();
await client.exec('create table projects (account_id uuid not null, id integer, name text not null, ' +
'primary key (account_id, ' +
'id))');
const db = withTenancy(drizzle({ client }), { relations });

const a = account.parse('11111111-1111-4111-8111-111111111111');
const b = account.parse('22222222-2222-4222-8222-222222222222');
await db.forTenant(a).insert(projects).values({ id: 1, name: 'of a' });
await db.forTenant(b).insert(projects).values({ id: 1, name: 'of b' });

async function names(tdb: TenantDatabase<'account'>): Promise<string[]> {
  const rows = await tdb.select().from(projects).where(eq(projects.id, 1));
  return rows.map((row) => row.name);
}
const seen = [await names(db.forTenant(a)), (await db.forTenant(b).query.projects.findMany()).map((row) => row.name)];
if (JSON.stringify(seen) !== '[["of a"],["of b"]]') throw new Error(`a tenant saw ${JSON.stringify(seen)}`);
console.log('main: each tenant sees its own row.');
await client.close();
