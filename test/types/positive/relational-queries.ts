/** Relational queries. */
import { and, desc, eq, sql } from 'drizzle-orm';
import { Expect, type Equal } from './expect.js';
import {
  db,
  tasks,
  type AccountRow,
  type CountryRow,
  type LabelRow,
  type ProjectRow,
  type TaskRow,
  type UserRow,
} from './schema.js';

// many
{
  const rows = await db.query.projects.findMany();
  Expect<Equal<typeof rows, ProjectRow[]>>;
}

// first
{
  const row = await db.query.projects.findFirst();
  Expect<Equal<typeof row, ProjectRow | undefined>>;
}

// a reference table
{
  const rows = await db.query.countries.findMany({ where: { code: 'DE' } });
  Expect<Equal<typeof rows, CountryRow[]>>;
}

// with one level
{
  const rows = await db.query.projects.findMany({ with: { tasks: true, owner: true, account: true } });
  Expect<Equal<(typeof rows)[number]['tasks'], TaskRow[]>>;
  Expect<Equal<(typeof rows)[number]['owner'], UserRow | null>>;
  Expect<Equal<(typeof rows)[number]['account'], AccountRow>>;
}

// three levels deep, through a link table, with columns picked at each
{
  const rows = await db.query.accounts.findMany({
    columns: { name: true },
    with: {
      country: { columns: { code: true } },
      projects: {
        columns: { id: true },
        with: { tasks: { columns: { title: true }, with: { labels: { columns: { name: true } } } } },
      },
    },
  });
  Expect<
    Equal<
      typeof rows,
      {
        name: string;
        country: { code: string } | null;
        projects: { id: string; tasks: { title: string; labels: { name: string }[] }[] }[];
      }[]
    >
  >;
}

// columns left out
{
  const rows = await db.query.labels.findMany({ columns: { accountId: false } });
  Expect<Equal<typeof rows, { id: number; name: string }[]>>;
}

// where: columns and operators
{
  const rows = await db.query.tasks.findMany({
    columns: { id: true },
    where: {
      done: false,
      points: { gt: 1, lte: 5 },
      title: { ilike: '%x%' },
      status: { in: ['open'] },
      parentId: { isNull: true },
      id: { OR: [{ gt: 3 }, { eq: 1 }] },
    },
  });
  Expect<Equal<typeof rows, { id: number }[]>>;
}

// where: OR, AND, NOT, RAW
{
  const rows = await db.query.tasks.findMany({
    columns: { id: true },
    where: {
      OR: [{ done: true }, { points: { gt: 3 } }],
      AND: [{ title: { like: 'a%' } }, { NOT: { status: 'done' } }],
      RAW: (t) => sql`length(${t.title}) > 3`,
    },
  });
  Expect<Equal<typeof rows, { id: number }[]>>;
}

// where: relations
{
  const rows = await db.query.projects.findMany({
    columns: { id: true },
    where: { tasks: { done: false, labels: { name: 'urgent' } }, owner: { manager: true } },
  });
  Expect<Equal<typeof rows, { id: string }[]>>;
}

// order, limit, offset, also inside
{
  const rows = await db.query.projects.findMany({
    columns: { id: true },
    with: {
      tasks: {
        columns: { id: true },
        orderBy: { points: 'desc', id: 'asc' },
        limit: 3,
        offset: 1,
        where: { done: false },
      },
    },
    orderBy: (t) => [desc(t.createdAt), t.name],
    limit: 10,
    offset: 5,
  });
  Expect<Equal<typeof rows, { id: string; tasks: { id: number }[] }[]>>;
}

// extras
{
  const rows = await db.query.tasks.findMany({
    columns: { id: true },
    extras: { upper: (t) => sql<string>`upper(${t.title})`, one: sql<number>`1` },
    with: { project: { columns: { name: true }, extras: { size: (t) => sql<number>`length(${t.name})` } } },
  });
  Expect<Equal<typeof rows, { id: number; upper: string; one: number; project: { name: string; size: number } }[]>>;
}

// extras with a subquery
{
  const rows = await db.query.projects.findMany({
    columns: { name: true },
    extras: { tasks: (t) => db.$count(tasks, eq(tasks.projectId, t.id)) },
  });
  Expect<Equal<typeof rows, { name: string; tasks: number }[]>>;
}

// a table related to itself, both ways
{
  const row = await db.query.users.findFirst({
    columns: { email: true },
    where: { id: 1 },
    with: {
      manager: { columns: { email: true } },
      reports: { columns: { id: true }, with: { projects: { columns: { name: true } } } },
    },
  });
  Expect<
    Equal<
      typeof row,
      | { email: string; manager: { email: string } | null; reports: { id: number; projects: { name: string }[] }[] }
      | undefined
    >
  >;
}

// a relation with a condition of its own, and one from a reversed link table
{
  const rows = await db.query.projects.findMany({
    columns: { id: true },
    with: { openTasks: { columns: { title: true } } },
  });
  Expect<Equal<typeof rows, { id: string; openTasks: { title: string }[] }[]>>;
  const labels = await db.query.labels.findMany({ with: { tasks: { columns: { id: true } } } });
  Expect<Equal<(typeof labels)[number]['tasks'], { id: number }[]>>;
  Expect<Equal<Omit<(typeof labels)[number], 'tasks'>, Omit<LabelRow & { tasks: 1 }, 'tasks'>>>;
}

// prepared
{
  const byStatus = db.query.tasks
    .findMany({ columns: { id: true }, where: { status: sql.placeholder('status') }, limit: sql.placeholder('n') })
    .prepare('x');
  const rows = await byStatus.execute({ status: 'open', n: 3 });
  Expect<Equal<typeof rows, { id: number }[]>>;
}

// a filter put together before
{
  const filter = and(eq(tasks.done, false), undefined);
  const rows = await db.query.tasks.findMany({ columns: { id: true }, where: { RAW: () => filter! } });
  Expect<Equal<typeof rows, { id: number }[]>>;
  const { sql: text } = db.query.tasks.findMany().toSQL();
  Expect<Equal<typeof text, string>>;
}
