import { defineTenantConfig } from 'drizzle-tenant/kit';

export default defineTenantConfig({
  dialect: 'postgresql',
  schema: './src/schema.ts',
  out: './drizzle',
  dbCredentials: { url: process.env.DATABASE_URL! },
  tenancy: { citus: { shardCount: 32 } },
});
export const named = defineTenantConfig({
  dialect: 'postgresql',
  schema: './src/schema.ts',
  tenancy: { citus: false, rls: true },
});
