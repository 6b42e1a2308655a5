/** Indexes and keys that `unscoped` keeps as they were written: over all tenants. */
import { is } from 'drizzle-orm';
import { IndexBuilder, PrimaryKeyBuilder, UniqueConstraintBuilder } from 'drizzle-orm/pg-core';
import { TenantDefinitionError } from '../errors.js';

/** What `unscoped` keeps as it was written. */
export type KeptBuilder = IndexBuilder | UniqueConstraintBuilder | PrimaryKeyBuilder;

const kept = new WeakSet<object>();

export const isKept = (builder: object): boolean => kept.has(builder);

/**
 * @param builder an index or key in `extra`
 * @returns the same, which then does not get the tenant column
 * @throws TenantDefinitionError for anything that is no finished index, unique constraint or primary key
 */
export function keep<T extends object>(builder: T): T {
  if (!is(builder, IndexBuilder) && !is(builder, UniqueConstraintBuilder) && !is(builder, PrimaryKeyBuilder)) {
    throw new TenantDefinitionError(
      '-',
      '-',
      'Pass unscoped() a table, or a finished index or key in the third argument of tenantTable(), ' +
        'as in (t) => [unscoped(unique().on(t.email))]: ' +
        'an inline .unique() cannot be unscoped',
    );
  }
  kept.add(builder);
  return builder;
}
