/**
 * Makes a database into what an application without tenants would have: keys without the tenant column, which
 * the database fills in by itself. Plain Drizzle works there, and what it finds is what a tenant should see.
 */
import type { Sql } from 'postgres';
import type { Tenant } from './seed.js';

export async function withoutTenants(client: Sql, tenant: Tenant): Promise<void> {
  const constraints = await client<{ table: string; name: string; type: string; definition: string }[]>`
    select conrelid::regclass::text as "table", quote_ident(conname) as name, contype as type,
      pg_get_constraintdef(oid) as definition
    from pg_constraint
    where connamespace = current_schema::regnamespace and pg_get_constraintdef(oid) like '%account_id, %'
    order by contype = 'f', contype`;
  const columns = await client<{ table: string; column: string }[]>`
    select table_name as "table", column_name as "column" from information_schema.columns
    where table_schema = current_schema and (column_name = 'account_id' or (table_name, column_name) = ('accounts',
      'id'))`;
  await client.unsafe(
    [
      ...constraints.toReversed().map(({ table, name }) => `alter table ${table} drop constraint ${name}`),
      ...constraints.map(({ table, name, definition }) => {
        return `alter table ${table} add constraint ${name} ${definition.replaceAll('account_id, ', '')}`;
      }),
      ...columns.map(({ table, column }) => `alter table ${table} alter ${column} set default '${tenant.id}'`),
    ].join(';\n'),
  );
}
