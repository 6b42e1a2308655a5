/** On Citus: the connections that each node serves, for clients of the coordinator and for Citus itself. */
import { drizzle } from 'drizzle-orm/postgres-js';
import { withTenancy } from '../../../src/index.js';
import { account, declare } from '../tenants.js';
import type { Cluster } from './cluster.js';
import { connect, fill, idOf, Migrations } from './fill.js';

export interface Connections {
  readonly workers: number;
  /** Connections of clients to the coordinator, each of which asked for tenants of all workers. */
  readonly clients: number;
  /** The most that one worker serves for them, and that still stand when all is quiet. */
  readonly kept: number;
  /** The most that one node serves for the deadlock detection of others. */
  readonly detection: number;
}

export async function connections({ url, nodes }: Cluster, clients: number): Promise<Connections> {
  const admin = connect(url);
  const open = Array.from({ length: clients }, () => connect(url));
  try {
    await new Migrations(admin, { shardCount: 32 }).to(declare(false).schema);
    await fill(admin, 40, 10);
    const { schema, relations } = declare(false);
    for (const client of open) {
      const db: any = withTenancy(drizzle({ client }), { relations });
      for (let n = 1; n <= 40; n++)
        await db
          .forTenant(account.parse(idOf(n)))
          .select()
          .from(schema.projects)
          .limit(1);
    }
    // Deadlocks are looked for every two seconds.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const counts: Record<string, number>[] = [];
    for (const node of nodes) {
      const client = connect(node);
      const [row] = await client`select count(*) filter (where query like '%dump_local_wait_edges%')::int as detection,
          count(*) filter (where query like '%projects\_%')::int as kept
        from pg_stat_activity where datname = current_database() and application_name like 'citus_internal%'`;
      counts.push(row!);
      await client.end();
    }
    const most = (name: string) => Math.max(...counts.map((it) => it[name]!));
    return { workers: nodes.length - 1, clients, kept: most('kept'), detection: most('detection') };
  } finally {
    await Promise.all([admin, ...open].map((it) => it.end()));
  }
}
