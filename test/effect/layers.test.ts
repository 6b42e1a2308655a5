/** Effect builds a layer once for a composition and the programs within: what is made of a handle is its tenant's. */
import { Context, Effect, Layer, LayerMap, ManagedRuntime } from 'effect';
import { describe, expect, it } from 'vitest';
import { testDatabase } from './database.js';
import { a, b, c, countries, Db, tasks } from './schema.js';

const test = testDatabase('layers');

/** A service of the application's, made of the tenant's handle, in a layer that is one constant. */
class Titles extends Context.Service<Titles, { readonly all: Effect.Effect<string[], unknown> }>()('test/Titles') {}
const TitlesLive = Layer.effect(
  Titles,
  Effect.map(Db, (db) => ({
    all: Effect.map(db.select({ title: tasks.title }).from(tasks), (rows) => [
      ...new Set(rows.map((row) => row.title)),
    ]),
  })),
);
const titles = Effect.flatMap(Titles, (it) => it.all);
const live = (id: typeof a) => TitlesLive.pipe(Layer.provideMerge(Db.forTenant(id)));
const run = <A, E>(program: Effect.Effect<A, E, any>) =>
  Effect.runPromise(Effect.provide(program, test.layer(3)) as Effect.Effect<A, E>);

describe('a layer that is made of a tenant', () => {
  it('is made anew for each program of a tenant, also within another one', async () => {
    const inner = Db.forTenant(b, Effect.provide(titles, TitlesLive));
    const within = Effect.all([titles, inner, titles]);
    expect(await run(Db.forTenant(a, Effect.provide(within, TitlesLive)))).toEqual([[a], [b], [a]]);
    expect(await run(Effect.provide(within, live(a)))).toEqual([[a], [b], [a]]);
  });

  it('is made anew where the tenant is a layer, also within another one', async () => {
    const inner = Effect.provide(titles, live(b));
    const within = Effect.all([
      titles,
      inner,
      Db.forTenant(c, Effect.provide(Effect.all([titles, inner]), TitlesLive)),
    ]);
    const own = [[a], [b], [[c], [b]]];
    expect(await run(Effect.provide(within, live(a)))).toEqual(own);
    expect(await run(Db.forTenant(a, Effect.provide(within, TitlesLive)))).toEqual(own);
  });

  it('is made anew for several tenants, for every one, and in a transaction', async () => {
    class Count extends Context.Service<Count, Effect.Effect<number, unknown>>()('test/Count') {}
    const Several = Layer.effect(
      Count,
      Effect.map(Db.Several, (db) => db.$count(tasks)),
    );
    const count = Effect.flatten(Count);
    const several = Effect.all([count, Db.forTenants([b, c], Effect.provide(count, Several))]);
    expect(await run(Db.forTenants([a], Effect.provide(several, Several)))).toEqual([3, 6]);

    const Shared = Layer.effect(
      Count,
      Effect.map(Db.Shared, (db) => db.$count(countries)),
    );
    const add = Effect.flatMap(Db.Shared, (db) => db.insert(countries).values({ id: 9, name: 'Peru' }));
    const uncommitted = Db.transaction(
      Effect.andThen(
        add,
        Effect.andThen(Effect.provide(count, Shared), (it) => Effect.fail(it)),
      ),
    );
    expect(await run(Effect.provide(Effect.all([count, Effect.flip(uncommitted)]), Shared))).toEqual([2, 3]);
  });

  it('is refused where one composition, or one map of layers, would hold what it made for another tenant', async () => {
    class Both extends Context.Service<Both, string[][]>()('test/Both') {}
    const as = (id: typeof a) =>
      Layer.effect(
        Both,
        Effect.map(titles, (it) => [it]),
      ).pipe(Layer.provide(live(id)));
    const remedy = /Layer\.fresh/;
    const both = Effect.provide(Both, Layer.mergeAll(as(a), as(b)));
    await expect(run(both)).rejects.toThrow(remedy);

    const fromMap = (lookup: (id: typeof a) => Layer.Layer<Titles, unknown, any>) =>
      Effect.scoped(
        Effect.flatMap(LayerMap.make(lookup as any), (map) =>
          Effect.all([a, b, a].map((id) => Effect.provide(titles, map.get(id) as Layer.Layer<Titles>))),
        ),
      );
    await expect(run(fromMap(live))).rejects.toThrow(remedy);
    expect(await run(fromMap((id) => Layer.fresh(live(id))))).toEqual([[a], [b], [a]]);

    const memoMap = Layer.makeMemoMapUnsafe();
    const runtimes = [a, b].map((id) => ManagedRuntime.make(live(id).pipe(Layer.provide(test.layer(1))), { memoMap }));
    expect(await runtimes[0]!.runPromise(titles)).toEqual([a]);
    await expect(runtimes[1]!.runPromise(titles)).rejects.toThrow(remedy);
    await Promise.all(runtimes.map((it) => it.dispose()));
  });

  it('has what was made outside of any tenant in common with others', async () => {
    let made = 0;
    class Clock extends Context.Service<Clock, number>()('test/Clock') {}
    const ClockLive = Layer.sync(Clock, () => ++made);
    const program = Effect.provide(Clock, ClockLive);
    const all = Effect.all([Db.forTenant(a, program), Db.forTenant(b, Db.forTenant(c, program))]);
    expect(await run(Effect.provide(all, ClockLive))).toEqual([1, 1]);
  });
});
