/**
 * A quiet tenant beside a flood of another's, with and without the fair queue.
 *
 *   npx tsx test/bench/fair.ts [perTenant] [alone]     DATABASE_URL names a server, otherwise one is started
 *
 * Prints what a flood alone takes of this process's processor, and in how many pieces it is written; the 99th
 * percentile of the quiet tenant's look-ups beside the flood, as many times that alone, and the throughput of the flood
 * alone with the queue, as a part of that without. Both within one run, in turns.
 */
import { Socket } from 'node:net';
import { eq } from 'drizzle-orm';
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { withTenancy } from '../../src/index.js';
import { relations, tasks } from '../support/schema.js';
import { startDatabases, tenantIds } from './database.js';
import { processorTime, ratioOf, show, spreadOf } from './measure.js';

const max = 4;
const perTenant = Number(process.argv[2] ?? 2);
const whileAlone = Number(process.argv[3] ?? perTenant);
const statements = 1_000;
const rounds = 9;
const [loud, quiet] = [tenantIds[3]!, tenantIds[4]!];
const databases = await startDatabases();
const closing: (() => Promise<unknown>)[] = [];

const drivers: Record<string, () => any> = {
  'postgres.js': () => {
    const client = postgres(databases.url, { max, onnotice: () => {} });
    closing.push(() => client.end());
    return drizzle({ client });
  },
  'node-postgres': () => {
    const client = new pg.Pool({ connectionString: databases.url, max });
    client.on('error', () => {});
    closing.push(() => client.end());
    return drizzleNodePostgres({ client });
  },
};

const lookUp = (db: any, id: any, n: number) =>
  db
    .forTenant(id)
    .select()
    .from(tasks)
    .where(eq(tasks.id, 1 + (n % 200)));
/** How often something was written to a socket. */
let writes = 0;
const { write } = Socket.prototype;
Socket.prototype.write = function (this: Socket, ...args: any[]) {
  writes++;
  return (write as any).apply(this, args);
} as typeof write;
const p99 = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)]!;

/** The latencies of the quiet tenant, one statement after the other with a pause between, until `until` resolves. */
async function latencies(db: any, until: Promise<unknown>): Promise<number[]> {
  let isOver = false;
  void until.then(() => (isOver = true));
  const found: number[] = [];
  for (let n = 0; !isOver; n++) {
    const begin = performance.now();
    await lookUp(db, quiet, n);
    found.push(performance.now() - begin);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return found;
}

async function flood(db: any): Promise<number> {
  const begin = performance.now();
  await Promise.all(Array.from({ length: statements }, (_, n) => lookUp(db, loud, n).then(() => {})));
  return statements / (performance.now() - begin);
}

try {
  for (const [name, open] of Object.entries(drivers)) {
    const handles = {
      plain: withTenancy(open(), { relations }),
      fair: withTenancy(open(), { relations, fair: { perTenant, alone: whileAlone } }),
    };
    const alone: Record<string, number[]> = { plain: [], fair: [] };
    const beside: Record<string, number[]> = { plain: [], fair: [] };
    const throughput: Record<string, number[]> = { plain: [], fair: [] };
    const processor: Record<string, number[]> = { plain: [], fair: [] };
    const pieces: Record<string, number[]> = { plain: [], fair: [] };
    for (let round = -3; round < rounds; round++) {
      for (const kind of round % 2 === 0 ? (['plain', 'fair'] as const) : (['fair', 'plain'] as const)) {
        const db = handles[kind];
        const before = { processor: processorTime(), writes };
        const rate = await flood(db);
        const took = { processor: processorTime() - before.processor, writes: writes - before.writes };
        const single = await latencies(db, new Promise((resolve) => setTimeout(resolve, 200)));
        const shared = await latencies(db, flood(db));
        if (round < 0) continue;
        throughput[kind]!.push(rate);
        processor[kind]!.push(took.processor);
        pieces[kind]!.push(took.writes);
        alone[kind]!.push(...single);
        beside[kind]!.push(...shared);
      }
    }
    console.log(`${name}, ${max} connections, perTenant ${perTenant}, alone ${whileAlone}, a flood of ${statements}:`);
    for (const kind of ['plain', 'fair'] as const) {
      const [a, b] = [p99(alone[kind]!), p99(beside[kind]!)];
      console.log(
        `  p99 of a quiet tenant, ${kind === 'fair' ? 'fair' : 'without'}: ` +
          `${(b / a).toFixed(1)} times alone (${b.toFixed(2)} ms of ${a.toFixed(2)} ms, ` +
          `${beside[kind]!.length} statements)`,
      );
    }
    console.log(
      `  processor time of this process for it: ${show(ratioOf(processor['fair']!, processor['plain']!))} ` +
        'of that without',
    );
    for (const kind of ['plain', 'fair'] as const)
      console.log(`  pieces written, ${kind === 'fair' ? 'fair' : 'without'}: ${show(spreadOf(pieces[kind]!), 0)}`);
    console.log(
      `  throughput of the flood: ${show(ratioOf(throughput['fair']!, throughput['plain']!))} of that without`,
    );
  }
} finally {
  await Promise.all(closing.map((close) => close()));
  await databases.stop();
}
