/** Where Citus keeps the rows: its nodes, the shards on them, and which of these a tenant has. */
import type { Sql } from 'postgres';
import type { Tenant } from '../seed.js';

export interface Cluster {
  readonly nodes: readonly {
    readonly name: string;
    readonly isCoordinator: boolean;
    readonly slots: readonly number[];
  }[];
  /** The slot of each tenant: its rows are in the shard of this number of every table. */
  readonly slots: Readonly<Record<string, number>>;
  /** @param relation a shard's name, as in `projects_102311` */
  shardOf(relation: string): { readonly table: string; readonly slot: number | null } | undefined;
}

/** @returns undefined on a server without Citus */
export async function clusterOf(client: Sql, tenants: readonly Tenant[]): Promise<Cluster | undefined> {
  const [citus] = await client`select from pg_extension where extname = 'citus'`;
  if (!citus) return undefined;
  const shards = await client<{ id: string; table: string; slot: number | null; node: string }[]>`
    select shardid::text as id, relname as "table", nodename || ':' || nodeport as node,
      case when shardminvalue is not null
        then (dense_rank() over (partition by logicalrelid order by shardminvalue::bigint))::int end as slot
    from pg_dist_shard join pg_class on oid = logicalrelid join pg_dist_placement using (shardid) join pg_dist_node
      using (groupid)
    where relnamespace = current_schema::regnamespace`;
  const nodes = await client<{ name: string; isCoordinator: boolean }[]>`
    select nodename || ':' || nodeport as name, groupid = 0 as "isCoordinator" from pg_dist_node
      where noderole = 'primary' order by groupid, 1`;
  const slots: Record<string, number> = {};
  for (const { name, id } of tenants) {
    const [row] = await client<
      { id: string }[]
    >`select get_shard_id_for_distribution_column('accounts', ${String(id)}::uuid)::text as id`;
    slots[name] = shards.find((it) => it.id === row!.id)!.slot!;
  }
  return {
    nodes: nodes.map((node) => ({
      ...node,
      slots: shards
        .filter((it) => it.node === node.name && it.table === 'accounts')
        .map((it) => it.slot!)
        .sort((a, b) => a - b),
    })),
    slots,
    shardOf(relation) {
      const [, table, id] = /^(.+)_(\d+)$/.exec(relation) ?? [];
      const shard = shards.find((it) => it.id === id && it.table === table);
      return shard && { table: shard.table, slot: shard.slot };
    },
  };
}
