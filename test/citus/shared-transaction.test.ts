/**
 * `db.transaction` on Citus: reference and tenant tables in one transaction, under row-level security, on the workers
 * too.
 */
import { integer, text } from 'drizzle-orm/pg-core';
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineTenantRelations, referenceTable, tenancy, tenantTable, withTenancy } from '../../src/index.js';
import { policiesOf } from '../support/rls.js';

const hall = tenancy('hall', integer);
const folk = referenceTable('folk', { id: integer().primaryKey(), email: text().notNull() });
const halls = tenantTable('halls', { id: hall.id().primaryKey(), name: text().notNull() });
const shelves = tenantTable('shelves', {
  hallId: hall.id('hall_id').references(() => halls.id),
  id: integer().primaryKey(),
  body: text().notNull(),
});
const relations = defineTenantRelations({ folk, halls, shelves });
const url = process.env.CITUS_URL;
const suffix = randomBytes(3).toString('hex');
const [app, admin] = [`tx_app_${suffix}`, `tx_admin_${suffix}`];

describe.skipIf(!url)('on Citus (CITUS_URL)', () => {
  let client: postgres.Sql;
  const asApp = () => Object.assign(new URL(url!), { username: app, password: 'app' }).href;
  beforeAll(async () => {
    client = postgres(url!, { max: 1, onnotice: () => {} });
    for (const text of [
      `create role ${app} login password 'app'`,
      `create role ${admin} login bypassrls`,
      `grant ${admin} to ${app}`,
      'drop table if exists shelves, halls, folk',
      'create table folk (id integer primary key, email text not null)',
      "select create_reference_table('folk')",
      'create table halls (id integer primary key, name text not null)',
      "select create_distributed_table('halls', 'id')",
      'create table shelves (hall_id integer not null, id integer not null, body text not null, ' +
        'primary key (hall_id, id))',
      "select create_distributed_table('shelves', 'hall_id', colocate_with => 'halls')",
      'alter table shelves add foreign key (hall_id) references halls',
      ...policiesOf('halls', 'id', 'integer', 'hall', false),
      ...policiesOf('shelves', 'hall_id', 'integer', 'hall', false),
      ...[app, admin].flatMap((it) => [
        `grant usage on schema public to ${it}`,
        `grant select, insert, update, delete on folk, halls, shelves to ${it}`,
      ]),
    ])
      await client.unsafe(text);
  });
  afterAll(async () => {
    if (!client) return;
    await client.unsafe('drop table if exists shelves, halls, folk');
    for (const it of [app, admin]) await client.unsafe(`drop owned by ${it}; drop role ${it}`);
    await client.end();
  });

  const drivers: Record<string, () => { db: any; close: () => Promise<unknown> }> = {
    'postgres.js': () => {
      const it = postgres(asApp(), { max: 1, onnotice: () => {} });
      return { db: drizzle({ client: it }), close: () => it.end() };
    },
    'node-postgres': () => {
      const it = new pg.Pool({ connectionString: asApp(), max: 1 });
      return { db: nodePostgres({ client: it }), close: () => it.end() };
    },
  };
  test.each(Object.keys(drivers))('a sign-up, several tenants, savepoints, %s', { timeout: 60_000 }, async (name) => {
    await client.unsafe('delete from shelves');
    await client.unsafe('delete from halls');
    await client.unsafe('delete from folk');
    const { db: plain, close } = drivers[name]!();
    const db = withTenancy(plain, { relations, rls: true, across: { role: admin } });
    const signUp = (id: number, fails: boolean) =>
      db.transaction(async (tx) => {
        await tx.shared.insert(folk).values({ id, email: `${id}` });
        const own = tx.forTenant(hall.parse(id));
        await own.insert(halls).values({ name: `${id}` });
        await own.insert(shelves).values({ id: 1, body: `${id}` });
        if (fails) throw new Error('no');
        return own.select().from(shelves);
      });
    for (const id of [1, 2, 3]) expect(await signUp(id, false)).toEqual([{ hallId: id, id: 1, body: `${id}` }]);
    await expect(signUp(4, true)).rejects.toThrow('no');
    expect(await db.shared.$count(folk)).toBe(3);
    const seen = await db.transaction(async (tx) => {
      const of = (id: number) => tx.forTenant(hall.parse(id));
      const atOnce = await Promise.all(
        [1, 2, 3, 1, 2, 3].map((id) => of(id).select({ body: shelves.body }).from(shelves)),
      );
      await tx
        .transaction(async (inner) => {
          await inner.forTenant(hall.parse(2)).insert(shelves).values({ id: 9, body: 'x' });
          inner.rollback();
        })
        .catch(() => {});
      return [...atOnce, await of(1).select({ body: shelves.body }).from(shelves)].map((it) =>
        it.map(({ body }) => body).join(),
      );
    });
    expect(seen).toEqual(['1', '2', '3', '1', '2', '3', '1']);
    const outcome = await db
      .transaction(async (tx) => {
        const before = await tx.forTenant(hall.parse(1)).$count(shelves);
        const all = await tx.acrossTenants({ reason: 'a report' }).$count(shelves);
        // Past the filters: what the workers show the tenant's statement.
        return [before, all, await tx.forTenant(hall.parse(1)).$count(shelves)];
      })
      .catch((error) => error.cause?.message ?? error.message);
    expect(outcome).toEqual([1, 3, 1]);
    expect(await db.acrossTenants({ reason: 'a report' }).$count(shelves)).toBe(3);
    await close();
  });
});
