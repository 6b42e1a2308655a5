/** The application's database as an Effect service: what yields `Db` has a tenant, or does not compile. */
import { TenantDb } from '../../src/effect/index.js';
import { relations } from '../relations.js';
import { account } from '../schema.js';

// In an application of your own: import { TenantDb } from 'drizzle-tenant/effect';
export class Db extends TenantDb.Service<Db>()('app/Db', { tenancy: account, relations }) {}
