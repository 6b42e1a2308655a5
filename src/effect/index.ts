/**
 * `drizzle-tenant/effect`: the tenant's database as an Effect service.
 *
 * @module drizzle-tenant/effect
 */
export * as TenantHttpApi from './http-api.js';
export * as TenantDb from './tenant-db-module.js';
export {
  AuthenticationError,
  CancelledError,
  CheckViolation,
  ConnectionError,
  DbError,
  DeadlockError,
  ExclusionViolation,
  ForeignKeyViolation,
  LockTimeoutError,
  NotNullViolation,
  QueryError,
  RollbackError,
  SerializationError,
  StatementTimeoutError,
  UniqueViolation,
  type DbErrorReason,
} from './db-error.js';
export { tenantData, type EffectTenantData, type TenantDataFailure } from './tenant-data.js';
