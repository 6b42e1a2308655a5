/** The helpers for tests, as promises: no Effect is needed. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq, sql } from 'drizzle-orm';
import { integer, text } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { defineTenantRelations, tenantTable, withTenancy } from '../../src/index.js';
import {
  expectIsolated,
  freshDatabase,
  IsolationError,
  TestDatabaseError,
  type IsolationOptions,
} from '../../src/testing/index.js';
import { a, account, accounts, b, countries, projects, relations, tables, tasks } from '../effect/schema.js';

// PGlite starts in seconds, and not the fewest on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const options: IsolationOptions<'account', typeof relations> = {
  schema: tables,
  relations,
  tenant: a,
  seed: async (db) => {
    await db.shared.insert(countries).values({ id: 1, name: 'Chile' });
    for (const id of [a, b]) {
      const tdb = db.forTenant(id);
      await tdb.insert(accounts).values({ name: 'same' });
      await tdb.insert(projects).values([
        { id: 1, name: 'one' },
        { id: 2, name: 'two' },
      ]);
      await tdb.insert(tasks).values([
        { id: 1, projectId: 1, title: 'x' },
        { id: 2, projectId: id === a ? 1 : 2, title: 'y' },
      ]);
    }
  },
};

it.each([
  ['PGlite', () => undefined],
  ['a server', () => inject('databaseUrl')],
])('freshDatabase on %s', async (_name, server) => {
  for (let i = 0; i < 2; i++) {
    const { drizzle, close } = await freshDatabase({ schema: tables, server: server() });
    onTestFinished(close);
    const tdb = withTenancy(drizzle, { relations }).forTenant(a);
    await tdb.insert(accounts).values({ name: 'x' });
    expect(await tdb.$count(accounts)).toBe(1);
  }
});

it('freshDatabase starts anew where the kept data directory of PGlite is broken, and keeps the new one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drizzle-tenant-cache-'));
  const before = process.cwd();
  const cache = join(folder, 'node_modules/.cache/drizzle-tenant');
  mkdirSync(cache, { recursive: true });
  symlinkSync(join(before, 'node_modules/@electric-sql'), join(folder, 'node_modules/@electric-sql'));
  process.chdir(folder);
  onTestFinished(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });
  const manifest = join(folder, 'node_modules/@electric-sql/pglite/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
  const file = join(cache, `pglite-${version}.tar`);
  writeFileSync(file, 'no tar');
  await (await freshDatabase({ schema: { ...tables } })).close();
  expect(readdirSync(cache)).toEqual([`pglite-${version}.tar`]);
  expect(statSync(file).size).toBeGreaterThan(1_000_000);
});

it('freshDatabase ends with its block, and leaves no connection behind', async () => {
  const server = inject('databaseUrl');
  const sockets = () => process.getActiveResourcesInfo().filter((it) => it === 'TCPSocketWrap').length;
  const before = sockets();
  let name = '';
  {
    await using database = await freshDatabase({ schema: tables, server });
    await withTenancy(database.drizzle, { relations }).forTenant(a).insert(accounts).values({ name: 'x' });
    [{ name }] = await database.drizzle.execute(sql`select current_database() as name`);
    expect(sockets()).toBeGreaterThan(before);
  }
  expect(sockets()).toBe(before);
  const admin = postgres(server, { max: 1 });
  expect(await admin`select from pg_database where datname = ${name}`).toHaveLength(0);
  await admin.end();
});

it('gives what an isolated program does', async () => {
  expect(await expectIsolated(options, (tdb) => tdb.query.projects.findMany({ with: { tasks: true } }))).toHaveLength(
    2,
  );
  const written = await expectIsolated(options, async (tdb) => {
    await tdb.delete(tasks);
    await tdb.update(projects).set({ name: sql`${projects.name} || '!'` });
    return tdb.$count(projects);
  });
  expect(written).toBe(2);
  await expect(expectIsolated(options, (tdb) => tdb.insert(projects).values({ id: 1, name: 'z' }))).rejects.toThrow(
    /Failed query/,
  );
});

it.each<[string, IsolationError['difference'], (tdb: any, other: any) => Promise<unknown>]>([
  ['reads another tenant', 'result', async (_, all) => all.$count(projects)],
  ['deletes from another tenant', 'other rows', async (_, all) => all.delete(tasks)],
  [
    'writes what it saw elsewhere',
    'own rows',
    async (tdb, all) => void (await tdb.update(projects).set({ budget: await all.$count(projects) })),
  ],
])('rejects where a program %s', async (_name, difference, program) => {
  const found = await expectIsolated({ ...options, server: inject('databaseUrl') }, async (tdb, db) =>
    program(tdb, db.acrossTenants({ reason: 'leak' })),
  ).catch((it: unknown) => it);
  expect(found).toBeInstanceOf(IsolationError);
  expect(found).toMatchObject({ _tag: 'IsolationError', difference });
});

it('rejects where a program writes a row of everybody', async () => {
  const kinds = tenantTable('kinds', {
    accountId: account.id('account_id', { everybody: true }),
    id: integer().primaryKey(),
    name: text(),
  });
  const own = defineTenantRelations({ kinds });
  const program = (at: any) => (_: any, db: any) =>
    db.acrossTenants({ reason: 'test' }).update(kinds).set({ name: 'changed' }).where(eq(kinds.id, at));
  const of = (at: number) =>
    expectIsolated(
      {
        schema: { kinds },
        relations: own,
        tenant: a,
        server: inject('databaseUrl'),
        seed: async (db) => {
          const across = db.acrossTenants({ reason: 'seed' });
          await across.insert(kinds).values([a, b, null].map((accountId, id) => ({ accountId, id, name: 'x' })));
        },
      },
      program(at),
    ).then(
      () => 'isolated',
      (error: IsolationError) => error.difference,
    );
  expect([await of(0), await of(1), await of(2)]).toEqual(['isolated', 'other rows', 'other rows']);
});

it('says what is wrong with a server', async () => {
  const error = await freshDatabase({ schema: tables, server: 'postgres://nobody:x@127.0.0.1:1/none' }).catch(
    (it: unknown) => it,
  );
  expect(error).toBeInstanceOf(TestDatabaseError);
});

it('refuses a seed of one tenant: over its rows alone every program is isolated', async () => {
  const seed: typeof options.seed = (db) => db.forTenant(a).insert(accounts).values({ name: 'alone' });
  await expect(
    expectIsolated({ ...options, seed, server: inject('databaseUrl') }, (tdb) => tdb.$count(accounts)),
  ).rejects.toThrow(/Seed the rows of two tenants at least/);
});
