/**
 * Tables, handles, relations and errors: the schema of an application, and its queries.
 *
 * @module drizzle-tenant
 */
export * from './schema/index.js';
export { withTenancy } from './data/with-tenancy.js';
export type { TenancyDatabase, TenancyReplicas, TenancyTransaction } from './data/database.types.js';
export type * from './data/index.js';
export type { FairOptions, Waited } from './handle/fair.js';
export { assertNoOwnFunctions, type OwnFunctionsOptions } from './handle/own-functions.js';
export { assertRowLevelSecurity, type RowLevelSecurityOptions } from './rls/check.js';
export type {
  AcrossTenantsDatabase,
  PreparedForTenant,
  SharedDatabase,
  TenantDatabase,
  TenantsDatabase,
  TenantTransaction,
  WithTenancyOptions,
} from './handle/database.types.js';
export type { TenantSelect } from './handle/select.types.js';
export type { TenantDelete, TenantInsert, TenantUpdate } from './handle/write.types.js';
