/**
 * What one tenant's questions cost among others: the buffers that PostgreSQL touches for them, which no clock disturbs.
 *
 *   npx tsx test/bench/tenants.ts            1, 10, 100 and 500 tenants with 1,000 projects each
 *   npx tsx test/bench/tenants.ts 1 1000     other numbers; DATABASE_URL names a server, otherwise one is started
 *
 * Each question is asked through a scoped handle; its statement is explained as the handle would send it.
 */
import { pathToFileURL } from 'node:url';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api-postgres';
import { desc, eq } from 'drizzle-orm';
import { index, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { defineTenantRelations, tenancy, tenantTable, unscoped, withTenancy } from '../../src/index.js';
import { startPostgres } from '../support/server.js';

const projectsByDefault = 1000;
export const account = tenancy('account', uuid);

/**
 * @param asWritten whether the indexes stay over everybody's rows, as without this library
 * @param bare whether there are no indexes yet, for a table that is filled first
 */
export function declare(asWritten: boolean, bare = false) {
  const keep = <T extends Parameters<typeof unscoped>[0]>(it: T): T => (asWritten ? (unscoped(it) as T) : it);
  const unless = <T>(indexes: T[]): T[] => (bare ? [] : indexes);
  const accounts = tenantTable('accounts', { id: account.id().primaryKey(), name: text().notNull() });
  const projects = tenantTable(
    'projects',
    {
      accountId: account.id('account_id'),
      id: uuid().primaryKey(),
      name: text().notNull(),
      status: text().notNull(),
      createdAt: timestamp('created_at').notNull(),
    },
    (t) =>
      unless([
        keep(index('projects_created').on(t.createdAt)),
        keep(index('projects_status').on(t.status, t.createdAt)),
        keep(index('projects_name').on(t.name)),
      ]),
  );
  const tasks = tenantTable(
    'tasks',
    {
      accountId: account.id('account_id'),
      id: uuid().primaryKey(),
      projectId: uuid('project_id').notNull(),
      title: text().notNull(),
    },
    (t) => unless([keep(index('tasks_project').on(t.projectId))]),
  );
  const schema = { accounts, projects, tasks };
  const relations = defineTenantRelations(schema, (r) => ({
    projects: { tasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId }) },
  }));
  return { schema, relations };
}

const id = (n: string) => `lpad(to_hex(${n}), 32, '0')::uuid`;
/** Tenants take turns, as they do in time. Names and numbers of projects are each tenant's own, and alike. */
const rows = (tenants: number, projectsEach: number) => `
  insert into accounts select ${id('t')}, 'account ' || t from generate_series(1, ${tenants}) t;
  insert into projects select ${id('t')}, ${id('p')}, 'project ' || p, (array['open', 'closed', 'paused',
    'open'])[1 + p % 4], timestamp '2026-01-01' + p * interval '1 hour' + t * interval '1 second'
    from generate_series(1, ${projectsEach}) p, generate_series(1, ${tenants}) t;
  insert into tasks select ${id('t')}, ${id('k')}, ${id('1 + k % ' + projectsEach)}, 'task ' || k
    from generate_series(1, ${projectsEach * 3}) k, generate_series(1, ${tenants}) t;`;

type Question = readonly [
  name: string,
  ask: (tdb: any, tables: ReturnType<typeof declare>['schema']) => { toSQL(): { sql: string; params: unknown[] } },
];

export const questions: readonly Question[] = [
  [
    'latest 20 projects',
    (tdb, { projects }) => tdb.select().from(projects).orderBy(desc(projects.createdAt)).limit(20),
  ],
  [
    'a page of open ones',
    (tdb, { projects }) =>
      tdb
        .select()
        .from(projects)
        .where(eq(projects.status, 'open'))
        .orderBy(desc(projects.createdAt))
        .limit(20)
        .offset(40),
  ],
  [
    'relational page',
    (tdb) => tdb.query.projects.findMany({ with: { tasks: true }, orderBy: { createdAt: 'desc' }, limit: 20 }),
  ],
  [
    'tasks of a project',
    (tdb, { tasks }) => tdb.select().from(tasks).where(eq(tasks.projectId, '00000000-0000-0000-0000-000000000011')),
  ],
  [
    'a join by name',
    (tdb, { projects, tasks }) =>
      tdb
        .select()
        .from(projects)
        .innerJoin(tasks, eq(tasks.projectId, projects.id))
        .where(eq(projects.name, 'project 17')),
  ],
];

/**
 * @param url a database that may be filled
 * @returns the buffers of each question, for a tenant in the middle
 */
export async function buffers(
  url: string,
  tenants: number,
  asWritten: boolean,
  projectsEach = projectsByDefault,
): Promise<number[]> {
  const client = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const { schema, relations } = declare(asWritten);
    await client.unsafe('drop schema public cascade; create schema public');
    for (const statement of await generateMigration(await generateDrizzleJson({}), await generateDrizzleJson(schema)))
      await client.unsafe(statement);
    await client.unsafe(rows(tenants, projectsEach));
    await client.unsafe('vacuum analyze');
    const db: any = withTenancy(drizzle({ client }), { relations });
    await db.ready;
    const tdb = db.forTenant(
      account.parse(
        `00000000-0000-0000-0000-${Math.ceil(tenants / 2)
          .toString(16)
          .padStart(12, '0')}`,
      ),
    );
    const found: number[] = [];
    for (const [, ask] of questions) {
      const { sql, params } = ask(tdb, schema).toSQL();
      const explain = () => client.unsafe(`explain (analyze, buffers, format json) ${sql}`, params as any[]);
      await explain(); // The first one sets hint bits, and fills the caches of the catalog.
      const plan = ((await explain()) as any)[0]['QUERY PLAN'][0].Plan;
      if (process.env['PLANS'])
        console.log(
          asWritten,
          tenants,
          sql,
          JSON.stringify(plan, (key, value) =>
            /^(Plans|Plan|Node Type|Index Name|Actual Rows|Shared Hit Blocks)$|^\d*$/.test(key) ? value : undefined,
          ),
        );
      found.push(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']);
    }
    return found;
  } finally {
    await client.end();
  }
}

async function main(counts: readonly number[]) {
  const server = await startPostgres();
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  const name = `bench_tenants_${process.pid}`;
  await admin.unsafe(`create database ${name}`);
  const url = Object.assign(new URL(server.url), { pathname: `/${name}` }).href;
  try {
    for (const asWritten of [false, true]) {
      const measured: number[][] = [];
      for (const tenants of counts) measured.push(await buffers(url, tenants, asWritten));
      console.log(
        `\n${asWritten ? 'Indexes as written (unscoped)' : 'Tenant indexes'}: ` +
          `buffers, and how many times those of ${counts[0]}\n`,
      );
      console.log(
        `| question | ${counts.map((it) => `${it} tenant${it === 1 ? '' : 's'}`).join(' | ')} ` +
          `|\n|---${'|---'.repeat(counts.length)}|`,
      );
      questions.forEach(([question], i) => {
        const cells = measured.map((it) => `${it[i]} (${(it[i]! / measured[0]![i]!).toFixed(1)})`);
        console.log(`| ${question} | ${cells.join(' | ')} |`);
      });
    }
  } finally {
    await admin.unsafe(`drop database ${name} with (force)`);
    await admin.end();
    await server.stop();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const counts = process.argv
    .slice(2)
    .map(Number)
    .filter((it) => it > 0);
  await main(counts.length > 0 ? counts : [1, 10, 100, 500]);
}
