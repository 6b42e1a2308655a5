/** Views that expose the tenant column. */
import { and, count, eq, gt, sql } from 'drizzle-orm';
import { integer, pgMaterializedView, pgSchema, pgView, text } from 'drizzle-orm/pg-core';
import type { TenantId } from '../../../src/index.js';
import { Expect, type Equal } from './expect.js';
import { account, alias, unscoped } from './kit.js';
import { db, projects, tasks } from './schema.js';

const p = unscoped(projects);
const t = unscoped(tasks);

export const openTasks = pgView('open_tasks').as((qb) =>
  qb
    .select({ accountId: t.accountId, id: t.id, projectId: t.projectId, title: t.title })
    .from(t)
    .where(eq(t.done, false)),
);
export const sizes = pgMaterializedView('sizes').as((qb) =>
  qb
    .select({ accountId: p.accountId, projectId: p.id, tasks: sql<number>`count(*)`.as('tasks') })
    .from(p)
    .leftJoin(t, and(eq(t.accountId, p.accountId), eq(t.projectId, p.id)))
    .groupBy(p.accountId, p.id),
);
export const legacy = pgView('legacy', { accountId: account.id(), id: integer().notNull(), note: text() }).existing();
export const reports = pgSchema('reporting')
  .view('reports', { accountId: account.id(), n: integer() })
  .as(sql`select 1`);

type Account = TenantId<'account', string>;

// read
{
  const rows = await db.select().from(openTasks);
  Expect<Equal<typeof rows, { accountId: Account; id: number; projectId: string; title: string }[]>>;
}

// joined with a table, either way
{
  const rows = await db
    .select({ name: projects.name, title: openTasks.title })
    .from(projects)
    .leftJoin(openTasks, eq(openTasks.projectId, projects.id));
  Expect<Equal<typeof rows, { name: string; title: string | null }[]>>;
  const reversed = await db
    .select({ title: openTasks.title, name: projects.name })
    .from(openTasks)
    .innerJoin(projects, eq(projects.id, openTasks.projectId));
  Expect<Equal<typeof reversed, { title: string; name: string }[]>>;
}

// materialized
{
  const rows = await db.select().from(sizes).where(gt(sizes.tasks, 3));
  Expect<Equal<typeof rows, { accountId: Account; projectId: string; tasks: number }[]>>;
}

// existing, with columns of its own
{
  const rows = await db.select().from(legacy);
  Expect<Equal<typeof rows, { accountId: Account; id: number; note: string | null }[]>>;
  const n = await db.$count(legacy, gt(legacy.id, 1));
  Expect<Equal<typeof n, number>>;
}

// in a schema
{
  const rows = await db.select({ n: reports.n }).from(reports);
  Expect<Equal<typeof rows, { n: number | null }[]>>;
}

// aliased, and counted in a subquery
{
  const mine = alias(openTasks, 'mine');
  const rows = await db.select({ id: mine.id }).from(mine);
  Expect<Equal<typeof rows, { id: number }[]>>;
  const counts = db
    .select({ projectId: openTasks.projectId, n: count().as('n') })
    .from(openTasks)
    .groupBy(openTasks.projectId)
    .as('counts');
  const joined = await db
    .select({ id: projects.id, n: counts.n })
    .from(projects)
    .leftJoin(counts, eq(counts.projectId, projects.id));
  Expect<Equal<typeof joined, { id: string; n: number }[]>>;
}
