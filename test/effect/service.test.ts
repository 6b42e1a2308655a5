import { eq, sql } from 'drizzle-orm';
import { Context, Effect, Equal, Exit, Fiber, Request, RequestResolver, Stream } from 'effect';
import type { DbError } from '../../src/effect/index.js';
import { describe, expect, it } from 'vitest';
import { testDatabase } from './database.js';
import { a, accounts, b, c, countries, Db, projects, tasks } from './schema.js';

const test = testDatabase('service');

const titles = Effect.gen(function* () {
  const db = yield* Db;
  const rows = yield* db.select({ title: tasks.title }).from(tasks);
  return [...new Set(rows.map((row) => row.title))];
});

describe('Db', () => {
  it('runs every kind of query as an Effect', async () => {
    const result = await test.run(
      Effect.gen(function* () {
        const db = yield* Db;
        const inserted = yield* db.insert(projects).values({ id: 9, name: 'nine' }).returning();
        const updated = yield* db
          .update(projects)
          .set({ name: 'ten' })
          .where(eq(projects.id, 9))
          .returning({ name: projects.name });
        const joined = yield* db
          .select()
          .from(projects)
          .leftJoin(tasks, eq(tasks.projectId, projects.id))
          .where(eq(projects.id, 9));
        const related = yield* db.query.projects.findFirst({
          where: { id: 1 },
          with: { tasks: { columns: { id: true } } },
        });
        const none = yield* db.query.projects.findFirst({ where: { id: 77 } });
        const count: number = yield* db.$count(tasks);
        const raw = yield* db.execute<{ n: number }>(sql`select count(*)::int as n from ${projects}`);
        const removed = yield* db.delete(projects).where(eq(projects.id, 9));
        const cte = db.$with('some').as(db.select({ id: tasks.id }).from(tasks).where(eq(tasks.id, 1)));
        const some = yield* db.with(cte).select().from(cte);
        const upserted = yield* db
          .insert(projects)
          .values({ id: 1, name: 'one' })
          .onConflictDoUpdate({ target: projects.id, set: { budget: 1 } })
          .returning();
        const prepared = db
          .select()
          .from(projects)
          .where(eq(projects.id, sql.placeholder('id')))
          .prepare('by_id');
        const first = yield* prepared.execute({ id: 2 });
        return { inserted, updated, joined, related, none, count, raw, removed, some, upserted, first };
      }),
    );
    expect(result).toMatchObject({
      inserted: [{ accountId: a, id: 9, name: 'nine' }],
      updated: [{ name: 'ten' }],
      joined: [{ projects: { id: 9 }, tasks: null }],
      related: { id: 1, tasks: [{ id: 1 }, { id: 2 }] },
      none: undefined,
      count: 3,
      raw: { rows: [{ n: 3 }], rowCount: 1 },
      removed: { rows: [], rowCount: 1 },
      some: [{ id: 1 }],
      upserted: [{ accountId: a, budget: 1 }],
      first: [{ id: 2, accountId: a }],
    });
  });

  it('has the id of its tenant', async () => {
    const id = Effect.map(Db, (db) => db.tenantId);
    expect(await test.run(Effect.all([id, Db.forTenant(b, id)]))).toEqual([a, b]);
  });

  it('gives each tenant its own rows, and an inner tenant ends where its program ends', async () => {
    const program = Effect.gen(function* () {
      const before = yield* titles;
      const inner = yield* Db.forTenant(b, titles);
      const failed = yield* Effect.flip(Db.forTenant(c, Effect.andThen(titles, Effect.fail('no' as const))));
      const layered = yield* titles.pipe(Effect.provide(Db.forTenant(c)));
      return { before, inner, failed, layered, after: yield* titles };
    });
    expect(await test.run(program)).toEqual({ before: [a], inner: [b], failed: 'no', layered: [c], after: [a] });
  });

  it('follows forks, daemons, streams and Effect.all', async () => {
    const program = Effect.gen(function* () {
      const child = yield* Effect.forkChild(Effect.andThen(Effect.sleep(5), titles));
      const daemon = yield* Db.forTenant(b, Effect.forkDetach(Effect.andThen(Effect.sleep(5), titles)));
      const all = yield* Effect.all([titles, Db.forTenant(b, titles), Db.forTenant(c, titles), titles], {
        concurrency: 'unbounded',
      });
      const streamed = yield* Stream.runCollect(Stream.mapEffect(Stream.make(1, 2), () => titles, { concurrency: 2 }));
      return { child: yield* Fiber.join(child), daemon: yield* Fiber.join(daemon), all, streamed };
    });
    expect(await test.run(program)).toEqual({
      child: [a],
      daemon: [b],
      all: [[a], [b], [c], [a]],
      streamed: [[a], [a]],
    });
  });

  it('has services of their own for several tenants, every tenant and the reference tables', async () => {
    const program = Effect.gen(function* () {
      const several = yield* Effect.flatMap(Db.Several, (db) => db.select().from(accounts)).pipe(
        Effect.provide(Db.forTenants([a, c])),
      );
      const across = yield* Db.acrossTenants(
        { reason: 'test' },
        Effect.flatMap(Db.AcrossTenants, (db) => db.$count(accounts)),
      );
      const shared = yield* Db.Shared;
      yield* shared.insert(countries).values({ id: 3, name: 'Japan' });
      return { several: several.map((row) => row.id).sort(), across, countries: yield* shared.$count(countries) };
    });
    expect(await Effect.runPromise(program.pipe(Effect.provide(test.layer())))).toEqual({
      several: [a, c],
      across: 3,
      countries: 3,
    });
  });

  it('prepares a query for any tenant', async () => {
    const first = Db.prepare((db) =>
      db
        .select({ title: tasks.title })
        .from(tasks)
        .where(eq(tasks.id, sql.placeholder('id'))),
    );
    const program = Effect.all([first(a, { id: 1 }), first(b, { id: 1 }), first(b, { id: 1 })]);
    expect(await Effect.runPromise(program.pipe(Effect.provide(test.layer(1))))).toEqual([
      [{ title: a }],
      [{ title: b }],
      [{ title: b }],
    ]);
  });

  it('closes its connections with its scope', async () => {
    await Effect.runPromise(
      Db.forTenant(a, titles).pipe(Effect.provide(test.layer(3, { connection: { application_name: 'closing' } }))),
    );
    await expect
      .poll(() => test.client`select 1 from pg_stat_activity where application_name = 'closing'`)
      .toHaveLength(0);
  });
});

/** A request that is answered from the tenant's database. */
class TitleOf extends Request.Class<{ readonly id: number }, string, DbError, Db> {}

describe('what Effect compares', () => {
  it('no two handles are the same', async () => {
    const handles = Effect.all([Db, Db.forTenant(b, Db), Db.forTenant(a, Db), Db.Shared]) as Effect.Effect<
      any,
      any,
      any
    >;
    const all: any[] = await test.run(handles as any);
    for (const one of all) expect(all.filter((it) => Equal.equals(one, it))).toEqual([one]);
    const [x, y] = all.map((it) => it.select().from(projects));
    expect(Equal.equals(x, y)).toBe(false);
  });

  it('requests that are grouped by the handle are answered for their own tenant', async () => {
    const resolver = RequestResolver.makeGrouped<TitleOf, any>({
      key: ({ context }) => Context.get(context as Context.Context<Db>, Db),
      resolver: (entries, db) =>
        Effect.gen(function* () {
          const query = db.select({ id: tasks.id, title: tasks.title }).from(tasks);
          const rows = yield* query as Effect.Effect<any[], DbError>;
          for (const it of entries) it.completeUnsafe(Exit.succeed(rows.find((row) => row.id === it.request.id).title));
        }),
    });
    const title = Effect.request(new TitleOf({ id: 1 }), resolver);
    const both = Effect.all([Db.forTenant(a, title), Db.forTenant(b, title), Db.forTenant(a, title)], {
      concurrency: 'unbounded',
    });
    expect(await test.run(both)).toEqual([a, b, a]);
  });
});
