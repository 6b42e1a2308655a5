/** Connections that are lost: killed by the server, cut on the way, refused. */
import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { faultyDatabase, kinds, notes, one, two, type Failure, type Runs } from './faults.js';

const database = faultyDatabase();

describe.each(kinds(database))('$name', ({ rls, open, name }) => {
  let runs: Runs;
  beforeEach(async () => void (runs = await open()));
  afterEach(async () => {
    database.proxy.judge = undefined;
    database.proxy.cutAnswers = false;
    database.proxy.refuses = false;
    await runs.close();
  });
  const isConnectionError = (outcome: { error?: Failure }) =>
    expect(
      (name.startsWith('Effect') ? outcome.error?.tag : outcome.error?.code) ?? 'neither tag nor code',
      JSON.stringify(outcome),
    ).toMatch(name.startsWith('Effect') ? /^ConnectionError$/ : /^(CONNECTION_|57P01|ECONN|EPIPE)/);
  const touchLocked = (tdb: any) => tdb.update(notes).set({ body: 'changed' }).where(eq(notes.id, 1));
  const add = (id: number) => (tdb: any) => tdb.insert(notes).values({ id, body: 'added' });
  const all = (tdb: any) => tdb.select({ id: notes.id }).from(notes);

  test('a backend is killed in mid-statement', async () => {
    await database.whileLocked(async () => {
      const running = runs.run(one, touchLocked);
      await database.admin`select pg_terminate_backend(${await database.waitsForLock()})`;
      isConnectionError(await running);
    });
    await database.isWell(runs, rls);
  });

  test('a backend is killed in mid-transaction', async () => {
    await database.whileLocked(async () => {
      const running = runs.transaction(one, [add(2), touchLocked, add(3)]);
      await database.admin`select pg_terminate_backend(${await database.waitsForLock()})`;
      isConnectionError(await running);
    });
    await database.isWell(runs, rls);
  });

  test('a backend is killed between two statements of a transaction', async () => {
    isConnectionError(await runs.transaction(one, [add(2), database.killIdleTransaction, add(3)]));
    await database.isWell(runs, rls);
  });

  test.skipIf(name.startsWith('Effect'))('a statement comes just as the connection is lost', async () => {
    let told = () => {};
    const closed = new Promise<void>((resolve) => (told = resolve));
    const own = await open({ onclose: () => told() });
    let killed: Promise<void> | undefined;
    const lost = async () => {
      killed = database.killIdleTransaction();
      await closed;
    };
    isConnectionError(await own.transaction(one, [add(2), lost, add(3)]));
    await killed;
    await database.isWell(own, rls);
    await own.close();
  });

  test('a connection is cut before a statement arrives', async () => {
    await runs.run(one, all);
    database.proxy.judge = () => 'cut';
    isConnectionError(await runs.run(one, add(2)));
    database.proxy.judge = undefined;
    await database.isWell(runs, rls);
  });

  test('a connection is cut before the answer arrives', async () => {
    await runs.run(one, all);
    database.proxy.cutAnswers = true;
    isConnectionError(await runs.run(one, touchLocked));
    database.proxy.cutAnswers = false;
    // Whether the server did it nobody can tell; it is not reported as done, and it is done wholly or not at all.
    await database.admin`update notes set body = 'first' where account = 1`;
    await database.isWell(runs, rls);
  });

  test('a connection is cut before COMMIT arrives', async () => {
    await runs.run(one, all);
    database.proxy.judge = (sent) => (/commit/i.test(sent) ? 'cut' : 'pass');
    isConnectionError(await runs.transaction(one, [add(2), add(3)]));
    database.proxy.judge = undefined;
    await database.isWell(runs, rls);
  });

  test('a connection is cut in mid-transaction', async () => {
    await runs.run(one, all);
    const cut = async () => void (database.proxy.judge = () => 'cut');
    isConnectionError(await runs.transaction(one, [add(2), cut, add(3)]));
    database.proxy.judge = undefined;
    await database.isWell(runs, rls);
  });

  test('a connection is reset before a statement arrives', async () => {
    await runs.run(one, all);
    database.proxy.judge = () => 'reset';
    isConnectionError(await runs.run(one, add(2)));
    database.proxy.judge = undefined;
    await database.isWell(runs, rls);
  });

  test('a connection is reset in mid-transaction', async () => {
    const reset = async () => void (database.proxy.judge = () => 'reset');
    // A text is prepared from its third run on, and then more can be sent behind it.
    isConnectionError(await runs.transaction(one, [all, all, all, reset, all, add(3)]));
    database.proxy.judge = undefined;
    await database.isWell(runs, rls);
  });

  test('a connection is reset, and whoever hears of it tries again at once', async () => {
    const retried = async () => {
      database.proxy.judge = () => 'reset';
      isConnectionError(await runs.run(one, all));
      database.proxy.judge = undefined;
      return runs.run(two, all);
    };
    for (let i = 0; i < 3; i++) await runs.run(one, all);
    for (let i = 0; i < 3; i++) expect(await retried()).toEqual({ rows: [{ id: 1 }] });
    await database.isWell(runs, rls);
  });

  test('those who wait for the connection that is lost are served by the next one', async () => {
    await database.whileLocked(async () => {
      const running = runs.run(one, touchLocked);
      const waiting = [runs.run(two, all), runs.run(one, all), runs.transaction(two, [all])];
      await database.admin`select pg_terminate_backend(${await database.waitsForLock()})`;
      isConnectionError(await running);
      for (const it of await Promise.all(waiting)) expect(it).toEqual({ rows: [{ id: 1 }] });
    });
    await database.isWell(runs, rls);
  });

  test('the server is not there, and then it is', async () => {
    await runs.run(one, all);
    database.proxy.refuses = true;
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (let i = 0; i < 3; i++) isConnectionError(await runs.run(one, all));
    isConnectionError(await runs.transaction(one, [add(2)]));
    database.proxy.refuses = false;
    await database.isWell(runs, rls);
  });
});
