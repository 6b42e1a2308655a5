/**
 * Transactions and statements that fail: commits, conflicts, timeouts, pools with nothing left, fibers that are
 * interrupted.
 */
import * as Effect from 'effect/Effect';
import * as Fiber from 'effect/Fiber';
import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withTenancy } from '../../../src/index.js';
import { account, Db, faultyDatabase, kinds, notes, one, two, type Runs } from './faults.js';
import { asRole } from '../../support/rls.js';

const database = faultyDatabase();

describe.each(kinds(database))('$name', ({ rls, open, name }) => {
  const isEffect = name.startsWith('Effect');
  const failure = (code: string, tag: string) => ({
    error: { code, tag: isEffect ? tag : undefined, message: expect.any(String) },
  });
  let runs: Runs;
  beforeEach(async () => void (runs = await open()));
  afterEach(() => runs.close());
  const touch = (tdb: any) => tdb.update(notes).set({ body: 'changed' }).where(eq(notes.id, 1));
  const add =
    (id: number, values: object = {}) =>
    (tdb: any) =>
      tdb.insert(notes).values({ id, body: 'added', ...values });
  const all = (tdb: any) => tdb.select({ id: notes.id }).from(notes);

  test('a statement whose COMMIT fails is not reported as done', async () => {
    // Checked at COMMIT: no such parent.
    expect(await runs.run(one, add(2, { parent: 99 }))).toEqual(failure('23503', 'ForeignKeyViolation'));
    expect(await runs.run(one, (tdb) => tdb.insert(notes).values({ id: 3, parent: 99 }).returning())).toEqual(
      failure('23503', 'ForeignKeyViolation'),
    );
    // Prepared by now, so that all of it is sent at once.
    for (let i = 0; i < 3; i++)
      expect(await runs.run(one, add(2, { parent: 99 }))).toEqual(failure('23503', 'ForeignKeyViolation'));
    await database.isWell(runs, rls);
  });

  test('a transaction whose COMMIT fails is not reported as done', async () => {
    expect(await runs.transaction(one, [add(2), add(3, { parent: 99 }), all])).toEqual(
      failure('23503', 'ForeignKeyViolation'),
    );
    await database.isWell(runs, rls);
  });

  test('a statement fails with its own error, in a transaction too', async () => {
    expect(await runs.run(one, add(1))).toEqual(failure('23505', 'UniqueViolation'));
    expect(await runs.transaction(one, [add(2), add(1), add(3)])).toEqual(failure('23505', 'UniqueViolation'));
    await database.isWell(runs, rls);
  });

  test('a transaction that swallows the error of a statement is not reported as done', async () => {
    const swallowed = (tdb: any) => (isEffect ? Effect.ignore(add(1)(tdb)) : add(1)(tdb).catch(() => {}));
    const { error } = await runs.transaction(one, [add(2), swallowed]);
    // postgres.js tells what failed. PostgreSQL answers COMMIT with ROLLBACK.
    if (!isEffect) expect(error).toMatchObject({ code: '23505' });
    expect(await database.rows()).toEqual(['1/1 first', '2/1 first']);
    await database.isWell(runs, rls);
  });

  test('a statement runs into statement_timeout', async () => {
    await runs.close();
    runs = await open({ connection: { statement_timeout: 250 } });
    await database.whileLocked(async () => {
      expect(await runs.run(one, touch)).toEqual(failure('57014', 'StatementTimeoutError'));
      expect(await runs.transaction(one, [add(2), touch])).toEqual(failure('57014', 'StatementTimeoutError'));
      expect(await runs.run(two, all)).toEqual({ rows: [{ id: 1 }] });
    });
    await database.isWell(runs, rls);
  });

  test('a statement runs into lock_timeout', async () => {
    await runs.close();
    runs = await open({ connection: { lock_timeout: 30 } });
    await database.whileLocked(async () => {
      expect(await runs.run(one, touch)).toEqual(failure('55P03', 'LockTimeoutError'));
      expect(await runs.run(two, all)).toEqual({ rows: [{ id: 1 }] });
    });
    await database.isWell(runs, rls);
  });

  test('a transaction idles until the server ends it', async () => {
    await runs.close();
    runs = await open({ connection: { idle_in_transaction_session_timeout: 150 } });
    const idle = () => new Promise<void>((resolve) => setTimeout(resolve, 400));
    const { error } = await runs.transaction(one, [add(2), idle, add(3)]);
    if (isEffect) expect(error?.tag).toBe('ConnectionError');
    else expect(error?.code).toMatch(/^(25P03|CONNECTION_)/);
    // With nothing sent after it, too.
    expect((await runs.transaction(one, [add(2), idle])).error).toBeDefined();
    await database.isWell(runs, rls);
  });

  test('a transaction that could not be serialized fails as such, and succeeds when it is run again', async () => {
    await runs.close();
    runs = await open({ max: 2 });
    const isolationLevel = 'serializable';
    let meet!: () => void;
    const met = new Promise<void>((resolve) => (meet = resolve));
    let arrived = 0;
    const both = async () => {
      if (++arrived === 2) meet();
      await met;
    };
    const count = (tdb: any) => tdb.$count(notes);
    const outcomes = await Promise.all([
      runs.transaction(one, [count, both, add(2), all], { isolationLevel }),
      runs.transaction(one, [count, both, add(3), all], { isolationLevel }),
    ]);
    const failed = outcomes.filter((it) => it.error);
    expect(failed).toEqual([failure('40001', 'SerializationError')]);
    expect((await runs.transaction(one, [count, add(4), all], { isolationLevel })).rows).toHaveLength(3);
    await database.admin`delete from notes where account = 1 and id > 1`;
    await database.isWell(runs, rls);
  });

  test('a deadlock ends one of two transactions', async () => {
    await runs.close();
    runs = await open({ max: 2, connection: { deadlock_timeout: 20 } });
    await database.admin`insert into notes (account, id, body, seen) values (1, 2, 'second', '')`;
    let meet!: () => void;
    const met = new Promise<void>((resolve) => (meet = resolve));
    let arrived = 0;
    const both = async () => {
      if (++arrived === 2) meet();
      await met;
    };
    const lock = (id: number) => (tdb: any) => tdb.update(notes).set({ body: 'x' }).where(eq(notes.id, id));
    const outcomes = await Promise.all([
      runs.transaction(one, [lock(1), both, lock(2)]),
      runs.transaction(one, [lock(2), both, lock(1)]),
    ]);
    expect(outcomes.filter((it) => it.error)).toEqual([failure('40P01', 'DeadlockError')]);
    await database.admin`delete from notes where account = 1 and id > 1`;
    await database.admin`update notes set body = 'first' where account = 1`;
    await database.isWell(runs, rls);
  });

  test('a pool with nothing left serves each tenant its own, in the end', async () => {
    const held = new Promise<void>((resolve) => setTimeout(resolve, 30));
    const holding = runs.transaction(one, [
      add(2),
      () => held,
      (tdb: any) => tdb.delete(notes).where(eq(notes.id, 2)).returning({ seen: notes.seen }),
    ]);
    const waiting = await Promise.all(
      Array.from({ length: 30 }, (_, i) => {
        const tenant = i % 2 === 0 ? one : two;
        const create = (tdb: any) =>
          tdb
            .insert(notes)
            .values({ id: 100 + i })
            .returning({ account: notes.account, seen: notes.seen });
        return i % 3 === 0 ? runs.transaction(tenant, [create]) : runs.run(tenant, create);
      }),
    );
    expect(await holding).toMatchObject({ rows: [{ seen: rls ? '1' : '' }] });
    waiting.forEach((it, i) =>
      expect(it).toEqual({ rows: [{ account: 1 + (i % 2), seen: rls ? String(1 + (i % 2)) : '' }] }),
    );
    await database.admin`delete from notes where id >= 100`;
    await database.isWell(runs, rls);
  });
});

test('a server with no connection left says so, and those that there are go on', async () => {
  const role = `few_${process.pid}`;
  const url = Object.assign(new URL(asRole(database.url)), { username: role }).href;
  await database.admin.unsafe(
    `create role ${role} login password 'app' connection limit 1; grant all on notes ` +
      `to ${role}; grant usage on schema public to ${role}`,
  );
  const client = postgres(url, { max: 3, onnotice: () => {} });
  const db = withTenancy(drizzle({ client }), { rls: true }) as any;
  try {
    const create = (i: number) =>
      db
        .forTenant(i % 2 === 0 ? one : two)
        .insert(notes)
        .values({ id: 200 + i })
        .returning({ seen: notes.seen });
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => create(i)));
    const codes = outcomes.map((it) => (it.status === 'rejected' ? it.reason.cause.code : it.value[0].seen));
    codes.forEach((it, i) => expect([String(1 + (i % 2)), '53300']).toContain(it));
    expect(codes).toContain('53300');
    expect(await create(50)).toEqual([{ seen: '1' }]);
  } finally {
    await client.end({ timeout: 1 });
    await database.admin.unsafe(`drop owned by ${role}; drop role ${role}`);
  }
});

test('a fiber that is interrupted leaves no row and no tenant', async () => {
  const layer = Db.layer({
    url: asRole(database.url),
    maxConnections: 1,
    rls: true,
    connection: { onnotice: () => {} },
  });
  const program = Effect.gen(function* () {
    const waiting = yield* Effect.forkChild(
      Db.forTenant(
        one,
        Effect.flatMap(Db, (db) => db.update(notes).set({ body: 'changed' }).where(eq(notes.id, 1))),
      ),
    );
    yield* Effect.promise(() => database.waitsForLock());
    yield* Fiber.interrupt(waiting);
    return yield* Db.forTenant(
      two,
      Effect.flatMap(Db, (db) => db.select({ account: notes.account, id: notes.id }).from(notes)),
    );
  });
  await database.whileLocked(async () => {
    expect(await Effect.runPromise(program.pipe(Effect.provide(layer)))).toEqual([
      { account: account.parse(2), id: 1 },
    ]);
  });
  expect(await database.rows()).toEqual(['1/1 first', '2/1 first']);
});
