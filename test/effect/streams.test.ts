import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { sql, type SQL } from 'drizzle-orm';
import { Cache } from 'drizzle-orm/cache/core';
import { Effect, Fiber, Stream } from 'effect';
import postgres from 'postgres';
import { beforeAll, describe, expect, it } from 'vitest';
import { testDatabase } from './database.js';
import { a, b, Db, tasks } from './schema.js';

const test = testDatabase('streams');
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

beforeAll(async () => {
  await test.client.unsafe(
    `insert into tasks ("accountId", id, "projectId", title)
     select '${b}', i, 1, repeat('x', 1000) from generate_series(1000, 50999) i`,
  );
});

describe('a stream', () => {
  it('holds few rows of a large result', async () => {
    const program = Effect.gen(function* () {
      const db = yield* Db;
      collectGarbage();
      const before = process.memoryUsage().heapUsed;
      let most = 0;
      const count = yield* db
        .select()
        .from(tasks)
        .stream({ chunkSize: 500 })
        .pipe(
          Stream.runFold(
            () => 0,
            (n) => {
              if (n % 10_000 === 0) {
                collectGarbage();
                most = Math.max(most, process.memoryUsage().heapUsed - before);
              }
              return n + 1;
            },
          ),
        );
      return { count, most };
    });
    const { count, most } = await test.run(program, b);
    expect(count).toBe(50_003);
    // All of them are more than 50 MB.
    expect(most).toBeLessThan(10_000_000);
  });

  it('reads no further ahead than a chunk or two of what is wanted', async () => {
    const sent: string[] = [];
    const client = postgres(test.url, { max: 1 });
    const layer = Db.layerFrom(drizzle({ client, logger: { logQuery: (text) => void sent.push(text) } }));
    const rows = Stream.unwrap(Effect.map(Db, (db) => db.select().from(tasks).stream({ chunkSize: 10 })));
    const slowly = Stream.runDrain(
      Stream.take(
        Stream.mapEffect(rows, () => Effect.sleep(5)),
        20,
      ),
    );
    await Effect.runPromise(Db.forTenant(b, slowly).pipe(Effect.provide(layer)));
    expect(sent.filter((text) => text.startsWith('declare'))).toHaveLength(1);
    const fetches = sent.filter((text) => text.startsWith('fetch')).length;
    expect(fetches).toBeGreaterThanOrEqual(2);
    expect(fetches).toBeLessThanOrEqual(4);
    await client.end();
  });

  it('is not answered from a cache, where one FETCH is like another', async () => {
    const kept = new Map<string, any[]>();
    class Everything extends Cache {
      strategy = () => 'all' as const;
      get = async (key: string) => kept.get(key);
      put = async (key: string, rows: any) => void kept.set(key, rows);
      onMutate = async () => {};
    }
    const client = postgres(test.url, { max: 2 });
    const layer = Db.layerFrom(drizzle({ client, cache: new Everything() }));
    const rows = Stream.unwrap(
      Effect.map(Db, (db) => db.select().from(tasks).orderBy(tasks.id).stream({ chunkSize: 1 })),
    );
    const ids = (
      await Effect.runPromise(Db.forTenant(a, Stream.runCollect(Stream.take(rows, 5))).pipe(Effect.provide(layer)))
    ).map((it) => it.id);
    expect(ids).toEqual([1, 2, 3]);
    expect(kept.size).toBe(0);
    await client.end();
  });

  it('is no way around the proof of raw SQL', async () => {
    const streamsOf = (query: SQL | string) =>
      [
        Effect.flatMap(Db, (db) =>
          Stream.runCollect(db.execute<{ title: string }>(query, 'objects').stream({ chunkSize: 2 })),
        ),
        Effect.flatMap(Db, (db) =>
          db.transaction((tx) =>
            Stream.runCollect(tx.execute<{ title: string }>(query, 'objects').stream({ chunkSize: 2 })),
          ),
        ),
      ] as const;
    const own = [
      sql`select * from tasks`,
      sql.raw('select title from tasks'),
      'select title from tasks',
      sql`select title from tasks where "accountId" = ${a}`,
    ];
    for (const program of own.flatMap(streamsOf))
      expect((await test.run(program)).map((row) => row.title)).toEqual([a, a, a]);
    for (const program of streamsOf(sql`select * from tasks where "accountId" = ${b}`))
      expect(await test.run(program)).toEqual([]);
    const foreign = [
      sql`select query_to_xml('select title from tasks', true, true, '')::text as title`,
      sql`select title from pg_class`,
    ];
    for (const program of foreign.flatMap(streamsOf))
      expect((await test.fail(program)).reason._tag).toBe('RawSqlNotScopedError');
    const scoped = Effect.flatMap(Db, (db) =>
      Stream.runCollect(db.execute<{ title: string }>(sql`select ${tasks.title} from ${tasks}`, 'objects').stream()),
    );
    expect(new Set((await test.run(scoped)).map((row) => row.title))).toEqual(new Set([a]));
  });

  it('ends its cursor and its transaction when nobody reads on, fails or is interrupted', async () => {
    const rows = Stream.unwrap(Effect.map(Db, (db) => db.select().from(tasks).stream({ chunkSize: 1 })));
    const program = Effect.gen(function* () {
      const taken = yield* Stream.runCollect(Stream.take(rows, 1));
      const failed = yield* Effect.flip(Stream.runDrain(Stream.mapEffect(rows, () => Effect.fail('mine' as const))));
      const fiber = yield* Effect.forkChild(Stream.runDrain(Stream.mapEffect(rows, () => Effect.never)));
      yield* Effect.sleep(100);
      yield* Fiber.interrupt(fiber);
      const inside = yield* Effect.flatMap(Db, (db) =>
        db.transaction((tx) => Stream.runCollect(tx.select().from(tasks).stream({ chunkSize: 2 }))),
      );
      return { taken: taken.length, failed, inside: inside.length };
    });
    expect(await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(test.layer(1))))).toEqual({
      taken: 1,
      failed: 'mine',
      inside: 3,
    });
    expect([...(await test.active())]).toEqual([]);
  });
});
