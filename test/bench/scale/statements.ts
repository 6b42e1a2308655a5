/** How memory grows with the statements that differ, and with the tenants that send one and the same. */
import { gt } from 'drizzle-orm';
import { integer } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';
import { defineTenantRelations, tenantTable, withTenancy } from '../../../src/index.js';
import { account } from '../tenants.js';
import { idOf, Migrations } from './fill.js';
import { heap, serverMemory } from './memory.js';

export interface Statements {
  readonly statements: number;
  readonly tenants: number;
  /** Bytes of this library and postgres.js. */
  readonly client: number;
  /** What the server keeps for the connection, and how many bytes it takes. */
  readonly prepared: number;
  readonly server: number;
}

const columns = Array.from({ length: 14 }, (_, i) => `c${i}`);
const wide = tenantTable('wide', {
  accountId: account.id('account_id'),
  id: integer().primaryKey(),
  ...(Object.fromEntries(columns.map((it) => [it, integer().notNull().default(0)])) as Record<string, any>),
});
/** Statement n selects the columns of its bits: no two have the same text. */
const chosen = (n: number): Record<string, any> =>
  Object.fromEntries(
    ['id', ...columns.filter((_, bit) => (n >> bit) & 1)].map((it) => [it, (wide as Record<string, any>)[it]]),
  );

/**
 * @param open a new client of one connection
 * @param cases how many statements, and how many tenants send each of them
 */
export async function statements(
  open: () => postgres.Sql,
  cases: readonly (readonly [statements: number, tenants: number])[],
): Promise<Statements[]> {
  const admin = open();
  await new Migrations(admin).to({ wide });
  const found: Statements[] = [];
  // The first is for what is loaded once, and is not counted.
  for (const [turn, [distinct, tenants]] of [[300, 1] as const, ...cases].entries()) {
    const client = open();
    const db: any = withTenancy(drizzle({ client }), { relations: defineTenantRelations({ wide }) });
    await db.ready;
    const send = (n: number, tenant: number) =>
      db
        .forTenant(account.parse(idOf(tenant)))
        .select(chosen(n))
        .from(wide)
        .where(gt(wide.id, 0));
    await send(0, 1);
    const [before, serverBefore] = [await heap(), await serverMemory(client)];
    // Each comes twice, since a text is kept and prepared when it comes back.
    for (let n = 1; n <= distinct; n++)
      for (let tenant = 1; tenant <= Math.max(2, tenants); tenant++) await send(n, Math.min(tenant, tenants));
    const after = await heap();
    const server = (await serverMemory(client)).all - serverBefore.all;
    const [row] =
      await client`select count(*)::int as n from pg_prepared_statements where statement like 'select%"wide"%'
        and statement not like '%pg_prepared%'`;
    await client.end();
    if (turn > 0) found.push({ statements: distinct, tenants, client: after - before, prepared: row!['n'], server });
  }
  await admin.end();
  return found;
}
