/** The fair queue: who waits, for how long, and that nobody waits for ever. The queue by itself, then on a server. */
import { Deferred, Effect, Fiber, Metric, Stream } from 'effect';
import { eq, sql } from 'drizzle-orm';
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TenantDb } from '../../src/effect/index.js';
import { FairQueue, type Turn, type Waited, type Who } from '../../src/handle/fair.js';
import { withTenancy, type FairOptions } from '../../src/index.js';
import { dropDatabases, freshDatabase, type TestDatabase } from '../support/databases.js';
import { a, b } from '../support/rows.js';
import { account, countries, projects, relations } from '../support/schema.js';

const tenant = (ids: string): Who => ({ scope: 'one', tenancy: 'account', ids });

describe('the queue', () => {
  const take = (queue: FairQueue, ids: string, isHolding = false) => queue.take(tenant(ids), isHolding);
  const running = (turns: readonly Turn[]) => turns.map((it) => it.state === 'running');

  test('lets a tenant have so many, and others the rest at once', () => {
    const queue = new FairQueue({ perTenant: 2 }, 4);
    const [mine, others] = [[1, 2, 3, 4].map(() => take(queue, 'a')), [take(queue, 'b'), take(queue, 'c')]];
    expect(running(mine)).toEqual([true, true, false, false]);
    expect(running(others)).toEqual([true, true]);
    others[0]!.end();
    expect(queue.waiting).toBe(2);
    mine[0]!.end();
    expect(running(mine)).toEqual([false, true, true, false]);
  });

  test('has tenants take turns where connections are short, whoever came first', () => {
    const queue = new FairQueue({ perTenant: 2 }, 2);
    const order: string[] = [];
    const turns = ['a', 'a', 'a', 'a', 'a', 'b', 'b', 'c'].map((ids) => {
      const turn = take(queue, ids);
      turn.onStart = () => order.push(ids);
      return turn;
    });
    const ended = new Set<Turn>();
    for (let next; (next = turns.find((it) => it.state === 'running' && !ended.has(it))); next.end()) ended.add(next);
    expect(order).toEqual(['b', 'c', 'a', 'b', 'a', 'a']);
  });

  test('forgets tenants that have nothing there, and does not count twice what ends twice', () => {
    const queue = new FairQueue({ perTenant: 1 }, 1);
    const first = take(queue, 'a');
    const [second, third] = [take(queue, 'a'), take(queue, 'b')];
    first.end();
    first.end();
    expect(running([second, third])).toEqual([false, true]);
    third.end();
    second.end();
    third.end();
    expect(queue.waiting).toBe(0);
    expect(running([take(queue, 'c')])).toEqual([true]);
  });

  test('lets a tenant that is alone have more statements, until another one comes', () => {
    const queue = new FairQueue({ perTenant: 2, alone: 5 }, 4);
    const statement = (ids: string) => queue.take(tenant(ids), false, true);
    const mine = Array.from({ length: 9 }, () => statement('a'));
    const begun = () => running(mine).filter(Boolean).length;
    expect(begun()).toBe(5);
    mine[0]!.end();
    expect(running(mine)).toEqual([false, true, true, true, true, true, false, false, false]);
    // Four connections have something to do, but the other one does not wait for what is beyond the limit.
    const others = [statement('b'), statement('b'), statement('b'), take(queue, 'c')];
    expect(running(others)).toEqual([true, true, false, false]);
    for (const it of mine.slice(1, 4)) it.end();
    expect(begun()).toBe(2);
    mine[4]!.end();
    expect([begun(), queue.waiting]).toEqual([1, 4]);
    for (const it of others) it.end();
    expect([begun(), queue.waiting]).toEqual([4, 0]);
    for (const it of mine) it.end();
    expect(running([statement('c')])).toEqual([true]);
  });

  test('a tenant that is alone has no more transactions than with others', () => {
    const queue = new FairQueue({ perTenant: 2, alone: 5 }, 4);
    const transactions = [1, 2, 3].map(() => take(queue, 'a'));
    const statements = [1, 2, 3, 4].map(() => queue.take(tenant('a'), false, true));
    expect(running([...transactions, ...statements])).toEqual([true, true, false, false, false, false, false]);
    transactions[0]!.end();
    // The third one's turn has come, and those behind it are statements.
    expect(running([...transactions, ...statements])).toEqual([false, true, true, true, true, true, false]);
    for (const it of transactions) it.end();
    expect(running(statements)).toEqual([true, true, true, true]);
    expect(() => new FairQueue({ perTenant: 4, alone: 3 }, 10)).toThrow(/^Let alone be perTenant or more/);
    expect(() => new FairQueue({ perTenant: 4, alone: 4.5 }, 10)).toThrow(/^Let alone be perTenant or more/);
  });

  test('limits nobody else than tenants', () => {
    const queue = new FairQueue({ perTenant: 1 }, 3);
    const shared = [1, 2, 3].map(() => queue.take({ scope: 'shared', tenancy: undefined, ids: '' }, false));
    expect(running(shared)).toEqual([true, true, true]);
  });

  test('tells of a wait, and that what is told fails', () => {
    const told: Waited[] = [];
    const onWait = (it: Waited) => {
      told.push(it);
      throw new Error('a counter that fails');
    };
    const queue = new FairQueue({ perTenant: 1, onWait }, 2);
    const [first, second, third] = [take(queue, 'a'), take(queue, 'a'), take(queue, 'a')];
    third!.end();
    first!.end();
    second!.end();
    expect(told).toMatchObject([
      { tenancy: 'account', scope: 'one', isCancelled: true, waiting: 1 },
      { isCancelled: false, waiting: 0 },
    ]);
  });

  test.each([0, 1.5, Number.NaN, '2', undefined])('refuses %s', (perTenant) => {
    expect(() => new FairQueue({ perTenant: perTenant as number }, 2)).toThrow('fair: { perTenant: 4 }');
  });
});

let url: string;
let watcher: postgres.Sql;
const closing: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  ({ url } = await freshDatabase());
  watcher = postgres(url, { max: 1, onnotice: () => {} });
});
afterAll(async () => {
  await watcher.end();
  await dropDatabases();
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const functions = ['pg_sleep', 'pg_advisory_lock_shared', 'pg_advisory_unlock_shared'];
const drivers = {
  'postgres.js': (fair: FairOptions, max: number) => {
    const client = postgres(url, { max, onnotice: () => {} });
    closing.push(() => client.end());
    return withTenancy(drizzle({ client }), { relations, fair, functions });
  },
  'node-postgres': (fair: FairOptions, max: number) => {
    const client = new pg.Pool({ connectionString: url, max });
    closing.push(() => client.end());
    return withTenancy(drizzleNodePostgres({ client }), { relations, fair, functions }) as unknown as TestDatabase;
  },
};

const pause = (seconds: number) => sql`select pg_sleep(${seconds}::float8)`;
const read = (tdb: any) => tdb.select({ name: projects.name }).from(projects).where(eq(projects.id, 1));

describe.each(Object.entries(drivers))('on %s', (_, open) => {
  test('a tenant has so many at once, and another one none to wait for', async () => {
    const waits: Waited[] = [];
    const db = open({ perTenant: 2, onWait: (it) => waits.push(it) }, 3);
    const [mine, other] = [db.forTenant(a), db.forTenant(b)];
    await Promise.all([other.execute(pause(0)), mine.execute(pause(0)), mine.execute(pause(0))]);
    waits.length = 0;
    // The flood waits for a lock, so that it ends when the test says so, on a slow machine too.
    await watcher`select pg_advisory_lock(7)`;
    const began = performance.now();
    let ended = 0;
    const flood = Array.from({ length: 6 }, () =>
      mine.execute(sql`select pg_advisory_lock_shared(7), pg_advisory_unlock_shared(7)`).then(() => ended++),
    );
    let most = 0;
    for (let looks = 0; looks < 10; await read(other)) {
      const [{ n }] = (await watcher`select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted
          and database = (select oid from pg_database where datname = current_database())`) as any;
      most = Math.max(most, n);
      if (n === 2) looks++;
    }
    expect(ended).toBe(0);
    expect(most).toBe(2);
    await watcher`select pg_advisory_unlock(7)`;
    const held = performance.now() - began;
    await Promise.all(flood);
    expect(waits.map((it) => it.scope)).toEqual(['one', 'one', 'one', 'one']);
    expect(waits.at(-1)!.milliseconds).toBeGreaterThan(held / 2);
  });

  test('transactions take turns, and what is within them does not wait', async () => {
    const waits: Waited[] = [];
    const db = open({ perTenant: 1, onWait: (it) => waits.push(it) }, 3);
    const tdb = db.forTenant(a);
    const order: string[] = [];
    const transaction = (name: string) =>
      tdb.transaction(async (tx) => {
        order.push(`begin ${name}`);
        await tx.transaction(async (inner) => void (await Promise.all([read(inner), read(inner)])));
        // Handles outside of it, the tenant's own and another's, and a transaction on them.
        await read(tdb);
        await read(db.forTenant(b));
        await tdb.transaction(async (beside) => void (await read(beside)));
        order.push(`end ${name}`);
      });
    await Promise.all([transaction('1'), transaction('2')]);
    expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
    expect(waits).toHaveLength(1);
    await db.transaction(async (tx) => {
      await tx.shared.select().from(countries);
      await Promise.all([read(tx.forTenant(a)), read(tdb), read(tdb)]);
    });
  });

  test('a transaction that waits for a statement that cannot be seen to be its own goes on', async () => {
    const db = open({ perTenant: 1 }, 3);
    const tdb = db.forTenant(a);
    // Begun outside, as by a queue of work: it waits for the transaction, which waits for it.
    let tell!: () => void;
    const asked = new Promise<void>((resolve) => (tell = resolve));
    const outside = asked.then(() => Promise.all([read(tdb), read(tdb)]));
    await tdb.transaction(async (tx) => {
      await read(tx);
      tell();
      await outside;
    });
  });

  test('a stream has a turn, and a statement for each of its rows does not wait for its end', async () => {
    const waits: Waited[] = [];
    const tdb = open({ perTenant: 1, onWait: (it) => waits.push(it) }, 3).forTenant(a);
    let rows = 0;
    for await (const _ of tdb.select().from(projects).stream({ chunkSize: 1 })) {
      rows++;
      await read(tdb);
    }
    expect(rows).toBeGreaterThan(1);
    expect(waits).toHaveLength(rows);
    expect(Math.max(...waits.map((it) => it.milliseconds))).toBeLessThan(900);
  });

  test('waiting ends with a signal, and nothing of it is sent', async () => {
    const waits: Waited[] = [];
    const db = open({ perTenant: 1, onWait: (it) => waits.push(it) }, 2);
    const running = db
      .forTenant(a)
      .execute(pause(0.1))
      .then(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    const controller = new AbortController();
    const tdb = db.forTenant(a, { signal: controller.signal });
    const insert = tdb
      .insert(projects)
      .values({ id: 900, name: 'never' })
      .then(() => 'sent', String);
    const transaction = tdb.transaction(async () => 'begun').catch(String);
    setTimeout(() => controller.abort('gone'), 20);
    expect(await Promise.all([insert, transaction])).toEqual(['gone', 'gone']);
    expect(waits.map((it) => it.isCancelled)).toEqual([true, true]);
    await expect(tdb.transaction(async () => {})).rejects.toBe('gone');
    await running;
    expect(await db.forTenant(a).select().from(projects).where(eq(projects.id, 900))).toEqual([]);
  });

  test('a statement that fails, and one that was prepared, give their turns back', async () => {
    const db = open({ perTenant: 1 }, 2);
    const prepared = db.prepare(account, (tdb) => read(tdb) as any);
    for (let i = 0; i < 3; i++) {
      await expect(db.forTenant(a).execute(sql`select 1 / 0`)).rejects.toThrow();
      await expect(db.forTenant(a).transaction(async () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    }
    const [one] = (await Promise.all([prepared.run(a), prepared.run(a), prepared.run(b)])) as any[];
    expect(one).toHaveLength(1);
  });
});

test('a signal without a queue: nothing is sent once it is aborted', async () => {
  const client = postgres(url, { max: 1, onnotice: () => {} });
  closing.push(() => client.end());
  const controller = new AbortController();
  const tdb = withTenancy(drizzle({ client }), { relations }).forTenant(a, { signal: controller.signal });
  await read(tdb);
  await expect(
    tdb.transaction(async (tx) => {
      controller.abort('gone');
      await tx.insert(projects).values({ id: 901, name: 'never' });
    }),
  ).rejects.toBe('gone');
  await expect(Promise.resolve(read(tdb))).rejects.toBe('gone');
  await expect(tdb.transaction(async () => {})).rejects.toBe('gone');
});

class Db extends TenantDb.Service<Db>()('test/fair', { tenancy: account, relations }) {}

const layers = {
  'postgres.js': (fair: FairOptions) => Db.layer({ url, maxConnections: 3, fair }),
  'node-postgres': (fair: FairOptions) => {
    const client = new pg.Pool({ connectionString: url, max: 3 });
    closing.push(() => client.end());
    return Db.layerFrom(drizzleNodePostgres({ client }), { fair });
  },
};

describe.each(Object.entries(layers))('Effects on %s', (_, layer) => {
  const run = <A>(program: Effect.Effect<A, unknown, any>, fair: FairOptions = { perTenant: 1 }) =>
    Effect.runPromise(program.pipe(Effect.provide(layer(fair)), Effect.timeout('5 seconds')) as Effect.Effect<A>);

  test('transactions take turns, and what is within them does not wait', async () => {
    const order: string[] = [];
    const transaction = (name: string) =>
      Effect.gen(function* () {
        const db = yield* Db;
        yield* db.transaction((tx) =>
          Effect.gen(function* () {
            order.push(`begin ${name}`);
            yield* tx.transaction((inner) => Effect.all([read(inner), read(inner)], { concurrency: 2 }));
            yield* read(db);
            yield* Db.forTenant(
              b,
              Effect.flatMap(Db, (other) => read(other) as Effect.Effect<unknown>),
            );
            yield* db.transaction((beside) => read(beside) as Effect.Effect<unknown>);
            order.push(`end ${name}`);
          }),
        );
      });
    const waits: Waited[] = [];
    await run(Db.forTenant(a, Effect.all([transaction('1'), transaction('2')], { concurrency: 2 })), {
      perTenant: 1,
      onWait: (it) => waits.push(it),
    });
    expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
    expect(waits).toHaveLength(1);
  });

  test('waiting is interrupted, and measured; a stream holds nobody up for ever', async () => {
    const waits: Waited[] = [];
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const begun = yield* Deferred.make<void>();
      const running = yield* Effect.forkChild(
        db.transaction(() => Effect.andThen(Deferred.succeed(begun, undefined), Effect.sleep('60 millis'))),
      );
      yield* Deferred.await(begun);
      const waiting = yield* Effect.forkChild(db.insert(projects).values({ id: 902, name: 'never' }));
      yield* Effect.sleep('20 millis');
      yield* Fiber.interrupt(waiting);
      yield* Fiber.join(running);
      expect(yield* db.select().from(projects).where(eq(projects.id, 902))).toEqual([]);
      // Each row is looked at with another statement.
      const rows = yield* Stream.runCollect(
        Stream.mapEffect(db.select().from(projects).stream({ chunkSize: 1 }), () => read(db) as Effect.Effect<unknown>),
      );
      expect(rows.length).toBeGreaterThan(1);
      return yield* Metric.snapshot;
    });
    const metrics = (await run(Effect.provideService(Db.forTenant(a, program) as any, TenantDb.Metrics, true), {
      perTenant: 1,
      onWait: (it) => waits.push(it),
    })) as any[];
    expect(waits[0]).toMatchObject({ isCancelled: true, tenancy: 'account' });
    const of = (id: string) => metrics.filter((it) => it.id === id);
    expect(of('db.client.connection.wait_time').map((it) => it.attributes['error.type'])).toContain('Interrupt');
    expect(of('db.client.connection.wait_time')[0].attributes['tenant.tenancy']).toBe('account');
    expect(of('db.client.connection.pending_requests')[0].state.value).toBe(0);
    expect(JSON.stringify(of('db.client.connection.wait_time').map((it) => it.attributes))).not.toContain(a);
  });
});
