/**
 * `Db.transaction`: every service of the database on the one connection, on each driver, with and without row-level
 * security.
 */
import * as PgClient from '@effect/sql-pg/PgClient';
import { sql } from 'drizzle-orm';
import { integer, text } from 'drizzle-orm/pg-core';
import { makeWithDefaults as overEffect } from 'drizzle-orm/effect-postgres';
import { drizzle as overNodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle as overPglite } from 'drizzle-orm/pglite';
import { drizzle as overPostgresJs } from 'drizzle-orm/postgres-js';
import { randomBytes } from 'node:crypto';
import { Cause, Deferred, Effect, Exit, Fiber, Layer, ManagedRuntime, Redacted, Stream } from 'effect';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { defineTenantRelations, referenceTable, tenancy, tenantTable } from '../../src/index.js';
import { TenantDb, type DbError } from '../../src/effect/index.js';
import { admin, asRole, createAdmin, createRole, grants, policiesOf, role } from '../support/rls.js';
import { createPglite } from '../support/pglite.js';

const club = tenancy('club', integer);
const people = referenceTable('people', { id: integer().primaryKey(), email: text().notNull() });
const clubs = tenantTable('clubs', { id: club.id().primaryKey().generatedAlwaysAsIdentity(), name: text().notNull() });
const memos = tenantTable('memos', {
  clubId: club.id('club_id').references(() => clubs.id),
  id: integer().primaryKey(),
  body: text().notNull(),
  seen: text(),
});
const relations = defineTenantRelations({ people, clubs, memos });
class Db extends TenantDb.Service<Db>()('test/TransactionDb', { tenancy: club, relations }) {}
const [one, two] = [club.parse(1), club.parse(2)];

const ddl = [
  createRole,
  createAdmin,
  'create table people (id integer primary key, email text not null)',
  'create table clubs (id integer primary key generated always as identity, name text not null)',
  'create table memos (club_id integer not null references clubs, id integer not null, body text not null, ' +
    "seen text default coalesce(current_setting('app.tenant_id', true), ''), primary key (club_id, id))",
  ...policiesOf('clubs', 'id', 'integer', 'club', false),
  ...policiesOf('memos', 'club_id', 'integer', 'club', false),
  ...grants('public'),
  `grant usage on schema public to ${admin}; grant all on all tables in schema public ` +
    `to ${admin}; grant all on all sequences in schema public to ${admin}`,
];
const rows = `truncate people, clubs, memos restart identity; insert into clubs (name) values ('one'), ('two');
  insert into memos (club_id, id, body) select c, i, 'of ' || c from generate_series(1, 2) c, generate_series(1, 5) i`;

const name = `effect_transactions_${process.pid}_${randomBytes(3).toString('hex')}`;
let url: string;
let client: postgres.Sql;
const pglite = await createPglite();
const asAdmin = async (run: (sql: postgres.Sql) => Promise<unknown>) => {
  const sql = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  await run(sql);
  await sql.end();
};
beforeAll(async () => {
  await asAdmin((sql) => sql.unsafe(`create database ${name}`));
  url = Object.assign(new URL(inject('databaseUrl')), { pathname: `/${name}` }).href;
  client = postgres(url, { max: 1, onnotice: () => {} });
  for (const statement of ddl) await client.unsafe(statement);
  await pglite.exec(ddl.join(';\n'));
});
afterAll(async () => {
  await client?.end();
  await asAdmin((sql) => sql.unsafe(`drop database if exists ${name} with (force)`));
});

interface Side {
  readonly drizzle: any;
  readonly close: () => Promise<unknown>;
}
const look = (sql: string): Promise<any[]> => client.unsafe(sql) as any;
const drivers: Record<string, () => Promise<Side>> = {
  async 'postgres.js'() {
    const it = postgres(asRole(url), { max: 2, onnotice: () => {} });
    return { drizzle: overPostgresJs({ client: it }), close: () => it.end() };
  },
  async 'node-postgres'() {
    const it = new pg.Pool({ connectionString: asRole(url), max: 2 });
    return { drizzle: overNodePostgres({ client: it }), close: () => it.end() };
  },
  async '@effect/sql-pg'() {
    const runtime = ManagedRuntime.make(PgClient.layer({ url: Redacted.make(asRole(url)), maxConnections: 2 }));
    return { drizzle: await runtime.runPromise(overEffect()), close: () => runtime.dispose() };
  },
  async PGlite() {
    await pglite.exec(`set role ${role}`);
    return { drizzle: overPglite({ client: pglite }), close: async () => {} };
  },
};

describe.each(Object.keys(drivers).flatMap((driver) => [true, false].map((rls) => ({ driver, rls }))))(
  '$driver, rls: $rls',
  ({ driver, rls }) => {
    let side: Side;
    let run: <A, E>(program: Effect.Effect<A, E, TenantDb.Connected<Db> | TenantDb.Shared<Db>>) => Promise<A>;
    let runtime: ManagedRuntime.ManagedRuntime<any, any>;
    const lookHere = async (sql: string): Promise<any[]> => {
      if (driver !== 'PGlite') return look(sql);
      await pglite.exec('reset role');
      const answers = await pglite.exec(sql);
      await pglite.exec(`set role ${role}`);
      return answers.at(-1)!.rows as any[];
    };
    beforeAll(async () => {
      side = await drivers[driver]!();
      const policies = (it: string) => `alter table ${it} ${rls ? 'enable' : 'disable'} row level security`;
      await lookHere(`${rows}; ${['clubs', 'memos'].map(policies).join('; ')}`);
      runtime = ManagedRuntime.make(
        Db.layerFrom(side.drizzle, { rls, across: { role: admin } }) as Layer.Layer<any, any>,
      );
      run = (program) => runtime.runPromise(program as any);
    });
    afterAll(async () => {
      await runtime?.dispose();
      await side?.close();
    });
    beforeEach(() => lookHere(rows));
    const own = (it: string) => (rls ? it : '');
    const write = (id: number) =>
      Effect.flatMap(Db, (db) =>
        Effect.map(
          db
            .insert(memos)
            .values({ id, body: `m${id}` })
            .returning({ seen: memos.seen }),
          (it) => it[0]!.seen,
        ),
      );
    const written = async () =>
      (await lookHere(`select club_id || ':' || body as it from memos where body like 'm%' order by 1`)).map(
        ({ it }) => it,
      );

    const signUp = (i: number) =>
      Db.transaction(
        Effect.gen(function* () {
          yield* (yield* Db.Shared).insert(people).values({ id: i, email: `${i}` });
          const [row] = yield* Db.acrossTenants(
            { reason: 'a sign-up' },
            Effect.flatMap(Db.AcrossTenants, (db) =>
              db
                .insert(clubs)
                .values({ name: `${i}` })
                .returning(),
            ),
          );
          return yield* Db.forTenant(
            row!.id,
            Effect.map(write(100 + i), (seen) => [row!.id, seen] as const),
          );
        }),
      );

    it('signs up, several at once, or not at all', { timeout: 20_000 }, async () => {
      const all = await run(Effect.all([1, 2, 3, 4].map(signUp), { concurrency: 4 }));
      for (const [id, seen] of all) expect(seen).toBe(own(String(id)));
      const failed = await run(Effect.exit(Db.transaction(Effect.andThen(signUp(5), Effect.fail('no')))));
      expect(Exit.isFailure(failed)).toBe(true);
      expect((await lookHere('select id from people order by id')).map((it) => it.id)).toEqual([1, 2, 3, 4]);
      expect(await written()).toHaveLength(4);
    });

    it('gives each statement its own setting, at once, through streams, and after what was rolled back', async () => {
      const bodies = Effect.flatMap(Db, (db) =>
        Stream.runCollect(db.select({ body: memos.body }).from(memos).stream({ chunkSize: 2 })),
      );
      const result = await run(
        Db.transaction(
          Effect.gen(function* () {
            const before = yield* Effect.all(
              [Db.forTenant(one, write(20)), Db.forTenant(two, write(21)), Db.forTenant(one, write(22))],
              { concurrency: 3 },
            );
            const streams = yield* Effect.all(
              [
                Db.forTenant(one, bodies),
                Db.forTenant(two, bodies),
                Db.forTenant(one, write(23)),
                Effect.flatMap(Db.Shared, (db) => db.$count(people)),
              ],
              { concurrency: 4 },
            );
            yield* Effect.exit(Db.transaction(Effect.andThen(Db.forTenant(two, write(24)), Effect.fail('no'))));
            const siblings = yield* Effect.all(
              [one, two, one].map((id, i) =>
                Effect.exit(
                  Db.transaction(
                    Effect.andThen(Db.forTenant(id, write(30 + i)), i === 1 ? Effect.fail('no') : Effect.void),
                  ),
                ),
              ),
              { concurrency: 3 },
            );
            const caught = yield* Effect.exit(Db.transaction(Db.forTenant(one, write(20))));
            const after = yield* Effect.all([Db.forTenant(one, write(25)), Db.forTenant(two, write(26))]);
            const several = yield* Db.forTenants(
              [one, two],
              Effect.flatMap(Db.Several, (db) => db.$count(memos)),
            );
            const last = yield* Db.forTenant(two, write(27));
            return {
              before,
              streams,
              after,
              last,
              several,
              caught: Exit.isFailure(caught),
              siblings: siblings.map(Exit.isSuccess),
            };
          }),
        ),
      );
      expect(result.before).toEqual(['1', '2', '1'].map(own));
      expect([result.after, result.last]).toEqual([['1', '2'].map(own), own('2')]);
      expect(new Set((result.streams[0] as any[]).map((it) => it.body))).toEqual(
        new Set([
          'of 1',
          'm20',
          'm22',
          ...((result.streams[0] as any[]).some((it) => it.body === 'm23') ? ['m23'] : []),
        ]),
      );
      expect(new Set((result.streams[1] as any[]).map((it) => it.body))).toEqual(new Set(['of 2', 'm21']));
      expect(result.siblings).toEqual([true, false, true]);
      expect(result.caught).toBe(true);
      expect(result.several).toBe(10 + 8);
      expect(await written()).toEqual([
        '1:m20',
        '1:m22',
        '1:m23',
        '1:m25',
        '1:m30',
        '1:m32',
        '2:m21',
        '2:m26',
        '2:m27',
      ]);
    });

    it('has the tenant that is provided around it, and every other service, within', async () => {
      const result = await run(
        Db.forTenant(
          one,
          Db.transaction(
            Effect.gen(function* () {
              const seen = yield* write(40);
              yield* (yield* Db.Shared).insert(people).values({ id: 9, email: 'x' });
              const other = yield* Db.forTenant(two, write(41));
              return [
                seen,
                other,
                yield* write(42),
                yield* Effect.flip(Db.transaction(Effect.andThen(write(43), Effect.fail('no')))),
              ];
            }),
          ),
        ),
      );
      expect(result).toEqual([own('1'), own('2'), own('1'), 'no']);
      expect(await written()).toEqual(['1:m40', '1:m42', '2:m41']);
    });

    // One connection has no other beside it.
    it.skipIf(driver === 'PGlite')('keeps a handle that is outside of it outside, also behind its end', async () => {
      const who = (db: any): Effect.Effect<string, DbError> =>
        Effect.map(db.execute(sql`select current_user::text as it`), (it: any) => it.rows[0].it);
      const wrote = await run(
        Db.forTenant(
          one,
          Effect.flatMap(Db, (db) =>
            Effect.exit(
              db.transaction((tx) =>
                Effect.gen(function* () {
                  yield* Db.acrossTenants(
                    { reason: 'x' },
                    Effect.flatMap(Db.AcrossTenants, (all) => all.$count(people)),
                  );
                  const role = yield* who(tx);
                  yield* Db.forTenant(two, write(60));
                  const [row] = yield* tx.insert(memos).values({ id: 61, body: 'm61' }).returning({ seen: memos.seen });
                  return yield* Effect.fail([role, row!.seen]);
                }),
              ),
            ),
          ),
        ),
      );
      expect(Exit.isFailure(wrote) && Cause.squash(wrote.cause)).toEqual([role, own('1')]);
      expect(await written()).toEqual(['2:m60']);
      const [left, seen] = await run(
        Effect.gen(function* () {
          const mayBegin = yield* Deferred.make<void>();
          const begun = yield* Deferred.make<Fiber.Fiber<string | null, DbError>>();
          const behind = Effect.andThen(Deferred.await(mayBegin), write(62));
          yield* Db.forTenant(
            one,
            Effect.flatMap(Db, (db) =>
              db.transaction(() =>
                Effect.flatMap(Effect.forkDetach(Db.forTenant(two, behind)), (it) => Deferred.succeed(begun, it)),
              ),
            ),
          );
          const fiber = yield* Deferred.await(begun);
          // Somebody else has the connection now, and a transaction on it.
          const seen = yield* Db.forTenant(
            one,
            Effect.flatMap(Db, (db) =>
              db.transaction((tx) =>
                Effect.gen(function* () {
                  yield* tx.$count(memos);
                  yield* Deferred.succeed(mayBegin, undefined);
                  yield* Fiber.await(fiber);
                  return (yield* tx.insert(memos).values({ id: 63, body: 'm63' }).returning({ seen: memos.seen }))[0]!
                    .seen;
                }),
              ),
            ),
          );
          return [yield* Fiber.join(fiber), seen];
        }),
      );
      expect([left, seen]).toEqual([own('2'), own('1')]);
      expect(await written()).toEqual(['1:m63', '2:m60', '2:m62']);
    });

    it.skipIf(driver === 'PGlite')('keeps its own handle within it, in whichever fiber, until it ends', async () => {
      const kept: any[] = [];
      const outcome = await run(
        Db.forTenant(
          one,
          Effect.flatMap(Db, (db) =>
            db.transaction((outer) =>
              Effect.gen(function* () {
                // Within another transaction, and in a fiber that knows of none.
                yield* Effect.exit(
                  Db.forTenant(
                    two,
                    Effect.flatMap(Db, (other) =>
                      other.transaction((tx) =>
                        Effect.gen(function* () {
                          yield* tx.insert(memos).values({ id: 70, body: 'm70' });
                          yield* outer.insert(memos).values({ id: 71, body: 'm71' });
                          return yield* Effect.fail('no');
                        }),
                      ),
                    ),
                  ),
                );
                yield* Effect.promise(() =>
                  Effect.runPromise(
                    outer.insert(memos).values({ id: 72, body: 'm72' }) as Effect.Effect<unknown, DbError>,
                  ),
                );
                kept.push(outer);
                // Two wait for their turn when it ends.
                const late = [73, 74].map((id) => outer.insert(memos).values({ id, body: `m${id}` }));
                kept.push(yield* Effect.forkDetach(Effect.exit(Effect.all(late, { concurrency: 2 }))));
                return yield* outer.$count(memos);
              }),
            ),
          ),
        ),
      );
      expect(outcome).toBeGreaterThanOrEqual(7);
      await Effect.runPromise(Fiber.join(kept[1]));
      const lost = await Effect.runPromise(Effect.flip(kept[0].$count(memos) as Effect.Effect<number, DbError>));
      expect(lost.message).toMatch(/this one has ended/);
      expect((await written()).filter((it) => !/7[34]/.test(it))).toEqual(['1:m71', '1:m72']);
    });

    it.skipIf(driver === 'PGlite')('an inner one that nobody waited for ends nothing of another tenant', async () => {
      const seen = await run(
        Effect.gen(function* () {
          const [wrote, mayEnd] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()];
          const left = yield* Deferred.make<Fiber.Fiber<Exit.Exit<void, DbError>>>();
          const transaction = <A>(id: typeof one, body: (tx: any) => Effect.Effect<A, DbError>) =>
            Db.forTenant(
              id,
              Effect.flatMap(Db, (db) => db.transaction(body)),
            );
          const add = (tx: any, id: number): Effect.Effect<void, DbError> =>
            tx.insert(memos).values({ id, body: `m${id}` });
          yield* transaction(one, (tx) =>
            Effect.gen(function* () {
              const inner = tx.transaction((it: any) =>
                Effect.andThen(add(it, 90), Effect.andThen(Deferred.succeed(wrote, undefined), Deferred.await(mayEnd))),
              ) as Effect.Effect<void, DbError>;
              yield* Deferred.succeed(left, yield* Effect.forkDetach(Effect.exit(inner)));
              yield* Deferred.await(wrote);
            }),
          );
          const fiber = yield* Deferred.await(left);
          yield* transaction(two, (tx) =>
            tx.transaction((it: any) =>
              Effect.gen(function* () {
                yield* add(it, 91);
                yield* Deferred.succeed(mayEnd, undefined);
                yield* Fiber.await(fiber);
                yield* add(it, 92);
              }),
            ),
          );
          return Exit.isFailure(yield* Fiber.join(fiber));
        }),
      );
      expect(seen).toBe(true);
      expect((await written()).filter((it) => it !== '1:m90')).toEqual(['2:m91', '2:m92']);
    });

    it.runIf(driver === '@effect/sql-pg')("leaves no role behind in the application's own transaction", async () => {
      const across = Db.acrossTenants(
        { reason: 'x' },
        Effect.flatMap(Db.AcrossTenants, (all) => all.$count(memos)),
      );
      const result = await run(
        side.drizzle.session.client.withTransaction(
          Effect.gen(function* () {
            const first = yield* Effect.exit(across);
            const whole = yield* Db.transaction(Effect.all([across, Db.forTenant(one, write(80))]));
            const inner = yield* Db.forTenant(
              one,
              Effect.flatMap(Db, (db) => db.transaction(() => Effect.exit(Db.forTenant(two, write(81))))),
            );
            return [Exit.isSuccess(first), whole, Exit.isSuccess(inner), yield* Db.forTenant(two, write(82))];
          }),
        ) as Effect.Effect<unknown, unknown, never>,
      );
      expect(result).toEqual([!rls, [10, own('1')], false, own('2')]);
      expect(await written()).toEqual(['1:m80', '2:m82']);
    });

    it('rolls back when it is interrupted, and refuses whom it left behind', async () => {
      let late: any;
      const interrupted = Effect.gen(function* () {
        const wrote = yield* Deferred.make<void>();
        const fiber = yield* Effect.forkChild(
          Db.transaction(
            Effect.gen(function* () {
              yield* Db.forTenant(one, write(50));
              late = yield* Db.Shared;
              const second = Effect.andThen(Db.forTenant(two, write(51)), Deferred.succeed(wrote, undefined));
              yield* Effect.all([second, Effect.never], { concurrency: 2 });
            }),
          ),
        );
        yield* Deferred.await(wrote);
        yield* Fiber.interrupt(fiber);
        const refused = yield* Effect.exit(late.$count(people) as Effect.Effect<number, DbError>);
        return [
          Exit.isFailure(refused),
          yield* Db.forTenant(
            one,
            Effect.flatMap(Db, (db) => db.$count(memos)),
          ),
        ];
      });
      expect(await run(interrupted)).toEqual([true, 5]);
      expect(await written()).toEqual([]);
    });
  },
);

it('takes no transaction of the application', async () => {
  const it = postgres(asRole(url), { max: 1 });
  const refused = await overPostgresJs({ client: it }).transaction((tx) =>
    Effect.runPromise(Effect.flip(Effect.scoped(Layer.build(Db.layerFrom(tx as never))))),
  );
  expect(refused.message).toMatch(/Db\.transaction/);
  await it.end();
});

it('fails where every tenant is asked for in a transaction, and no role is known', async () => {
  const it = postgres(asRole(url), { max: 1 });
  await look(`${rows}; alter table clubs enable row level security; alter table memos enable row level security`);
  const program = Db.transaction(
    Db.acrossTenants(
      { reason: 'x' },
      Effect.flatMap(Db.AcrossTenants, (db) => db.$count(memos)),
    ),
  );
  const error = await Effect.runPromise(
    Effect.flip(program.pipe(Effect.provide(Db.layerFrom(overPostgresJs({ client: it }), { rls: true })))),
  );
  expect(error.message).toMatch(/across: \{ role/);
  await it.end();
});
