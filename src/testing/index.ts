/**
 * `drizzle-tenant/testing`: a fresh database for each test, `expectIsolated`, with which an application tests its own
 * programs, and `proveScoped`. The same as Effects are in `drizzle-tenant/testing/effect`.
 *
 * @module drizzle-tenant/testing
 */
export { expectIsolated, freshDatabase, type FreshDatabase, type IsolationOptions } from './promises.js';
export { IsolationError } from './isolation.js';
export { TestDatabaseError, type FreshOptions } from './fresh.js';
export { proveScoped, type ProveScopedOptions } from './prove.js';
export { seedTenants, type SeedOptions, type SeedRow } from './seed.js';
