/**
 * Migrations for tenant tables: {@link defineTenantConfig} for `drizzle.config.ts`, and what programs need that call
 * `drizzle-kit/api-postgres` themselves.
 *
 * @module drizzle-tenant/kit
 */
export { defineTenantConfig, type PostgresConfig, type TenantConfig } from './config.js';
export { tenantStatements, type SchemaSnapshot, type TenantStatementsInput } from './api.js';
export type { CitusOptions, RuleLevel, TenancyOptions } from './options.js';
export type { Drop, Fill, OnlineSteps } from './online.js';
export { ruleNames, ruleTexts, type Fault, type RuleName } from './faults.js';
export type { TableState, TenancyState } from './state.js';
export * from './errors.js';
