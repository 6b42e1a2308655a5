import { eq, sql } from 'drizzle-orm';
import { Effect, Latch, Schedule, Stream } from 'effect';
import { describe, expect, it } from 'vitest';
import { DbError } from '../../src/effect/index.js';
import { dbErrorOf } from '../../src/effect/db-error.js';
import { testDatabase } from './database.js';
import { a, b, Db, projects, tasks } from './schema.js';

const test = testDatabase('errors');
const failure = <A>(use: (db: Effect.Success<typeof Db>) => Effect.Effect<A, DbError>) =>
  test.fail(Effect.flatMap(Db, use));

describe('DbError', () => {
  it('tells constraints apart and names them', async () => {
    const unique = await failure((db) => db.insert(projects).values({ id: 70, name: 'one' }));
    expect(unique.reason).toMatchObject({
      _tag: 'UniqueViolation',
      code: '23505',
      constraint: 'projects_name_key',
      table: 'projects',
    });
    expect(unique.query).toContain('insert into "projects"');
    const foreign = await failure((db) => db.insert(tasks).values({ id: 70, projectId: 999, title: 'x' }));
    expect(foreign.reason).toMatchObject({
      _tag: 'ForeignKeyViolation',
      code: '23503',
      constraint: expect.stringContaining('tasks'),
    });
    const check = await failure((db) => db.update(projects).set({ budget: -1 }).where(eq(projects.id, 1)));
    expect(check.reason).toMatchObject({ _tag: 'CheckViolation', code: '23514', constraint: 'budget_is_positive' });
    const notNull = await failure((db) => db.update(projects).set({ name: sql`null` }).where(eq(projects.id, 1)));
    expect(notNull.reason).toMatchObject({
      _tag: 'NotNullViolation',
      code: '23502',
      column: 'name',
      table: 'projects',
    });
    for (const error of [unique, foreign, check, notNull]) expect(error.isRetryable).toBe(false);
  });

  it('tells nothing of a row: not its own, and not one of another tenant', async () => {
    const secret = 'bbbbbbbb-secret';
    await test.run(
      Effect.flatMap(Db, (db) => db.insert(projects).values({ id: 71, name: secret })),
      b,
    );
    await test.run(
      Effect.flatMap(Db, (db) => db.insert(projects).values({ id: 71, name: secret })),
      a,
    );
    // A constraint that was made by hand, without the tenant: the rows of b are in the way of a.
    await test.client`create unique index by_hand on projects (lower(name)) where id > 71`;
    await test.run(
      Effect.flatMap(Db, (db) => db.insert(projects).values({ id: 72, name: `${secret}-2` })),
      b,
    );
    const error = await failure((db) => db.insert(projects).values({ id: 73, name: `${secret}-2`.toUpperCase() }));
    expect(error.reason).toMatchObject({ _tag: 'UniqueViolation', constraint: 'by_hand' });
    const everything =
      JSON.stringify(error, Object.getOwnPropertyNames(error)) +
      JSON.stringify(error.reason) +
      String(error.stack) +
      String(error.cause);
    expect(everything.toLowerCase()).not.toContain(secret);
    expect(error.reason).not.toHaveProperty('detail');
    expect(error.reason).not.toHaveProperty('cause');
    await test.client`drop index by_hand`;
    await test.client`delete from projects where id > 70`;
  });

  it('can be caught by its reason', async () => {
    const caught = Effect.flatMap(Db, (db) => db.insert(projects).values({ id: 74, name: 'one' })).pipe(
      Effect.catchReason('DbError', 'UniqueViolation', (reason) => Effect.succeed(reason.constraint)),
    );
    expect(await test.run(caught)).toBe('projects_name_key');
  });

  it('tells a timeout from a cancellation from somebody else', async () => {
    const slow = Effect.flatMap(Db, (db) => db.execute(sql`select count(*) from generate_series(1, 1000000000)`));
    const timeout = await Effect.runPromise(
      Effect.flip(Db.forTenant(a, slow)).pipe(Effect.provide(test.layer(1, { connection: { statement_timeout: 50 } }))),
    );
    expect(timeout.reason).toMatchObject({ _tag: 'StatementTimeoutError', code: '57014' });
    const cancelling = setInterval(
      () =>
        void test.client`select pg_cancel_backend(pid) from pg_stat_activity
          where query like '%generate_series(1, 1000000000)%' and pid <> pg_backend_pid()`.execute(),
      50,
    );
    try {
      expect((await test.fail(slow)).reason).toMatchObject({ _tag: 'CancelledError', code: '57014' });
    } finally {
      clearInterval(cancelling);
    }
  });

  it('passes on what the library refuses, as failures', async () => {
    expect(
      (await failure((db) => db.execute(sql`select query_to_xml('select * from tasks', true, true, '')`))).reason._tag,
    ).toBe('RawSqlNotScopedError');
    expect((await failure((db) => db.execute(sql`select * from nowhere`))).reason._tag).toBe('UnscopedTableError');
    expect((await failure((db) => (db as any).update(tasks).set({ accountId: b }))).reason._tag).toBe(
      'ImmutableTenantError',
    );
    expect(
      (await failure((db) => (db as any).insert(tasks).values({ accountId: b, id: 9, projectId: 1, title: '' }))).reason
        ._tag,
    ).toBe('TenantMismatchError');
    expect(
      (
        await failure(
          (db) =>
            Stream.runDrain(
              (db as any).insert(tasks).values({ accountId: b, id: 9, projectId: 1, title: '' }).stream(),
            ) as Effect.Effect<void, DbError>,
        )
      ).reason._tag,
    ).toBe('TenantMismatchError');
    const invalid = Effect.flip(Db.forTenant('x' as never, Effect.void)).pipe(Effect.provide(test.layer(1)));
    expect((await Effect.runPromise(invalid)).reason._tag).toBe('InvalidTenantIdError');
    const unreasoned = Effect.flip(Db.acrossTenants({ reason: '' }, Effect.void)).pipe(Effect.provide(test.layer(1)));
    expect((await Effect.runPromise(unreasoned)).reason._tag).toBe('UnsupportedTenantOperationError');
  });

  it('runs nothing that the scoped dialect did not render', async () => {
    const error = await failure(
      (db) =>
        Effect.suspend(() =>
          (db as any).session.prepareQuery({ sql: 'select * from tasks', params: [] }, 'raw', false).execute(),
        ).pipe(Effect.catchDefect((defect) => Effect.fail(dbErrorOf(defect)))) as never,
    );
    expect(error.reason._tag).toBe('UnsupportedTenantOperationError');
  });

  it('says which transactions are worth another try', async () => {
    await test.run(Effect.flatMap(Db, (db) => db.update(projects).set({ budget: 0 })));
    let attempts = 0;
    const threeHaveRead = Latch.makeUnsafe();
    const increment = Effect.flatMap(Db, (db) =>
      db.transaction(
        (tx) =>
          Effect.gen(function* () {
            const [project] = yield* tx.select().from(projects).where(eq(projects.id, 1));
            // The first three have all read before one of them writes.
            if (++attempts === 3) yield* threeHaveRead.open;
            yield* threeHaveRead.await;
            yield* tx
              .update(projects)
              .set({ budget: project!.budget + 1 })
              .where(eq(projects.id, 1));
          }),
        { isolationLevel: 'serializable' },
      ),
    );
    const failed = await test.run(
      Effect.flip(Effect.all([increment, increment, increment], { concurrency: 3, discard: true })),
    );
    expect([failed.reason._tag, failed.isRetryable]).toEqual(['SerializationError', true]);
    await test.run(Effect.flatMap(Db, (db) => db.update(projects).set({ budget: 0 })));
    attempts = 0;
    threeHaveRead.closeUnsafe();
    const again = Effect.retry(increment, {
      while: (error) => error.isRetryable,
      schedule: Schedule.exponential(5).pipe(Schedule.jittered),
      times: 20,
    });
    await test.run(Effect.all([again, again, again], { concurrency: 3, discard: true }));
    expect((await test.client`select budget from projects where id = 1 and "accountId" = ${String(a)}`)[0]).toEqual({
      budget: 3,
    });
    expect(attempts).toBeGreaterThan(3);
  });

  it('knows a deadlock', async () => {
    const lockBoth = (first: number, second: number) =>
      Effect.flatMap(Db, (db) =>
        db.transaction((tx) =>
          Effect.gen(function* () {
            yield* tx.select().from(projects).where(eq(projects.id, first)).for('update');
            yield* Effect.sleep(100);
            yield* tx.select().from(projects).where(eq(projects.id, second)).for('update');
          }),
        ),
      );
    const error = await test.fail(Effect.all([lockBoth(1, 2), lockBoth(2, 1)], { concurrency: 2 }));
    expect([error.reason._tag, error.isRetryable]).toEqual(['DeadlockError', true]);
  });

  it('refuses options of a transaction that are not options', async () => {
    const error = await failure((db) =>
      db.transaction(() => Effect.void, { isolationLevel: 'serializable; drop table tasks' as never }),
    );
    expect(error.reason._tag).toBe('UnsupportedTenantOperationError');
  });

  it('takes the number of a shard off the names', () => {
    const shard = {
      code: '23505',
      message: 'duplicate key value violates unique constraint "projects_name_key_102041"',
      table_name: 'projects_102041',
      constraint_name: 'projects_name_key_102041',
    };
    expect(dbErrorOf(shard).reason).toMatchObject({
      constraint: 'projects_name_key',
      table: 'projects',
      message: 'duplicate key value violates unique constraint "projects_name_key"',
    });
    const other = { code: '23505', message: '"logs_2024_key"', table_name: 'logs_2024', constraint_name: 'logs_key' };
    expect(dbErrorOf(other).reason).toMatchObject({ constraint: 'logs_key', table: 'logs_2024' });
    const sameYear = {
      code: '23505',
      message: '"by_name_2024"',
      table_name: 'logs_2024',
      constraint_name: 'by_name_2024',
    };
    expect(dbErrorOf(sameYear).reason).toMatchObject({ constraint: 'by_name_2024', table: 'logs_2024' });
    const partition = {
      code: '23502',
      message: 'null value in column "at" of relation "logs_202401" violates not-null constraint',
      table_name: 'logs_202401',
      column_name: 'at',
    };
    expect(dbErrorOf(partition).reason).toMatchObject({ column: 'at', table: 'logs_202401' });
  });
});
