export * from './schema/index.js';
export { withTenancy } from './data/with-tenancy.js';
export type * from './data/index.js';
export type { FairOptions, Waited } from './handle/fair.js';
export { assertRowLevelSecurity, type RowLevelSecurityOptions } from './scope/row-level-security.js';
export type {
  AcrossTenantsDatabase,
  PreparedForTenant,
  SharedDatabase,
  TenancyDatabase,
  TenancyTransaction,
  TenantDatabase,
  TenantsDatabase,
  TenantTransaction,
  WithTenancyOptions,
} from './scope/database.types.js';
export type { TenantSelect } from './scope/select.types.js';
export type { TenantDelete, TenantInsert, TenantUpdate } from './scope/write.types.js';
