/** What a validator of a tenant table looks at: its columns without the tenant's, which the handle fills in. */
import { classOf } from '../schema/classify.js';
import type { AnyTenantTable, InferInsertModel, TenantKey, TenantTableBase } from '../schema/table.types.js';

const columns = Symbol.for('drizzle:Columns');

/** The columns of a tenant table, without the tenant column. */
export type OwnColumns<T extends AnyTenantTable> =
  T extends TenantTableBase<any, infer C> ? Omit<C['columns'], TenantKey<C['columns']>> : never;

/** Those of them that can be written. */
export type WrittenColumns<T extends AnyTenantTable> = Pick<
  OwnColumns<T>,
  keyof InferInsertModel<T> & keyof OwnColumns<T>
>;

/** The table as a validator sees it; anything but a tenant table stays as it is. Nothing can be queried with it. */
function ownColumns(entity: any): any {
  const found = typeof entity === 'object' && entity !== null ? classOf(entity) : undefined;
  if (found?.kind !== 'tenant' || !(columns in entity)) return entity;
  const { [found.key]: _, ...own } = entity[columns] as Record<string, unknown>;
  return Object.create(entity, { [columns]: { value: own } });
}

/** A function of drizzle-orm's that makes a schema of a table, for tenant tables too. */
export const withoutTenant =
  (create: any): any =>
  (table: unknown, ...refine: unknown[]) =>
    create(ownColumns(table), ...refine);
