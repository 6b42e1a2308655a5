/**
 * A tenancy is one kind of tenant: accounts, workspaces, schools. It hands out the tenant column of every
 * table that belongs to such a tenant, and it is the only way from an unknown value to a `TenantId`.
 */
import { pgTable, type PgColumn, type PgColumnBuilder, type Set$Type, type SetNotNull } from 'drizzle-orm/pg-core';
import { InvalidTenantIdError, TenantDefinitionError } from '../errors.js';
import { refusedId } from '../pages.js';
import { markEverybody } from './everybody.js';
import { isSameColumn } from './same-column.js';
import { checkFor, type IdValue } from './tenant-id.js';
import type { TenantId as TenantIdBrand } from './tenant-id-brand.js';
import type { SafeParsedId, StandardSchema } from './parsed-id.js';

export declare const tenantColumn: unique symbol;

/**
 * The id of a tenant of the tenancy `Name`: the column's ordinary value with a brand, so that no plain string or number
 * is one. Get it from {@link Tenancy.parse}, or from a row's tenant column. `TenantId<'account'>` accepts every id of
 * the tenancy; `typeof account.$id`, as in `TenantId<'account', string>`, reads as its value, too.
 */
export type TenantId<Name extends string, Value = unknown> = TenantIdBrand<Name> & Value;

/** Marks a column that `id()` made: in what is sent to the driver, where nothing but this library looks. */
export interface TenantParam<Name extends string> {
  readonly [tenantColumn]?: Name;
}

/** A column builder whose column names the tenant. Made by {@link Tenancy.id}. */
export type TenantColumnBuilder<Name extends string, TBuilder> = Set$Type<
  SetNotNull<TBuilder>,
  TenantId<Name, BuilderData<TBuilder>>
> & {
  readonly _: { readonly tenancy: Name; readonly driverParam: TenantParam<Name> };
};

/** The builder of a tenant column that may be NULL. */
export type EverybodyColumnBuilder<Name extends string, TBuilder> = Set$Type<
  TBuilder,
  TenantId<Name, BuilderData<TBuilder>>
> & {
  readonly _: { readonly tenancy: Name; readonly driverParam: TenantParam<Name> };
};

/** A column builder whose column holds a tenant's id. Made by {@link Tenancy.ref}. */
export type TenantRefBuilder<Name extends string, TBuilder> = Set$Type<TBuilder, TenantId<Name, BuilderData<TBuilder>>>;

/** Drizzle's column factories for PostgreSQL: `uuid`, `text`, `integer`, `() => bigint({ mode: 'number' })`. */
export type TenantColumnFactory = (name: string) => PgColumnBuilder<any, any>;

export type BuilderData<TBuilder> = TBuilder extends { readonly _: { data: infer Data } } ? Data : never;

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
   * A tenant column that may be NULL, where NULL means everybody's row: every tenant reads it, and none writes it. Such
   * rows are written through `acrossTenants`. Not on Citus.
   *
   * @param dbName the column's name in the database; without it, the key in the table
   * @example accountId: account.id('account_id', { everybody: true })
   */
  id(dbName: string | undefined, options: { readonly everybody: true }): EverybodyColumnBuilder<Name, TBuilder>;
  /**
   * A plain column that holds an id of the tenancy, and is not the tenant column of its table: the second of two
   * tenancies, or a row that names another tenant.
   *
   * @param dbName the column's name in the database; without it, the key in the table
   * @returns the ordinary builder, with data type `TenantId<Name>`; it may be NULL, and written like any other
   * @example invitedBy: account.ref()
   */
  ref(dbName?: string): TenantRefBuilder<Name, TBuilder>;
  /**
   * Turns an unknown value into a tenant's id.
   *
   * @param value anything: a header, a claim of a token, a job's payload
   * @returns the id, in the form in which PostgreSQL prints it (a uuid in lower case)
   * @throws InvalidTenantIdError when the value is not one of the column's type
   * @example const id = account.parse(request.headers['x-account'])
   */
  parse(value: unknown): TenantId<Name, Data>;
  /**
   * `parse` without throwing, for ids from outside: a wrong one is an answer like any other there.
   *
   * @param value anything: a parameter of a URL, a header, a webhook's body
   * @returns `success` with the id as `data`, or without, with the InvalidTenantIdError that `parse` throws as `error`
   * @example
   * const parsed = account.safeParse(request.headers['x-account']);
   * const rows = parsed.success ? await db.forTenant(parsed.data).select().from(projects) : [];
   */
  safeParse(value: unknown): SafeParsedId<Name, Data>;
  /** Standard Schema v1: any validator that speaks it can decode a tenant id. */
  readonly '~standard': StandardSchema<TenantId<Name, Data>>;
  readonly $inferData: Data;
  /** The type of an id, as in `typeof account.$id`. For the compiler only. */
  readonly $id: TenantId<Name, Data>;
}

export type AnyTenancy = Tenancy<any, any, any>;

const tenancyMark = Symbol('drizzle-tenant:tenancy');
/**
 * Shared by all copies of this package: the command line loads a schema that uses another. Nothing that confines reads
 * it.
 */
const referenceMark = Symbol.for('drizzle-tenant:reference');
const checks = new WeakMap<object, (value: unknown) => IdValue | undefined>();
const columns = new WeakMap<object, PgColumn>();
const factories = new WeakMap<object, TenantColumnFactory>();

/** The tenancy whose `id()` made this column, or undefined. A copy made by `toBuilder` or an alias keeps it. */
export function tenancyOfColumn(column: object): AnyTenancy | undefined {
  const mark = (column as { config?: Record<symbol, unknown> }).config?.[tenancyMark];
  return typeof mark === 'object' && mark !== null && checks.has(mark) ? (mark as AnyTenancy) : undefined;
}

/** The tenancy whose `ref()` made this column, or undefined. */
export const tenancyReferredTo = (column: object): unknown =>
  (column as { config?: Record<symbol, unknown> }).config?.[referenceMark];

/**
 * Declares a kind of tenant, once. A tenancy is known by its name and the type of its column: where a module is
 * evaluated again, as a development server does, the same one is returned.
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
  if (typeof name !== 'string' || name === '')
    throw new TenantDefinitionError('-', '-', 'Give the tenancy a name, as in tenancy("account", uuid)');
  if (typeof column !== 'function')
    throw new TenantDefinitionError(
      '-',
      '-',
      `Pass the tenancy "${name}" a function that makes its column, as in tenancy("${name}", uuid)`,
    );
  const declaredColumn = pgTable('tenancy', { id: column('id') }).id;
  const again = declared.find(
    (it) => it.name === name && (factories.get(it) === column || isSameColumn(columns.get(it)!, declaredColumn)),
  );
  if (again) return again;
  const check = checkFor(name, declaredColumn);
  const builder = (dbName: string | undefined) => {
    const made = (column as any)();
    if (dbName !== undefined) Object.assign(made.config, { name: dbName, keyAsName: false });
    return made;
  };
  const safeParse = (value: unknown): SafeParsedId<Name> => {
    const checked = check(value);
    return typeof checked === 'object'
      ? { success: false, error: new InvalidTenantIdError(name, checked.reason) }
      : { success: true, data: checked as unknown as TenantId<Name> };
  };
  const parse = (value: unknown): TenantId<Name> => {
    const { error, data } = safeParse(value);
    if (error) throw error;
    return data;
  };
  const self = Object.freeze({
    name,
    id(dbName?: string, options?: { readonly everybody?: boolean }) {
      const made = options?.everybody === true ? markEverybody(builder(dbName)) : builder(dbName).notNull();
      made.config[tenancyMark] = self;
      // Only so does drizzle-kit's hook know a plain table that has such a column. In an application nobody listens.
      (globalThis as any)[Symbol.for('drizzle-tenant:kit:column')]?.(made, name);
      return made;
    },
    ref(dbName?: string) {
      const made = builder(dbName);
      made.config[referenceMark] = self;
      return made;
    },
    parse,
    safeParse,
    '~standard': Object.freeze({
      version: 1,
      vendor: 'drizzle-tenant',
      validate: (value: unknown) => {
        const { error, data } = safeParse(value);
        return error ? { issues: [{ message: refusedId(name, error.reason) }] } : { value: data };
      },
    }),
  }) as any;
  checks.set(self, (value) => {
    const checked = check(value);
    return typeof checked === 'object' ? undefined : checked;
  });
  columns.set(self, declaredColumn);
  factories.set(self, column);
  declared.push(self);
  return self;
}

const declared: AnyTenancy[] = [];

/** Every tenancy of the process. */
export const declaredTenancies = (): readonly AnyTenancy[] => declared;

/** The value as an id of the tenancy, in its one spelling, or undefined when it is not of its type. */
export const idOf = (value: unknown, tenancy: AnyTenancy): IdValue | undefined => checks.get(tenancy)!(value);

/** The tenancy's column: it encodes an id. */
export const columnOf = (tenancy: AnyTenancy): PgColumn => columns.get(tenancy)!;

/** What the database is sent for an id of the tenancy, before the driver writes it as text. */
export const driverValueOf = (id: unknown, tenancy: AnyTenancy): unknown => columns.get(tenancy)!.mapToDriverValue(id);
