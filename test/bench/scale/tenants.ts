/** How what one tenant's question costs grows with the number of tenants, and with that tenant's rows. */
import { drizzle } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';
import { withTenancy } from '../../../src/index.js';
import { account, declare, questions } from '../tenants.js';
import { costOf, type Cost } from './explain.js';
import { fill, idOf, Migrations } from './fill.js';

export interface Among {
  readonly tenants: number;
  /** Projects of each tenant, and as many tasks. */
  readonly each: number;
  /** By question; `asWritten` where the indexes are over everybody's rows. */
  readonly costs: Readonly<Record<string, Cost>>;
  readonly asWritten?: Readonly<Record<string, Cost>>;
}

/** Asks as the tenant in the middle. */
async function ask(client: postgres.Sql, tenants: number): Promise<Record<string, Cost>> {
  const { schema, relations } = declare(false);
  const db: any = withTenancy(drizzle({ client }), { relations });
  await db.ready;
  const tdb = db.forTenant(account.parse(idOf(Math.ceil(tenants / 2))));
  const found: Record<string, Cost> = {};
  for (const [question, build] of questions) {
    const { sql, params } = build(tdb, schema).toSQL();
    found[question] = await costOf(client, sql, params);
  }
  return found;
}

/**
 * Fills an empty database, builds the indexes by a migration, asks, and takes it all out again.
 *
 * @param shards on Citus, how many each table has
 */
export async function among(client: postgres.Sql, tenants: number, each: number, shards?: number): Promise<Among> {
  const migrations = new Migrations(client, shards === undefined ? false : { shardCount: shards });
  const begin = Date.now();
  const say = (what: string) => console.log(`  ${tenants} x ${each}: ${what}, ${(Date.now() - begin) / 1e3} s`);
  await migrations.to(declare(false, true).schema);
  await fill(client, tenants, each);
  say('filled');
  let asWritten: Record<string, Cost> | undefined;
  if (shards === undefined) {
    await migrations.to(declare(true).schema);
    asWritten = await ask(client, tenants);
  }
  await migrations.to(declare(false).schema);
  say('indexes built');
  const costs = await ask(client, tenants);
  await client.unsafe('drop table tasks, projects, accounts cascade');
  return { tenants, each, costs, ...(asWritten ? { asWritten } : {}) };
}
