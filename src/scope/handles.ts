/** The dialects of handles: no other object that inherits from one builds or renders in its name. */
import type { PgDialect } from 'drizzle-orm/pg-core';
import { UnsupportedTenantOperationError } from '../errors.js';
import type { Tenant } from './guards.js';
import type { Scope } from './scope.js';

/** Drizzle's dialect with a scope. */
export interface ScopedDialect extends PgDialect {
  readonly scope: Scope;
}

/** What a handle's dialect adds to the dialect that all of them share. */
class Handle {
  readonly #scope: Scope;
  #encoded: { readonly tenancy: unknown; readonly tenant: Tenant } | undefined;
  /** Handles of two tenants, and their queries, are not alike for what compares or serializes them. */
  readonly whose: string;

  constructor(scope: Scope) {
    this.#scope = scope;
    this.whose = scope.whose;
    Object.freeze(this);
  }

  get scope(): Scope {
    return this.#scope;
  }

  static is(dialect: object): boolean {
    return #scope in dialect;
  }

  /**
   * @param encode is asked once, and again where a statement has told the scope its tenancy since
   * @returns what the driver is given for the tenant
   */
  tenant(encode: (scope: Scope) => Tenant): Tenant {
    const { tenancy } = this.#scope;
    if (!this.#encoded || this.#encoded.tenancy !== tenancy) this.#encoded = { tenancy, tenant: encode(this.#scope) };
    return this.#encoded.tenant;
  }
}

export const tenantOf = (dialect: object, encode: (scope: Scope) => Tenant): Tenant =>
  Handle.prototype.tenant.call(dialect as Handle, encode);

/** The class of the handles of one dialect: what is made of a class is made faster than what is given its prototype. */
export function handlesOf(dialect: object): new (scope: Scope) => ScopedDialect {
  class HandleOf extends Handle {}
  // A dialect leads to no class: its methods would tell another tenant in place of the handle's own.
  Object.defineProperty(HandleOf.prototype, 'constructor', { value: Object });
  Object.setPrototypeOf(
    HandleOf.prototype,
    Object.create(dialect, { scope: Object.getOwnPropertyDescriptor(Handle.prototype, 'scope')! }),
  );
  Object.freeze(HandleOf.prototype);
  return HandleOf as any;
}

export function assertHandle(dialect: object): void {
  if (!Handle.is(dialect))
    throw new UnsupportedTenantOperationError(
      'Build and run queries with a handle of withTenancy(): this dialect is not its own.',
    );
}
