/** A migration changes the type of a result while the application runs: nobody notices. */
import { eq, sql } from 'drizzle-orm';
import { text, uuid } from 'drizzle-orm/pg-core';
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import { Effect } from 'effect';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineTenantRelations, tenancy, tenantTable, withTenancy } from '../../src/index.js';
import { TenantDb } from '../../src/effect/index.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';
import { asRole, createRole, grants, policiesOf } from '../support/rls.js';

const shop = tenancy('shop', uuid);
const wares = tenantTable('wares', { shopId: shop.id('shop_id'), id: text().primaryKey(), name: text().notNull() });
const relations = defineTenantRelations({ wares });
class Db extends TenantDb.Service<Db>()('test/OutdatedDb', { tenancy: shop, relations }) {}
const id = shop.parse('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');

let url: string;
let client: postgres.Sql;
const open: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  ({ url } = await freshDatabase());
  client = postgres(url, { max: 1, onnotice: () => {} });
  await client.unsafe(
    'drop schema public cascade; drop schema crm cascade; create schema public; ' +
      'create table wares (shop_id uuid not null, id text not null, name text not null, ' +
      `primary key (shop_id, id)); insert into wares values ('${id}', 'x', 'ware')`,
  );
  for (const statement of [createRole, ...policiesOf('wares', 'shop_id', 'uuid', 'shop', false), ...grants('public')])
    await client.unsafe(statement);
});
afterAll(async () => {
  await Promise.all(open.map((close) => close()));
  await client.end();
  await dropDatabases();
});
let length = 40;
const migrate = () =>
  client.unsafe(`alter table wares alter column name type ${length++ % 2 ? 'text' : `varchar(${length})`}`);

const drivers: Record<string, (max: number) => any> = {
  'postgres.js': (max) => {
    const it = postgres(asRole(url), { max, onnotice: () => {} });
    open.push(() => it.end());
    return drizzle({ client: it });
  },
  'node-postgres': (max) => {
    const it = new pg.Pool({ connectionString: asRole(url), max });
    open.push(() => it.end());
    return nodePostgres({ client: it });
  },
};

describe.each(Object.keys(drivers).flatMap((name) => [true, false].map((rls) => ({ name, rls }))))(
  '$name, rls: $rls',
  ({ name, rls }) => {
    const ways = (db: any) => {
      const tdb = db.forTenant(id);
      const all = (it: any) => it.select().from(wares).where(eq(wares.id, 'x'));
      const byId = db.prepare(shop, (it: any) =>
        it
          .select()
          .from(wares)
          .where(eq(wares.id, sql.placeholder('id'))),
      );
      const named = all(tdb).prepare('named');
      return {
        'a statement': () => all(tdb),
        'a relational query': () => tdb.query.wares.findMany(),
        'a write that returns': () => tdb.update(wares).set({ name: 'ware' }).returning(),
        'a prepared statement': () => byId.run(id, { id: 'x' }),
        'a statement that the application named': () => named.execute(),
        'a transaction': () => tdb.transaction(all),
        'a transaction of several handles': () => db.transaction((tx: any) => all(tx.forTenant(id))),
        'a savepoint': () => tdb.transaction((tx: any) => tx.transaction(all)),
      } as Record<string, () => Promise<any[]>>;
    };
    const expected = [{ shopId: id, id: 'x', name: 'ware' }];

    beforeAll(() => client.unsafe(`alter table wares ${rls ? 'enable' : 'disable'} row level security`));

    test.each(
      Object.keys(
        ways({
          forTenant: () => ({ select: () => ({ from: () => ({ where: () => ({ prepare: () => {} }) }) }) }),
          prepare: () => {},
        }),
      ),
    )('%s', async (way) => {
      const db = withTenancy(drivers[name]!(1), { relations, rls, prepare: true });
      const run = ways(db)[way]!;
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 4; i++) expect(await run()).toEqual(expected);
        await migrate();
      }
      for (let i = 0; i < 3; i++) expect(await run()).toEqual(expected);
    });

    test('many at once, on several connections', async () => {
      const db = withTenancy(drivers[name]!(3), { relations, rls, prepare: true });
      const runs = Object.values(ways(db));
      const atOnce = () => Promise.all(runs.flatMap((run) => [run(), run(), run()]));
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 3; i++) for (const it of await atOnce()) expect(it).toEqual(expected);
        await migrate();
      }
      for (const it of await atOnce()) expect(it).toEqual(expected);
    });

    test.each([1, 2])('answers go to those who asked, on %s', async (max) => {
      const ids = Array.from({ length: 6 }, (_, i) => shop.parse(`bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbb${i}`));
      await client.unsafe(
        "delete from wares where id = 'own'; " +
          `${ids.map((it) => `insert into wares values ('${it}', 'own', '${it}')`).join('; ')}`,
      );
      const db = withTenancy(drivers[name]!(max), { relations, rls, prepare: true });
      const atOnce = () => Promise.all(ids.map((it) => db.forTenant(it).select().from(wares)));
      for (let round = 0; round < 4; round++) {
        for (let i = 0; i < 3; i++)
          expect(await atOnce()).toEqual(ids.map((it) => [{ shopId: it, id: 'own', name: it }]));
        await migrate();
      }
      for (let i = 0; i < 3; i++)
        expect(await atOnce()).toEqual(ids.map((it) => [{ shopId: it, id: 'own', name: it }]));
    });

    test('as Effects', async () => {
      const all = (db: any): Effect.Effect<any> => db.select().from(wares).where(eq(wares.id, 'x'));
      const byId = Db.prepare((db) =>
        db
          .select()
          .from(wares)
          .where(eq(wares.id, sql.placeholder('id'))),
      );
      const once = Effect.gen(function* () {
        const alone = yield* Effect.flatMap(Db, all);
        const inside = yield* Db.transaction(Effect.flatMap(Db, all));
        const named = yield* byId(id, { id: 'x' });
        return [...alone, ...inside, ...named];
      });
      const program = Effect.gen(function* () {
        for (let round = 0; round < 3; round++) {
          for (let i = 0; i < 4; i++) expect(yield* once).toEqual([...expected, ...expected, ...expected]);
          yield* Effect.promise(() => migrate());
        }
        expect(yield* once).toHaveLength(3);
      });
      await Effect.runPromise(Db.forTenant(id, program).pipe(Effect.provide(Db.layerFrom(drivers[name]!(1), { rls }))));
    });

    test('what the application named in a transaction fails once, as with Drizzle, and goes on', async () => {
      const db = withTenancy(drivers[name]!(1), { relations, rls });
      const run = () => db.forTenant(id).transaction((tx) => tx.select().from(wares).prepare('own').execute());
      for (let i = 0; i < 2; i++) expect(await run()).toEqual(expected);
      await migrate();
      await expect(run()).rejects.toMatchObject({ cause: { code: '0A000' } });
      for (let i = 0; i < 2; i++) expect(await run()).toEqual(expected);
    });
  },
);

test('on node-postgres a statement that the server forgot is prepared again', async () => {
  const it = new pg.Pool({ connectionString: asRole(url), max: 1 });
  open.push(() => it.end());
  const tdb = withTenancy(nodePostgres({ client: it }), { relations, rls: true, prepare: true }).forTenant(id);
  for (let i = 0; i < 3; i++) expect(await tdb.select().from(wares)).toHaveLength(1);
  await it.query('deallocate all');
  for (let i = 0; i < 3; i++) expect(await tdb.select().from(wares)).toHaveLength(1);
});
