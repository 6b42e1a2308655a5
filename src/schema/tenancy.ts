/**
 * A tenancy is one kind of tenant: accounts, workspaces, schools. It hands out the tenant column of every
 * table that belongs to such a tenant, and it is the only way from an unknown value to a `TenantId`.
 */
import { pgTable, type PgColumn, type PgColumnBuilder, type Set$Type, type SetNotNull } from 'drizzle-orm/pg-core';
import { InvalidTenantIdError, TenantDefinitionError } from '../errors.js';

declare const tenantIdBrand: unique symbol;

/**
 * The id of a tenant of the tenancy `Name`. Opaque: no plain string or number is one. Get it from
 * {@link Tenancy.parse}, or from a row's tenant column. At run time it is the column's ordinary value.
 * The compiler quotes the brand where another tenancy's id is given.
 */
export interface TenantId<Name extends string> {
  readonly [tenantIdBrand]: `Get it from ${Name}.parse(value)`;
}

/** A column builder whose column names the tenant. Made by {@link Tenancy.id}. */
export type TenantColumnBuilder<Name extends string, TBuilder> = Set$Type<SetNotNull<TBuilder>, TenantId<Name>> & {
  readonly _: { readonly tenancy: Name };
};

/** Drizzle's column factories for PostgreSQL: `uuid`, `text`, `integer`, `() => bigint({ mode: 'number' })`. */
export type TenantColumnFactory = (name: string) => PgColumnBuilder<any, any>;

export type BuilderData<TBuilder> = TBuilder extends { readonly _: { data: infer Data } } ? Data : never;

/** Standard Schema v1, as published at standardschema.dev. */
export interface StandardSchema<Output> {
  readonly version: 1;
  readonly vendor: 'drizzle-tenant';
  readonly validate: (
    value: unknown,
  ) => { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly { readonly message: string }[] };
  readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
}

/** One kind of tenant. Made by {@link tenancy}. */
export interface Tenancy<Name extends string = string, Data = any, TBuilder = any> {
  readonly name: Name;
  /**
   * The tenant column: NOT NULL, with data type `TenantId<Name>`, otherwise the ordinary builder.
   *
   * @param dbName the column's name in the database; without it, the key in the table
   * @example accountId: account.id().references(() => accounts.id, { onDelete: 'cascade' })
   */
  id(dbName?: string): TenantColumnBuilder<Name, TBuilder>;
  /**
   * Turns an unknown value into a tenant's id.
   *
   * @param value anything: a header, a claim of a token, a job's payload
   * @returns the id, in the form in which PostgreSQL prints it (a uuid in lower case)
   * @throws InvalidTenantIdError when the value is not one of the column's type
   * @example const id = account.parse(request.headers['x-account'])
   */
  parse(value: unknown): TenantId<Name>;
  /** Standard Schema v1: any validator that speaks it can decode a tenant id. */
  readonly '~standard': StandardSchema<TenantId<Name>>;
  readonly $inferData: Data;
}

export type AnyTenancy = Tenancy<any, any, any>;

const tenancyMark = Symbol('drizzle-tenant:tenancy');
const checks = new WeakMap<object, (value: unknown) => string | number | bigint | undefined>();
const columns = new WeakMap<object, PgColumn>();

/** The tenancy whose `id()` made this column, or undefined. A copy made by `toBuilder` or an alias keeps it. */
export function tenancyOfColumn(column: object): AnyTenancy | undefined {
  const mark = (column as { config?: Record<symbol, unknown> }).config?.[tenancyMark];
  return typeof mark === 'object' && mark !== null && checks.has(mark) ? (mark as AnyTenancy) : undefined;
}

/**
 * Declares a kind of tenant, once.
 *
 * @param name what such a tenant is called
 * @param column a Drizzle column factory: the type of the tenants' key
 * @returns the tenancy
 * @throws TenantDefinitionError when the name is empty, or the column's values cannot name a tenant
 * @example
 * const account = tenancy('account', uuid);
 * const school = tenancy('school', () => bigint({ mode: 'number' }));
 */
export function tenancy<const Name extends string, TFactory extends TenantColumnFactory>(
  name: Name,
  column: TFactory,
): Tenancy<Name, BuilderData<ReturnType<TFactory>>, ReturnType<TFactory>> {
  if (typeof name !== 'string' || name === '') {
    throw new TenantDefinitionError('-', '-', 'Give the tenancy a name, as in tenancy("account", uuid)');
  }
  if (typeof column !== 'function') {
    throw new TenantDefinitionError('-', '-', `Pass the tenancy "${name}" a function that makes its column, as in tenancy("${name}", uuid)`);
  }
  const declaredColumn = pgTable('tenancy', { id: column('id') }).id;
  const check = checkFor(name, declaredColumn);
  const parse = (value: unknown): TenantId<Name> => {
    const checked = check(value);
    if (typeof checked === 'object') throw new InvalidTenantIdError(name, checked.reason);
    remember(checked, self);
    return checked as unknown as TenantId<Name>;
  };
  const self = Object.freeze({
    name,
    id(dbName?: string) {
      const builder = (column as any)().notNull();
      if (dbName !== undefined) Object.assign(builder.config, { name: dbName, keyAsName: false });
      builder.config[tenancyMark] = self;
      return builder;
    },
    parse,
    '~standard': Object.freeze({
      version: 1,
      vendor: 'drizzle-tenant',
      validate: (value: unknown) => {
        const checked = check(value);
        return typeof checked === 'object'
          ? { issues: [{ message: new InvalidTenantIdError(name, checked.reason).message }] }
          : { value: parse(checked) };
      },
    }),
  }) as any;
  checks.set(self, (value) => {
    const checked = check(value);
    return typeof checked === 'object' ? undefined : checked;
  });
  columns.set(self, declaredColumn);
  declared.push(self);
  return self;
}

/**
 * At run time an id is a plain value, and two tenancies may have keys of one type. Which of them parsed a value
 * is remembered, so that a handle made from an account's id is refused a workspace's table even where a cast hid
 * the difference from the compiler. Bounded; a value that is no longer known is judged by its type alone.
 */
const parsedBy = new Map<unknown, AnyTenancy | 'several'>();
const parsedByLimit = 50_000;
const declared: AnyTenancy[] = [];

/** Every tenancy of the process. */
export const declaredTenancies = (): readonly AnyTenancy[] => declared;

function remember(value: unknown, tenancy: AnyTenancy): void {
  if (declared.length < 2) return;
  const known = parsedBy.get(value);
  if (known === tenancy || known === 'several') return;
  if (parsedBy.size >= parsedByLimit) parsedBy.delete(parsedBy.keys().next().value);
  parsedBy.set(value, known === undefined ? tenancy : 'several');
}

/** The value as an id of the tenancy, or undefined when it is not of its type, or known as another tenancy's. */
export function idOf(value: unknown, tenancy: AnyTenancy): string | number | bigint | undefined {
  const known = parsedBy.get(value);
  if (known !== undefined && known !== 'several' && known !== tenancy) return undefined;
  return checks.get(tenancy)!(value);
}

/** The tenancy's column: it encodes an id. */
export const columnOf = (tenancy: AnyTenancy): PgColumn => columns.get(tenancy)!;

/** What the database is sent for an id of the tenancy, before the driver writes it as text. */
export const driverValueOf = (id: unknown, tenancy: AnyTenancy): unknown => columns.get(tenancy)!.mapToDriverValue(id);

export type Check = (value: unknown) => string | number | bigint | { readonly reason: string };

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const integerRanges: Record<string, readonly [bigint, bigint]> = {
  int8: [-(2n ** 7n), 2n ** 7n - 1n],
  int16: [-(2n ** 15n), 2n ** 15n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int53: [BigInt(Number.MIN_SAFE_INTEGER), BigInt(Number.MAX_SAFE_INTEGER)],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};

function checkFor(name: string, column: PgColumn): Check {
  const [type, constraint] = (column.dataType as string).split(' ') as [string, string | undefined];
  const sqlType = column.getSQLType();
  const range = constraint === undefined ? undefined : integerRanges[constraint];
  const wrong = (value: unknown) => ({ reason: `expected ${sqlType}, got ${kindOf(value)}` });
  const inRange = (value: bigint) => range === undefined || (value >= range[0] && value <= range[1]);

  if (column.dimensions === 0 && type === 'string' && constraint === 'uuid') {
    return (value) => {
      if (typeof value !== 'string') return wrong(value);
      if (uuid.test(value)) return value;
      const lower = value.toLowerCase();
      return uuid.test(lower) ? lower : wrong(value);
    };
  }
  if (column.dimensions === 0 && type === 'string' && range) {
    return (value) =>
      typeof value === 'string' && /^(0|-?[1-9]\d{0,19})$/.test(value) && inRange(BigInt(value)) ? value : wrong(value);
  }
  if (column.dimensions === 0 && (type === 'string' || type === 'custom')) {
    return (value) => {
      if (type === 'custom' && (typeof value === 'number' ? Number.isFinite(value) : typeof value === 'bigint')) {
        return value as number | bigint;
      }
      if (typeof value !== 'string') return wrong(value);
      if (value === '') return { reason: 'it is empty' };
      if (value.includes('\0')) return { reason: 'it contains a NUL character, which PostgreSQL cannot store' };
      if (!value.isWellFormed()) return { reason: 'it is not well-formed Unicode' };
      if (column.length !== undefined && [...value].length > column.length) return { reason: `it is longer than ${sqlType}` };
      if (column.enumValues && !column.enumValues.includes(value)) return { reason: `it is not a value of ${sqlType}` };
      return value;
    };
  }
  if (column.dimensions === 0 && type === 'number' && range) {
    return (value) =>
      typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0) && inRange(BigInt(value))
        ? value
        : wrong(value);
  }
  if (column.dimensions === 0 && type === 'bigint') {
    return (value) => (typeof value === 'bigint' && inRange(value) ? value : wrong(value));
  }
  throw new TenantDefinitionError(
    '-',
    'id',
    `Use a uuid, text, integer or bigint column for the tenancy "${name}": a value of ${sqlType} cannot name a tenant`,
  );
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === '') return 'an empty string';
  if (typeof value === 'number') return Number.isNaN(value) ? 'NaN' : Number.isInteger(value) ? 'a number' : 'a fraction';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'undefined') return 'undefined';
  return `${/^[aeiou]/.test(typeof value) ? 'an' : 'a'} ${typeof value}`;
}
