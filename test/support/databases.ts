/** Databases for tests: each a copy of a template that holds the schema and its rows. */
import { randomBytes } from 'node:crypto';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api-postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { inject } from 'vitest';
import { relationsConfig } from '../../src/schema/relations.js';
import { withTenancy, type TenantDatabase } from '../../src/index.js';
import * as schema from './schema.js';
import { aloneRows, manyRows } from './rows.js';

const {
  relations,
  account: _account,
  workspace: _workspace,
  unscopedTasks: _unscopedTasks,
  taskCounts: _taskCounts,
  ...entities
} = schema;

/** The statements that create the test schema, as drizzle-kit writes them. */
export async function schemaStatements(): Promise<string[]> {
  const none = await generateDrizzleJson({});
  return generateMigration(none, await generateDrizzleJson(entities as any));
}

/** The three tenants, or account a alone. */
export type Contents = 'many' | 'alone';
export const rowsFor: Record<Contents, string> = { many: manyRows, alone: aloneRows };

/** Plain inserts and updates name no tenant: in a database with one tenant, a default does. */
export const aloneDefaults = `
  alter table users alter "accountId" set default 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
  alter table projects alter "accountId" set default 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
  alter table tasks alter "accountId" set default 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
  alter table project_users alter "accountId" set default 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
  alter table crm.notes alter account_id set default 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
  alter table x_labels alter "accountId" set default 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';`;

const urlOf = (name: string) => Object.assign(new URL(inject('databaseUrl')), { pathname: `/${name}` }).href;
const connect = (name: string, max = 1) => postgres(urlOf(name), { max, onnotice: () => {} });
const templates = new Map<Contents, Promise<string>>();
const created: string[] = [];

const newName = (contents: string) => `iso_${contents}_${process.pid}_${randomBytes(4).toString('hex')}`;

async function makeTemplate(contents: Contents): Promise<string> {
  const name = newName(contents);
  const admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${name}`);
  await admin.end();
  created.push(name);
  const client = connect(name);
  await client.unsafe(
    [...(await schemaStatements()), rowsFor[contents], contents === 'alone' ? aloneDefaults : ''].join(';\n'),
  );
  await client.end();
  return name;
}

/** A new database with the schema and the rows of `contents`. */
export async function freshDatabase(contents: Contents = 'many'): Promise<{ url: string; name: string }> {
  if (!templates.has(contents)) templates.set(contents, makeTemplate(contents));
  const template = await templates.get(contents)!;
  const name = newName(contents);
  const admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${name} template ${template}`);
  await admin.end();
  created.push(name);
  return { url: urlOf(name), name };
}

/** Drops what this file of tests created: of use where the server outlives the run. */
export async function dropDatabases(): Promise<void> {
  if (!process.env.DATABASE_URL) return;
  const admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  for (const name of created.splice(0)) await admin.unsafe(`drop database if exists ${name} with (force)`);
  await admin.end();
  templates.clear();
}

/** A statement as it was sent. */
export interface Sent {
  readonly sql: string;
  readonly params: readonly unknown[];
}

/** A scoped database on postgres.js, with a log of what it sent, and an unscoped client to look behind it. */
export async function open(contents: Contents = 'many', max = 4) {
  const { url } = await freshDatabase(contents);
  const client = postgres(url, { max, onnotice: () => {} });
  const sent: Sent[] = [];
  const logger = { logQuery: (sql: string, params: unknown[]) => void sent.push({ sql, params }) };
  const db = withTenancy(drizzle({ client, logger }), { relations, views: [schema.projectSizes] });
  await db.ready;
  return { db, client, sent, url, plain: plainDrizzle(client), close: () => client.end() };
}

/** Drizzle's own handle, as an application without tenants would have it. */
export const plainDrizzle = (client: postgres.Sql) => drizzle({ client, relations: relationsConfig(relations) as any });

export type TestDatabase = Awaited<ReturnType<typeof open>>['db'];
/** What `forTenant` returns. */
export type Tdb = TenantDatabase<'account', typeof schema.relations>;
