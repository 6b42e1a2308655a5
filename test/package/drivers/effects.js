/** The same, as Effects: the service of drizzle-tenant/effect on its own drivers, and on Drizzle's Effect driver. */
import { eq } from 'drizzle-orm';
import * as Effect from 'effect/Effect';
import * as Redacted from 'effect/Redacted';
import * as Stream from 'effect/Stream';
import { TenantDb } from 'drizzle-tenant/effect';
import { account, guarded, guardedBy, ids, projects, relations } from './schema.js';

const url = process.env.DATABASE_URL;
class Db extends TenantDb.Service()('Db', { tenancy: account, relations }) {}

export const drivers = {
  'Effect, postgres-js': async (options) => ({ layer: Db.layer({ url: Redacted.make(url), ...options }) }),
  'Effect, node-postgres': async (options) => {
    const [{ drizzle }, { default: pg }] = [await import('drizzle-orm/node-postgres'), await import('pg')];
    const client = new pg.Pool({ connectionString: url, max: 2 });
    return { layer: Db.layerFrom(drizzle({ client }), options), end: () => client.end() };
  },
  'Effect, @effect/sql-pg': async (options) => {
    const [PgDrizzle, { PgClient }, Layer] = [
      await import('drizzle-orm/effect-postgres'),
      await import('@effect/sql-pg'),
      await import('effect/Layer'),
    ];
    const make = Effect.map(PgDrizzle.makeWithDefaults(), (it) => Db.layerFrom(it, options));
    return {
      layer: Layer.unwrap(make).pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 2 }))),
    };
  },
};

const same = (found, expected, what) => {
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`${what}: ${JSON.stringify(found)} in place of ${JSON.stringify(expected)}`);
};
const each = (use) => async (layer) => {
  const all = Effect.forEach(ids, (id) =>
    Effect.gen(function* () {
      return yield* use(yield* Db, `of ${id[0]}`);
    }).pipe(Effect.provide(Db.forTenant(id))),
  );
  await Effect.runPromise(all.pipe(Effect.provide(layer)));
};

/** A layer with `rls: true` checks that every table has its policy. */
export async function guardAll() {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const text of guardedBy('projects')) await client.query(text);
  await client.end();
}

/** The last one is after `guardAll`. */
export const parts = {
  queries: each(function* (tdb, name) {
    const rows = yield* tdb.select().from(projects).where(eq(projects.id, 1));
    same(rows.map((it) => [it.name, new Date(it.at).getFullYear()]), [[name, 2026]], 'select');
    same(yield* tdb.query.projects.findMany({ columns: { name: true }, limit: 1 }), [{ name }], 'relational');
    same(
      yield* tdb.insert(projects).values({ id: 7, name: 'new' }).returning({ id: projects.id }),
      [{ id: 7 }],
      'insert',
    );
    same(
      yield* tdb.update(projects).set({ name: 'newer' }).where(eq(projects.id, 7)).returning({ name: projects.name }),
      [{ name: 'newer' }],
      'update',
    );
    same((yield* tdb.delete(projects).where(eq(projects.id, 7)).returning({ id: projects.id })).length, 1, 'delete');
  }),
  transactions: each(function* (tdb) {
    yield* tdb.transaction((tx) => Effect.gen(function* () {
      yield* tx.insert(projects).values({ id: 9, name: 'within' });
      same(yield* tx.$count(projects), 4, 'within');
      yield* tx.rollback();
    })).pipe(Effect.ignore);
    same(yield* tdb.$count(projects), 3, 'behind a rollback');
  }),
  streams: each(function* (tdb, name) {
    const seen = yield* Stream.runCollect(tdb.select({ name: projects.name }).from(projects).stream());
    same([...seen].map((it) => it.name), [name, name, name], 'stream');
  }),
  rls: each(function* (tdb, name) {
    same((yield* tdb.select({ name: guarded.name }).from(guarded)).map((it) => it.name), [name, name, name], 'select');
  }),
};
