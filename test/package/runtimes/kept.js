/** A database that a development server keeps, while the modules are evaluated again. */
import { drizzle } from 'drizzle-orm/pg-proxy';
import { withTenancy } from 'drizzle-tenant';
import { account, projects, relations } from './schema.js';

const ask = async (sql, params, method) =>
  (await fetch(process.env.URL, { method: 'POST', body: JSON.stringify({ sql, params, method }) })).json();
globalThis.db ??= withTenancy(drizzle(ask), { relations });

/** @returns what the first or the second tenant sees */
export async function list(i) {
  const tdb = globalThis.db.forTenant(
    account.parse(`${i}`.repeat(8) + `-${i}${i}${i}${i}-4${i}${i}${i}-8${i}${i}${i}-` + `${i}`.repeat(12)),
  );
  const rows = await tdb.select().from(projects);
  const found = await tdb.query.projects.findMany();
  return `${rows[0]?.name}, ${found.length} of them`;
}
