/** Rows of everybody: a tenant column that may be NULL, where NULL means that the row is every tenant's to read. */
import { TenantDefinitionError } from '../errors.js';

const everybodyMark = Symbol('drizzle-tenant:everybody');

/** Makes a tenant column's builder one whose NULL means everybody. */
export function markEverybody(builder: any): any {
  builder.config[everybodyMark] = true;
  return builder;
}

/** Whether `id(name, { everybody: true })` made this column, or its builder. */
export const isEverybodys = (column: object): boolean =>
  (column as { config?: Record<symbol, unknown> }).config?.[everybodyMark] === true;

/** A primary key cannot hold a column that may be NULL. */
export function refuseInPrimaryKey(table: string, columns: readonly { readonly name: string }[], tenant: string): void {
  if (!columns.some((it) => it.name === tenant)) return;
  throw new TenantDefinitionError(
    table,
    tenant,
    'Leave the tenant column out of the primary key: it is NULL in the rows of everybody',
  );
}

/** Of an index, Drizzle cannot say NULLS NOT DISTINCT: a value could be everybody's several times. */
export function refuseUniqueIndex(table: string, tenant: string): never {
  throw new TenantDefinitionError(
    table,
    tenant,
    'Write unique().on(...) instead of uniqueIndex(), or unscoped(uniqueIndex()...) for values that are ' +
      'unique over all tenants: ' +
      'a unique index takes the rows of everybody for different ones',
  );
}
