/**
 * Runs a query of the catalogue for a tenant, to look at: the SQL as plain Drizzle writes it, the SQL as it was
 * sent, the result and the plan. Nothing that it writes stays.
 */
import { TransactionRollbackError } from 'drizzle-orm';
import type { Sql } from 'postgres';
import { markAdded, type Word } from '../added.js';
import { withoutTenants } from '../alone.js';
import type { Query } from '../catalogue.js';
import type { Statement } from '../compare.js';
import { connect, connectPlain, type AccountDatabase } from '../database.js';
import type { Databases } from '../databases.js';
import { seed, tenants, type Tenant } from '../seed.js';
import { clusterOf, type Cluster } from './cluster.js';
import { explain, type Plan } from './plan.js';

export interface Sent {
  readonly written: readonly Word[];
  readonly words: readonly Word[];
  readonly params: readonly string[];
  readonly plan: Plan;
}

export interface Watched {
  readonly sent: readonly Sent[];
  readonly result: unknown;
}

export interface Watch {
  readonly cluster: Cluster | undefined;
  run(query: Query, tenant: Tenant): Promise<Watched>;
}

const none: Statement = { sql: '', params: [] };

export async function watchOver(databases: Databases, shared: Sql): Promise<Watch> {
  const cluster = await clusterOf(shared, tenants);
  const alone = new Map<Tenant, Promise<Sql>>();
  /** A database with one tenant only, made when it is asked for. */
  const aloneWith = (tenant: Tenant): Promise<Sql> => {
    if (!alone.has(tenant)) alone.set(tenant, createAlone(databases, tenant));
    return alone.get(tenant)!;
  };
  return {
    cluster,
    async run(query, tenant) {
      const client = await aloneWith(tenant);
      const together = await record(query, (logger) => connect(shared, logger).forTenant(tenant.id));
      const written = await record(query, (logger) => connectPlain(client, logger) as unknown as AccountDatabase);
      const sent: Sent[] = [];
      for (const [i, statement] of together.log.entries()) {
        const plain = written.log[i] ?? none;
        sent.push({
          written: markAdded(plain, plain),
          words: markAdded(statement, plain),
          params: statement.params.map(nameOf),
          plan: await explain(shared, statement, cluster),
        });
      }
      return { sent, result: together.result };
    },
  };
}

async function createAlone(databases: Databases, tenant: Tenant): Promise<Sql> {
  const client = await databases.createAnother();
  await seed(connect(client), [tenant]);
  await withoutTenants(client, tenant);
  return client;
}

type Logger = NonNullable<Parameters<typeof connect>[1]>;

/** Runs the query in a transaction that is rolled back. */
async function record(query: Query, handle: (logger: Logger) => AccountDatabase) {
  const log: Statement[] = [];
  let result: unknown;
  try {
    await handle({ logQuery: (sql, params) => void log.push({ sql, params }) }).transaction(async (tx) => {
      result = await query.run(tx as unknown as AccountDatabase);
      tx.rollback();
    });
  } catch (error) {
    if (!(error instanceof TransactionRollbackError)) throw error;
  }
  return { log, result: Array.isArray(result) ? Array.from(result) : result };
}

/** A parameter's value; a tenant's id by the tenant's name. */
const nameOf = (value: unknown): string => {
  const tenant = tenants.find((it) => (it.id as unknown) === value);
  return tenant ? `${tenant.name}'s id` : JSON.stringify(value);
};
