/** Each entry point, as far as an import goes. */
import { defineTenantConfig } from 'drizzle-tenant/kit';
import { TenantDb } from 'drizzle-tenant/effect';
import { confine } from 'drizzle-tenant/sql';
import { expectIsolated, freshDatabase, proveScoped } from 'drizzle-tenant/testing';
import { testLayer } from 'drizzle-tenant/testing/effect';

const config = defineTenantConfig({ dialect: 'postgresql', schema: './schema.ts', tenancy: { citus: false } });
if (config.dialect !== 'postgresql') throw new Error('the config lost its dialect');
for (const entry of [TenantDb.Service, confine, expectIsolated, freshDatabase, proveScoped, testLayer]) {
  if (typeof entry !== 'function') throw new Error('an export is missing');
}
console.log('entries: each entry point loads.');
