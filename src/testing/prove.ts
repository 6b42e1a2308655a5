/** `proveScoped`: the prover that raw SQL passes in production, for an application's own tests. */
import { RawSqlNotScopedError } from '../errors.js';
import { declaredTables } from '../schema/classify.js';
import { allDeclared, declaredOf } from '../scope/declared.js';
import type { Given } from '../sql/given.js';
import { loadParser, prove, Tables } from '../sql/index.js';
import { placeOf, Refusal } from '../sql/refusal.js';
import { refuseTextRunners } from '../sql/runs-text.js';
import type { TenantId } from '../schema/index.js';

/** What {@link proveScoped} proves a statement against. */
export interface ProveScopedOptions {
  /** The tables and views that the statement may name, or a module that exports them. */
  readonly tables: readonly object[] | Readonly<Record<string, unknown>>;
  /**
   * The tenant whose statement it is, or several. Left out, the statement may name reference tables only, and write
   * them.
   */
  readonly tenant?: TenantId<any> | readonly TenantId<any>[] | undefined;
  /** The values of `$1`, `$2`, ... */
  readonly params?: readonly unknown[] | undefined;
  /** The application's own functions that the statement may call, as in `withTenancy(db, { functions })`. */
  readonly functions?: readonly string[] | undefined;
}

/**
 * Proves that every tenant table in a statement, at any depth, is bound to the tenant by a predicate that no OR,
 * outer join, NOT or CASE weakens. Nothing is sent. Needs the package `libpg-query`.
 *
 * @param sqlText one statement, as it would be sent
 * @param options the tables, the tenant and the parameters
 * @returns the names of the tenant and reference tables in it
 * @throws RawSqlNotScopedError with the place and the remedy; UnsupportedTenantOperationError for one of `functions`
 * that runs text
 * @example
 * const { sql, params } = tdb.select().from(projects).toSQL();
 * await proveScoped(sql, { tables: schema, tenant: id, params });
 */
export async function proveScoped(
  sqlText: string,
  { tables, tenant, params = [], functions = [] }: ProveScopedOptions,
): Promise<readonly string[]> {
  refuseTextRunners(functions);
  const own = Object.values(tables).filter(
    (it): it is object => typeof it === 'object' && it !== null && declaredOf(it) !== undefined,
  );
  const tenants = tenant === undefined ? [] : (Array.isArray(tenant) ? tenant : [tenant]).map(String);
  const values = new Set(tenants);
  const numbers = (isKnown: (param: unknown) => boolean) =>
    new Set(params.flatMap((it, i) => (isKnown(it) ? [i + 1] : [])));
  const given: Given = {
    reach: tenant === undefined ? 'shared' : Array.isArray(tenant) ? 'several' : 'one',
    filters: true,
    tenancy: undefined,
    tables: new Tables(allDeclared(own), allDeclared(declaredTables())),
    functions: new Set(functions),
    count: params.length,
    known: {
      values,
      parameters: numbers((it) => isValue(it) && values.has(String(it))),
      arrays: numbers((it) => elementsOf(it)?.every((one) => values.has(one)) ?? false),
    },
  };
  const parse = await loadParser();
  try {
    const proved = prove(parse, sqlText, given);
    return proved.tables.map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`));
  } catch (cause) {
    if (cause instanceof Error && '_tag' in cause) throw cause;
    if (cause instanceof Refusal)
      throw new RawSqlNotScopedError(cause.reason, placeOf(sqlText, cause.location), cause.remedy);
    throw Object.assign(new RawSqlNotScopedError('it is not understood', '', 'Write a simpler statement'), { cause });
  }
}

const isValue = (it: unknown) => typeof it === 'string' || typeof it === 'number' || typeof it === 'bigint';

/** The values of an array, or of what a driver sends for one. */
function elementsOf(param: unknown): readonly string[] | undefined {
  if (Array.isArray(param)) return param.every(isValue) ? param.map(String) : undefined;
  const inner = typeof param === 'string' ? /^\{(.*)\}$/s.exec(param)?.[1] : undefined;
  if (inner === undefined) return undefined;
  return inner === ''
    ? []
    : inner
        .split(',')
        .map((it) => it.replace(/^"((?:[^"\\]|\\.)*)"$/s, (_, text: string) => text.replace(/\\(.)/gs, '$1')));
}
