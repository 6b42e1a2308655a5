/** `drizzle-tenant status|tenants|isolate|nodes|rebalance`: the cluster from the command line. */
import type { Command } from 'commander';
import { readNodes, readShards, rebalance, rebalanceMoves, type ClusterNode, type Shard } from '../live/cluster.js';
import type { Database } from '../live/database.js';
import { readLive } from '../live/read.js';
import { requireWritable } from '../live/server.js';
import { tenantSizes } from '../live/sizes.js';
import { isolateTenant, tenantStatistics } from '../live/tenants.js';
import { CitusRequiredError, DatabaseStateError } from '../errors.js';
import { keyOf, plain } from '../names.js';
import { loadConfig, type Project } from './load.js';
import { bytesOf, columns, count } from './text.js';

export interface ClusterCommon {
  readonly config?: string;
  readonly url?: string;
  readonly json?: boolean;
}

/** What the program gives its commands. */
export interface ClusterProgram {
  command(name: string, description: string, help: string): Command;
  configOf(options: ClusterCommon): string | undefined;
  load(options: ClusterCommon): Promise<Project>;
  withDatabase<T>(
    options: ClusterCommon,
    project: { config: Record<string, any> },
    use: (database: Database) => Promise<T>,
  ): Promise<T>;
  line(text: string): void;
  warn(text: string): void;
  report(value: object): void;
}

/** Adds the commands to the program. */
export function addClusterCommands({
  command,
  configOf,
  load,
  withDatabase,
  line,
  warn,
  report,
}: ClusterProgram): void {
  command(
    'status',
    'list the tables: kind, tenant column, shards, size',
    'A "!" marks a table that is not held as the schema says; plan tells what to do. ' +
      'On Citus the shards of each\nnode are drawn, the larger the higher.',
  )
    .option('--watch [seconds]', 'again and again, until Ctrl-C')
    .option('--times <n>', 'how often, with --watch')
    .action(async (options: ClusterCommon & { watch?: string | true; times?: string }) => {
      const project = await load(options);
      const seconds = options.watch === true ? 2 : Math.max(0.2, Number(options.watch) || 2);
      const times = options.watch === undefined ? 1 : Number(options.times) || Infinity;
      await withDatabase(options, project, async (database) => {
        for (let i = 0; i < times && !process.stdout.destroyed; i++) {
          if (i > 0) await new Promise((done) => setTimeout(done, seconds * 1000));
          if (i > 0 && process.stdout.isTTY) line('\u001b[2J\u001b[H');
          await status(options, project, database);
        }
      });
    });

  async function status(options: ClusterCommon, project: Project, database: Database) {
    const live = await readLive(database);
    const tables = [...live.tables.values()].map((it) => {
      const kind = project.state.tables[keyOf(it)]?.kind ?? 'local';
      return {
        table: plain(it),
        kind: it.kind,
        declared: kind,
        column: it.column,
        shards: it.shardCount,
        bytes: it.bytes,
        rows: it.rows,
        policy: it.enabled && it.policies.length > 0,
      };
    });
    const nodes = live.citus ? await readNodes(database) : [];
    if (options.json) return report({ status: 'ok', citus: live.citus, tables, ...(live.citus && { nodes }) });
    line(live.citus ? `Citus ${live.citus}` : 'Plain PostgreSQL, without Citus');
    const rows = tables.map((it) => [
      live.citus && it.kind !== it.declared ? '!' : ' ',
      it.table,
      it.declared,
      it.column ?? '',
      it.kind === 'local' ? '' : String(it.shards),
      bytesOf(it.bytes),
      it.policy ? 'policy' : '',
    ]);
    for (const row of columns([[' ', 'table', 'kind', 'by', 'shards', 'size', ''], ...rows])) line(row);
    if (live.citus && nodes.every((it) => it.isReachable))
      for (const row of drawn(nodes, await readShards(database))) line(row);
  }

  command(
    'nodes',
    'list the nodes of the cluster: role, shards, size, and whether they answer',
    'A node joins by SELECT citus_add_node(host, port) on the coordinator; rebalance then gives it shards.',
  ).action(async (options: ClusterCommon) => {
    const config = await loadConfig(configOf(options));
    const nodes = await withDatabase(options, config, readNodes);
    if (options.json) return report({ status: 'ok', nodes });
    const rows = nodes.map((it) => [
      String(it.node),
      it.address,
      it.role,
      it.isReachable ? 'answers' : 'does not answer',
      it.isActive ? 'active' : 'inactive',
      it.takesShards ? String(it.shards) : `${it.shards}, takes none`,
      it.isReachable ? bytesOf(it.bytes) : '?',
    ]);
    for (const row of columns([['id', 'address', 'role', '', '', 'shards', 'size'], ...rows])) line(row);
  });

  command(
    'rebalance',
    'move shards until the nodes carry alike',
    'Without interruption where wal_level = logical; elsewhere writes to a shard wait while it moves, ' +
      'which is said before.',
  )
    .option('--dry-run', 'print the moves, and make none')
    .option('--block-writes', 'let writes wait meanwhile')
    .option('--online', 'stop, instead of letting writes wait')
    .action(async (options: ClusterCommon & { dryRun?: boolean; blockWrites?: boolean; online?: boolean }) => {
      const config = await loadConfig(configOf(options));
      await withDatabase(options, config, async (database) => {
        const moves = await rebalanceMoves(database);
        if (options.dryRun) {
          if (options.json) return report({ status: 'ok', dryRun: true, moves });
          for (const it of moves)
            line(`${it.table}, shard ${it.shard} (${bytesOf(it.bytes)}): from ${it.from} to ${it.to}`);
          return line(
            moves.length === 0
              ? 'Nothing to do: the nodes carry alike.'
              : `Would move ${count(moves.length, 'shard')}, each with the tables beside it.`,
          );
        }
        await requireWritable(database);
        let last = '';
        const moved = await rebalance(database, {
          ...options,
          fallback: (reason) =>
            warn(`Writes to a shard wait while it moves: logical replication is not to be had here (${reason}).`),
          progress: (done, total, waits) => {
            const share = total === 0 ? 100 : Math.round((100 * done) / total);
            const text =
              `${done} of ${total} moves (${share} ` + `%)${waits ? `. ${waits}. Citus tries again by itself.` : ''}`;
            if (text !== last && !options.json) line(text);
            last = text;
          },
        });
        if (options.json) return report({ status: 'ok', moved });
        line(moved === 0 ? 'Nothing to do: the nodes carry alike.' : `Done: ${count(moved, 'move')}.`);
      });
    });

  command(
    'tenants',
    'list the busiest or largest tenants',
    'On Citus by its own statistics, where citus.stat_tenants_track is on ' +
      'and the role has pg_monitor; elsewhere, and with\n--size, by rows and bytes: read whole up ' +
      'to 64 MB a table, and sampled from there on.',
  )
    .option('--limit <n>', 'how many', '20')
    .option('--size', 'by rows and bytes, also on Citus')
    .action(async (options: ClusterCommon & { limit: string; size?: boolean }) => {
      const limit = Math.max(1, Math.min(1000, Number.parseInt(options.limit, 10) || 20));
      const project = await load(options);
      await withDatabase(options, project, async (database) => {
        const counted = options.size ? 'by size' : await tenantStatistics(database, limit).catch(explain);
        if (typeof counted !== 'string') {
          if (options.json) return report({ status: 'ok', tenants: counted });
          if (counted.length === 0) return line('No tenant was active in this period or the last.');
          const rows = counted.map((it) => [
            it.tenant,
            `${it.queriesBefore + it.queriesNow}`,
            `${it.readsBefore + it.readsNow}`,
            `${(it.cpuBefore + it.cpuNow).toFixed(3)} s`,
            it.tables,
          ]);
          for (const row of columns([['tenant', 'queries', 'reads', 'cpu', 'tables'], ...rows])) line(row);
          return;
        }
        if (!options.size && !options.json) warn(counted);
        const { tenants, whole } = await tenantSizes(database, project.state, limit);
        if (options.json)
          return report({ status: 'ok', sampled: !whole, sizes: tenants, ...(!options.size && { note: counted }) });
        if (tenants.length === 0) return line('The tenant tables have no rows.');
        const rows = tenants.map((it) => [
          it.tenant ?? '(everybody)',
          `${whole ? '' : 'about '}${it.rows.toLocaleString('en')}`,
          bytesOf(it.bytes),
          it.tenancy,
        ]);
        for (const row of columns([['tenant', 'rows', 'size', 'tenancy'], ...rows])) line(row);
      });
    });

  command(
    'isolate <id>',
    'move one large tenant to a shard of its own',
    'All its tables move together. Writes to the shard go on where wal_level = logical; ' +
      'elsewhere they wait, which is said before.',
  )
    .option('--tenancy <name>', 'which tenancy the id is of, when there are several')
    .option('--block-writes', 'let writes wait meanwhile')
    .option('--online', 'stop, instead of letting writes wait')
    .action(
      async (id: string, options: ClusterCommon & { tenancy?: string; blockWrites?: boolean; online?: boolean }) => {
        const project = await load(options);
        const fallback = (reason: string) =>
          warn(
            'Writes of the tenants on this shard wait while it is split: logical replication is not to be ' +
              `had here (${reason}).`,
          );
        const done = await withDatabase(options, project, async (database) => {
          await requireWritable(database);
          return isolateTenant(database, project.state, id, { ...options, fallback });
        });
        if (options.json) return report({ status: 'ok', ...done });
        line(
          done.already
            ? `Nothing to do: the tenant has shard ${done.shard} of "${done.table}" for itself.`
            : `Done: the tenant has shard ${done.shard} of "${done.table}" for itself, and one of each table ` +
                'beside it.',
        );
      },
    );
}

/** Why there are no statistics: what is then told by size. */
function explain(error: Error & { code?: string }): string {
  if (error.code === '42501') return `By size: Citus's own statistics want GRANT pg_monitor for this role.`;
  if (error instanceof CitusRequiredError) return `By size: there are no statistics of tenants here. ${error.message}`;
  if (error instanceof DatabaseStateError) throw error;
  throw error;
}

const heights = '▁▂▃▄▅▆▇█';

/** For each node a bar by its size, and for each of its tables the shards, the larger the higher. */
export function drawn(nodes: readonly ClusterNode[], shards: readonly Shard[]): string[] {
  const most = Math.max(1, ...nodes.map((it) => it.bytes));
  const largest = Math.max(1, ...shards.map((it) => it.bytes));
  return nodes
    .filter((it) => it.shards > 0)
    .flatMap((node) => {
      const own = shards.filter((it) => it.address === node.address);
      const tables = [...new Set(own.map((it) => it.table))];
      const bar = '█'.repeat(Math.max(1, Math.round((24 * node.bytes) / most))).padEnd(24);
      return [
        `${node.address} ${bar} ${bytesOf(node.bytes)}`,
        ...columns(
          tables.map((table) => [
            '  ',
            table,
            own
              .filter((it) => it.table === table)
              .map((it) => heights[Math.min(7, Math.floor((8 * it.bytes) / largest))])
              .join(''),
          ]),
        ),
      ];
    });
}
