import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq, sql } from 'drizzle-orm';
import { Effect, Exit } from 'effect';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { expectIsolated, testLayer } from '../../src/testing/effect.js';
import { schemaStatements } from '../effect/database.js';
import { a, accounts, b, c, countries, Db, projects, tables, tasks } from '../effect/schema.js';

// PGlite starts in seconds, and not the fewest on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let migrations: string;
beforeAll(async () => {
  migrations = await mkdtemp(join(tmpdir(), 'drizzle-tenant-migrations-'));
  await mkdir(join(migrations, '20260101000000_first'));
  await writeFile(
    join(migrations, '20260101000000_first', 'migration.sql'),
    (await schemaStatements()).join('\n--> statement-breakpoint\n'),
  );
});
afterAll(() => rm(migrations, { recursive: true, force: true }));

const kinds = {
  'PGlite, from a schema': () => ({ schema: tables }),
  'PGlite, from migrations': () => ({ migrations }),
  'a server, from a schema': () => ({ schema: tables, server: inject('databaseUrl') }),
  'a server, from migrations': () => ({ migrations, server: inject('databaseUrl') }),
};

const add = Effect.gen(function* () {
  const db = yield* Db;
  yield* db.insert(accounts).values({ name: 'x' });
  yield* db.insert(projects).values({ id: 1, name: 'x' });
  return yield* db.$count(projects);
});

describe.each(Object.entries(kinds))('testLayer on %s', (_name, options) => {
  it('is a fresh database each time', async () => {
    const layer = testLayer(Db, options());
    expect(await Effect.runPromise(Db.forTenant(a, add).pipe(Effect.provide(layer)))).toBe(1);
    expect(await Effect.runPromise(Db.forTenant(a, add).pipe(Effect.provide(layer)))).toBe(1);
  });
});

it('leaves no database on the server', async () => {
  const admin = postgres(inject('databaseUrl'), { max: 1 });
  const left =
    await admin`select datname from pg_database where datname like ${`drizzle_tenant_test_${process.pid}_%`}`;
  await admin.end();
  expect([...left]).toEqual([]);
});

const seed = Effect.gen(function* () {
  const shared = yield* Db.Shared;
  yield* shared.insert(countries).values({ id: 1, name: 'Chile' });
  for (const id of [a, b, c]) {
    yield* Db.forTenant(
      id,
      Effect.gen(function* () {
        const db = yield* Db;
        yield* db.insert(accounts).values({ name: 'same' });
        yield* db.insert(projects).values([
          { id: 1, name: 'one' },
          { id: 2, name: 'two' },
        ]);
        yield* db.insert(tasks).values([
          { id: 1, projectId: 1, title: 'x' },
          { id: 2, projectId: id === a ? 1 : 2, title: 'y' },
        ]);
      }),
    );
  }
});

/** A role that may do no more than create databases, or not even that. */
async function serverOf(role: string, attribute: string): Promise<string> {
  const admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  await admin.unsafe(`drop role if exists ${role}; create role ${role} login ${attribute} password 'secret'`);
  await admin.end();
  return Object.assign(new URL(inject('databaseUrl')), { username: role, password: 'secret' }).href;
}
const role = `drizzle_tenant_tester_${process.pid}`;
const dropRole = async () => {
  const admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  await admin.unsafe(`drop role if exists ${role}`);
  await admin.end();
};

describe.each([
  ['PGlite', async (): Promise<string | undefined> => undefined],
  ['a server', async () => inject('databaseUrl')],
  ['a server, without its superuser', () => serverOf(role, 'createdb')],
] as const)('expectIsolated on %s', (_name, make) => {
  let server: string | undefined;
  beforeAll(async () => {
    server = await make();
  });
  afterAll(dropRole);
  const isolated = <A, E>(program: Parameters<typeof expectIsolated<Db, 'account', A, E, any>>[2]) =>
    Effect.runPromise(Effect.result(expectIsolated(Db, { schema: tables, server, tenant: a, seed }, program)));

  it('lets an isolated program pass, with what it did', async () => {
    const reads = await isolated(Effect.flatMap(Db, (db) => db.query.projects.findMany({ with: { tasks: true } })));
    expect(reads._tag).toBe('Success');
    const writes = await isolated(
      Effect.gen(function* () {
        const db = yield* Db;
        yield* db.delete(tasks);
        yield* db.update(projects).set({ name: sql`${projects.name} || '!'` });
        yield* db.insert(projects).values({ id: 3, name: 'three' });
        return yield* db.$count(projects);
      }),
    );
    expect(writes).toMatchObject({ _tag: 'Success', success: Exit.succeed(3) });
    const fails = await isolated(Effect.flatMap(Db, (db) => db.insert(projects).values({ id: 1, name: 'z' })));
    expect(fails._tag === 'Success' && Exit.isFailure(fails.success)).toBe(true);
  });

  it.each([
    [
      'result',
      'reads another tenant',
      Db.acrossTenants(
        { reason: 'leak' },
        Effect.flatMap(Db.AcrossTenants, (db) => db.$count(projects)),
      ),
    ],
    [
      'result',
      'tells of another tenant by an error',
      Db.forTenant(
        b,
        Effect.flatMap(Db, (db) => db.insert(projects).values({ id: 1, name: 'z' })),
      ),
    ],
    [
      'other rows',
      'deletes from another tenant',
      Db.forTenant(
        b,
        Effect.flatMap(Db, (db) => db.delete(tasks)),
      ),
    ],
    [
      'other rows',
      'updates another tenant',
      Db.acrossTenants(
        { reason: 'leak' },
        Effect.flatMap(Db.AcrossTenants, (db) =>
          db.update(projects).set({ budget: 5 }).where(eq(projects.id, 2)).pipe(Effect.asVoid),
        ),
      ),
    ],
    [
      'own rows',
      'writes what it saw elsewhere',
      Effect.gen(function* () {
        const count = yield* Db.acrossTenants(
          { reason: 'leak' },
          Effect.flatMap(Db.AcrossTenants, (db) => db.$count(projects)),
        );
        const db = yield* Db;
        yield* db.update(projects).set({ budget: count });
      }),
    ],
  ] as const)('finds a difference in the %s of a program that %s', async (difference, _what, program) => {
    const found = await isolated(program as Effect.Effect<unknown, unknown, Db>);
    expect(found).toMatchObject({ _tag: 'Failure', failure: { _tag: 'IsolationError', difference } });
  });
});

it('says what to do where the role may not create databases', async () => {
  const server = await serverOf(role, 'nocreatedb');
  const options = { schema: tables, server, tenant: a, seed };
  const refused = await Effect.runPromise(Effect.flip(expectIsolated(Db, options, Effect.void)));
  expect(refused).toMatchObject({
    _tag: 'TestDatabaseError',
    message: expect.stringMatching(/^Let the role of the server create databases/),
  });
  const layer = Effect.flip(Effect.provide(Db.forTenant(a, add), testLayer(Db, options)));
  expect(await Effect.runPromise(layer)).toMatchObject({ _tag: 'TestDatabaseError' });
  await dropRole();
});
