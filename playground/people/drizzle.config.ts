import { defineTenantConfig } from '../../src/kit/index.js';

// In an application of your own: import { defineTenantConfig } from 'drizzle-tenant/kit', and dbCredentials for
// `migrate`.
export default defineTenantConfig({
  dialect: 'postgresql',
  schema: './playground/people/schema.ts',
  out: './playground/people/migrations',
  tenancy: {
    citus: { shardCount: 32 },
    rls: true,
    roles: { application: 'people_app', administrator: 'people_admin' },
  },
});
