/** `stream()` on Citus: a cursor over one tenant's shard, and over all of them, under row-level security. */
import { eq } from 'drizzle-orm';
import { integer, text } from 'drizzle-orm/pg-core';
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineTenantRelations, tenancy, tenantTable, withTenancy } from '../../src/index.js';
import { policiesOf } from '../support/rls.js';

const mill = tenancy('mill', integer);
const sacks = tenantTable('sacks', { millId: mill.id('mill_id'), id: integer().primaryKey(), body: text().notNull() });
const relations = defineTenantRelations({ sacks });
const url = process.env.CITUS_URL;
const suffix = randomBytes(3).toString('hex');
const [app, admin] = [`stream_app_${suffix}`, `stream_admin_${suffix}`];

describe.skipIf(!url)('on Citus (CITUS_URL)', () => {
  let client: postgres.Sql;
  const asApp = () => Object.assign(new URL(url!), { username: app, password: 'app' }).href;
  beforeAll(async () => {
    client = postgres(url!, { max: 1, onnotice: () => {} });
    for (const text of [
      `create role ${app} login password 'app'`,
      `create role ${admin} login bypassrls`,
      `grant ${admin} to ${app}`,
      'drop table if exists sacks',
      'create table sacks (mill_id integer not null, id integer not null, body text not null, ' +
        'primary key (mill_id, id))',
      "select create_distributed_table('sacks', 'mill_id', shard_count => 4)",
      "insert into sacks select m, i, 'sack ' || i || ' of ' || m from generate_series(1, 5) m, " +
        'generate_series(1, 20) i',
      ...policiesOf('sacks', 'mill_id', 'integer', 'mill', false),
      ...[app, admin].flatMap((it) => [`grant usage on schema public to ${it}`, `grant select on sacks to ${it}`]),
    ])
      await client.unsafe(text);
  });
  afterAll(async () => {
    if (!client) return;
    await client.unsafe('drop table if exists sacks');
    for (const it of [app, admin]) await client.unsafe(`drop owned by ${it}; drop role ${it}`);
    await client.end();
  });

  const drivers = {
    'postgres.js': () => {
      const it = postgres(asApp(), { max: 2, onnotice: () => {} });
      return { orm: drizzle({ client: it }) as any, close: () => it.end() };
    },
    'node-postgres': () => {
      const it = new pg.Pool({ connectionString: asApp(), max: 2 });
      return { orm: nodePostgres({ client: it }) as any, close: () => it.end() };
    },
  };
  const bodies = async (rows: AsyncIterable<{ body: string }>) => {
    const seen: string[] = [];
    for await (const row of rows) seen.push(row.body);
    return seen;
  };

  test.each(Object.keys(drivers) as (keyof typeof drivers)[])('%s', async (name) => {
    const { orm, close } = drivers[name]();
    try {
      const db = withTenancy<any, any>(orm, { relations, rls: true, across: { role: admin }, fair: { perTenant: 1 } });
      const expected = (m: number) => Array.from({ length: 20 }, (_, i) => `sack ${i + 1} of ${m}`);
      const stream = (it: any) => it.select().from(sacks).orderBy(sacks.millId, sacks.id).stream({ chunkSize: 7 });
      // Two tenants at once, each on a connection of its own.
      const two = await Promise.all([1, 2].map((m) => bodies(stream(db.forTenant(mill.parse(m))))));
      expect(two).toEqual([expected(1), expected(2)]);
      expect(await bodies(stream(db.acrossTenants({ reason: 'export' })))).toEqual([1, 2, 3, 4, 5].flatMap(expected));
      expect(await bodies(stream(db.forTenants([mill.parse(4), mill.parse(5)])))).toEqual([4, 5].flatMap(expected));
      // Left early, and in a transaction beside a statement.
      for await (const row of stream(db.forTenant(mill.parse(3)))) {
        expect(row.body).toBe('sack 1 of 3');
        break;
      }
      const inside = await db.forTenant(mill.parse(3)).transaction(async (tx) => {
        const rows = stream(tx);
        const first = await rows.next();
        const n = await tx.$count(sacks, eq(sacks.id, 1));
        await rows.return();
        return [first.value.body, n];
      });
      expect(inside).toEqual(['sack 1 of 3', 1]);
    } finally {
      await close();
    }
  });
});
