/**
 * The same questions to others that keep tenants apart, and to bare postgres.js, which is the floor. Their packages are
 * in a folder of their own, so that the library does not depend on them:
 *
 *   npm ci --prefix test/bench/peers
 *   npm run bench -- peers
 *
 * Each is set up as its documentation has it for production, with a pool of the same size. They ask for Node.js 22.17;
 * with 20, npm warns, and they run.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import postgres from 'postgres';
import { startDatabases, tenantIds } from './database.js';
import { type Spread, ratioOf, report, show, spreadOf, takeTurnsAsync } from './measure.js';
import { questions, type Open, type Peer } from './peers/peer.js';
import { bare, byHand, scoped } from './questions.js';

const folder = join(process.cwd(), 'test/bench/peers');

/** The peers in the folder, compiled beside the packages that they import. */
async function peersOf(): Promise<Record<string, Open> | undefined> {
  const modules = join(folder, 'node_modules');
  if (!existsSync(join(modules, '@mikro-orm/postgresql')) || !existsSync(join(modules, '@zenstackhq/orm')))
    return undefined;
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(process.cwd(), 'node_modules/typescript/bin/tsc'), '-p', folder],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stdout);
  const load = async (name: string): Promise<Open> =>
    (await import(pathToFileURL(join(modules, `.cache/peers/${name}.js`)).href)).open;
  return { 'MikroORM 7, a filter': await load('mikro-orm'), 'ZenStack 3, a policy': await load('zenstack') };
}

async function measure(opens: Record<string, Open>, url: string, max: number): Promise<void> {
  const client = postgres(url, { max: 1 });
  const peers = new Map<string, Peer>();
  try {
    for (const [name, open] of Object.entries(opens)) peers.set(name, await open(url, max));
    await assertEqual(peers, client);
    await warmUp(peers);
    const on = max === 1 ? 'one connection' : 'a pool of ten';
    const ratios: Record<string, Spread[]> = {};
    for (const question of questions) {
      let n = 0;
      const candidates = Object.fromEntries(
        [...peers].map(([name, { ask }]) => [name, () => ask[question](String(tenantIds[n++ % tenantIds.length]))]),
      );
      const times = await takeTurnsAsync(candidates, {
        rounds: 15,
        calls: max === 1 ? 40 : 120,
        atOnce: max === 1 ? 1 : 2 * max,
      });
      for (const name of Object.keys(times)) {
        const ratio = ratioOf(times[name]!, times[floor]!);
        (ratios[name] ??= []).push(ratio);
        console.log(
          `${on}, ${question.padEnd(7)} ${name.padEnd(24)} ` +
            `${(spreadOf(times[name]!).median / 1e3).toFixed(0).padStart(6)} us  ${show(ratio)}`,
        );
      }
    }
    // The mean of ratios is their geometric one: it does not matter which of two is the base.
    const mean = (values: number[]) => Math.exp(values.reduce((sum, it) => sum + Math.log(it), 0) / values.length);
    for (const [name, of] of Object.entries(ratios)) {
      if (name !== floor)
        report(
          `${name}, ${on}`,
          `${mean(of.map((it) => it.median)).toFixed(2)} ` +
            `(${questions.map((it, i) => `${it} ${of[i]!.median.toFixed(2)}`).join(', ')})`,
          '',
        );
    }
  } finally {
    for (const it of peers.values()) await it.close();
    // Some say that they are closed before they are, and the databases are dropped next.
    const others = () =>
      client`select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
        and backend_type = 'client backend'`;
    while ((await others()).length > 0) await setTimeout(10);
    await client.end();
  }
}

/** As in an application that has run for a while. */
async function warmUp(peers: Map<string, Peer>): Promise<void> {
  for (const { ask } of peers.values()) {
    for (const question of questions)
      for (const tenant of [...tenantIds, ...tenantIds]) await ask[question](String(tenant));
  }
}

/** All give the same answers, in whatever order where none was asked for, and each updates the row once. */
async function assertEqual(peers: Map<string, Peer>, client: postgres.Sql): Promise<void> {
  const tenant = String(tenantIds[3]);
  const points = async () =>
    (await client`select points from tasks where "accountId" = ${tenant} and id = 19`)[0]!.points as number;
  for (const question of questions) {
    let expected: string | undefined;
    for (const [name, { ask, read }] of peers) {
      const before = await points();
      const answer = read[question](await ask[question](tenant));
      const got = JSON.stringify(
        question === 'update' ? (await points()) - before : question === 'page' ? answer : sorted(answer),
      );
      expected ??= got;
      if (got !== expected)
        throw new Error(`${name} answers "${question}" with\n${got}\nand ${floor} with\n${expected}`);
    }
  }
}

const sorted = (value: any): unknown =>
  Array.isArray(value)
    ? value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    : typeof value === 'object' && value
      ? Object.fromEntries(Object.entries(value).map(([key, it]) => [key, sorted(it)]))
      : value;

const floor = 'bare postgres.js';
const peers = await peersOf();
if (!peers) {
  console.log('The peers are not installed, and their rows stay as they are: npm ci --prefix test/bench/peers');
} else {
  const databases = await startDatabases();
  try {
    for (const max of [1, 10])
      await measure(
        { [floor]: bare, 'drizzle-tenant': scoped, 'Drizzle, by hand': byHand, ...peers },
        databases.url,
        max,
      );
  } finally {
    await databases.stop();
  }
}
process.disconnect?.();
