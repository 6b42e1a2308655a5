/**
 * What `rls: true` costs, in processor time of client and server: the mix of statements as a tenant's handle sends it,
 * with and without. The policies are PostgreSQL's part of it.
 *
 *   npm run bench -- rls
 */
import { PGlite } from '@electric-sql/pglite';
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle as drizzlePGlite } from 'drizzle-orm/pglite';
import { drizzle } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { withTenancy } from '../../src/index.js';
import { relations } from '../support/schema.js';
import { setUp, startDatabases } from './database.js';
import { ratioOf, report, spreadOf } from './measure.js';
import { asTenant, cycle } from './mix.js';
import { type Candidate, processorTimes, serversOf } from './processor.js';

const databases = await startDatabases();
const closing: (() => Promise<unknown>)[] = [];

/** @returns a handle of Drizzle's, and the processes that serve it */
const drivers: Record<
  string,
  (url: string, max: number, guarded: boolean) => Promise<{ handle: any; servers: Candidate['servers'] }>
> = {
  'postgres.js': async (url, max) => {
    const client = postgres(url, { max, onnotice: () => {} });
    closing.push(() => client.end());
    return { handle: drizzle({ client }), servers: () => serversOf((text) => client.unsafe(text) as any, max) };
  },
  'node-postgres': async (url, max) => {
    const client = new pg.Pool({ connectionString: url, max, idleTimeoutMillis: 0 });
    client.on('error', () => {});
    closing.push(() => client.end());
    return {
      handle: drizzleNodePostgres({ client }),
      servers: () => serversOf(async (text) => (await client.query(text)).rows, max),
    };
  },
  PGlite: async (_, __, guarded) => {
    const client = new PGlite();
    await setUp(async (text) => void (await client.exec(text)), guarded);
    closing.push(() => client.close());
    return { handle: drizzlePGlite({ client }), servers: async () => [] };
  },
};

try {
  for (const [name, open] of Object.entries(drivers)) {
    for (const max of name === 'PGlite' ? [1] : [1, 10]) {
      const [free, bound] = [await open(databases.url, max, false), await open(databases.guardedUrl, max, true)];
      const [plain, guarded] = [
        withTenancy(free.handle, { relations }),
        withTenancy(bound.handle, { relations, rls: true }),
      ];
      const candidates = {
        free: { run: cycle((n, id) => asTenant[n]!(plain.forTenant(id), id)), servers: free.servers },
        bound: { run: cycle((n, id) => asTenant[n]!(guarded.forTenant(id), id)), servers: bound.servers },
      };
      const times = await processorTimes(candidates, { atOnce: 2 * max - 1, rounds: name === 'PGlite' ? 9 : 21 });
      const on = `${name}${name === 'PGlite' ? '' : max === 1 ? ', one connection' : ', a pool of ten'}`;
      if (!times) continue;
      const us = (values: readonly number[]) => spreadOf(values).median.toFixed(0);
      for (const [kind, { client, server }] of Object.entries(times))
        console.log(`${on}, ${kind}: client ${us(client)} us, server ${us(server)} us`);
      report(
        `processor time, ${on}: \`rls: true\` / without`,
        ratioOf(times.bound.both, times.free.both),
        'at most 1.3',
      );
    }
  }
} finally {
  await Promise.all(closing.map((close) => close()));
  await databases.stop();
  process.disconnect?.();
}
