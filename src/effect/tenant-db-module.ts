/** What `TenantDb` holds. */
export { Service, ServiceOn } from './tenant-db.js';
export { Metrics } from './telemetry.js';
export type {
  AcrossTenants,
  ConfigOptions,
  Connected,
  Definition,
  DefinitionOn,
  LayerOptions,
  Provide,
  ServiceClass,
  Several,
  Shared,
  TenantsClass,
} from './tenant-db.types.js';
export type {
  AcrossDatabase,
  Database,
  EffectPreparedQuery,
  EffectQuery,
  ReferenceDatabase,
  Select,
  SeveralDatabase,
  Transaction,
} from './database.types.js';
export type { QueryResult, StreamOptions } from './prepared.js';
export type { DbError } from './db-error.js';
