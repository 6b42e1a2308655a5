/**
 * The parameters that stand where a row names its tenant. What the driver is given there is the handle's own tenant as
 * it is encoded, a primitive: it is compared with `===`, and nothing that a value says of itself decides.
 */
import { is, Param, Placeholder } from 'drizzle-orm';
import { ImmutableTenantError, TenantMismatchError } from '../errors.js';
import { columnOf, idOf, type AnyTenancy } from '../schema/tenancy.js';
import type { Passed } from './gate.js';

/**
 * What the driver is given for the tenant: one value, several, any; or the place that a value is put into at each run.
 */
export type Tenant =
  | { readonly kind: 'one'; readonly value: unknown }
  | { readonly kind: 'several'; readonly values: ReadonlySet<unknown> }
  | { readonly kind: 'all'; readonly tenancy: AnyTenancy | undefined }
  | { readonly kind: 'slot'; readonly param: Param };

/** A guarded parameter whose value a placeholder gives at each run. */
export interface Guard {
  readonly param: unknown;
  /** Whether null may be given there, which makes the row everybody's. */
  readonly orEverybody: boolean;
  /** Under which name the value that was looked at is given to the driver. */
  readonly name: string;
}

type Values = Record<string, unknown>;

/**
 * Looks at the guarded parameters. One that is a placeholder becomes another one, which no application can fill in.
 *
 * @returns those that are to be looked at when their values are known
 * @throws TenantMismatchError
 */
export function guard(
  params: unknown[],
  { guards: numbers, orEverybody, assigned }: Pick<Passed, 'guards' | 'orEverybody' | 'assigned'>,
  tenant: Tenant,
): Guard[] {
  const guards: Guard[] = [];
  if (numbers.length === 0 && assigned.length === 0) return guards;
  const nullable = new Set(orEverybody);
  for (const { number, table, column } of assigned) {
    const param = params[number - 1];
    if (tenant.kind === 'one' && param !== tenant.value && !isPlaceholder(param))
      throw new ImmutableTenantError(table, column);
  }
  for (const number of numbers) {
    const param = params[number - 1];
    const mayBeNull = nullable.has(number);
    if (isPlaceholder(param)) {
      const name = Symbol(`drizzle-tenant:guard ${number}`) as unknown as string;
      guards.push({ param, orEverybody: mayBeNull, name });
      // Whoever holds the query holds this, too.
      params[number - 1] = Object.freeze(new Placeholder(name));
    } else check(param, tenant, mayBeNull);
  }
  return guards;
}

/**
 * @param given the values of the placeholders
 * @returns the values to run with, the guarded ones among them as they were looked at
 * @throws TenantMismatchError
 */
export function guardedValues(guards: readonly Guard[], given: Values | undefined, tenant: Tenant): Values {
  const values: Values = { ...given };
  const own: Tenant = tenant.kind === 'slot' ? { kind: 'one', value: filled(tenant.param, values) } : tenant;
  for (const { param, orEverybody, name } of guards) values[name] = check(filled(param, values), own, orEverybody);
  return values;
}

function check(value: unknown, tenant: Tenant, orEverybody: boolean): unknown {
  // Proved of a handle of all tenants only, and looked at once more.
  if (value === null && orEverybody && tenant.kind === 'all') return null;
  const isValue = typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
  if (
    tenant.kind === 'all'
      ? isValue && isIdOf(value, tenant.tenancy)
      : isValue &&
        (tenant.kind === 'one' ? value === tenant.value : tenant.kind === 'several' && tenant.values.has(value))
  )
    return value;
  throw new TenantMismatchError(
    tenant.kind === 'one' || tenant.kind === 'slot'
      ? 'Leave the tenant column out of values(): the handle fills it in, and a row names another tenant. ' +
          "To write for that tenant, use that tenant's handle."
      : 'Name the tenant of each row in its tenant column: ' +
          `a row names none${tenant.kind === 'several' ? " of this handle's tenants" : ''}.`,
  );
}

/** Where the database is sent what the application has, the tenancy says whether it is an id. */
const isIdOf = (value: unknown, tenancy: AnyTenancy | undefined) =>
  tenancy === undefined || !(columnOf(tenancy) as any).mapToDriverValue.isNoop || idOf(value, tenancy) === value;

const isPlaceholder = (param: unknown) => is(param, Placeholder) || (is(param, Param) && is(param.value, Placeholder));

const nameOf = (placeholder: unknown) => (placeholder as { name: string }).name;

/** As Drizzle fills in a placeholder. */
function filled(param: unknown, values: Values): unknown {
  if (is(param, Placeholder)) return values[nameOf(param)];
  const { value, encoder, codec } = param as Param<any>;
  const given = values[nameOf(value)];
  if (given === null || given === undefined) return given;
  const mapped = encoder.mapToDriverValue(given);
  return codec ? (codec as (it: unknown) => unknown)(mapped) : mapped;
}
