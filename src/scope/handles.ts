/** The dialects of handles: no other object that inherits from one builds or renders in its name. */
import type { PgDialect } from 'drizzle-orm/pg-core';
import type { Prover } from '../prover/index.js';
import { UnsupportedTenantOperationError } from '../schema/index.js';
import type { Scope } from './scope.js';
import type { NamedTables } from './shape.js';

/** Drizzle's dialect with a scope. */
export interface ScopedDialect extends PgDialect {
  readonly scope: Scope;
  readonly tables: NamedTables;
  readonly prover: () => Promise<Prover>;
}

const handles = new WeakSet<object>();

/** The dialect of a handle: the scoping dialect, with the handle's scope. */
export function dialectOf(dialect: object, scope: Scope): ScopedDialect {
  const handle = Object.freeze(Object.create(dialect, { scope: { value: scope } }));
  handles.add(handle);
  return handle;
}

export function assertHandle(dialect: object): void {
  if (!handles.has(dialect)) throw new UnsupportedTenantOperationError('Build and run queries with a handle of withTenancy(): this dialect is not its own.');
}
