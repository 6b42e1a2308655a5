/**
 * What the corpus is built with. It is compiled twice: here with tenant tables on a scoped handle, and by
 * ../tsconfig.plain.json, which reads `kit.plain.ts` in place of this file, with plain tables on a plain handle.
 * Every other file is the same both times, and so is every result type that it expects.
 */
import { uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import {
  defineTenantRelations,
  referenceTable,
  tenancy,
  tenantSchema,
  tenantTable,
  tenantTableCreator,
  unscoped,
  withTenancy,
  type TenantRelations,
  type TenantSelect,
} from '../../../src/index.js';

export { alias, getColumns, getTableColumns } from '../../../src/index.js';
export { referenceTable, tenantSchema as inSchema, tenantTable as table, tenantTableCreator as tableCreator, unscoped };
export { defineTenantRelations as defineRelations };

export const account = tenancy('account', uuid);
export const accountId = (name?: string) => account.id(name);

export const connect = <TRelations>(relations: TenantRelations<TRelations>) =>
  withTenancy(drizzle.mock(), { relations }).forTenant(account.parse('3f2c0000-0000-4000-8000-000000000000'));

export type AnySelect = TenantSelect<'account'>;
