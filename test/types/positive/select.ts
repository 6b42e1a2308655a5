/** Selects of every shape from one table. */
import {
  and,
  asc,
  between,
  count,
  desc,
  eq,
  gt,
  ilike,
  inArray,
  isNotNull,
  isNull,
  like,
  lt,
  ne,
  not,
  notInArray,
  or,
  sql,
} from 'drizzle-orm';
import type { TenantId } from '../../../src/index.js';
import { Expect, type Equal } from './expect.js';
import { getColumns } from './kit.js';
import {
  accounts,
  countries,
  db,
  projects,
  tasks,
  users,
  type AccountRow,
  type CountryRow,
  type ProjectRow,
  type TaskRow,
} from './schema.js';

// whole table
{
  const rows = await db.select().from(projects);
  Expect<Equal<typeof rows, ProjectRow[]>>;
}

// the tenants' own table
{
  const rows = await db.select().from(accounts);
  Expect<Equal<typeof rows, AccountRow[]>>;
}

// reference table
{
  const rows = await db.select().from(countries).where(eq(countries.code, 'DE'));
  Expect<Equal<typeof rows, CountryRow[]>>;
}

// partial
{
  const rows = await db.select({ id: projects.id, title: projects.name, accountId: projects.accountId }).from(projects);
  Expect<Equal<typeof rows, { id: string; title: string; accountId: TenantId<'account', string> }[]>>;
}

// nested objects
{
  const rows = await db.select({ id: tasks.id, size: { points: tasks.points, done: tasks.done } }).from(tasks);
  Expect<Equal<typeof rows, { id: number; size: { points: number | null; done: boolean } }[]>>;
}

// a whole table in the selection
{
  const rows = await db.select({ task: tasks, upper: sql<string>`upper(${tasks.title})` }).from(tasks);
  Expect<Equal<typeof rows, { task: TaskRow; upper: string }[]>>;
}

// sql fields: typed, untyped, aliased, mapped
{
  const rows = await db
    .select({
      typed: sql<number>`length(${tasks.title})`,
      untyped: sql`1`,
      aliased: sql<string>`lower(${tasks.title})`.as('l'),
      mapped: sql`${tasks.id}`.mapWith(Number),
      column: sql`max(${tasks.points})`.mapWith(tasks.points),
      optional: sql<Date | null>`now()`,
    })
    .from(tasks);
  Expect<
    Equal<
      typeof rows,
      { typed: number; untyped: unknown; aliased: string; mapped: number; column: number; optional: Date | null }[]
    >
  >;
}

// columns with some left out
{
  const { accountId, tags, ...columns } = getColumns(projects);
  const rows = await db.select(columns).from(projects);
  Expect<Equal<keyof (typeof rows)[number], 'id' | 'ownerId' | 'name' | 'budget' | 'createdAt' | 'updatedAt'>>;
  const owners = await db.selectDistinct({ accountId, tags }).from(projects);
  Expect<Equal<typeof owners, { accountId: TenantId<'account', string>; tags: string[] }[]>>;
}

// every condition, in one where
{
  const rows = await db
    .select({ id: tasks.id })
    .from(tasks)
    .where(
      and(
        or(eq(tasks.done, false), ne(tasks.status, 'done'), isNull(tasks.points)),
        not(like(tasks.title, 'x%')),
        ilike(tasks.title, '%y%'),
        inArray(tasks.id, [1, 2]),
        notInArray(tasks.status, ['done']),
        between(tasks.points, 1, 5),
        gt(tasks.points, 0),
        lt(tasks.points, 10),
        isNotNull(tasks.slug),
        sql`${tasks.title} ~ ${'a'}`,
        undefined,
      ),
    );
  Expect<Equal<typeof rows, { id: number }[]>>;
}

// where by callback over the aliases
{
  const rows = await db
    .select({ id: tasks.id, size: sql<number>`coalesce(${tasks.points}, 0)`.as('size') })
    .from(tasks)
    .where((t) => gt(t.size, 3));
  Expect<Equal<typeof rows, { id: number; size: number }[]>>;
}

// orderBy, limit, offset
{
  const rows = await db
    .select()
    .from(tasks)
    .orderBy(desc(tasks.points), asc(tasks.id), tasks.title, sql`random()`)
    .limit(10)
    .offset(20);
  Expect<Equal<typeof rows, TaskRow[]>>;
}

// orderBy by callback
{
  const rows = await db
    .select({ id: tasks.id, size: sql<number>`1`.as('size') })
    .from(tasks)
    .orderBy((t) => [desc(t.size), asc(t.id)]);
  Expect<Equal<typeof rows, { id: number; size: number }[]>>;
  const one = await db
    .select({ id: tasks.id })
    .from(tasks)
    .orderBy((t) => t.id);
  Expect<Equal<typeof one, { id: number }[]>>;
}

// distinct
{
  const rows = await db.selectDistinct().from(tasks);
  Expect<Equal<typeof rows, TaskRow[]>>;
  const titles = await db.selectDistinct({ title: tasks.title }).from(tasks).orderBy(tasks.title);
  Expect<Equal<typeof titles, { title: string }[]>>;
}

// distinct on
{
  const rows = await db.selectDistinctOn([tasks.projectId]).from(tasks).orderBy(tasks.projectId, desc(tasks.id));
  Expect<Equal<typeof rows, TaskRow[]>>;
  const partial = await db
    .selectDistinctOn([tasks.projectId, sql`lower(${tasks.title})`], { id: tasks.id })
    .from(tasks);
  Expect<Equal<typeof partial, { id: number }[]>>;
}

// locking
{
  const rows = await db.select().from(tasks).for('update', { of: tasks, skipLocked: true });
  Expect<Equal<typeof rows, TaskRow[]>>;
  await db.select().from(tasks).for('share');
  await db
    .select()
    .from(tasks)
    .for('no key update', { of: [tasks], noWait: true });
}

// an enum, an array, json with a type
{
  const rows = await db.select({ status: tasks.status }).from(tasks).where(eq(tasks.status, 'open'));
  Expect<Equal<typeof rows, { status: 'open' | 'done' }[]>>;
  const tags = await db
    .select({ tags: projects.tags })
    .from(projects)
    .where(eq(projects.tags, ['a']));
  Expect<Equal<typeof tags, { tags: string[] }[]>>;
  const settings = await db.select({ settings: users.settings }).from(users);
  Expect<Equal<typeof settings, { settings: { theme: 'dark' | 'light' } }[]>>;
}

// the first row, toSQL, comment, cache
{
  const row = (await db.select({ n: count() }).from(tasks)).at(0);
  Expect<Equal<typeof row, { n: number } | undefined>>;
  const { sql: text, params } = db.select().from(tasks).comment('x').toSQL();
  Expect<Equal<[typeof text, typeof params], [string, unknown[]]>>;
  const rows = await db.select().from(tasks).$withCache({ tag: 'tasks' });
  Expect<Equal<typeof rows, TaskRow[]>>;
}

// from raw SQL
{
  const rows = await db.select({ n: sql<number>`n` }).from(sql`generate_series(1, 3) as n`);
  Expect<Equal<typeof rows, { n: number }[]>>;
}

// execute, then, catch, finally
{
  const rows = await db.select().from(tasks).execute();
  Expect<Equal<typeof rows, TaskRow[]>>;
  const n = await db
    .select()
    .from(tasks)
    .then((found) => found.length);
  Expect<Equal<typeof n, number>>;
  const caught = await db
    .select()
    .from(tasks)
    .catch(() => null);
  Expect<Equal<typeof caught, TaskRow[] | null>>;
  const [a, b] = await Promise.all([db.select().from(tasks), db.select({ id: users.id }).from(users)]);
  Expect<Equal<[typeof a, typeof b], [TaskRow[], { id: number }[]]>>;
}
