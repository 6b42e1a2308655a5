declare const tenantIdBrand: unique symbol;

/**
 * What makes a value a tenant's id to the compiler, which quotes it where another tenancy's id is given. It has the
 * name of the type that it is part of, since the compiler names it where an id with any value will do.
 */
export interface TenantId<Name extends string> {
  readonly [tenantIdBrand]: `Get it from ${Name}.parse(value)`;
}
