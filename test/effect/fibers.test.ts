import * as PgClient from '@effect/sql-pg/PgClient';
import { makeWithDefaults as overEffect } from 'drizzle-orm/effect-postgres';
import { drizzle } from 'drizzle-orm/node-postgres';
import { eq, sql } from 'drizzle-orm';
import { Cause, Duration, Effect, Exit, Fiber, ManagedRuntime, Redacted } from 'effect';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { testDatabase } from './database.js';
import { a, accounts, b, Db, projects, tasks, tenants } from './schema.js';

const test = testDatabase('fibers');
// The text of a template is scoped too, and may not call pg_sleep: this takes as long.
const slow = sql`select count(*) from generate_series(1, 10000000000)`;

describe('an interrupted fiber', () => {
  it('stops its statement on the server and gives the connection back', async () => {
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const fiber = yield* Effect.forkChild(db.execute(slow));
      yield* Effect.promise(() => expect.poll(() => test.active()).toHaveLength(1));
      yield* Fiber.interrupt(fiber);
      const active = yield* Effect.promise(() => test.active());
      const [one] = (yield* db.execute<{ one: number }>(sql`select 1 as one`)).rows;
      return { active, one, exit: yield* Fiber.await(fiber) };
    });
    const { active, one, exit } = await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(test.layer(1))));
    expect([...active]).toEqual([]);
    expect(one).toEqual({ one: 1 });
    expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true);
  });

  it('stops its statement on node-postgres, with every connection of the pool at work', async () => {
    const client = new pg.Pool({ connectionString: test.url, max: 2 });
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(db.execute(slow)));
      yield* Effect.promise(() => expect.poll(() => test.active()).toHaveLength(2));
      yield* Fiber.interruptAll(fibers);
    });
    await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(Db.layerFrom(drizzle({ client })))));
    // node-postgres passes an error on a moment before the server is idle again.
    await expect.poll(() => test.active(), { timeout: 300 }).toHaveLength(0);
    expect([client.totalCount, client.idleCount, client.waitingCount]).toEqual([2, 2, 0]);
    await client.end();
  });

  it('stops its statement with @effect/sql-pg, and gives the connection back', async () => {
    const runtime = ManagedRuntime.make(PgClient.layer({ url: Redacted.make(test.url), maxConnections: 1 }));
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const fiber = yield* Effect.forkChild(db.execute(slow));
      yield* Effect.promise(() => expect.poll(() => test.active()).toHaveLength(1));
      yield* Fiber.interrupt(fiber);
      return { active: [...(yield* Effect.promise(() => test.active()))], count: yield* db.$count(tasks) };
    });
    const layer = Db.layerFrom(await runtime.runPromise(overEffect()));
    expect(await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(layer)))).toEqual({
      active: [],
      count: 3,
    });
    await runtime.dispose();
  });

  it('stops waiting for a connection', async () => {
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const running = yield* Effect.forkChild(db.execute(slow));
      yield* Effect.promise(() => expect.poll(() => test.active()).toHaveLength(1));
      const waiting = yield* Effect.forkChild(db.$count(tasks));
      yield* Effect.sleep(20);
      const [took] = yield* Effect.timed(Fiber.interrupt(waiting));
      yield* Fiber.interrupt(running);
      return { took, count: yield* db.$count(tasks) };
    });
    const { took, count } = await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(test.layer(1))));
    expect(Duration.toMillis(took)).toBeLessThan(1_000);
    expect(count).toBe(3);
  });

  it('rolls its transaction back, in the middle of a statement', async () => {
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const fiber = yield* Effect.forkChild(
        db.transaction((tx) =>
          Effect.andThen(
            tx.delete(projects),
            tx.transaction((nested) => Effect.andThen(nested.delete(tasks), nested.execute(slow))),
          ),
        ),
      );
      yield* Effect.promise(() => expect.poll(() => test.active()).toHaveLength(1));
      yield* Fiber.interrupt(fiber);
      return {
        projects: yield* db.$count(projects),
        tasks: yield* db.$count(tasks),
        open: (yield* Effect.promise(() => test.active())).length,
      };
    });
    expect(await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(test.layer(1))))).toEqual({
      projects: 2,
      tasks: 3,
      open: 0,
    });
  });
});

describe('a transaction', () => {
  it('is ambient where it is asked for, and keeps to one tenant', async () => {
    const rename = Effect.flatMap(Db, (db) => db.update(projects).set({ name: 'renamed' }).where(eq(projects.id, 1)));
    const names = Effect.flatMap(Db, (db) => db.select({ name: projects.name }).from(projects).orderBy(projects.id));
    const program = Effect.gen(function* () {
      const inside = yield* Effect.flip(
        Db.transaction(Effect.flatMap(Effect.andThen(rename, names), (rows) => Effect.fail(rows))),
      );
      return { inside, outside: yield* names, other: yield* Db.forTenant(b, names) };
    });
    const plain = [{ name: 'one' }, { name: 'two' }];
    expect(await test.run(program)).toEqual({
      inside: [{ name: 'renamed' }, { name: 'two' }],
      outside: plain,
      other: plain,
    });
  });

  it('is over for a fiber that outlives it', async () => {
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const daemon = yield* db.transaction((tx) =>
        Effect.forkDetach(Effect.andThen(Effect.sleep(50), Effect.flip(tx.select().from(tasks)))),
      );
      return (yield* Fiber.join(daemon)).reason._tag;
    });
    expect(await test.run(program)).toBe('UnsupportedTenantOperationError');
  });

  it('is over for a statement that still waited for its turn when it ended', async () => {
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const [running, waiting] = yield* db.transaction((tx) =>
        Effect.gen(function* () {
          const first = yield* Effect.forkDetach(tx.execute(sql`select count(*) from generate_series(1, 3000000)`), {
            startImmediately: true,
          });
          yield* Effect.sleep(20);
          const second = yield* Effect.forkDetach(
            Effect.flip(tx.update(projects).set({ name: 'late' }).where(eq(projects.id, 2))),
            { startImmediately: true },
          );
          yield* Effect.sleep(20);
          return [first, second] as const;
        }),
      );
      yield* Fiber.join(running);
      const error = yield* Fiber.join(waiting);
      return { tag: error.reason._tag, late: yield* db.$count(projects, eq(projects.name, 'late')) };
    });
    expect(await test.run(program)).toEqual({ tag: 'UnsupportedTenantOperationError', late: 0 });
  });

  it('fails when its connection is killed, and does not go on on another one', async () => {
    const program = Effect.gen(function* () {
      const db = yield* Db;
      return yield* Effect.flip(
        db.transaction((tx) =>
          Effect.gen(function* () {
            yield* tx.delete(tasks);
            yield* Effect.promise(
              () =>
                test.client`select pg_terminate_backend(pid) from pg_stat_activity
                  where datname = current_database() and state = 'idle in transaction'`,
            );
            yield* Effect.sleep(100);
            yield* tx.delete(projects);
          }),
        ),
      );
    });
    const error = await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(test.layer(1))));
    expect(error.reason._tag).toBe('ConnectionError');
    expect(await test.run(Effect.flatMap(Db, (db) => Effect.all([db.$count(projects), db.$count(tasks)])))).toEqual([
      2, 3,
    ]);
  });

  it('serves concurrent fibers, and siblings within it do not undo each other', async () => {
    const program = Effect.flatMap(Db, (db) =>
      db.transaction((tx) =>
        Effect.gen(function* () {
          const add = (id: number) =>
            tx.transaction((nested) =>
              Effect.andThen(
                nested.insert(projects).values({ id, name: `p${id}` }),
                id % 2 ? Effect.fail(id) : Effect.void,
              ),
            );
          yield* Effect.all(
            Array.from({ length: 10 }, (_, i) => Effect.exit(add(100 + i))),
            { concurrency: 'unbounded' },
          );
          const names = yield* tx.select({ id: projects.id }).from(projects).orderBy(projects.id);
          yield* tx.delete(projects).where(sql`${projects.id} >= 100`);
          return names.map((row) => row.id).filter((id) => id >= 100);
        }),
      ),
    );
    expect(await test.run(program)).toEqual([100, 102, 104, 106, 108]);
  });
});

describe('a server that was restarted', () => {
  it('is found again, with all connections lost at once', async () => {
    const all = (n: number) =>
      Effect.all(
        Array.from({ length: n }, () =>
          Effect.flatMap(Db, (db) => db.transaction((tx) => Effect.andThen(Effect.sleep(30), tx.$count(tasks)))),
        ),
        { concurrency: n },
      );
    const program = Effect.gen(function* () {
      yield* all(5);
      yield* Effect.promise(
        () => test.client`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'restarted'`,
      );
      yield* Effect.sleep(50);
      return yield* all(20);
    });
    const layer = test.layer(5, { connection: { application_name: 'restarted' } });
    expect(
      await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.timeout('10 seconds'), Effect.provide(layer))),
    ).toEqual(Array(20).fill(3));
  });
});

describe('connections that are killed as fast as they open', () => {
  it('leave no fiber without an answer', async () => {
    const layer = test.layer(5, { connection: { application_name: 'stormy' }, onnotice: () => {} });
    const work = Effect.flatMap(Db, (db) =>
      db.transaction((tx) =>
        Effect.andThen(tx.execute(sql`select count(*) from generate_series(1, 20000)`), tx.select().from(tasks)),
      ),
    );
    const kill = Effect.promise(
      () =>
        test.client`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'stormy'
          order by random() limit 2`,
    );
    const program = Effect.gen(function* () {
      yield* work;
      const killing = yield* Effect.forkChild(Effect.forever(Effect.andThen(kill, Effect.sleep(25))));
      const exits = yield* Effect.all(
        Array.from({ length: 150 }, () => Effect.exit(Effect.forEach([1, 2, 3], () => work))),
        { concurrency: 'unbounded' },
      );
      yield* Fiber.interrupt(killing);
      return exits.map((exit) =>
        Exit.isSuccess(exit) ? 'ok' : ((Cause.squash(exit.cause) as any).reason?._tag ?? Cause.pretty(exit.cause)),
      );
    });
    const outcomes = await Effect.runPromise(
      Db.forTenant(a, program).pipe(Effect.timeout('50 seconds'), Effect.provide(layer)),
    );
    expect(outcomes).toHaveLength(150);
    expect(outcomes.filter((it) => it !== 'ok' && it !== 'ConnectionError')).toEqual([]);
  }, 90_000);
});

describe('200 fibers over three tenants on 5 connections', () => {
  it('keep to their tenants while some are interrupted and connections are killed', async () => {
    const outcomes = { right: 0, wrong: 0, interrupted: 0, connection: 0, other: [] as unknown[] };
    // Not by the clock: on a busy machine the clock would kill faster than anybody can work.
    let turns = 0;
    const kill = Effect.promise(
      () =>
        test.client`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'many'
          order by random() limit 1`,
    );
    const own = (tenant: unknown) =>
      Effect.gen(function* () {
        const db = yield* Db;
        if (++turns % 15 === 0) yield* kill;
        const related = yield* db.query.projects.findMany({ with: { tasks: true } });
        yield* db.transaction((tx) =>
          Effect.gen(function* () {
            yield* tx.update(accounts).set({ name: String(tenant) });
            yield* tx.execute(sql`select count(*) from generate_series(1, 20000)`);
            const [account] = yield* tx.select().from(accounts);
            if (account!.id !== tenant || account!.name !== String(tenant)) outcomes.wrong++;
          }),
        );
        const rows = yield* db.select().from(tasks);
        return [...rows, ...related.flatMap((it) => it.tasks)].map((row) => row.accountId);
      });
    const program = Effect.gen(function* () {
      const fibers = yield* Effect.forEach(
        Array.from({ length: 200 }, (_, i) => i),
        (i) => {
          const tenant = tenants[i % 3]!;
          const repeated = Effect.forEach([1, 2, 3], () => own(tenant));
          return Effect.forkChild(
            Effect.map(Db.forTenant(tenant, repeated), (rows) => ({ tenant, rows: rows.flat() })),
          );
        },
      );
      yield* Effect.forEach(
        fibers.filter((_, i) => i % 10 === 0),
        (fiber, i) => Effect.andThen(Effect.sleep(i * 20), Fiber.interrupt(fiber)),
        { concurrency: 'unbounded' },
      );
      for (const fiber of fibers) {
        const exit = yield* Fiber.await(fiber);
        if (Exit.isSuccess(exit)) {
          if (exit.value.rows.length === 18 && exit.value.rows.every((id) => id === exit.value.tenant))
            outcomes.right++;
          else outcomes.wrong++;
        } else if (Cause.hasInterruptsOnly(exit.cause)) outcomes.interrupted++;
        else if ((Cause.squash(exit.cause) as any)?.reason?._tag === 'ConnectionError') outcomes.connection++;
        else outcomes.other.push(Cause.pretty(exit.cause));
      }
      const running = yield* Effect.promise(() => test.active());
      // Every connection is there to be lent, and none is left in a transaction.
      const counts = yield* Db.forTenant(
        a,
        Effect.all(
          Array.from({ length: 5 }, () =>
            Effect.flatMap(Db, (db) => db.transaction((tx) => Effect.andThen(Effect.sleep(200), tx.$count(tasks)))),
          ),
          { concurrency: 5 },
        ),
      );
      return { running: [...running], counts };
    });
    const { running, counts } = await Effect.runPromise(
      program.pipe(
        Effect.provide(test.layer(5, { connection: { application_name: 'many' } })),
        Effect.timeout('60 seconds'),
      ),
    );
    expect(running).toEqual([]);
    expect(counts).toEqual([3, 3, 3, 3, 3]);
    expect(outcomes.other).toEqual([]);
    expect(outcomes.wrong).toBe(0);
    expect(outcomes.interrupted).toBeGreaterThan(10);
    expect(outcomes.connection).toBeGreaterThan(0);
    expect(outcomes.right + outcomes.interrupted + outcomes.connection).toBe(200);
    expect(outcomes.right).toBeGreaterThan(100);
    for (const tenant of tenants)
      expect((await test.client`select name from accounts where id = ${String(tenant)}`)[0]!.name).toBe(String(tenant));
    await expect
      .poll(
        () =>
          test.client`select pid, state, query, state_change - backend_start as lived from pg_stat_activity
            where application_name = 'many'`.then((rows) => [...rows]),
        { timeout: 10_000 },
      )
      .toEqual([]);
  }, 90_000);
});
