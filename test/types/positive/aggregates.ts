/** Aggregates, grouping and windows. */
import { avg, avgDistinct, count, countDistinct, desc, eq, gt, max, min, sql, sum, sumDistinct } from 'drizzle-orm';
import { Expect, type Equal } from './expect.js';
import { db, projects, tasks } from './schema.js';

// of the whole table
{
  const rows = await db
    .select({
      all: count(),
      some: count(tasks.points),
      distinct: countDistinct(tasks.projectId),
      sum: sum(tasks.points),
      sumDistinct: sumDistinct(tasks.points),
      avg: avg(tasks.points),
      avgDistinct: avgDistinct(tasks.points),
      min: min(tasks.points),
      max: max(tasks.title),
      number: sum(tasks.points).mapWith(Number),
    })
    .from(tasks);
  Expect<
    Equal<
      typeof rows,
      {
        all: number;
        some: number;
        distinct: number;
        sum: string | null;
        sumDistinct: string | null;
        avg: string | null;
        avgDistinct: string | null;
        min: number | null;
        max: string | null;
        number: number | null;
      }[]
    >
  >;
}

// group by columns, having
{
  const rows = await db
    .select({ projectId: tasks.projectId, status: tasks.status, n: count() })
    .from(tasks)
    .groupBy(tasks.projectId, tasks.status)
    .having(gt(count(), 1))
    .orderBy(desc(count()));
  Expect<Equal<typeof rows, { projectId: string; status: 'open' | 'done'; n: number }[]>>;
}

// group by and having by callback
{
  const rows = await db
    .select({ day: sql<string>`date_trunc('day', ${projects.createdAt})`.as('day'), n: count().as('n') })
    .from(projects)
    .groupBy((t) => t.day)
    .having((t) => gt(t.n, 2))
    .orderBy((t) => desc(t.n));
  Expect<Equal<typeof rows, { day: string; n: number }[]>>;
  const several = await db
    .select({ projectId: tasks.projectId, done: tasks.done, n: count() })
    .from(tasks)
    .groupBy((t) => [t.projectId, t.done]);
  Expect<Equal<typeof several, { projectId: string; done: boolean; n: number }[]>>;
}

// grouped by one table, counted over another
{
  const rows = await db
    .select({ name: projects.name, n: count(tasks.id) })
    .from(projects)
    .leftJoin(tasks, eq(tasks.projectId, projects.id))
    .groupBy(projects.id, projects.name);
  Expect<Equal<typeof rows, { name: string; n: number }[]>>;
}

// filter and json
{
  const rows = await db
    .select({
      projectId: tasks.projectId,
      open: sql<number>`count(*) filter (where ${tasks.done} = false)`,
      titles: sql<string[]>`json_agg(${tasks.title} order by ${tasks.id})`,
    })
    .from(tasks)
    .groupBy(tasks.projectId);
  Expect<Equal<typeof rows, { projectId: string; open: number; titles: string[] }[]>>;
}

// windows
{
  const rows = await db
    .select({
      id: tasks.id,
      rank: sql<number>`row_number() over (partition by ${tasks.projectId} order by ${tasks.points} desc)`.as('rank'),
      before: sql<string | null>`lag(${tasks.title}) over (order by ${tasks.id})`,
    })
    .from(tasks);
  Expect<Equal<typeof rows, { id: number; rank: number; before: string | null }[]>>;
}

// the best of each group, by a window in a subquery
{
  const ranked = db
    .select({
      title: tasks.title,
      rank: sql<number>`rank() over (partition by ${tasks.projectId} order by ${tasks.points})`.as('rank'),
    })
    .from(tasks)
    .as('ranked');
  const rows = await db.select({ title: ranked.title }).from(ranked).where(eq(ranked.rank, 1));
  Expect<Equal<typeof rows, { title: string }[]>>;
}

// rollup
{
  const rows = await db
    .select({ projectId: tasks.projectId, n: count() })
    .from(tasks)
    .groupBy(sql`rollup (${tasks.projectId})`);
  Expect<Equal<typeof rows, { projectId: string; n: number }[]>>;
}
