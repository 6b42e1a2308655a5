/**
 * At scale: how what is asked grows with tenants, rows, tables, statements and shards, in what the servers count.
 *
 *   npm run bench -- scale                     all parts, with 10,000 tenants and 20 million rows
 *   npm run bench -- scale citus3 shards       some of them: the others stay as they were found
 *   npm run bench -- scale --small             a hundred tenants, printed and not kept
 *   npm run bench -- scale page                docs/scale.md again, from test/bench/scale.json
 *
 * The parts: postgres, rows, messages, tables, statements (on DATABASE_URL, otherwise a server is started), citus2,
 * citus3, citusMessages, shards and connections (CITUS_URL; the workers are those of that database, or
 * CITUS_WORKERS=host:port,host:port). Each makes databases of its own, and drops them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../../support/server.js';
import { citusDatabase, workersOf, type Cluster } from './cluster.js';
import { connections } from './connections.js';
import { keep, partNames, type Part, type Parts } from './figures.js';
import { connect, withDatabase } from './fill.js';
import { messages } from './messages.js';
import { files } from './page.js';
import { shards } from './shards.js';
import { statements } from './statements.js';
import { tables } from './tables.js';
import { among } from './tenants.js';

const root = process.cwd();
const file = join(root, 'test/bench/scale.json');
const args = process.argv.slice(2);
const isSmall = args.includes('--small');
const unknown = args.filter((it) => ![...partNames, '--small', 'page'].includes(it as Part));
if (unknown.length > 0) throw new Error(`Say ${partNames.join(', ')}, page or --small, and not "${unknown[0]}".`);
const wished = partNames.filter((it) => args.includes(it));
const citus = process.env['CITUS_URL'];
const shardCount = 32;
const sizes = isSmall
  ? {
      tenants: [1, 10, 100],
      each: 200,
      rows: [100, 1_000],
      tables: [1, 10],
      shards: [
        [8, 1],
        [32, 1],
      ] as const,
      statements: [
        [10, 1],
        [100, 1],
        [1, 100],
      ] as const,
    }
  : {
      tenants: [1, 10, 100, 1_000, 10_000],
      each: 1_000,
      rows: [100, 1_000, 10_000, 100_000],
      tables: [1, 10, 100, 300],
      shards: [
        [32, 1],
        [128, 1],
        [1024, 1],
        [32, 10],
        [32, 100],
        [32, 300],
      ] as const,
      statements: [
        [10, 1],
        [100, 1],
        [1_000, 1],
        [10_000, 1],
        [1, 100],
        [1, 10_000],
      ] as const,
    };

const name = `bench_scale_${process.pid}`;
type Url = string;

async function inTurn<A, B>(all: readonly A[], each: (it: A) => Promise<B>): Promise<B[]> {
  const found: B[] = [];
  for (const it of all) found.push(await each(it));
  return found;
}

async function onCitus<T>(workers: number, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = await citusDatabase(citus!, name, workers);
  try {
    return await use(cluster);
  } finally {
    await cluster.drop();
  }
}

async function withAdmin<T>(url: Url, use: (admin: ReturnType<typeof connect>) => Promise<T>): Promise<T> {
  const admin = connect(url);
  try {
    return await use(admin);
  } finally {
    await admin.end();
  }
}

const tenantsOn = (url: Url, shards?: number) =>
  withAdmin(url, (admin) => inTurn(sizes.tenants, (it) => among(admin, it, sizes.each, shards)));
/** Once with each number of workers that there can be. */
const onClusters = <T>(least: number, use: (cluster: Cluster, workers: number) => Promise<T>) =>
  workersOf(citus!).then((all) =>
    inTurn(
      all.map((_, i) => i + 1).filter((it) => it >= least),
      (it) => onCitus(it, (cluster) => use(cluster, it)),
    ),
  );

/** On PostgreSQL a part gets an empty database of a server; on Citus it makes one. */
const parts: { [P in Part]: (url: Url) => Promise<Parts[P]> } = {
  postgres: (url) => tenantsOn(url),
  rows: (url) => withAdmin(url, (admin) => inTurn(sizes.rows, (it) => among(admin, 10, it))),
  messages: (url) => withAdmin(url, (admin) => messages(admin, url)),
  tables: (url) => tables(() => connect(url), sizes.tables),
  statements: (url) => statements(() => connect(url), sizes.statements),
  citus2: () => onCitus(2, ({ url }) => tenantsOn(url, shardCount)),
  citus3: () => onCitus(3, ({ url }) => tenantsOn(url, shardCount)),
  citusMessages: () =>
    onClusters(2, async ({ url }, workers) => ({
      workers,
      sent: await withAdmin(url, (admin) => messages(admin, url, shardCount)),
    })),
  shards: () => onCitus(2, ({ url }) => withAdmin(url, (admin) => shards(admin, url, sizes.shards))),
  connections: () => onClusters(1, (cluster) => connections(cluster, isSmall ? 3 : 20)),
};
const needsCitus: readonly Part[] = ['citus2', 'citus3', 'citusMessages', 'shards', 'connections'];

async function versionAt(url: Url, isCitus: boolean): Promise<string> {
  return withAdmin(url, async (admin) => {
    const [row] = await admin.unsafe(
      "select split_part(current_setting('server_version'), ' ', 1) " +
        `as pg${isCitus ? ', (select extversion from pg_extension where extname = $$citus$$) as citus' : ''}`,
    );
    return `PostgreSQL ${row!['pg']}${isCitus ? `, Citus ${row!['citus']}` : ''}`;
  });
}

async function run<P extends Part>(part: P, url: Url): Promise<void> {
  const isCitus = needsCitus.includes(part);
  console.log(`${part}:`);
  const found = await parts[part](isCitus ? citus! : withDatabase(url, name));
  if (isSmall) return void console.log(JSON.stringify(found, null, 1));
  keep(file, part, await versionAt(isCitus ? citus! : url, isCitus), found);
}

if (!args.includes('page')) {
  const all = wished.length > 0 ? wished : partNames;
  const there = all.filter((it) => citus || !needsCitus.includes(it));
  if (there.length < all.length) console.log('CITUS_URL is not set: the parts on Citus stay as they are.');
  const plain = there.filter((it) => !needsCitus.includes(it));
  if (plain.length > 0) {
    const server = await startPostgres();
    try {
      for (const part of plain) {
        await withAdmin(server.url, (admin) => admin.unsafe(`create database ${name}`));
        try {
          await run(part, server.url);
        } finally {
          await withAdmin(server.url, (admin) => admin.unsafe(`drop database ${name} with (force)`));
        }
      }
    } finally {
      await server.stop();
    }
  }
  for (const part of there.filter((it) => needsCitus.includes(it))) await run(part, citus!);
}
if (!isSmall) for (const [name, text] of Object.entries(files(root))) writeFileSync(join(root, 'docs', name), text);
process.disconnect?.();
