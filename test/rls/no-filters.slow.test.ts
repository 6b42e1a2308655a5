/**
 * The policies alone: with every tenant predicate taken out of the statements, the corpus still shows and changes
 * nothing of another tenant.
 */
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle as drizzlePGlite } from 'drizzle-orm/pglite';
import { drizzle } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { assertRowLevelSecurity, withTenancy } from '../../src/index.js';
import { programs } from '../isolation/programs.js';
import { comparison, type Side } from '../support/comparison.js';
import { freshDatabase, rowsFor, schemaStatements, type Contents } from '../support/databases.js';
import { asRole, rlsStatements, role } from '../support/rls.js';
import { openTasks, projectSizes, relations } from '../support/schema.js';
import { withoutFilters } from '../support/without-filters.js';
import { createPglite } from '../support/pglite.js';

// Materialized views have no policies: there, the handle's filter is all there is.
beforeAll(() => void withoutFilters({ views: [openTasks], when: (text) => !text.includes('project_sizes') }));
afterAll(() => void vi.restoreAllMocks());

const withPolicies = async (contents: Contents) => {
  const { url } = await freshDatabase(contents);
  const admin = postgres(url, { max: 2, onnotice: () => {} });
  for (const statement of rlsStatements()) await admin.unsafe(statement);
  return { admin, url: asRole(url) };
};

async function openPostgresJs(contents: Contents): Promise<Side> {
  const { admin, url } = await withPolicies(contents);
  const client = postgres(url, { max: 4, onnotice: () => {} });
  const db = withTenancy(drizzle({ client }), { relations, views: [projectSizes], rls: true });
  await assertRowLevelSecurity(db, { except: ['project_sizes'] });
  return {
    db,
    plain: undefined,
    run: (text) => admin.unsafe(text) as any,
    close: () => Promise.all([client.end(), admin.end()]),
  };
}

async function openNodePostgres(contents: Contents): Promise<Side> {
  const { admin, url } = await withPolicies(contents);
  const client = new pg.Pool({ connectionString: url, max: 2 });
  const db = withTenancy(drizzleNodePostgres({ client }), { relations, views: [projectSizes], rls: true });
  await assertRowLevelSecurity(db);
  return {
    db: db as unknown as Side['db'],
    plain: undefined,
    run: (text) => admin.unsafe(text) as any,
    close: () => Promise.all([client.end(), admin.end()]),
  };
}

async function openPGlite(contents: Contents): Promise<Side> {
  const client = await createPglite();
  await client.exec([...(await schemaStatements()), rowsFor[contents], ...rlsStatements()].join(';\n'));
  // It has one connection, and no password: the role is put on and off.
  const asSuperuser = async (text: string) => {
    await client.exec('reset role');
    const rows = (await client.exec(text)).at(-1)!.rows as any;
    await client.exec(`set role ${role}`);
    return rows;
  };
  await asSuperuser('select 1');
  const db = withTenancy(drizzlePGlite({ client }), { relations, views: [projectSizes], rls: true });
  await assertRowLevelSecurity(db);
  return { db: db as unknown as Side['db'], plain: undefined, run: asSuperuser, close: () => client.close() };
}

describe.each([
  ['postgres.js', openPostgresJs],
  ['node-postgres', openNodePostgres],
  ['PGlite', openPGlite],
])('%s', (_, openSide) => {
  const pair = comparison(openSide);
  for (const { name, run, ordered, fails = false } of programs) {
    test(name, async () => {
      const { error } = await pair.isolated(run, ordered);
      expect({ fails: error !== undefined, error }).toMatchObject({ fails });
    });
  }
});
