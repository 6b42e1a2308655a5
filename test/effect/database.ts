/** A database for one file of tests, with three tenants that share their ids, and a client that looks behind it. */
import { randomBytes } from 'node:crypto';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api-postgres';
import * as Effect from 'effect/Effect';
import postgres from 'postgres';
import { afterAll, beforeAll, inject } from 'vitest';
import type { TenantDb } from '../../src/effect/index.js';
import { Db, tables, tenants } from './schema.js';

/** What a program under test may ask for. */
type Needs = Db | TenantDb.Connected<Db> | TenantDb.Shared<Db>;

export const schemaStatements = async () =>
  generateMigration(await generateDrizzleJson({}), await generateDrizzleJson(tables as any));

/** One tenant's rows: the ids are those of every tenant, the titles its own. */
export const rowsOf = (id: unknown) => `
  insert into accounts (id, name) values ('${id}', 'account ${String(id).slice(0, 1)}');
  insert into projects ("accountId", id, name) values ('${id}', 1, 'one'), ('${id}', 2, 'two');
  insert into tasks ("accountId", id, "projectId", title) values ('${id}', 1, 1, '${id}'), ('${id}', 2, 1, '${id}'),
    ('${id}', 3, 2, '${id}');`;

export function testDatabase(name: string) {
  const database = `effect_${name}_${process.pid}_${randomBytes(3).toString('hex')}`;
  const run = async (text: string) => {
    const admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
    await admin.unsafe(text);
    await admin.end();
  };
  const it = {
    url: '',
    /** Past every scope. */
    client: undefined as unknown as postgres.Sql,
    /** A layer of the database, with at most so many connections. */
    layer: (maxConnections = 5, connection: Record<string, unknown> = {}) =>
      Db.layer({ url: it.url, maxConnections, connection }),
    /** Runs a program for a tenant. */
    run: <A, E>(program: Effect.Effect<A, E, Needs>, tenant = tenants[0]!) =>
      Effect.runPromise(Db.forTenant(tenant, program).pipe(Effect.provide(it.layer()))),
    fail: <A, E>(program: Effect.Effect<A, E, Needs>, tenant = tenants[0]!) =>
      Effect.runPromise(Effect.flip(Db.forTenant(tenant, program)).pipe(Effect.provide(it.layer()))),
    /** The statements that run now, but for ours. */
    active: () =>
      it.client`select query, state from pg_stat_activity where datname = ${database} and pid <> pg_backend_pid()
        and state <> 'idle'`,
  };
  beforeAll(async () => {
    await run(`create database ${database}`);
    it.url = Object.assign(new URL(inject('databaseUrl')), { pathname: `/${database}` }).href;
    it.client = postgres(it.url, { max: 2, onnotice: () => {} });
    await it.client.unsafe(
      `${(await schemaStatements()).join(';')}; insert into countries values (1, 'Chile'), (2, 'Ghana'); ` +
        tenants.map(rowsOf).join(''),
    );
  });
  afterAll(async () => {
    await it.client?.end();
    await run(`drop database if exists ${database} with (force)`);
  });
  return it;
}
