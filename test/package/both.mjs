/**
 * Tables of the CommonJS copy in handles of the ES modules, and the other way round: all is refused, with the reason.
 */
import { createRequire } from 'node:module';
import { drizzle } from 'drizzle-orm/pg-proxy';

const require = createRequire(import.meta.url);
const copies = [await import('drizzle-tenant'), require('drizzle-tenant')];
const pg = [await import('drizzle-orm/pg-core'), require('drizzle-orm/pg-core')];
const sent = [];
const client = drizzle(async (text) => (sent.push(text), { rows: [] }));
const declared = copies.map((copy, i) => {
  const account = copy.tenancy('account', pg[i].uuid);
  const projects = copy.tenantTable(`projects_${i}`, {
    accountId: account.id('account_id'),
    id: pg[i].integer().primaryKey(),
  });
  return { account, projects, relations: copy.defineTenantRelations({ projects }) };
});
const id = declared[0].account.parse('11111111-1111-4111-8111-111111111111');

for (const [copy, { projects, relations }, own] of [
  [copies[0], declared[1], declared[0]],
  [copies[1], declared[0], declared[1]],
]) {
  const db = copy.withTenancy(client);
  const calls = [
    () => db.forTenant(id).select().from(projects),
    () => db.forTenant(id).select().from(own.projects).crossJoin(projects),
    () => db.forTenant(id).insert(projects).values({ id: 1 }),
    () => db.forTenant(id).update(projects).set({ id: 1 }),
    () => db.forTenant(id).delete(projects),
    () => db.acrossTenants({ reason: 'both' }).select().from(projects),
    () => db.shared.select().from(projects),
    async () => copy.withTenancy(client, { relations }).forTenant(id).query.projects.findMany(),
  ];
  for (const call of calls) {
    const error = await (async () => call())().then(
      () => undefined,
      (it) => it,
    );
    const message = error?.cause?._tag ? error.cause.message : error?.message;
    if (!message?.includes('is loaded 2 times here')) throw new Error(`${call}: ${error}`);
  }
  await db.forTenant(id).select().from(own.projects);
}
if (sent.length !== 2) throw new Error(`sent: ${sent.join('; ')}`);
console.log('both: each copy refuses what the other declared.');
