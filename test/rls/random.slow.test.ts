/**
 * The comparison at random, with the filters of forTenant taken away: the policies alone show and change nothing of
 * another tenant. RANDOM_SEED=n runs the same again, and RANDOM_PATH, which a failure prints, its one program.
 */
import { is } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { getTableConfig, getViewConfig, PgMaterializedView, PgTable, PgView } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { classOf } from '../../src/schema/classify.js';
import { openPool, type Pool, type PoolSchema } from '../random/pool.js';
import { describe as tell } from '../random/print.js';
import { search } from '../random/search.js';
import type { MakeHandles } from '../random/side.js';
import { withoutFilters } from '../support/without-filters.js';
import { createRole, grants, policiesOf, role } from '../support/rls.js';

// In CI the same programs each time, so that it is the change that turns it red; anywhere else new ones.
const seed = Number(process.env.RANDOM_SEED ?? (process.env.CI ? 1 : Math.floor(Math.random() * 1_000_000)));
const programs = Number(process.env.RANDOM_RLS_PROGRAMS ?? 150);
let pool: Pool;

beforeAll(async () => {
  pool = await openPool(inject('databaseUrl'), seed, prepare);
  const views = pool.schemas.flatMap(({ module }) => Object.values(module).filter((it) => is(it, PgView)));
  const materialized = pool.schemas.flatMap(({ module }) =>
    Object.values(module).filter((it) => is(it, PgMaterializedView)),
  );
  const names = materialized.map((it) => `"${getViewConfig(it as any).name}"`);
  // Materialized views have no policies.
  withoutFilters({
    views: [...views, ...materialized] as object[],
    when: (text) => !names.some((it) => text.includes(it)),
  });
}, 120_000);
afterAll(async () => {
  vi.restoreAllMocks();
  await pool?.drop();
});

/** Policies and grants, as far as the tables of the schemas are tenants'. */
async function prepare(client: pg.Client, schemas: readonly PoolSchema[]): Promise<void> {
  const statements = [createRole];
  for (const { module } of schemas) {
    for (const entity of Object.values(module)) {
      const found = is(entity, PgTable) ? classOf(entity) : undefined;
      if (found?.kind === 'tenant') {
        const { schema, name } = getTableConfig(entity as PgTable);
        statements.push(
          ...policiesOf(
            [schema, name].filter(Boolean).join('.'),
            found.name,
            found.column.getSQLType(),
            found.tenancy.name,
            false,
          ),
        );
      } else if (is(entity, PgView) && !is(entity, PgMaterializedView)) {
        const { schema, name } = getViewConfig(entity as PgView) as any;
        statements.push(`alter view ${schema ? `"${schema}".` : ''}"${name}" set (security_invoker = true)`);
      }
    }
  }
  const { rows } = await client.query(
    `select quote_ident(nspname) as name from pg_namespace where nspname !~ '^(pg_|information_schema)'`,
  );
  for (const statement of [...statements, ...grants(...rows.map((it) => it.name))]) await client.query(statement);
}

/** Handles whose statements run as the role that policies hold back; what looks behind them stays a superuser. */
const asRole =
  (rls: boolean): MakeHandles =>
  (drizzleDb, relations) => {
    const undoing = drizzleDb.session.client;
    const become = (name: string) => undoing.client.query(`set local role ${name}`);
    let depth = 0;
    const client = {
      async query(config: any, values?: unknown[]) {
        const text: string = config.text ?? config;
        if (/^begin/i.test(text)) {
          const begun = await undoing.query(config, values);
          depth = 1;
          await become(role);
          return begun;
        }
        const isEnd = /^(commit|rollback(?! to))/i.test(text);
        if (isEnd) {
          depth = 0;
          // A rollback takes the role back, too.
          if (/^commit/i.test(text)) await become('none');
          return undoing.query(config, values);
        }
        if (depth > 0) return undoing.query(config, values);
        await become(role);
        try {
          return await undoing.query(config, values);
        } finally {
          await become('none');
        }
      },
    };
    const bound = withTenancy(drizzle({ client: client as any }), { relations, rls }) as any;
    const several = withTenancy(drizzleDb, { relations }) as any;
    return {
      forTenant: bound.forTenant,
      forTenants: several.forTenants,
      acrossTenants: several.acrossTenants,
      shared: bound.shared,
      prepare: bound.prepare,
    };
  };

test('the policies alone confine programs at random', { timeout: 300_000 }, async () => {
  const before = Date.now();
  const { told, found } = await search({
    pool,
    seed,
    programs,
    make: asRole(true),
    refuses: false,
    path: process.env.RANDOM_PATH,
  });
  console.log(
    `RANDOM_SEED=${seed}, without filters: ${told.programs} programs, ${told.steps} steps, ${told.failed} ` +
      `failed, ${((Date.now() - before) / 1000).toFixed(0)} s`,
  );
  if (found)
    throw new Error(`${tell(found.failure, found.error)}\n\nRun it again with RANDOM_SEED=${seed}\n\n${found.text}`);
  expect(told.telling / told.programs).toBeGreaterThan(0.8);
});

test('without policies and filters, they do not', { timeout: 120_000 }, async () => {
  const { found } = await search({
    pool,
    seed,
    programs: 200,
    shrink: false,
    refuses: false,
    make: (db, relations) => withTenancy(db, { relations }),
  });
  expect(found?.failure?.what).toBeDefined();
});
