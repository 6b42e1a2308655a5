/**
 * `drizzle-tenant/sql`: SQL that anything made, confined to one tenant and proved.
 *
 * @module drizzle-tenant/sql
 */
import { PgDialect } from 'drizzle-orm/pg-core';
import { TenantMismatchError, UnsupportedTenantOperationError } from '../errors.js';
import { classOf } from '../schema/classify.js';
import type { AnyTenancy, TenantId } from '../schema/tenancy.js';
import { loadParser, parser } from '../sql/load.js';
import { refuseTextRunners } from '../sql/runs-text.js';
import { parsed } from './given.js';
import { addTenant, encodedTenant } from '../scope/dialect.js';
import { Gate } from '../scope/gate.js';
import { Scope } from '../scope/scope.js';

export interface ConfineOptions {
  /**
   * The tables and views that a statement may name: a schema module, or a list. What is neither, such as a tenancy, is
   * left out. Give the same object each time: what was proved is kept with it.
   */
  readonly tables: Readonly<Record<string, unknown>> | readonly object[];
  /** Whose rows. */
  readonly tenant: TenantId<string>;
  /** The application's own functions that a statement may call, as they are written: `slugify`, `app.total`. */
  readonly functions?: readonly string[] | undefined;
}

/** What to send, both together. */
export interface ConfinedQuery {
  readonly text: string;
  readonly params: unknown[];
}

/**
 * Loads PostgreSQL's parser. Await it once before the first `confine()`; where it fails, awaiting it again tries again.
 *
 * @example await ready;
 */
export const ready: PromiseLike<void> = {
  then: (resolve, reject) =>
    loadParser()
      .then(() => {})
      .then(resolve, reject),
};

interface Known {
  readonly gate: Gate;
  readonly tenancies: readonly AnyTenancy[];
}

const known = new WeakMap<object, Map<string, Known>>();
const dialect = new PgDialect();

/**
 * Confines one statement to one tenant, proves what came out, and keeps that by its text.
 *
 * @param text one statement, as for a database that holds this tenant's rows only; parameters are `$1`, `$2`, ...
 * @param params its parameters, as the driver is to be given them
 * @returns the text and the parameters to send, the tenant's among them
 * @throws RawSqlNotScopedError, UnscopedTableError, TenantMismatchError, ImmutableTenantError, InvalidTenantIdError or
 *   UnsupportedTenantOperationError, with what to do instead
 * @example
 * await ready;
 * const { text, params } = confine('select * from projects where name = $1', ['x'], { tables: schema, tenant: id });
 * await client.unsafe(text, params as never[]);
 */
export function confine(
  text: string,
  params: readonly unknown[],
  { tables, tenant, functions = [] }: ConfineOptions,
): ConfinedQuery {
  const parse = parser();
  if (!parse)
    throw new UnsupportedTenantOperationError(
      "Await ready of drizzle-tenant/sql before confine(): PostgreSQL's parser is still being loaded.",
    );
  if (typeof text !== 'string' || !Array.isArray(params))
    throw new UnsupportedTenantOperationError('Give confine() the text as a string and its parameters as an array.');
  const { gate, tenancies } = knownOf(tables, functions);
  const { value, tenancy } = parsed(tenant, tenancies);
  const scope = new Scope({ kind: 'one', id: value }, true, tenancy);
  const values = Array.from(params);
  const passed = gate.pass(parse, scope, text, values.length);
  if (addTenant(values, passed, encodedTenant(dialect, scope)).length > 0) {
    throw new TenantMismatchError(
      'Give confine() values: where a row names its tenant, a placeholder of Drizzle says nothing yet.',
    );
  }
  return { text: passed.text, params: values };
}

function knownOf(tables: ConfineOptions['tables'], functions: readonly string[]): Known {
  let byFunctions = known.get(tables);
  if (!byFunctions) known.set(tables, (byFunctions = new Map()));
  const key = JSON.stringify([...functions].sort());
  let found = byFunctions.get(key);
  if (!found) {
    refuseTextRunners(functions);
    const own = Object.values(tables).filter(
      (it): it is object => typeof it === 'object' && it !== null && classOf(it) !== undefined,
    );
    const tenancies = new Set(
      own.flatMap((it) => (classOf(it)!.kind === 'tenant' ? [(classOf(it) as { tenancy: AnyTenancy }).tenancy] : [])),
    );
    if (tenancies.size === 0)
      throw new UnsupportedTenantOperationError(
        'Give confine() the tables made with tenantTable(), as in { tables: schema }: there is none among these.',
      );
    byFunctions.set(key, (found = { gate: new Gate(own, true, new Set(functions)), tenancies: [...tenancies] }));
  }
  return found;
}

// Whoever needs it hears what is wrong.
loadParser().catch(() => {});
