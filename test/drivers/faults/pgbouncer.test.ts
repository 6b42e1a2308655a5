/** A pooler in transaction mode: the connection to the server is another one after each COMMIT. */
import * as Effect from 'effect/Effect';
import { eq, sql } from 'drizzle-orm';
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withTenancy } from '../../../src/index.js';
import { findPgbouncer, startPgbouncer } from '../../support/pgbouncer.js';
import { asRole } from '../../support/rls.js';
import { Db, faultyDatabase, notes, one, two } from './faults.js';

const found = findPgbouncer();
if (!found) console.warn('pgbouncer is not installed: the tests behind it are skipped.');

const database = faultyDatabase();

describe.skipIf(!found)('behind pgbouncer', () => {
  let bouncer: Awaited<ReturnType<typeof startPgbouncer>>;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    bouncer = await startPgbouncer(found!.path, asRole(database.url), 2);
  });
  afterAll(async () => {
    for (const close of closing) await close().catch(() => {});
    await bouncer?.stop();
  });

  const postgresJs = (options: object = {}) => {
    const client = postgres(bouncer.url, { max: 8, prepare: false, onnotice: () => {}, ...options });
    closing.push(() => client.end({ timeout: 1 }));
    return { drizzle: drizzle({ client }) as any, run: (text: string) => client.unsafe(text) as Promise<any> };
  };
  const nodePostgres = () => {
    const client = new pg.Pool({ connectionString: bouncer.url, max: 8 });
    // What happens to a connection that nobody uses is told to the pool, as its documentation says.
    client.on('error', () => {});
    closing.push(() => client.end());
    return {
      drizzle: drizzleNodePostgres({ client }) as any,
      run: async (text: string) => (await client.query(text)).rows,
    };
  };

  describe.each([
    ['postgres.js', postgresJs],
    ['node-postgres', nodePostgres],
  ])('%s', (_, open) => {
    test('many tenants at once are each themselves, and unbound statements nobody', async () => {
      const { drizzle: plain, run } = open();
      const db = withTenancy(plain, { rls: true }) as any;
      const programs = Array.from({ length: 120 }, (_, i) => {
        const [id, tdb] = i % 2 === 0 ? ['1', db.forTenant(one)] : ['2', db.forTenant(two)];
        const insert = (it: any) =>
          it
            .insert(notes)
            .values({ id: 1000 + i })
            .returning({ seen: notes.seen });
        if (i % 4 === 0)
          return tdb
            .transaction(async (tx: any) =>
              (await insert(tx)).concat(
                await tx.transaction((inner: any) =>
                  inner
                    .select({ seen: sql`${id}` })
                    .from(notes)
                    .limit(1),
                ),
              ),
            )
            .then((rows: any) => expect(rows).toEqual([{ seen: id }, { seen: id }]));
        if (i % 5 === 0)
          return run('select count(*)::int as n from notes').then((rows: any) => expect(rows).toEqual([{ n: 0 }]));
        if (i % 7 === 0)
          return tdb
            .insert(notes)
            .values({ id: 1 })
            .then(
              () => expect.unreachable(),
              (error: any) => expect(error.cause.code).toBe('23505'),
            );
        if (i % 9 === 0)
          return tdb
            .insert(notes)
            .values({ id: 5000 + i, parent: 99 })
            .then(
              () => expect.unreachable(),
              (error: any) => expect(error.cause.code).toBe('23503'),
            );
        return insert(tdb).then((rows: any) => expect(rows).toEqual([{ seen: id }]));
      });
      await Promise.all(programs);
      const [row] = await database.admin`select count(*)::int as n from notes where id between 1000 and 4999
          and seen = account::text`;
      expect(row!.n).toBeGreaterThan(60);
      expect(await database.admin`select 1 from notes where seen <> account::text and id <> 1`).toEqual([]);
      expect(await database.admin`select 1 from notes where id >= 5000`).toEqual([]);
    });

    test('the server ends its connections, and the next statements are bound on others', async () => {
      const { drizzle: plain } = open();
      const db = withTenancy(plain, { rls: true }) as any;
      await database.whileLocked(async () => {
        const running = db
          .forTenant(one)
          .update(notes)
          .set({ body: 'changed' })
          .where(eq(notes.id, 1))
          .then(
            () => 'done',
            (error: any) => error,
          );
        await database.admin`select pg_terminate_backend(${await database.waitsForLock()})`;
        expect((await running).cause).toBeInstanceOf(Error);
      });
      for (let i = 0; i < 6; i++) {
        const [id, tenant] = i % 2 === 0 ? ['1', one] : ['2', two];
        expect(
          await db
            .forTenant(tenant)
            .insert(notes)
            .values({ id: 100 + i })
            .returning({ seen: notes.seen }),
        ).toEqual([{ seen: id }]);
      }
    });
  });

  test('Effect', async () => {
    const layer = Db.layer({
      url: bouncer.url,
      maxConnections: 8,
      connection: { prepare: false, onnotice: () => {} },
      rls: true,
    });
    const insert = (i: number) =>
      Effect.flatMap(Db, (db) =>
        db
          .insert(notes)
          .values({ id: 2000 + i } as any)
          .returning({ seen: notes.seen }),
      );
    const programs = Array.from({ length: 60 }, (_, i) =>
      Db.forTenant(i % 2 === 0 ? one : two, i % 3 === 0 ? Db.transaction(insert(i)) : insert(i)),
    );
    const results = await Effect.runPromise(
      Effect.all(programs, { concurrency: 'unbounded' }).pipe(Effect.provide(layer)),
    );
    results.forEach((rows, i) => expect(rows).toEqual([{ seen: String(1 + (i % 2)) }]));
  });
});
