/**
 * From rows to objects: what a client's processor takes for a query on a tenant's handle, in units of the same text on
 * bare postgres.js, whose rows stay as they came.
 *
 *   npm run bench -- mappers
 */
import { asc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { withTenancy } from '../../src/index.js';
import { projects, relations, tasks } from '../support/schema.js';
import { startDatabases, tenantIds } from './database.js';
import { ratioOf, report, show, spreadOf } from './measure.js';
import { type Candidate, processorTimes, serversOf } from './processor.js';

const queries: Record<string, (tdb: any) => any> = {
  'a look-up by key': (tdb) => tdb.select().from(tasks).where(eq(tasks.id, 17)),
  '200 rows': (tdb) => tdb.select().from(tasks).orderBy(asc(tasks.id)),
  'a join of 200 rows': (tdb) =>
    tdb.select().from(tasks).innerJoin(projects, eq(projects.id, tasks.projectId)).orderBy(asc(tasks.id)),
  'a nested page': (tdb) =>
    tdb.query.projects.findMany({
      orderBy: { id: 'asc' },
      limit: 10,
      with: { owner: true, tasks: { orderBy: { id: 'asc' }, limit: 5 } },
    }),
};

const databases = await startDatabases();
const clients: postgres.Sql[] = [];
const connect = () => clients[clients.push(postgres(databases.url, { max: 1, onnotice: () => {} })) - 1]!;

try {
  const [bare, plain, jit] = [connect(), connect(), connect()];
  const dbs = {
    'as it is': withTenancy(drizzle({ client: plain }), { relations }),
    'with jit: true': withTenancy(drizzle({ client: jit, jit: true }), { relations }),
  };
  await dbs['as it is'].ready;
  const serversAt = (client: postgres.Sql) => () => serversOf((text) => client.unsafe(text) as any);
  for (const [what, query] of Object.entries(queries)) {
    let [n, m, k] = [0, 0, 0];
    const tenant = (i: number) => tenantIds[i % tenantIds.length]!;
    const { sql: text, params } = query(dbs['as it is'].forTenant(tenant(0))).toSQL();
    const own = params.indexOf(tenant(0));
    const floor = () =>
      bare.unsafe(
        text,
        params.map((it: any, i: number) => (i === own ? tenant(n) : it)),
        { prepare: true },
      );
    const candidates: Record<'floor' | 'asItIs' | 'jit', Candidate> = {
      floor: { run: () => (n++, floor()), servers: serversAt(bare) },
      asItIs: { run: () => query(dbs['as it is'].forTenant(tenant(m++))), servers: serversAt(plain) },
      jit: { run: () => query(dbs['with jit: true'].forTenant(tenant(k++))), servers: serversAt(jit) },
    };
    const times = await processorTimes(candidates, { rounds: 21, calls: 120 });
    if (!times) break;
    const us = (name: keyof typeof times) => spreadOf(times[name].client).median.toFixed(0);
    console.log(what, 'us:', us('floor'), us('asItIs'), us('jit'));
    const ratio = (name: 'asItIs' | 'jit') => ratioOf(times[name].client, times.floor.client);
    report(
      `the client's processor, ${what}: scoped with jit: true / bare postgres.js, prepared`,
      show(ratio('jit')),
      'at most 1.1',
    );
    report(`${what}: scoped without jit / bare postgres.js, prepared`, show(ratio('asItIs')), '');
  }
} finally {
  await Promise.all(clients.map((it) => it.end()));
  await databases.stop();
  process.disconnect?.();
}
