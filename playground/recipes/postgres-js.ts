/** postgres.js: a template of one tenant. Values are parameters, and nothing else can be interpolated. */
import type { Row, Sql, TransactionSql } from 'postgres';
import type { TenantId } from 'drizzle-tenant';
import { confine, ready } from 'drizzle-tenant/sql';
import * as schema from '../schema.js';

/**
 * @param client of postgres.js, or the one that its `begin` gives
 * @returns a template, as in ``const sql = tenantSql(client, id); await sql`select * from projects where id = ${1}` ``
 */
export const tenantSql =
  (client: Sql | TransactionSql, tenant: TenantId<'account'>) =>
  async <T extends Row = Row>(strings: TemplateStringsArray, ...values: unknown[]): Promise<T[]> => {
    await ready;
    const { text, params } = confine(
      strings.reduce((text, it, i) => `${text}$${i}${it}`),
      values,
      { tables: schema, tenant },
    );
    return client.unsafe<T[]>(text, params as never[]);
  };
