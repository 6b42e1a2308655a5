/** `proveScoped`: the prover that raw SQL passes in production, for an application's own tests. */
import { Prover } from '../sql/index.js';
import { declaredOf } from '../schema/declared.js';
import type { TenantId } from '../schema/index.js';

/** What {@link proveScoped} proves a statement against. */
export interface ProveScopedOptions {
  /** The tables and views that the statement may name, or a module that exports them. */
  readonly tables: readonly object[] | Readonly<Record<string, unknown>>;
  /** The tenant whose statement it is, or several. Left out, the statement may name reference tables only, and write them. */
  readonly tenant?: TenantId<any> | readonly TenantId<any>[] | undefined;
  /** The values of `$1`, `$2`, ... */
  readonly params?: readonly unknown[] | undefined;
}

/**
 * Proves that every tenant table in a statement, at any depth, is bound to the tenant by a predicate that no OR,
 * outer join, NOT or CASE weakens. Nothing is sent. Needs the package `libpg-query`.
 *
 * @param sqlText one statement, as it would be sent
 * @param options the tables, the tenant and the parameters
 * @returns the names of the tenant and reference tables in it
 * @throws RawSqlNotScopedError with the place and the remedy
 * @example
 * const { sql, params } = tdb.select().from(projects).toSQL();
 * await proveScoped(sql, { tables: schema, tenant: id, params });
 */
export async function proveScoped(sqlText: string, { tables, tenant, params = [] }: ProveScopedOptions): Promise<readonly string[]> {
  const own = Object.values(tables).filter((it): it is object => typeof it === 'object' && it !== null && declaredOf(it) !== undefined);
  const tenants = tenant === undefined ? undefined : new Set((Array.isArray(tenant) ? tenant : [tenant]).map(String));
  const found = await new Prover(own).prove({ text: sqlText, params, tenants });
  return found.map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`));
}
