/**
 * From rows to objects: what a client's processor takes for a query, in units of the same text on bare postgres.js,
 * whose rows stay as they came: on a tenant's handle, and as Drizzle itself takes it by hand. What both take more than
 * bare postgres.js is building the query, of which a prepared statement of all tenants has nothing left.
 *
 *   npm run bench -- mappers
 */
import { and, asc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { withTenancy } from '../../src/index.js';
import { account, projects, relations, tasks } from '../support/schema.js';
import { startDatabases, tenantIds } from './database.js';
import { ratioOf, report, show, spreadOf } from './measure.js';
import { plainRelations } from './mix.js';
import { type Candidate, processorTimes } from './processor.js';

interface Query {
  readonly scoped: (tdb: any) => any;
  readonly byHand: (db: any, id: unknown) => any;
}

const queries: Record<string, Query> = {
  'a look-up by key': {
    scoped: (tdb) => tdb.select().from(tasks).where(eq(tasks.id, 17)),
    byHand: (db, id) =>
      db
        .select()
        .from(tasks)
        .where(and(eq(tasks.accountId, id as any), eq(tasks.id, 17))),
  },
  '200 rows': {
    scoped: (tdb) => tdb.select().from(tasks).orderBy(asc(tasks.id)),
    byHand: (db, id) =>
      db
        .select()
        .from(tasks)
        .where(eq(tasks.accountId, id as any))
        .orderBy(asc(tasks.id)),
  },
  'a join of 200 rows': {
    scoped: (tdb) =>
      tdb.select().from(tasks).innerJoin(projects, eq(projects.id, tasks.projectId)).orderBy(asc(tasks.id)),
    byHand: (db, id) =>
      db
        .select()
        .from(tasks)
        .innerJoin(projects, and(eq(projects.accountId, id as any), eq(projects.id, tasks.projectId)))
        .where(eq(tasks.accountId, id as any))
        .orderBy(asc(tasks.id)),
  },
  'a nested page': {
    scoped: (tdb) =>
      tdb.query.projects.findMany({
        orderBy: { id: 'asc' },
        limit: 10,
        with: { owner: true, tasks: { orderBy: { id: 'asc' }, limit: 5 } },
      }),
    byHand: (db, accountId) =>
      db.query.projects.findMany({
        where: { accountId },
        orderBy: { id: 'asc' },
        limit: 10,
        with: { owner: { where: { accountId } }, tasks: { where: { accountId }, orderBy: { id: 'asc' }, limit: 5 } },
      }),
  },
};

const databases = await startDatabases();
const clients: postgres.Sql[] = [];
const connect = () => clients[clients.push(postgres(databases.url, { max: 1, onnotice: () => {} })) - 1]!;

try {
  const bare = connect();
  const dbs = {
    asItIs: withTenancy(drizzle({ client: connect() }), { relations }),
    jit: withTenancy(drizzle({ client: connect(), jit: true }), { relations }),
    prepared: withTenancy(drizzle({ client: connect(), jit: true }), { relations }),
  };
  const plain = {
    byHand: drizzle({ client: connect(), ...plainRelations }),
    jitByHand: drizzle({ client: connect(), jit: true, ...plainRelations }),
  };
  await dbs.asItIs.ready;
  for (const [what, { scoped, byHand }] of Object.entries(queries)) {
    const tenant = (i: number) => tenantIds[i % tenantIds.length]!;
    const { sql: text, params } = scoped(dbs.asItIs.forTenant(tenant(0))).toSQL();
    const own = params.indexOf(tenant(0));
    const floor = (id: unknown) =>
      bare.unsafe(
        text,
        params.map((it: any, i: number) => (i === own ? id : it)),
        { prepare: true },
      );
    const prepared = dbs.prepared.prepare(account, scoped);
    const onHandle = (db: any) => (id: unknown) => scoped(db.forTenant(id));
    const runs: Record<'floor' | keyof typeof dbs | keyof typeof plain, (id: unknown) => any> = {
      floor,
      asItIs: onHandle(dbs.asItIs),
      jit: onHandle(dbs.jit),
      prepared: (id: any) => prepared.run(id),
      byHand: (id) => byHand(plain.byHand, id),
      jitByHand: (id) => byHand(plain.jitByHand, id),
    };
    // As in an application that has run for a while.
    for (let round = 0; round < 2_000; round++) {
      for (const name of ['asItIs', 'jit', 'byHand', 'jitByHand'] as const) runs[name](tenant(round)).toSQL();
    }
    const candidates = Object.fromEntries(
      Object.entries(runs).map(([name, run]): [string, Candidate] => {
        let n = 0;
        // Of this process alone: what the server takes is the same for all of them.
        return [name, { run: () => run(tenant(n++)), servers: async () => [] }];
      }),
    ) as Record<keyof typeof runs, Candidate>;
    const times = (await processorTimes(candidates, { rounds: 21, calls: what === 'a look-up by key' ? 600 : 120 }))!;
    const names = Object.keys(times) as (keyof typeof runs)[];
    console.log(what, 'us:', names.map((it) => `${it} ${spreadOf(times[it].client).median.toFixed(0)}`).join(', '));
    const ratio = (name: keyof typeof runs, to: keyof typeof runs = 'floor') =>
      show(ratioOf(times[name].client, times[to].client));
    report(
      `the client's processor, ${what}: scoped with jit: true / Drizzle with jit: true, by hand`,
      ratio('jit', 'jitByHand'),
      'at most 1.1',
    );
    report(`${what}: scoped as it is / Drizzle as it is, by hand`, ratio('asItIs', 'byHand'), 'at most 1.1');
    report(`${what}: scoped with jit: true / bare postgres.js, prepared`, ratio('jit'), 'at most 1.1');
    report(`${what}: the same without jit`, ratio('asItIs'), '');
    report(`${what}: \`db.prepare(...)\`.run with jit: true / bare postgres.js, prepared`, ratio('prepared'), '');
    report(`${what}: Drizzle with jit: true, by hand / bare postgres.js, prepared`, ratio('jitByHand'), '');
  }
} finally {
  await Promise.all(clients.map((it) => it.end()));
  await databases.stop();
  process.disconnect?.();
}
