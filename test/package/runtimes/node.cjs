const { drizzle } = require('drizzle-orm/pg-proxy');
const { integer, text, uuid } = require('drizzle-orm/pg-core');
const { tenancy, tenantTable, withTenancy } = require('drizzle-tenant');

const account = tenancy('account', uuid);
const projects = tenantTable('projects', {
  accountId: account.id('account_id'),
  id: integer().primaryKey(),
  name: text().notNull(),
});
const db = withTenancy(
  drizzle(async (sql, params, method) =>
    (await fetch(process.env.URL, { method: 'POST', body: JSON.stringify({ sql, params, method }) })).json(),
  ),
);
const seen = (id) =>
  db
    .forTenant(account.parse(id))
    .select()
    .from(projects)
    .then((rows) => `${rows[0].name}, ${rows.length} of them`);
Promise.all(['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'].map(seen)).then((all) =>
  console.log(all.join('; ')),
);
