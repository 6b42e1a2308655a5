import { integer, text, uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pg-proxy';
import { defineTenantRelations, tenancy, tenantTable, withTenancy, type TenantDatabase } from 'drizzle-tenant';

export const account = tenancy('account', uuid);
export const projects = tenantTable('projects', {
  accountId: account.id('account_id'),
  id: integer().primaryKey(),
  name: text().notNull(),
});
export const relations = defineTenantRelations({ projects });

/** What is inferred is named in the declarations of this package. */
export const connect = (url: string) =>
  withTenancy(
    drizzle(async (sql, params, method) => {
      const response = await fetch(url, { method: 'POST', body: JSON.stringify({ sql, params, method }) });
      if (!response.ok) throw new Error(await response.text());
      return (await response.json()) as { rows: unknown[] };
    }),
    { relations },
  );

export const list = (tdb: TenantDatabase<'account', typeof relations>) => tdb.query.projects.findMany();
