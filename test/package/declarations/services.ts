import * as Effect from 'effect/Effect';
import { TenantDb } from 'drizzle-tenant/effect';
import { account, projects, relations } from './schema.js';

export class Db extends TenantDb.Service<Db>()('Db', { tenancy: account, relations }) {}
export const list = Effect.gen(function* () {
  const tdb = yield* Db;
  return yield* tdb.select().from(projects);
});
