/**
 * Prepared plans, and tenants of very different size: 5,000 tenants, one of which has a third of all rows.
 *
 *   npx tsx test/bench/skew.ts        DATABASE_URL names a server, otherwise one is started
 *
 * Each statement is one of a scoped handle, prepared as postgres.js prepares it. For the large tenant and for a small
 * one: the buffers that its run touches under a plan made for its own values, under the one plan for all, and under
 * what PostgreSQL takes by itself after many runs. Buffers, and not the clock, which others disturb.
 */
import { asc, count, desc, eq, gt } from 'drizzle-orm';
import { index, integer, text } from 'drizzle-orm/pg-core';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api-postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { tenancy, tenantTable, withTenancy } from '../../src/index.js';
import { startPostgres } from '../support/server.js';

const tenants = 5_000;
const each = 40;
const account = tenancy('account', integer);
const projects = tenantTable(
  'projects',
  {
    accountId: account.id('account_id'),
    id: integer().primaryKey(),
    ownerId: integer('owner_id').notNull(),
    status: text().notNull(),
    points: integer().notNull(),
  },
  (t) => [index('projects_owner').on(t.ownerId), index('projects_status').on(t.status)],
);
const tasks = tenantTable(
  'tasks',
  {
    accountId: account.id('account_id'),
    id: integer().primaryKey(),
    projectId: integer('project_id').notNull(),
    title: text().notNull(),
  },
  (t) => [index('tasks_project').on(t.projectId)],
);
const large = account.parse(1);
const small = account.parse(2_500);

// Statuses are skewed, too: in the large tenant one of a hundred is open, elsewhere each.
const rows = `
  insert into projects select t, p, p % 10, 'open', p % 13 from generate_series(2, ${tenants}) t, generate_series(1,
    ${each}) p;
  insert into projects select 1, p, p % 1000, case p % 100 when 0 then 'open' else 'closed' end, p % 13
    from generate_series(1, ${(tenants * each) / 2}) p;
  insert into tasks select account_id, id, id, 'task ' || id from projects;`;

const questions: readonly (readonly [string, (tdb: any) => { toSQL(): { sql: string; params: unknown[] } }])[] = [
  ['look-up by key', (tdb) => tdb.select().from(projects).where(eq(projects.id, 17))],
  ['one owner', (tdb) => tdb.select().from(projects).where(eq(projects.ownerId, 7))],
  [
    'open ones, with the most points',
    (tdb) => tdb.select().from(projects).where(eq(projects.status, 'open')).orderBy(desc(projects.points)).limit(20),
  ],
  ['a page', (tdb) => tdb.select().from(projects).where(gt(projects.id, 10)).orderBy(asc(projects.id)).limit(20)],
  [
    'count by status',
    (tdb) => tdb.select({ status: projects.status, n: count() }).from(projects).groupBy(projects.status),
  ],
  [
    'join by owner',
    (tdb) =>
      tdb.select().from(projects).innerJoin(tasks, eq(tasks.projectId, projects.id)).where(eq(projects.ownerId, 7)),
  ],
  [
    'join of all, first 20',
    (tdb) =>
      tdb
        .select()
        .from(projects)
        .innerJoin(tasks, eq(tasks.projectId, projects.id))
        .where(eq(projects.status, 'open'))
        .limit(20),
  ],
];

const server = await startPostgres();
const admin = postgres(server.url, { max: 1, onnotice: () => {} });
const name = `bench_skew_${process.pid}`;
await admin.unsafe(`create database ${name}`);
const client = postgres(Object.assign(new URL(server.url), { pathname: `/${name}` }).href, {
  max: 1,
  onnotice: () => {},
});
try {
  for (const statement of await generateMigration(
    await generateDrizzleJson({}),
    await generateDrizzleJson({ projects, tasks } as any),
  ))
    await client.unsafe(statement);
  await client.unsafe(rows);
  await client.unsafe('vacuum analyze');
  const db: any = withTenancy(drizzle({ client }));
  await db.ready;
  const literal = (value: unknown) =>
    typeof value === 'number' ? String(value) : `'${String(value).replaceAll("'", "''")}'`;
  console.log(
    '| question | large: own plan | large: one plan for all | large: as PostgreSQL takes it | small: ' +
      'own plan | small: one plan for all | small: as PostgreSQL takes it | takes ' +
      '|\n|---|---|---|---|---|---|---|---|',
  );
  for (const [question, ask] of questions) {
    const { sql: text } = ask(db.forTenant(large)).toSQL();
    await client.unsafe(`deallocate all; prepare q as ${text}`);
    const run = async (id: any) => {
      const { params } = ask(db.forTenant(id)).toSQL();
      const [row] = (await client.unsafe(
        `explain (analyze, buffers, timing off, format json) execute q(${params.map(literal).join(', ')})`,
      )) as any;
      const plan = row['QUERY PLAN'][0].Plan;
      return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    };
    const under = async (mode: string, id: any) => {
      await client.unsafe(`set plan_cache_mode = ${mode}`);
      await run(id);
      return run(id);
    };
    const own = [await under('force_custom_plan', large), await under('force_custom_plan', small)];
    const one = [await under('force_generic_plan', large), await under('force_generic_plan', small)];
    // As on a connection of an application: the tenants come in turns, nearly all of them small.
    await client.unsafe(`deallocate all; prepare q as ${text}`);
    for (let i = 0; i < 10; i++) await under('auto', account.parse(100 + i));
    const auto = [await under('auto', large), await under('auto', small)];
    const [{ generic }] = (await client.unsafe(
      'select generic_plans > 0 as generic from pg_prepared_statements',
    )) as any;
    console.log(
      `| ${question} | ${[own[0], one[0], auto[0], own[1], one[1], auto[1]].join(' | ')} | ` +
        `${generic ? 'the one for all' : 'a plan each'} |`,
    );
  }
} finally {
  await client.end();
  await admin.unsafe(`drop database ${name} with (force)`);
  await admin.end();
  await server.stop();
}
