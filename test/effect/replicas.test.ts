/** Drizzle's `withReplicas` under an Effect layer: what runs where; a replica's statements are confined alike. */
import { sql } from 'drizzle-orm';
import { withReplicas } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import { Effect, Stream } from 'effect';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TenantDb } from '../../src/effect/index.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';
import { a, b, w } from '../support/rows.js';
import { admin, asRole, createAdmin, rlsStatements } from '../support/rls.js';
import { account, accounts, countries, relations, workspace, workspaces } from '../support/schema.js';

class Db extends TenantDb.Service<Db>()('test/ReplicasDb', { tenancy: account, relations }) {}
class Spaces extends TenantDb.ServiceOn<Spaces>()('test/ReplicasSpaces', { tenancy: workspace, on: Db }) {}

const names = ['primary', 'one', 'two'] as const;
const urls: string[] = [];
const clients: postgres.Sql[] = [];

/** Databases that tell by every row of `accounts` which of them it is. */
beforeAll(async () => {
  for (const name of names) {
    const { url } = await freshDatabase();
    urls.push(url);
    const owner = postgres(url, { max: 1, onnotice: () => {} });
    await owner.unsafe(
      [
        ...rlsStatements(),
        createAdmin,
        `grant usage on schema public to ${admin}`,
        `grant select on all tables in schema public to ${admin}`,
        `update accounts set name = '${name} ' || name`,
      ].join(';\n'),
    );
    await owner.end();
  }
});
afterAll(async () => {
  await Promise.all(clients.map((it) => it.end()));
  await dropDatabases();
});

/** The replicas take turns. */
const replicated = (as: (url: string) => string) => {
  let turn = 0;
  const [primary, one, two] = urls.map((url) => {
    const client = postgres(as(url), { max: 1, onnotice: () => {} });
    clients.push(client);
    return drizzle({ client });
  }) as any[];
  return withReplicas(primary, [one, two], (all: any[]) => all[turn++ % 2]!);
};

type Needs = TenantDb.Connected<Db> | TenantDb.Shared<Db>;
const running = (options: { rls: boolean; across?: any }, as = options.rls ? asRole : (url: string) => url) => {
  const layer = Db.layerFrom(replicated(as), {
    ...options,
    rls: options.rls && { except: ['project_sizes'] },
  } as never);
  return <A, E>(program: Effect.Effect<A, E, Needs>) => Effect.runPromise(program.pipe(Effect.provide(layer)));
};

const namesIn = Db.use((db) => db.select({ name: accounts.name }).from(accounts)).pipe(
  Effect.map((rows) => rows.map((it) => it.name)),
);

describe.each([true, false])('rls: %s', (rls) => {
  test('on a replica where it is asked for, for the tenant that is provided', async () => {
    const run = running({ rls, across: { role: admin } });
    const found = await run(
      Effect.gen(function* () {
        const own = yield* Db.forTenant(a, Effect.all([namesIn, Db.replica(namesIn), Db.replica(namesIn), namesIn]));
        const within = yield* Db.replica(Db.forTenant(b, namesIn));
        const streamed = yield* Db.replica(
          Stream.runCollect(Stream.unwrap(Db.useSync((db) => db.select().from(accounts).stream()))),
        ).pipe((it) => Db.forTenant(b, it));
        const of = (some: Effect.Effect<readonly { name: string }[], any, any>) => some as Effect.Effect<any, any, any>;
        const several = yield* Db.forTenants(
          [a, b],
          Db.replica(of(Effect.flatMap(Db.Several, (db) => db.select().from(accounts).orderBy(accounts.id)))),
        );
        const across = yield* Db.acrossTenants(
          { reason: 'test' },
          Db.replica(of(Effect.flatMap(Db.AcrossTenants, (db) => db.select().from(accounts).orderBy(accounts.id)))),
        );
        const shared = yield* Db.replica(Effect.flatMap(Db.Shared, (db) => db.$count(countries)));
        const spaces = yield* Spaces.forTenant(w, Db.replica(Spaces.use((db) => db.$count(workspaces))));
        return {
          own,
          within,
          streamed: streamed.map((it) => it.name),
          several: several.map((it: any) => it.name),
          across: across.map((it: any) => it.name),
          shared,
          spaces,
        };
      }) as Effect.Effect<any, any, Needs>,
    );
    expect(found).toEqual({
      own: [['primary Account a'], ['one Account a'], ['two Account a'], ['primary Account a']],
      within: ['one Account b'],
      streamed: ['two Account b'],
      several: ['one Account a', 'one Account b'],
      across: ['two Account a', 'two Account b', 'two Account c'],
      shared: 3,
      spaces: 1,
    });
  });

  test('what a replica is sent is confined and proved', async () => {
    const unsafe = Db.use((db) => db.execute(sql`select own(${accounts.id}) from ${accounts}`));
    const failed = await running({ rls })(Effect.flip(Db.forTenant(a, Db.replica(unsafe))));
    expect(failed).toMatchObject({ reason: { _tag: 'RawSqlNotScopedError' } });
  });
});

test('no replica in a transaction, and none without', async () => {
  const failed = await running({ rls: false })(
    Db.forTenant(a, Effect.all([Db.transaction(namesIn), Effect.flip(Db.transaction(Db.replica(namesIn)))])),
  );
  expect(failed[0]).toEqual(['primary Account a']);
  expect(String((failed[1] as any).reason.message)).toMatch(/^Give layerFrom\(\) what withReplicas/);
  const client = postgres(urls[0]!, { max: 1 });
  clients.push(client);
  const alone = Db.forTenant(a, Effect.flip(Db.replica(namesIn))).pipe(
    Effect.provide(Db.layerFrom(drizzle({ client }))),
  );
  expect(await Effect.runPromise(alone)).toMatchObject({ reason: { _tag: 'UnsupportedTenantOperationError' } });
});

test('across by a handle needs a replica for each, and the layer checks each replica', async () => {
  const count = Db.acrossTenants(
    { reason: 'test' },
    Effect.flatMap(Db.AcrossTenants, (db) => db.$count(accounts)),
  );
  const withOwn = running({ rls: true, across: replicated((it) => it) });
  expect(await withOwn(Effect.all([count, Db.replica(count)]))).toEqual([3, 3]);
  const client = postgres(urls[0]!, { max: 1 });
  clients.push(client);
  const without = running({ rls: true, across: drizzle({ client }) });
  expect(await without(count)).toBe(3);
  expect(await without(Effect.flip(Db.replica(count)))).toMatchObject({
    reason: { _tag: 'UnsupportedTenantOperationError' },
  });
  const [primary, one] = [asRole(urls[0]!), urls[1]!].map((url) => {
    const other = postgres(url, { max: 1 });
    clients.push(other);
    return drizzle({ client: other });
  });
  const layer = Db.layerFrom(withReplicas(primary as any, [one as any]), {
    rls: { except: ['project_sizes'] } as never,
  });
  const refused = Db.forTenant(a, namesIn).pipe(Effect.provide(layer), Effect.flip);
  expect(await Effect.runPromise(refused)).toMatchObject({ reason: { _tag: 'RowLevelSecurityError' } });
});

/** Two databases of one class, and of the same relations: a customer's rows are in one of them. */
test.each([
  ['a transaction', <A, E, R>(program: Effect.Effect<A, E, R>) => Db.transaction(program)],
  ['a replica', <A, E, R>(program: Effect.Effect<A, E, R>) => Db.replica(program)],
])('%s of one database takes no handle of another one along', async (_, within) => {
  const here = Db.layerFrom(replicated((url) => url));
  const client = postgres(urls[2]!, { max: 1 });
  clients.push(client);
  const there = Db.layerFrom(drizzle({ client }));
  const program = Effect.gen(function* () {
    const other = yield* Spaces.forTenant(w, Effect.scoped(Spaces)).pipe(Effect.provide(there));
    const both = within(Effect.all([namesIn, Spaces.use((db) => db.$count(workspaces))]));
    return yield* Effect.flip(Db.forTenant(a, Effect.provideService(both, Spaces, other)));
  });
  const failed = await Effect.runPromise(program.pipe(Effect.provide(here)) as Effect.Effect<any>);
  expect(String(failed.reason?.message)).toMatch(/^Provide the handles of one database/);
});
