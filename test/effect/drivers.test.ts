/** One program on every kind of Drizzle handle. */
import * as PgClient from '@effect/sql-pg/PgClient';
import { makeWithDefaults as overEffect } from 'drizzle-orm/effect-postgres';
import { drizzle as overNodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle as overPglite } from 'drizzle-orm/pglite';
import { drizzle as overPostgresJs } from 'drizzle-orm/postgres-js';
import { eq, gte } from 'drizzle-orm';
import { Config, ConfigProvider, Effect, Exit, Fiber, Layer, ManagedRuntime, Option, Redacted, Stream } from 'effect';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DbError } from '../../src/effect/index.js';
import { rowsOf, schemaStatements, testDatabase } from './database.js';
import { a, b, Db, projects, tasks, tenants } from './schema.js';
import { createPglite } from '../support/pglite.js';

const test = testDatabase('drivers');
const random = (n: number) => Math.floor(Math.random() * n);
const open: (() => unknown)[] = [];
const pglite = await createPglite();

beforeAll(async () => {
  for (const text of await schemaStatements()) await pglite.exec(text);
  await pglite.exec(tenants.map(rowsOf).join(''));
});
afterAll(() => Promise.all(open.map((close) => close())));

const drivers = {
  'postgres.js': () => {
    const client = postgres(test.url, { max: 3 });
    open.push(() => client.end());
    return overPostgresJs({ client });
  },
  'node-postgres': () => {
    const client = new pg.Pool({ connectionString: test.url, max: 3 });
    open.push(() => client.end());
    return overNodePostgres({ client });
  },
  '@effect/sql-pg': () => {
    const runtime = ManagedRuntime.make(PgClient.layer({ url: Redacted.make(test.url), maxConnections: 3 }));
    open.push(() => runtime.dispose());
    return runtime.runPromise(overEffect());
  },
  PGlite: () => overPglite({ client: pglite }),
};

const program = Effect.gen(function* () {
  const db = yield* Db;
  const kept = yield* db.transaction((tx) =>
    Effect.gen(function* () {
      yield* tx.insert(projects).values({ id: 50, name: 'fifty' });
      const inner = tx.transaction((nested) => Effect.andThen(nested.delete(projects), Effect.fail('inner' as const)));
      const failure = yield* Effect.flip(inner);
      return { failure, count: yield* tx.$count(projects) };
    }),
  );
  const died = yield* Effect.exit(db.transaction((tx) => Effect.andThen(tx.delete(tasks), Effect.die('no'))));
  const refused = yield* Effect.flip(db.transaction((tx) => Effect.andThen(tx.delete(tasks), tx.rollback())));
  const failed = yield* Effect.flip(
    db.transaction((tx) => Effect.andThen(tx.delete(tasks), Effect.fail({ mine: true } as const))),
  );
  const unique = yield* Effect.flip(db.insert(projects).values({ id: 51, name: 'fifty' }));
  const twice = (tx: Pick<typeof db, 'insert'>) => Effect.exit(tx.insert(projects).values({ id: 52, name: 'fifty' }));
  const caught = yield* Effect.flip(db.transaction((tx) => Effect.andThen(tx.delete(tasks), twice(tx))));
  const within = yield* db.transaction((tx) =>
    Effect.gen(function* () {
      const inner = yield* Effect.flip(tx.transaction((nested) => Effect.andThen(nested.delete(tasks), twice(nested))));
      yield* Effect.exit(tx.transaction((nested) => nested.insert(projects).values({ id: 52, name: 'fifty' })));
      return { inner: inner.reason, tasks: yield* tx.$count(tasks) };
    }),
  );
  const removed = yield* db.delete(projects).where(eq(projects.id, 50));
  const late = yield* db.transaction((tx) => Effect.succeed(tx));
  const after = yield* Effect.flip(late.select().from(projects));
  const streamed = yield* Stream.runCollect(
    db.select({ id: tasks.id }).from(tasks).orderBy(tasks.id).stream({ chunkSize: 2 }),
  );
  const first = yield* Stream.runCollect(
    db.select({ id: tasks.id }).from(tasks).orderBy(tasks.id).stream({ chunkSize: 1 }).pipe(Stream.take(1)),
  );
  return {
    kept,
    died: Exit.isFailure(died),
    refused: refused.reason._tag,
    failed,
    unique: [unique.reason._tag, 'constraint' in unique.reason && unique.reason.constraint],
    caught: caught.reason,
    within,
    removed: removed.rowCount,
    after: after.reason._tag,
    tasks: yield* db.$count(tasks),
    streamed,
    first,
    related: (yield* db.query.projects.findMany({ with: { tasks: true } })).flatMap((it) =>
      it.tasks.map((task) => task.title),
    ),
  };
});

const aborted = expect.objectContaining({
  code: '25P02',
  message: expect.stringMatching(/^Give a statement that may fail a transaction of its own/),
});

describe.each(Object.entries(drivers))('layerFrom(%s)', (_name, make) => {
  it('runs the same program with the same results', async () => {
    const layer = Db.layerFrom(await make());
    for (const tenant of [a, b]) {
      expect(await Effect.runPromise(Db.forTenant(tenant, program).pipe(Effect.provide(layer)))).toEqual({
        kept: { failure: 'inner', count: 3 },
        died: true,
        refused: 'RollbackError',
        failed: { mine: true },
        unique: ['UniqueViolation', 'projects_name_key'],
        caught: aborted,
        within: { inner: aborted, tasks: 3 },
        removed: 1,
        after: 'UnsupportedTenantOperationError',
        tasks: 3,
        streamed: [{ id: 1 }, { id: 2 }, { id: 3 }],
        first: [{ id: 1 }],
        related: [tenant, tenant, tenant],
      });
    }
  });

  it('keeps transactions within one transaction apart, also at once', async () => {
    const siblings = Effect.flatMap(Db, (db) =>
      db.transaction((tx) =>
        Effect.gen(function* () {
          const add = (id: number) =>
            tx.transaction((nested) =>
              Effect.gen(function* () {
                yield* nested.insert(projects).values({ id, name: `p${id}` });
                yield* Effect.sleep(random(10));
                if (id % 2) yield* Effect.fail(id);
              }),
            );
          yield* Effect.all(
            Array.from({ length: 10 }, (_, i) => Effect.exit(add(100 + i))),
            { concurrency: 'unbounded' },
          );
          const kept = yield* tx.select({ id: projects.id }).from(projects).orderBy(projects.id);
          yield* tx.delete(projects).where(gte(projects.id, 100));
          return kept.map((row) => row.id).filter((id) => id >= 100);
        }),
      ),
    );
    expect(await Effect.runPromise(Db.forTenant(a, siblings).pipe(Effect.provide(Db.layerFrom(await make()))))).toEqual(
      [100, 102, 104, 106, 108],
    );
  });

  it('stops waiting for a connection that a transaction holds, and sends nothing for it', async () => {
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const holding = yield* Effect.forEach([1, 2, 3], () =>
        Effect.forkChild(db.transaction((tx) => Effect.andThen(tx.$count(tasks), Effect.never))),
      );
      yield* Effect.sleep(100);
      const add = (id: number) => db.insert(projects).values({ id, name: `p${id}` });
      const waiting = yield* Effect.all(
        [add(200), db.transaction(() => add(201))].map((it) => Effect.timeoutOption(it, 50)),
        { concurrency: 2 },
      );
      yield* Fiber.interruptAll(holding);
      return { waiting, kept: yield* db.$count(projects, gte(projects.id, 200)) };
    });
    expect(await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(Db.layerFrom(await make()))))).toEqual({
      waiting: [Option.none(), Option.none()],
      kept: 0,
    });
  });

  it('rolls back a transaction whose fiber is interrupted', async () => {
    const interrupted = Effect.gen(function* () {
      const db = yield* Db;
      const fiber = yield* Effect.forkChild(db.transaction((tx) => Effect.andThen(tx.delete(projects), Effect.never)));
      yield* Effect.sleep(100);
      yield* Fiber.interrupt(fiber);
      return yield* db.$count(projects);
    });
    expect(await Effect.runPromise(Db.forTenant(a, interrupted).pipe(Effect.provide(Db.layerFrom(await make()))))).toBe(
      2,
    );
  });
});

const ofOne = {
  'postgres.js': () => overPostgresJs({ client: postgres(test.url, { max: 1 }) }),
  'node-postgres': () => overNodePostgres({ client: new pg.Pool({ connectionString: test.url, max: 1 }) }),
  PGlite: drivers.PGlite,
};

it.each(Object.entries(ofOne))(
  'on one connection, a handle outside of its transaction is refused: %s',
  async (_, make) => {
    const drizzle: any = make();
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const read = db.select({ id: tasks.id }).from(tasks).where(eq(tasks.id, 1));
      const within = yield* db.transaction((tx) =>
        Effect.gen(function* () {
          const refused = [yield* Effect.flip(read), yield* Effect.flip(db.transaction(() => Effect.void))];
          // It may wait where the transaction does not wait for it.
          const fiber = yield* Effect.forkDetach(read);
          return {
            refused: refused.map((it) => it.message),
            fiber,
            own: yield* tx.transaction((nested) => nested.$count(tasks)),
          };
        }),
      );
      return { ...within, later: yield* Fiber.join(within.fiber), after: yield* read };
    });
    const layer = Db.layerFrom(drizzle);
    const found = await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(layer)));
    if (drizzle.$client !== pglite) await drizzle.$client.end();
    const refused = expect.stringMatching(
      /^Use the handle inside its transaction, or a pool of more than one connection/,
    );
    expect(found).toMatchObject({ refused: [refused, refused], own: 3, later: [{ id: 1 }], after: [{ id: 1 }] });
  },
);

const { PGlite: _, ...servers } = drivers;

describe.each(Object.entries(servers))('layerFrom(%s)', (_name, make) => {
  it('fails with what went wrong, also where it can neither roll back nor commit', async () => {
    const kill = Effect.promise(
      () =>
        test.client`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
          and state = 'idle in transaction'`,
    );
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const within = (then: (tx: typeof db) => Effect.Effect<unknown, DbError>) =>
        Effect.flip(
          db.transaction((tx) =>
            Effect.gen(function* () {
              yield* tx.delete(tasks);
              yield* kill;
              yield* Effect.sleep(50);
              yield* then(tx as typeof db);
            }),
          ),
        );
      const lost = [yield* within((tx) => tx.delete(projects)), yield* within(() => Effect.void)];
      // A foreign key that is checked at the end.
      const late = yield* Effect.flip(
        db.transaction((tx) => tx.insert(tasks).values({ id: 90, projectId: 999, title: 'x' })),
      );
      const options = yield* Effect.flip(
        db.transaction(() => Effect.void, { snapshot: "'; drop table tasks" } as never),
      );
      return {
        lost: lost.map((it) => it.reason._tag),
        late: late.reason._tag,
        options: options.reason._tag,
        tasks: yield* db.$count(tasks),
      };
    });
    await test.client`alter table tasks alter constraint "tasks_accountId_projectId_projects_accountId_id_fkey"
      deferrable initially deferred`;
    expect(await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(Db.layerFrom(await make()))))).toEqual({
      lost: ['ConnectionError', 'ConnectionError'],
      late: 'ForeignKeyViolation',
      options: 'UnsupportedTenantOperationError',
      tasks: 3,
    });
  });
});

describe('layerConfig', () => {
  it('reads a redacted url', async () => {
    const layer = Db.layerConfig({ url: Config.Redacted('DATABASE_URL'), maxConnections: Config.succeed(2) });
    const provider = ConfigProvider.layer(ConfigProvider.fromUnknown({ DATABASE_URL: test.url }));
    const count = Db.forTenant(
      a,
      Effect.flatMap(Db, (db) => db.$count(tasks)),
    );
    expect(await Effect.runPromise(count.pipe(Effect.provide(Layer.provide(layer, provider))))).toBe(3);
  });

  it('says of an unreachable server that it cannot be reached', async () => {
    const layer = Db.layer({ url: Redacted.make('postgres://postgres:secret@127.0.0.1:1/nothing') });
    const error = await Effect.runPromise(
      Effect.flip(
        Effect.provide(
          Effect.flatMap(Db.Shared, () => Effect.void),
          layer,
        ),
      ),
    );
    expect([error.reason._tag, error.isRetryable]).toEqual(['ConnectionError', true]);
    expect(JSON.stringify(error) + String(error)).not.toContain('secret');
  });

  it('refuses what is no handle', async () => {
    const error = await Effect.runPromise(
      Effect.flip(
        Effect.provide(
          Effect.flatMap(Db.Shared, () => Effect.void),
          Db.layerFrom({}),
        ),
      ),
    );
    expect(error.reason._tag).toBe('UnsupportedTenantOperationError');
  });
});
