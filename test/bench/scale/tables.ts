/** How costs grow with the number of tables that are declared, and that a connection has asked. */
import { index, text, uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';
import { defineTenantRelations, tenantTable, withTenancy } from '../../../src/index.js';
import { account } from '../tenants.js';
import { costOf } from './explain.js';
import { idOf, Migrations } from './fill.js';
import { heap, serverMemory } from './memory.js';

export interface Tables {
  readonly tables: number;
  /** Buffers of planning a statement: the first of a connection, and the same again. */
  readonly firstPlanning: number;
  readonly planning: number;
  /** Bytes of the process that serves one connection, once it has asked every table: more than before. */
  readonly server: number;
  /** Bytes of this library once it has asked every table: the declarations, and what the gate keeps. */
  readonly library: number;
}

const oneTable = (n: number) =>
  tenantTable(
    `table_${n}`,
    { accountId: account.id('account_id'), id: uuid().primaryKey(), name: text().notNull() },
    (t) => [index(`table_${n}_name`).on(t.name)],
  );
export const declareTables = (n: number) =>
  Object.fromEntries(Array.from({ length: n }, (_, i) => [`table${i}`, oneTable(i)] as const));

const tenant = account.parse(idOf(1));

/** @param open a new client of one connection */
export async function tables(open: () => postgres.Sql, counts: readonly number[]): Promise<Tables[]> {
  const admin = open();
  await new Migrations(admin).to(declareTables(Math.max(...counts)));
  await admin.unsafe('vacuum analyze');
  const found: Tables[] = [];
  // The first is for what is loaded once, and is not counted.
  for (const [turn, n] of [Math.max(...counts), ...counts].entries()) {
    const client = open();
    await client`select 1`;
    const before = await heap();
    const schema: Record<string, any> = declareTables(n);
    const db: any = withTenancy(drizzle({ client }), { relations: defineTenantRelations(schema) });
    await db.ready;
    const tdb = db.forTenant(tenant);
    const query = () => tdb.select().from(schema['table0']).limit(20);
    const { sql, params } = query().toSQL();
    const [row] = (await client.unsafe(`explain (buffers, format json) ${sql}`, params as any[])) as any;
    const planned = row['QUERY PLAN'][0]['Planning'];
    const cost = await costOf(client, sql, params);
    const serverBefore = await serverMemory(client);
    for (const table of Object.values(schema)) await tdb.select().from(table).limit(20);
    const server = (await serverMemory(client)).all - serverBefore.all;
    const library = (await heap()) - before;
    await client.end();
    if (turn === 0) continue;
    found.push({
      tables: n,
      firstPlanning: planned['Shared Hit Blocks'] + planned['Shared Read Blocks'],
      planning: cost.planning,
      server,
      library,
    });
  }
  await admin.end();
  return found;
}
