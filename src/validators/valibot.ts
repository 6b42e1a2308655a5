/**
 * `drizzle-tenant/valibot`: `drizzle-orm/valibot`, for tenant tables too. The schemas of a tenant
 * table have no tenant column: a handle fills it in, and no request has a say in it.
 *
 * @module drizzle-tenant/valibot
 */
import {
  createInsertSchema as insertSchema,
  createSelectSchema as selectSchema,
  createUpdateSchema as updateSchema,
  type BuildRefine,
  type BuildSchema,
  type CreateInsertSchema as DrizzleInsertSchema,
  type CreateSelectSchema as DrizzleSelectSchema,
  type CreateUpdateSchema as DrizzleUpdateSchema,
  type NoUnknownKeys,
} from 'drizzle-orm/valibot';
import type { AnyTenantTable, InferInsertModel } from '../schema/table.types.js';
import { withoutTenant, type OwnColumns, type WrittenColumns } from './columns.js';

/** The schema of a tenant table for one use of it. */
export interface TenantSchema<
  TType extends 'select' | 'insert' | 'update',
  TKeys extends 'OwnColumns' | 'WrittenColumns',
> {
  <T extends AnyTenantTable>(table: T): BuildSchema<TType, OwnColumns<T>, undefined>;
  <
    T extends AnyTenantTable,
    TRefine extends BuildRefine<TKeys extends 'OwnColumns' ? OwnColumns<T> : WrittenColumns<T>>,
  >(
    table: T,
    refine: NoUnknownKeys<TRefine, TKeys extends 'OwnColumns' ? OwnColumns<T> : InferInsertModel<T>>,
  ): BuildSchema<TType, OwnColumns<T>, TRefine>;
}

export interface CreateInsertSchema extends TenantSchema<'insert', 'WrittenColumns'>, DrizzleInsertSchema {}
export interface CreateSelectSchema extends TenantSchema<'select', 'OwnColumns'>, DrizzleSelectSchema {}
export interface CreateUpdateSchema extends TenantSchema<'update', 'WrittenColumns'>, DrizzleUpdateSchema {}

/**
 * Valibot's schema of a new row: what it accepts can be given to `tdb.insert(table).values()`.
 *
 * @param table a tenant table; or any other, as drizzle-orm takes it
 * @param refine what differs, by column
 * @returns the schema, without the tenant column
 */
export const createInsertSchema: CreateInsertSchema = withoutTenant(insertSchema);

/**
 * Valibot's schema of a row as it is read, without the tenant column.
 *
 * @param table a tenant table; or any other table, a view or an enum, as drizzle-orm takes it
 * @param refine what differs, by column
 */
export const createSelectSchema: CreateSelectSchema = withoutTenant(selectSchema);

/**
 * Valibot's schema of a change: what it accepts can be given to `tdb.update(table).set()`.
 *
 * @param table a tenant table; or any other, as drizzle-orm takes it
 * @param refine what differs, by column
 * @returns the schema, without the tenant column, and with every column optional
 */
export const createUpdateSchema: CreateUpdateSchema = withoutTenant(updateSchema);
