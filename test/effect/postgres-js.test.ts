/** What the driver of postgres.js makes of a server that is not there for it. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { drizzle } from 'drizzle-orm/postgres-js';
import { Cache } from 'drizzle-orm/cache/core';
import { sql } from 'drizzle-orm';
import { Duration, Effect, Fiber } from 'effect';
import postgres from 'postgres';
import { afterEach, describe, expect, it } from 'vitest';
import { testDatabase } from './database.js';
import { a, Db, projects, tasks } from './schema.js';

const test = testDatabase('postgres_js');
const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** A server that does with a connection what it is told. */
async function serverThat(serve: (socket: Socket) => void) {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    serve(socket.on('error', () => {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => connections };
}

const count = Db.forTenant(
  a,
  Effect.flatMap(Db, (db) => db.$count(tasks)),
);
const failureOn = (url: string) =>
  Effect.runPromise(Effect.timed(Effect.flip(Effect.provide(count, Db.layer({ url, maxConnections: 2 })))));
const connectionsOf = (name: string) =>
  test.client`select state, query from pg_stat_activity where application_name = ${name}`.then((rows) => [...rows]);

describe('a server that drops every connection', () => {
  it('is asked once, and each of several once', async () => {
    const { host, connections } = await serverThat((socket) => socket.destroy());
    for (const [hosts, asked] of [
      [host, 1],
      [`${host},${host}`, 3],
      ['127.0.0.1:1,127.0.0.1:1', 3],
    ] as const) {
      const [took, error] = await failureOn(`postgres://x:y@${hosts}/z`);
      expect([hosts, error.reason._tag, connections()]).toEqual([hosts, 'ConnectionError', asked]);
      expect(Duration.toMillis(took)).toBeLessThan(2_000);
    }
  });

  it('is not asked to cancel what another of several runs', async () => {
    const { host } = await serverThat((socket) => socket.destroy());
    const name = 'cancelled_on_the_second';
    const layer = Db.layer({
      url: test.url.replace('@', `@${host},`),
      maxConnections: 1,
      connection: { connection: { application_name: name } },
    });
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const fiber = yield* Effect.forkChild(db.execute(sql`select count(*) from generate_series(1, 10000000000)`));
      yield* Effect.promise(() => expect.poll(() => connectionsOf(name)).toMatchObject([{ state: 'active' }]));
      yield* Fiber.interrupt(fiber);
      return [yield* Effect.promise(() => connectionsOf(name)), yield* db.$count(tasks)];
    });
    expect(await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(layer)))).toMatchObject([
      [{ state: 'idle' }],
      3,
    ]);
  });

  it('is left for the next of several', async () => {
    const { host } = await serverThat((socket) => socket.destroy());
    const url = test.url.replace('@', `@${host},`);
    expect(await Effect.runPromise(Effect.provide(count, Db.layer({ url, maxConnections: 1 })))).toBe(3);
  });
});

describe('a connection that is killed', () => {
  // A promise that is rejected and that nobody handles fails the run.
  it('while the layer opens is a failure, and no more', async () => {
    const name = 'killed_at_once';
    let kills = 0;
    const target = new URL(test.url);
    const { host } = await serverThat((socket) => {
      const onward = connect(Number(target.port), target.hostname, () => {}).on('error', () => {});
      onward.pipe(socket);
      socket.on('close', () => onward.destroy());
      socket.on('data', async (chunk) => {
        if (kills === 0 && String(chunk).includes('pg_type')) {
          kills++;
          await test.client`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${name}`;
        } else onward.write(chunk);
      });
    });
    const layer = Db.layer({
      url: Object.assign(new URL(target), { host }).href,
      connection: { connection: { application_name: name } },
    });
    expect((await Effect.runPromise(Effect.flip(Effect.provide(count, layer)))).reason._tag).toBe('ConnectionError');
    expect(kills).toBe(1);
    expect(await Effect.runPromise(Effect.provide(count, layer))).toBe(3);
    await expect.poll(() => connectionsOf(name)).toEqual([]);
  });

  // With several hosts, postgres.js says nothing of an error that comes before a connection was answered once.
  it.each(['pg_backend_pid', 'pg_type'])(
    'while it asks for %s of one of several servers is a failure',
    async (question) => {
      const target = new URL(test.url);
      const { host } = await serverThat((socket) => {
        const onward = connect(Number(target.port), target.hostname).on('error', () => {});
        onward.pipe(socket);
        socket.on('close', () => onward.destroy());
        socket.on('data', (chunk) =>
          String(chunk).includes(question) ? socket.resetAndDestroy() : onward.write(chunk),
        );
      });
      const [took, error] = await failureOn(test.url.replace(target.host, `${host},${host}`));
      expect(error.reason._tag).toBe('ConnectionError');
      expect(Duration.toMillis(took)).toBeLessThan(2_000);
    },
  );

  // A promise that is rejected, or a write that nobody can catch, fails the run.
  it('while a password is fetched, or whose password cannot be had, is a failure, and no more', async () => {
    const url = Object.assign(new URL(test.url), { password: '' }).href;
    const { password } = new URL(test.url);
    const name = 'no_password_yet';
    const layer = (fetch: () => Promise<string>, host?: string) =>
      Db.layer({
        url: host ? Object.assign(new URL(url), { host }).href : url,
        connection: { password: fetch, connection: { application_name: name } },
      });
    let cut = () => {};
    const target = new URL(test.url);
    const { host } = await serverThat((socket) => {
      const onward = connect(Number(target.port), target.hostname).on('error', () => {});
      socket.pipe(onward).pipe(socket);
      socket.on('close', () => onward.destroy());
      cut = () => socket.resetAndDestroy();
    });
    const late = async () => {
      cut();
      await new Promise((resolve) => setTimeout(resolve, 50));
      return password;
    };
    const failing = [layer(late, host), layer(() => Promise.reject(new Error('the vault is closed')))];
    for (const it of failing)
      expect((await Effect.runPromise(Effect.flip(Effect.provide(count, it)))).reason._tag).toMatch(
        /^(Connection|Query)Error$/,
      );
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(
      await Effect.runPromise(
        Effect.provide(
          count,
          layer(async () => password),
        ),
      ),
    ).toBe(3);
  });

  it('while Drizzle asks its cache is not replaced by one that nobody closes', async () => {
    const name = 'killed_and_cached';
    class Slow extends Cache {
      override strategy = () => 'all' as const;
      override get = async () => {
        await test.client`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${name}`;
        await new Promise((resolve) => setTimeout(resolve, 100));
        return undefined;
      };
      override put = async () => {};
      override onMutate = async () => {};
    }
    const layer = Db.layer({
      url: test.url,
      maxConnections: 1,
      connection: { connection: { application_name: name } },
      drizzle: { cache: new Slow() },
    });
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const error = yield* Effect.flip(db.select().from(projects));
      yield* Effect.sleep(300);
      return { tag: error.reason._tag, connections: yield* Effect.promise(() => connectionsOf(name)) };
    });
    expect(await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(layer)))).toEqual({
      tag: 'ConnectionError',
      connections: [],
    });
  });
});

it('reads and writes arrays as postgres.js does', async () => {
  const values = sql`select array[1, 2]::integer[] as i, array['a', 'b,"{}'] as t, array[[1, 2], [3,
    4]]::bigint[] as n, array[]::text[] as e, array[true] as b, array['(1,1),(0,0)', '(3,3),(2,2)']::box[] as x,
      ${sql.param([1, 2])}::integer[] as p, ${sql.param(['"a\\', 'b'])}::text[] as q`;
  const client = postgres(test.url, { max: 1 });
  closing.push(() => void client.end());
  const [expected] = await drizzle({ client }).execute(values);
  const [row] = (await test.run(Effect.flatMap(Db, (db) => db.execute(values)))).rows;
  expect(row).toEqual(expected);
  expect(row).toMatchObject({
    i: [1, 2],
    n: [
      ['1', '2'],
      ['3', '4'],
    ],
    b: [true],
    p: [1, 2],
    q: ['"a\\', 'b'],
  });
});

describe('a query that failed behind some of its rows', () => {
  it('leaves no empty places to the next one on its connection', async () => {
    const program = Effect.gen(function* () {
      const db = yield* Db;
      yield* Effect.flip(db.execute(sql`select 1 / (3 - n) from generate_series(1, 9) n`));
      return (yield* db.execute(sql`select n from generate_series(7, 8) n`)).rows;
    });
    const layer = Db.layer({ url: test.url, maxConnections: 1 });
    expect(await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(layer)))).toEqual([{ n: 7 }, { n: 8 }]);
  });
});
