import { defineTenantConfig } from './src/kit/index.js'; // 'drizzle-tenant/kit' in an application

export default defineTenantConfig({
  dialect: 'postgresql',
  schema: './playground/schema.ts',
  out: './drizzle',
  dbCredentials: { url: process.env.DATABASE_URL ?? 'postgres://postgres@localhost:5432/postgres' },
  tenancy: { citus: { shardCount: 32 } },
});
