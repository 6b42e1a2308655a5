/** On Citus: how what each connection of the coordinator pays grows with shards, and with tables. */
import { drizzle } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';
import { withTenancy } from '../../../src/index.js';
import { account } from '../tenants.js';
import { costOf } from './explain.js';
import { connect, idOf, Migrations } from './fill.js';
import { serverMemory } from './memory.js';
import { declareTables } from './tables.js';

export interface Shards {
  readonly shards: number;
  readonly tables: number;
  /** Rows of `pg_dist_placement`, on every node. */
  readonly placements: number;
  /** Seconds that the migration took which made them: the one figure here that a clock gave. */
  readonly seconds: number;
  /** Buffers of planning a statement: the first of a connection, and the same again. */
  readonly firstPlanning: number;
  readonly planning: number;
  readonly tasks: number;
  /** Bytes of one connection's process once it has asked every table, and what of it is Citus's cache of shards. */
  readonly server: number;
  readonly shardCache: number;
}

/** @param admin a client of an empty database with Citus, which is left empty */
export async function shards(
  admin: postgres.Sql,
  url: string,
  cases: readonly (readonly [shards: number, tables: number])[],
): Promise<Shards[]> {
  const found: Shards[] = [];
  for (const [count, tables] of cases) {
    const begin = performance.now();
    const migrations = new Migrations(admin, { shardCount: count });
    // Not all in one transaction: it would take a lock on each shard and each index of it.
    for (let n = Math.min(tables, 10); n <= tables; n += 10) await migrations.to(declareTables(n));
    const seconds = (performance.now() - begin) / 1e3;
    const client = connect(url);
    const schema: Record<string, any> = declareTables(tables);
    const db: any = withTenancy(drizzle({ client }));
    await db.ready;
    const tdb = db.forTenant(account.parse(idOf(1)));
    const { sql, params } = tdb.select().from(schema['table0']).limit(20).toSQL();
    await client`select 1`;
    const before = await serverMemory(client);
    const [row] = (await client.unsafe(`explain (analyze, buffers, format json) ${sql}`, params as any[])) as any;
    const planned = row['QUERY PLAN'][0]['Planning'];
    const { planning, tasks } = await costOf(client, sql, params);
    for (const table of Object.values(schema)) await tdb.select().from(table).limit(20);
    const after = await serverMemory(client);
    const [{ placements }] = (await client`select count(*)::int as placements from pg_dist_placement`) as any;
    await client.end();
    const cache = 'MetadataCacheMemoryContext';
    found.push({
      shards: count,
      tables,
      placements,
      seconds: Number(seconds.toFixed(1)),
      firstPlanning: planned['Shared Hit Blocks'] + planned['Shared Read Blocks'],
      planning,
      tasks,
      server: after.all - before.all,
      shardCache: after.of(cache) - before.of(cache),
    });
    console.log(`  ${count} shards x ${tables} tables: ${seconds.toFixed(0)} s`);
    for (const name of Object.keys(schema)) await admin.unsafe(`drop table ${name.replace('table', 'table_')}`);
  }
  return found;
}
