/** The plain twin of `kit.ts`: nothing of drizzle-tenant but the type of the tenant's id, which rows carry. */
import { defineRelations, type AnyRelations } from 'drizzle-orm';
import { pgTable, pgTableCreator, uuid, type PgSchema } from 'drizzle-orm/pg-core';
import type { PgAsyncSelect } from 'drizzle-orm/pg-core/async';
import { drizzle } from 'drizzle-orm/postgres-js';
import { tenancy } from '../../../src/schema/tenancy.js';

export { getColumns, getTableColumns } from 'drizzle-orm';
export { alias } from 'drizzle-orm/pg-core';
export { defineRelations, pgTable as referenceTable, pgTable as table };

export const inSchema = <TSchema extends string>(schema: PgSchema<TSchema>) => ({
  table: schema.table,
  referenceTable: schema.table,
});
export const tableCreator = (name: (name: string) => string) => ({
  table: pgTableCreator(name),
  referenceTable: pgTableCreator(name),
});
export const unscoped = <T>(table: T): T => table;

export const account = tenancy('account', uuid);
/** Filled in on insert, as a handle of one tenant does. */
export const accountId = (name?: string) => account.id(name).$default(() => account.parse(''));

export const connect = <TRelations extends AnyRelations>(relations: TRelations) => drizzle.mock({ relations });

export type AnySelect = PgAsyncSelect;
