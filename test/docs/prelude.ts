/** What the examples of the documentation take for granted: an application with a schema and a database. */
import 'reflect-metadata';
import * as Testing from '../../src/testing/index.js';
import * as EffectTesting from '../../src/testing/effect.js';
import { generateDrizzleJson } from 'drizzle-kit/api-postgres';
import { boolean, integer, text, uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import * as Context from 'effect/Context';
import * as Data from 'effect/Data';
import * as Effect from 'effect/Effect';
import * as HttpApiEndpoint from 'effect/http-api/HttpApiEndpoint';
import * as HttpApiMiddleware from 'effect/http-api/HttpApiMiddleware';
import * as Schema from 'effect/Schema';
import postgres from 'postgres';
import {
  defineTenantRelations,
  referenceTable,
  tenancy,
  tenantTable,
  withTenancy,
  type TenantId,
} from '../../src/index.js';
import { TenantDb, TenantHttpApi } from '../../src/effect/index.js';

export { and, eq, sql } from 'drizzle-orm';
export {
  bigint,
  boolean,
  index,
  integer,
  PgMaterializedView,
  pgSchema,
  pgView,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
export { drizzle } from 'drizzle-orm/postgres-js';
export { createInsertSchema } from 'drizzle-orm/effect-schema';
export { generateMigration } from 'drizzle-kit/api-postgres';
export { generateDrizzleJson };
export * as Config from 'effect/Config';
export * as Effect from 'effect/Effect';
export * as HttpApiEndpoint from 'effect/http-api/HttpApiEndpoint';
export * as HttpApiGroup from 'effect/http-api/HttpApiGroup';
export * as HttpRouter from 'effect/http/HttpRouter';
export * as Schedule from 'effect/Schedule';
export * as Stream from 'effect/Stream';
export { initTRPC } from '@trpc/server';
export { default as express } from 'express';
export { default as Fastify } from 'fastify';
export { Hono } from 'hono';
export { default as postgres } from 'postgres';
export * from '../../src/index.js';
export { confine, ready } from '../../src/handle/sql.js';
export { tenantSetting } from '../../src/rls/names.js';
export * from '../../src/effect/index.js';
export * from '../../src/kit/index.js';
export * from '../../src/handle/sql.js';
export * as effectTesting from '../../src/testing/effect.js';
export { freshDatabase, IsolationError, proveScoped, seedTenants, TestDatabaseError } from '../../src/testing/index.js';
export { testLayer } from '../../src/testing/effect.js';

/** As promises, and as Effects. */
export const expectIsolated: typeof Testing.expectIsolated & typeof EffectTesting.expectIsolated = (
  ...args: any[]
): any => (typeof args[0] === 'function' ? EffectTesting.expectIsolated : (Testing.expectIsolated as any))(...args);

export const account = tenancy('account', uuid);
export const countries = referenceTable('countries', { id: integer().primaryKey(), name: text().notNull() });
export const accounts = tenantTable('accounts', {
  id: account.id().primaryKey().defaultRandom(),
  name: text().notNull(),
  countryId: integer().references(() => countries.id),
});
export const projects = tenantTable('projects', {
  accountId: account.id().references(() => accounts.id, { onDelete: 'cascade' }),
  id: uuid().primaryKey().defaultRandom(),
  name: text().notNull().unique(),
  archived: boolean().notNull().default(false),
});
export const tasks = tenantTable('tasks', {
  accountId: account.id(),
  id: uuid().primaryKey().defaultRandom(),
  projectId: uuid()
    .notNull()
    .references(() => projects.id, { onDelete: 'cascade' }),
  title: text().notNull(),
});
export const schema = { countries, accounts, projects, tasks };
export const relations = defineTenantRelations(schema, (r) => ({
  projects: { tasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId }) },
  tasks: { project: r.one.projects({ from: r.tasks.projectId, to: r.projects.id }) },
}));

export class Db extends TenantDb.Service<Db>()('docs/Db', { tenancy: account, relations }) {}
export class CurrentUser extends Context.Service<CurrentUser, { readonly accounts: readonly TenantId<'account'>[] }>()(
  'docs/CurrentUser',
) {}
export class Authentication extends HttpApiMiddleware.Service<Authentication, { provides: CurrentUser }>()(
  'docs/Authentication',
) {}
export class ForTenant extends TenantHttpApi.Service<ForTenant, { database: Db; requires: CurrentUser }>()(
  'docs/ForTenant',
) {}
export const list = HttpApiEndpoint.get('list', '/accounts/:accountId/projects', {
  success: Schema.Array(Schema.String),
});

const open = () => {
  const url = process.env.DOCS_DATABASE_URL!;
  const client = postgres(url, { max: 2, onnotice: () => {} });
  return { url, client, db: withTenancy(drizzle({ client }), { relations }) };
};
export const { url, client, db } = open();
export const orm = drizzle({ client });
export const id = account.parse('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');
export const tdb = db.forTenant(id);
export const claims: { readonly accountId: unknown } = { accountId: id };
export const verify = (
  _authorization: string | null | undefined,
): { readonly accountId: string; readonly accounts: readonly TenantId<'account'>[] } | undefined => undefined;
export const accountOfSlug = async (_slug: string | undefined): Promise<string | undefined> => undefined;
export const name = 'x';
export class NameTaken extends Data.TaggedError('NameTaken')<{ readonly constraint: string }> {}
export const pattern = '%';
export const request: { readonly headers: Readonly<Record<string, unknown>>; readonly signal: AbortSignal } = {
  headers: { 'x-account': id },
  signal: new AbortController().signal,
};
export const listProjects = Effect.gen(function* () {
  return yield* (yield* Db).select().from(projects);
});
export const program = listProjects;
export const createProject = Effect.gen(function* () {
  const tdb = yield* Db;
  yield* tdb.insert(accounts).values({ name: 'x' }).onConflictDoNothing();
  yield* tdb.insert(projects).values({ name: crypto.randomUUID() });
});
export const createTasks = listProjects;
export const transfer = listProjects;
export const from = { ...(await generateDrizzleJson({})), ddl: [] };
export const last = undefined;
/** Of two tenants. */
export const seed = Effect.forEach(
  ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'],
  (it) =>
    Effect.gen(function* () {
      yield* (yield* Db).insert(accounts).values({ name: 'Same' });
    }).pipe(Effect.provide(Db.forTenant(account.parse(it)))),
);
/** Of two tenants at least. */
export const seedRows = async (database: any): Promise<void> => {
  for (const it of ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'])
    await database.forTenant(account.parse(it)).insert(accounts).values({ name: 'Same' });
};
/** Tests within examples, which were begun. */
export const pending: Promise<unknown>[] = [];
export const onTestFinished = (close: () => Promise<void>) => void pending.push(close());
export const it = (_: string, run: () => Promise<unknown>) => void pending.push(run());
