import { defineTenantConfig } from './src/kit/index.js';

export default defineTenantConfig({
  dialect: 'postgresql',
  schema: './playground/schema.ts',
  out: './drizzle',
  tenancy: { citus: { shardCount: 32 } },
});
