/** Two tenancies over one connection: people who belong to clubs, and one transaction for both. */
import { PGlite } from '@electric-sql/pglite';
import { eq, sql } from 'drizzle-orm';
import { integer, text } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pglite';
import { Effect, Exit, Layer } from 'effect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineTenantRelations, tenancy, tenantTable } from '../../src/index.js';
import { TenantDb } from '../../src/effect/index.js';
import { statementsOf } from '../schema/support.js';
import { admin, createAdmin, createRole, grants, role } from '../support/rls.js';

const club = tenancy('club', integer);
const person = tenancy('person', integer);
const people = tenantTable('st_people', {
  id: person.id().primaryKey(),
  name: text().notNull(),
  secret: text().notNull().default('x'),
});
const clubsOf = tenantTable('st_clubs_of', {
  personId: person.id('person_id').references(() => people.id),
  clubId: club.ref('club_id').primaryKey(),
});
const clubs = tenantTable('st_clubs', { id: club.id().primaryKey(), name: text().notNull() });
const members = tenantTable('st_members', {
  clubId: club.id('club_id').references(() => clubs.id),
  personId: person.ref('person_id').primaryKey(),
});
const tables = { people, clubsOf, clubs, members };
const relations = defineTenantRelations(tables);
class Clubs extends TenantDb.Service<Clubs>()('test/Clubs', { tenancy: club, relations }) {}
class People extends TenantDb.ServiceOn<People>()('test/People', { tenancy: person, on: Clubs }) {}
const [one, two, ann, ben] = [club.parse(1), club.parse(2), person.parse(1), person.parse(2)];

describe.each([true, false])('rls: %s', (rls) => {
  const client = new PGlite();
  const layer = Clubs.layerFrom(drizzle({ client }), { rls, across: { role: admin } });
  const run = <A, E>(program: Effect.Effect<A, E, TenantDb.Connected<Clubs> | TenantDb.Shared<Clubs>>) =>
    Effect.runPromise(program.pipe(Effect.provide(layer)));
  const exit = <A, E>(program: Effect.Effect<A, E, TenantDb.Connected<Clubs> | TenantDb.Shared<Clubs>>) =>
    Effect.runPromiseExit(program.pipe(Effect.provide(layer)));
  beforeAll(async () => {
    const statements = await statementsOf(tables, { citus: false, rls });
    await client.exec(
      [
        createRole,
        createAdmin,
        ...statements,
        ...grants('public'),
        `grant all on all tables in schema public to ${admin}`,
      ].join(';\n'),
    );
    for (const id of [1, 2])
      await client.exec(
        `insert into st_people values (${id}, 'person ${id}'); insert into st_clubs values (${id}, 'club ${id}')`,
      );
    await client.exec(`set role ${role}`);
  }, 60_000);
  afterAll(() => client.close());

  const person_ = Effect.flatMap(People, (db) => db.select({ name: people.name }).from(people));
  const club_ = Effect.flatMap(Clubs, (db) => db.select({ name: clubs.name }).from(clubs));
  const join = Effect.gen(function* () {
    yield* Effect.flatMap(People, (db) => db.insert(clubsOf).values({ clubId: two }));
    yield* Effect.flatMap(Clubs, (db) => db.insert(members).values({ personId: ann }));
  });
  const rows = Effect.gen(function* () {
    const all = yield* Clubs.AcrossTenants;
    return [yield* all.$count(clubsOf), yield* all.$count(members)];
  });
  const count = () => run(Clubs.acrossTenants({ reason: 'a test' }, rows));

  test('an id is of its own tenancy, and each handle sees its own tables', async () => {
    expect(
      await run(
        Effect.all([People.forTenant(ann, person_), Clubs.forTenant(one, club_), People.forTenant(ben, person_)]),
      ),
    ).toEqual([[{ name: 'person 1' }], [{ name: 'club 1' }], [{ name: 'person 2' }]]);
    const both = Effect.all([person_, club_]).pipe(Effect.provide([People.forTenant(ben), Clubs.forTenant(one)]));
    expect(await run(both)).toEqual([[{ name: 'person 2' }], [{ name: 'club 1' }]]);
    // What the compiler refuses finds nobody's rows: the table is of the other tenancy.
    const others = Effect.flatMap(Clubs, (db) => (db as any).select({ name: people.name }).from(people));
    expect(await run(Clubs.forTenant(two, others as typeof club_)).catch(() => [])).toEqual([]);
    const several = Effect.flatMap(People.Several, (db) =>
      db.select({ name: people.name }).from(people).orderBy(people.id),
    );
    expect(await run(People.forTenants([ann, ben], several))).toHaveLength(2);
    const byName = People.prepare((db) =>
      db
        .select({ name: people.name })
        .from(people)
        .where(eq(people.name, sql.placeholder('name'))),
    );
    expect(await run(Effect.all([byName(ann, { name: 'person 1' }), byName(ben, { name: 'person 1' })]))).toEqual([
      [{ name: 'person 1' }],
      [],
    ]);
  });

  test.each<[string, (program: typeof join) => Effect.Effect<unknown, unknown, TenantDb.Connected<Clubs>>]>([
    ['provided inside', (program) => Clubs.transaction(People.forTenant(ann, Clubs.forTenant(two, program)))],
    ['provided around', (program) => People.forTenant(ann, Clubs.forTenant(two, Clubs.transaction(program)))],
    ['one around, one inside', (program) => People.forTenant(ann, Clubs.transaction(Clubs.forTenant(two, program)))],
    [
      'as layers',
      (program) =>
        Clubs.transaction(program).pipe(Effect.provide(Layer.merge(People.forTenant(ann), Clubs.forTenant(two)))),
    ],
  ])('a transaction holds both: %s', async (_, within) => {
    expect(Exit.isFailure(await exit(within(Effect.andThen(join, Effect.fail('no')) as typeof join)))).toBe(true);
    expect(await count()).toEqual([0, 0]);
    await run(within(join));
    expect(await count()).toEqual([1, 1]);
    await run(
      Clubs.acrossTenants(
        { reason: 'a test' },
        Effect.flatMap(Clubs.AcrossTenants, (all) => Effect.all([all.delete(clubsOf), all.delete(members)])),
      ),
    );
  });

  test('a savepoint takes both back, and the rest stays', async () => {
    const rename = Effect.flatMap(Clubs, (db) => db.update(clubs).set({ name: 'renamed' }));
    const failing = Clubs.transaction(Effect.andThen(join, Effect.fail('no'))).pipe(Effect.ignore);
    await run(People.forTenant(ann, Clubs.forTenant(two, Clubs.transaction(Effect.andThen(failing, rename)))));
    expect(await count()).toEqual([0, 0]);
    expect(await run(Clubs.forTenant(two, club_))).toEqual([{ name: 'renamed' }]);
  });
});

test('what does not compile', () => {
  const program = Effect.flatMap(People, (db) => db.select({ name: people.name }).from(people));
  const never = () => {
    // @ts-expect-error nobody has said which person
    void Effect.runPromise(program.pipe(Effect.provide(Clubs.layer({ url: '' }))));
    // @ts-expect-error the id of a club is no person's
    void People.forTenant(one, program);
    // @ts-expect-error a club is provided, and no person
    void Effect.runPromise(Clubs.forTenant(one, program).pipe(Effect.provide(Clubs.layer({ url: '' }))));
    // @ts-expect-error a person's handle has no club's tables
    void Effect.flatMap(People, (db) => db.select().from(clubs));
  };
  expect(never).toBeTypeOf('function');
});
