/** Each entry point, as far as an import goes. */
import { defineTenantConfig } from 'drizzle-tenant/kit';
import { TenantDb } from 'drizzle-tenant/effect';
import { expectIsolated, proveScoped, testLayer } from 'drizzle-tenant/testing';

const config = defineTenantConfig({ dialect: 'postgresql', schema: './schema.ts', tenancy: { citus: false } });
if (config.dialect !== 'postgresql') throw new Error('the config lost its dialect');
for (const entry of [TenantDb.Service, expectIsolated, proveScoped, testLayer]) {
  if (typeof entry !== 'function') throw new Error('an export is missing');
}
console.log('entries: each entry point loads.');
