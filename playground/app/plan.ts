/** How PostgreSQL, or Citus, would run a statement: as a tree to draw. */
import type { Sql } from 'postgres';
import type { Statement } from '../compare.js';
import { tenants } from '../seed.js';
import type { Cluster } from './cluster.js';

export interface Step {
  readonly name: string;
  /** What it reads, and under which conditions. */
  readonly details: readonly string[];
  readonly steps: readonly Step[];
}

/** A shard that a statement touches, on a node: the slot is its number in the table; a reference table has none. */
export interface Touched {
  readonly table: string;
  readonly slot: number | null;
  readonly node: string;
}

export interface Plan {
  readonly tree: Step;
  readonly touched: readonly Touched[];
}

export async function explain(client: Sql, { sql, params }: Statement, cluster: Cluster | undefined): Promise<Plan> {
  const text = withValues({ sql, params });
  const rows = await client.begin(async (tx) => {
    if (cluster) await tx`set local citus.explain_all_tasks = on`;
    return tx.unsafe(`explain (format json) ${text}`);
  });
  return planOf(rows[0]!['QUERY PLAN'], client.options.connection.search_path as string, cluster);
}

/** With values in place of parameters, since Citus explains not everything with parameters. */
export const withValues = ({ sql, params }: Statement): string =>
  sql.replaceAll(/\$(\d+)/g, (_, number) => literal(params[number - 1]));

/** @param explained what EXPLAIN (FORMAT JSON) gave */
export function planOf(explained: unknown, schemaName: string, cluster: Cluster | undefined): Plan {
  const schema = new RegExp(`"?${schemaName}"?\\.`, 'g');
  let plan = JSON.stringify(explained).replaceAll(schema, '');
  for (const { id, name } of tenants) plan = plan.replaceAll(`'${id}'::uuid`, `${name}'s id`);
  const [{ Plan: root }] = JSON.parse(plan);
  const touched: Touched[] = [];
  return { tree: stepOf(root, cluster, touched), touched };
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return `'${String(value).replaceAll("'", "''")}'`;
}

/** What PostgreSQL calls its conditions. */
const conditions = [
  'INSERT/SELECT method',
  'Index Cond',
  'Hash Cond',
  'Merge Cond',
  'Join Filter',
  'Filter',
  'Sort Key',
  'Group Key',
];

function stepOf(node: any, cluster: Cluster | undefined, touched: Touched[], at = ''): Step {
  const relation: string | undefined = node['Relation Name'];
  const shard = relation === undefined ? undefined : cluster?.shardOf(relation);
  if (shard && at && !touched.some((it) => it.table === shard.table && it.slot === shard.slot && it.node === at))
    touched.push({ ...shard, node: at });
  const plain = (name: string) => (cluster ? name.replaceAll(/_\d{6,}\b/g, '') : name);
  const details = [
    ...(relation === undefined ? [] : [`on ${shard?.table ?? relation}`]),
    ...(node['Index Name'] === undefined ? [] : [`by ${plain(node['Index Name'])}`]),
    ...conditions.filter((it) => node[it] !== undefined).map((it) => `${it}: ${plain([node[it]].flat().join(', '))}`),
  ];
  const query = node['Distributed Query'];
  const steps = [
    ...(query?.Subplans ?? []).flatMap((it: any) =>
      plansOf(it.PlannedStmt ?? it['Plans'] ?? it).map((plan) => stepOf(plan, cluster, touched, at)),
    ),
    ...(query?.Job?.Tasks ?? []).map((task: any): Step => {
      const [, host, port] = /host=(\S+) port=(\d+)/.exec(task.Node) ?? [];
      const on = `${host}:${port}`;
      return {
        name: `Task on ${on}`,
        details: [],
        steps: plansOf(task['Remote Plan']).map((plan) => stepOf(plan, cluster, touched, on)),
      };
    }),
    // INSERT ... SELECT: where its rows come from.
    ...plansOf(node['Select Query']).map((plan) => stepOf(plan, cluster, touched, at)),
    ...(node.Plans ?? []).map((it: any) => stepOf(it, cluster, touched, at)),
  ];
  const count = query?.Job?.['Task Count'];
  const name =
    node['Node Type'] === 'Custom Scan'
      ? node['Custom Plan Provider']
      : (node['Operation'] ?? [node['Join Type'], node['Node Type']].filter(Boolean).join(' '));
  return {
    name,
    details: count === undefined ? details : [`${count} ${count === 1 ? 'task' : 'tasks'}`, ...details],
    steps,
  };
}

/** Citus wraps the plans of its tasks in one list or two. */
const plansOf = (value: any): any[] => [value].flat(3).flatMap((it: any) => (it?.Plan ? [it.Plan] : []));
