export {
  RawSqlNotScopedError,
  TenantMismatchError,
  UnscopedTableError,
  UnsupportedTenantOperationError,
} from '../../../src/index.js';
export { account } from '../../support/schema.js';
