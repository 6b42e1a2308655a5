/** The recipes for SQL that Drizzle did not make, each on PostgreSQL. */
import { PgClient } from '@effect/sql-pg';
import * as Effect from 'effect/Effect';
import * as Redacted from 'effect/Redacted';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import { drizzle } from 'drizzle-orm/postgres-js';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import postgres from 'postgres';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { RawSqlNotScopedError, TenantMismatchError, withTenancy } from '../../src/index.js';
import type { Database } from '../../playground/database.js';
import { relations } from '../../playground/relations.js';
import { forTenant } from '../../playground/recipes/effect-sql.js';
import { tenantDialect } from '../../playground/recipes/kysely.js';
import { tenantSql } from '../../playground/recipes/postgres-js.js';
import { seed, tenants } from '../../playground/seed.js';

const [acme, birch] = tenants.map((it) => it.id) as [(typeof tenants)[0]['id'], (typeof tenants)[0]['id']];
const name = `sql_recipes_${process.pid}`;
const admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
const url = Object.assign(new URL(inject('databaseUrl')), { pathname: `/${name}` }).href;
let client: postgres.Sql;
let pool: pg.Pool;

beforeAll(async () => {
  await admin.unsafe(`create database ${name}`);
  client = postgres(url, { max: 2, onnotice: () => {} });
  pool = new pg.Pool({ connectionString: url, max: 2 });
  const database = drizzle({ client });
  await migrate(database, { migrationsFolder: fileURLToPath(new URL('../../drizzle', import.meta.url)) });
  await seed(withTenancy(database, { relations }) as unknown as Database, tenants);
  await client`update projects set name = 'of Birch' where account_id = ${birch as never} and name = 'Office'`;
});
afterAll(async () => {
  await client.end();
  await pool.end();
  // A pool of node-postgres has ended before its connections have, and one that is ended by force fails the process.
  const open = () => admin`select from pg_stat_activity where datname = ${name}`;
  for (let i = 0; i < 200 && (await open()).length > 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  await admin.unsafe(`drop database ${name} with (force)`);
  await admin.end();
});

const errorOf = (run: Promise<unknown>) =>
  run.then(
    () => undefined,
    (error: unknown) => error,
  );
const ours = ['Office', 'Web shop', 'Website'];
const theirs = ['Web shop', 'Website', 'of Birch'];

interface Tables {
  projects: { id: number; name: string; account_id: string };
}

describe('Kysely', () => {
  const of = (tenant: typeof acme) =>
    new Kysely<Tables>({ dialect: tenantDialect(new PostgresDialect({ pool }), tenant) });

  it('confines builders, templates and compiled queries', async () => {
    const rows = await of(acme).selectFrom('projects').select('name').orderBy('name').execute();
    expect(rows.map((it) => it.name)).toEqual(ours);
    expect((await sql<{ name: string }>`select name from projects order by name`.execute(of(acme))).rows).toEqual(rows);
    const names = await of(birch).selectFrom('projects').select('name').execute();
    expect(names.map((it) => it.name).sort()).toEqual(theirs);
  });

  it('keeps transactions', async () => {
    const rolledBack = of(acme)
      .transaction()
      .execute(async (tx) => {
        await tx.updateTable('projects').set({ name: 'x' }).execute();
        expect(await tx.selectFrom('projects').select('name').execute()).toEqual([
          { name: 'x' },
          { name: 'x' },
          { name: 'x' },
        ]);
        throw new Error('back');
      });
    expect(await errorOf(rolledBack)).toMatchObject({ message: expect.stringMatching(/back|duplicate/) });
    expect(
      (await of(acme).selectFrom('projects').select('name').orderBy('name').execute()).map((it) => it.name),
    ).toEqual(ours);
  });

  it('refuses what is not the tenant', async () => {
    expect(
      await errorOf(
        of(acme)
          .insertInto('projects')
          .values({ id: 9, name: 'y', account_id: `${birch}` })
          .execute(),
      ),
    ).toBeInstanceOf(TenantMismatchError);
    expect(await errorOf(sql`select * from pg_stat_activity`.execute(of(acme)))).toBeInstanceOf(RawSqlNotScopedError);
  });
});

describe('postgres.js', () => {
  it('confines templates, in transactions too', async () => {
    const rows = await tenantSql(client, acme)`select name from projects where id < ${4} order by name`;
    expect(rows.map((it) => it.name)).toEqual(ours);
    await client.begin(async (tx) => {
      const own = tenantSql(tx, birch);
      await own`update projects set name = name where id = ${1}`;
      expect((await own`select name from projects order by name`).map((it) => it.name)).toEqual(theirs);
    });
    expect(await errorOf(tenantSql(client, acme)`select * from pg_stat_activity`)).toBeInstanceOf(RawSqlNotScopedError);
  });
});

describe('SqlClient', () => {
  const run = <A, E>(effect: Effect.Effect<A, E, PgClient.PgClient>) =>
    Effect.runPromise(effect.pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url) }))));

  it('confines statements, in transactions too', async () => {
    const names = Effect.gen(function* () {
      const sql = yield* PgClient.PgClient;
      return yield* sql.withTransaction(sql<{ name: string }>`select name from projects where id < ${4} order by name`);
    });
    expect((await run(names.pipe(forTenant(acme)))).map((it) => it.name)).toEqual(ours);
    expect((await run(names.pipe(forTenant(birch)))).map((it) => it.name)).toEqual(theirs);
    const catalog = Effect.flatMap(PgClient.PgClient, (sql) => sql`select * from pg_stat_activity`);
    expect(await errorOf(run(catalog.pipe(forTenant(acme))))).toBeInstanceOf(RawSqlNotScopedError);
  });
});
