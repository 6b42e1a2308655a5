/**
 * On Citus: how many shards a statement of the corpus asks, and the throughput with one and two workers and few and
 * many shards. Runs when CITUS_URL names a database with the citus extension, whose tables of the test schema are
 * dropped and created again, with a schema for each way to spread them.
 */
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { withTenancy } from '../../src/index.js';
import { shardsAsked } from '../citus/plans.js';
import { createTables, distributed, dropTables } from '../citus/tables.js';
import { programs } from '../isolation/programs.js';
import { manyRows, tenantTables } from '../support/rows.js';
import { relations } from '../support/schema.js';
import { migration, rows } from './database.js';
import { ratioOf, report, spreadOf, takeTurnsAsync } from './measure.js';
import { asTenant, byHand, cycle, plainRelations } from './mix.js';

const url = process.env.CITUS_URL;
const connect = (options: postgres.Options<{}> = {}) => postgres(url!, { max: 1, onnotice: () => {}, ...options });
const statements = await migration();

async function shards(): Promise<void> {
  const admin = connect();
  const sent: { sql: string; params: readonly unknown[] }[] = [];
  await dropTables(admin);
  await createTables(admin, statements);
  for (const statement of manyRows.split(';\n').filter((it) => it.trim() !== '')) await admin.unsafe(statement);
  const db = withTenancy(
    drizzle({ client: admin, logger: { logQuery: (sql, params) => void sent.push({ sql, params }) } }),
    { relations },
  );
  const counts = new Map<number, number>();
  for (const program of programs) {
    if (program.notCitus) continue;
    const { most } = await shardsAsked(program, db, sent, admin);
    counts.set(most, (counts.get(most) ?? 0) + 1);
  }
  await dropTables(admin);
  await admin.end();
  const most = Math.max(...counts.keys());
  const programsWith = [...counts]
    .sort(([a], [b]) => b - a)
    .map(([shards, n]) => `${n} ask ${shards}`)
    .join(', ');
  report('shards that a statement of the corpus asks, at most', `${most} (programs: ${programsWith})`, '1');
}

const used = ['accounts', 'users', 'projects', 'tasks', 'x_labels'];
/** Of the statements that create the schema, those for the tables that the mix reads. */
const isUsed = (statement: string) =>
  /^CREATE TYPE/.test(statement) ||
  [...used, 'countries'].some((it) =>
    new RegExp(`^(CREATE TABLE|ALTER TABLE) "${it}"|^CREATE .*INDEX .* ON "${it}"`).test(statement),
  );

interface Spreading {
  readonly name: string;
  readonly workers: number;
  readonly shards: number;
}

/** Creates the tables in a schema of their own, on some of the workers. */
async function spread({ name, workers, shards }: Spreading): Promise<void> {
  const admin = connect({ connection: { search_path: name } });
  await admin.unsafe(`drop schema if exists ${name} cascade`);
  await admin.unsafe(`create schema ${name}`);
  const nodes = await admin`select nodename, nodeport, shouldhaveshards from pg_dist_node where noderole = 'primary'
      and groupid > 0 order by nodeid`;
  const place = async (isUsed: (i: number) => boolean) => {
    for (const [i, { nodename, nodeport }] of nodes.entries())
      await admin`select citus_set_node_property(${nodename}, ${nodeport}, 'shouldhaveshards', ${isUsed(i)})`;
  };
  try {
    await place((i) => i < workers);
    await admin.unsafe(`set citus.shard_count = ${shards}`);
    for (const statement of distributed(
      statements.filter(isUsed),
      tenantTables.filter(([table]) => used.includes(table)),
    ))
      await admin.unsafe(statement);
  } finally {
    await place((i) => nodes[i]!.shouldhaveshards);
  }
  for (const statement of rows.split(';\n').filter((it) => it.trim() !== ''))
    await admin.unsafe(statement.replace(/;$/, ''));
  await admin.unsafe(`analyze ${used.join(', ')}`);
  await admin.end();
}

async function throughput(): Promise<void> {
  const spreadings: Spreading[] = [1, 2].flatMap((workers) =>
    [8, 32, 128].map((shards) => ({ name: `bench_${workers}_${shards}`, workers, shards })),
  );
  const clients: postgres.Sql[] = [];
  try {
    const candidates: Record<string, () => Promise<unknown>> = {};
    for (const it of spreadings) {
      await spread(it);
      const open = () => {
        const client = connect({ max: 10, connection: { search_path: it.name } });
        clients.push(client);
        return client;
      };
      const scoped = withTenancy(drizzle({ client: open() }), { relations });
      const plain = drizzle({ client: open(), ...plainRelations });
      candidates[it.name] = cycle((n, id) => asTenant[n]!(scoped.forTenant(id), id));
      candidates[`${it.name} by hand`] = cycle((n, id) => byHand[n]!(plain, id));
    }
    const times = await takeTurnsAsync(candidates, { rounds: 9, calls: 160, atOnce: 20 });
    const base = times[spreadings[0]!.name]!;
    for (const { name, workers, shards } of spreadings) {
      const on = `${workers} ${workers === 1 ? 'worker' : 'workers'}, ${shards} shards`;
      console.log(on, `${(1e9 / spreadOf(times[name]!).median).toFixed(0)} statements a second`);
      report(
        `throughput, ${on}: scoped as it is / Drizzle as it is`,
        ratioOf(times[`${name} by hand`]!, times[name]!),
        '',
      );
      if (base !== times[name]) report(`throughput, ${on} / 1 worker, 8 shards`, ratioOf(base, times[name]!), '');
    }
  } finally {
    await Promise.all(clients.map((it) => it.end()));
    const admin = connect();
    for (const { name } of spreadings) await admin.unsafe(`drop schema if exists ${name} cascade`);
    await admin.end();
  }
}

if (!url) {
  console.log('CITUS_URL is not set, and the rows of Citus stay as they are.');
} else {
  await shards();
  await throughput();
}
process.disconnect?.();
