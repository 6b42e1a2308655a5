export * from '../errors.js';
export {
  tenancy,
  type AnyTenancy,
  type Tenancy,
  type TenantColumnBuilder,
  type TenantColumnFactory,
  type TenantId,
  type TenantRefBuilder,
} from './tenancy.js';
export {
  alias,
  getColumns,
  getTableColumns,
  referenceTable,
  tenantSchema,
  tenantTable,
  tenantTableCreator,
  unscoped,
  type TenantTables,
} from './table.js';
export type {
  AnyReferenceTable,
  AnyTenantTable,
  InferInsertModel,
  InferSelectModel,
  ReferenceTable,
  ReferenceTableFn,
  TenancyOf,
  TenantTable,
  TenantTableFn,
  TenantTypeError,
} from './table.types.js';
export type { SafeParsedId } from './parsed-id.js';
export { defineTenantRelations, type TenantRelations } from './relations.js';
