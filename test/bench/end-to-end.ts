/** Queries that run on a PostgreSQL: latency on one connection, throughput on ten. */
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { withTenancy } from '../../src/index.js';
import { account, relations } from '../support/schema.js';
import { startDatabases, tenantIds } from './database.js';
import { ratioOf, report, spreadOf, takeTurnsAsync } from './measure.js';
import { asTenant, bare, byHand, cycle, plainRelations } from './mix.js';
import { type Candidate, processorTimes, serversOf } from './processor.js';

/** The same without the waiting, which on a busy machine is most of it. */
async function reportProcessor(candidates: Record<'byHand' | 'scoped' | 'floor', Candidate>): Promise<void> {
  const times = await processorTimes(candidates);
  if (!times) return;
  const us = (values: readonly number[]) => spreadOf(values).median.toFixed(0);
  for (const [name, { client, server }] of Object.entries(times))
    console.log(`processor time, ${name}: client ${us(client)} us, server ${us(server)} us`);
  report(
    'processor time of client and server: Drizzle as it is / scoped as it is',
    ratioOf(times.byHand.both, times.scoped.both),
    '',
  );
  report(
    'the limit of that: Drizzle as it is / bare postgres.js, prepared',
    ratioOf(times.byHand.both, times.floor.both),
    '',
  );
}

const serversAt = (client: postgres.Sql) => () => serversOf((text) => client.unsafe(text) as any);
const databases = await startDatabases();
const clients: postgres.Sql[] = [];
const connect = (max: number, options: postgres.Options<{}> = {}, url = databases.url) => {
  const client = postgres(url, { max, onnotice: () => {}, ...options });
  clients.push(client);
  return client;
};

try {
  // The two are the same queries.
  const [check, plainCheck] = [
    withTenancy(drizzle({ client: connect(1) }), { relations }),
    drizzle({ client: connect(1), ...plainRelations }),
  ];
  const boundCheck = withTenancy(drizzle({ client: connect(1, {}, databases.guardedUrl) }), { relations, rls: true });
  for (const [i, run] of asTenant.entries()) {
    const [a, b] = [await run(check.forTenant(tenantIds[3]!), undefined), await byHand[i]!(plainCheck, tenantIds[3])];
    const c = await run(boundCheck.forTenant(tenantIds[3]!), undefined);
    if (JSON.stringify(a) !== JSON.stringify(b) || JSON.stringify(a) !== JSON.stringify(c))
      throw new Error(`Query ${i} differs:\n${[a, b, c].map((it) => JSON.stringify(it)).join('\n')}`);
  }

  for (const [max, atOnce] of [
    [1, 1],
    [10, 20],
  ] as const) {
    const floor = connect(max);
    const [plainClient, scopedClient] = [connect(max), connect(max)];
    const plain = drizzle({ client: plainClient, ...plainRelations });
    const scoped = withTenancy(drizzle({ client: scopedClient }), { relations });
    const unprepared = withTenancy(drizzle({ client: connect(max) }), { relations, prepare: false });
    const bound = withTenancy(drizzle({ client: connect(max, {}, databases.guardedUrl) }), { relations, rls: true });
    const textbook = drizzle({ client: connect(max, {}, databases.guardedUrl), ...plainRelations });
    const statements = bare(plain);
    const prepared = scoped.prepare(account, (tdb: any) => asTenant[1]!(tdb, undefined) as any);
    const tenant = sql.placeholder('tenant');
    const ownPrepared = (byHand[1]!(plain, tenant) as any).prepare('own');
    const candidates = {
      byHand: cycle((n, id) => byHand[n]!(plain, id)),
      unprepared: cycle((n, id) => asTenant[n]!(unprepared.forTenant(id), id)),
      scoped: cycle((n, id) => asTenant[n]!(scoped.forTenant(id), id)),
      bound: cycle((n, id) => asTenant[n]!(bound.forTenant(id), id)),
      textbook: cycle((n, id) =>
        textbook.transaction(async (tx) => {
          await tx.execute(sql`select set_config('app.tenant_id', ${id}, true)`);
          return asTenant[n]!(tx, id);
        }),
      ),
      joinByHand: cycle((_, id) => byHand[1]!(plain, id)),
      joinScoped: cycle((_, id) => asTenant[1]!(scoped.forTenant(id), id)),
      prepared: cycle((_, id) => prepared.run(id)),
      ownPrepared: cycle((_, id) => ownPrepared.execute({ tenant: id })),
      floor: cycle((n, id) => statements[n]!(floor, id)),
      joinFloor: cycle((_, id) => statements[1]!(floor, id)),
    };
    // As in an application that has run for a while.
    for (let round = 0; round < 2_000; round++) {
      for (const [n, run] of asTenant.entries()) {
        (run(scoped.forTenant(tenantIds[n]!), undefined) as any).toSQL();
        (byHand[n]!(plain, tenantIds[n]) as any).toSQL();
      }
    }
    const times = await takeTurnsAsync(candidates, { rounds: 31, calls: max === 1 ? 48 : 160, atOnce });
    const on = max === 1 ? 'one connection' : 'a pool of ten';
    const us = (name: keyof typeof times) => `${(spreadOf(times[name]).median / 1e3).toFixed(0)} us`;
    const throughput = (name: keyof typeof times, base: keyof typeof times) => ratioOf(times[base], times[name]);
    for (const name of Object.keys(times) as (keyof typeof times)[]) console.log(on, name, us(name));
    report(
      `throughput, ${on}: scoped / hand-written, both unprepared`,
      throughput('unprepared', 'byHand'),
      'at least 0.97',
    );
    report(`throughput, ${on}: scoped as it is / Drizzle as it is`, throughput('scoped', 'byHand'), 'at least 1.8');
    report(`the limit, ${on}: bare postgres.js, prepared / Drizzle as it is`, throughput('floor', 'byHand'), '');
    if (max === 1)
      await reportProcessor({
        byHand: { run: candidates.byHand, servers: serversAt(plainClient) },
        scoped: { run: candidates.scoped, servers: serversAt(scopedClient) },
        floor: { run: candidates.floor, servers: serversAt(floor) },
      });
    report(
      `throughput, ${on}, of a join by key: scoped as it is / Drizzle as it is`,
      throughput('joinScoped', 'joinByHand'),
      '',
    );
    report(
      `the limit of that, ${on}: bare postgres.js, prepared / Drizzle as it is`,
      throughput('joinFloor', 'joinByHand'),
      '',
    );
    report(
      `latency, ${on}: \`db.prepare(...)\`.run / Drizzle's own prepared statement`,
      ratioOf(times.prepared, times.ownPrepared),
      'at most 1.1',
    );
    report(
      `latency, ${on}: \`rls: true\` / textbook transaction with set_config`,
      ratioOf(times.bound, times.textbook),
      'at most 0.4',
    );
  }
} finally {
  await Promise.all(clients.map((it) => it.end()));
  await databases.stop();
  // The embedded server's hooks listen to the process that started this one, which would keep it alive.
  process.disconnect?.();
}
