/** Subqueries wherever SQL takes them. */
import {
  and,
  arrayContains,
  count,
  desc,
  eq,
  exists,
  gt,
  inArray,
  lt,
  max,
  notExists,
  notInArray,
  sql,
} from 'drizzle-orm';
import { Expect, type Equal } from './expect.js';
import { alias } from './kit.js';
import {
  accounts,
  countries,
  db,
  labels,
  projects,
  taskLabels,
  tasks,
  users,
  type ProjectRow,
  type TaskRow,
} from './schema.js';

// in from
{
  const open = db.select().from(tasks).where(eq(tasks.done, false)).as('open');
  const rows = await db.select().from(open);
  Expect<Equal<typeof rows, TaskRow[]>>;
  const partial = await db
    .select({ id: open.id, title: open.title })
    .from(open)
    .where(gt(open.points, 3))
    .orderBy(desc(open.id));
  Expect<Equal<typeof partial, { id: number; title: string }[]>>;
}

// joined, with an aggregate
{
  const counts = db
    .select({ projectId: tasks.projectId, n: count().as('n') })
    .from(tasks)
    .groupBy(tasks.projectId)
    .as('counts');
  const rows = await db
    .select()
    .from(projects)
    .leftJoin(counts, eq(counts.projectId, projects.id))
    .where(gt(counts.n, 1));
  Expect<Equal<typeof rows, { projects: ProjectRow; counts: { projectId: string; n: number } | null }[]>>;
}

// of a join, itself joined
{
  const owned = db
    .select({ projectId: projects.id, owner: users.email })
    .from(projects)
    .leftJoin(users, eq(users.id, projects.ownerId))
    .as('owned');
  const rows = await db
    .select({ title: tasks.title, owner: owned.owner })
    .from(tasks)
    .innerJoin(owned, eq(owned.projectId, tasks.projectId));
  Expect<Equal<typeof rows, { title: string; owner: string | null }[]>>;
}

// of a subquery
{
  const inner = db
    .select({ id: tasks.id, size: sql<number>`coalesce(${tasks.points}, 0)`.as('size') })
    .from(tasks)
    .as('inner');
  const outer = db.select({ id: inner.id, size: inner.size }).from(inner).where(gt(inner.size, 1)).as('outer');
  const rows = await db.select().from(outer);
  Expect<Equal<typeof rows, { id: number; size: number }[]>>;
}

// the same one twice, under two names
{
  const one = db.select({ id: labels.id }).from(labels).as('one');
  const two = db.select({ id: labels.id }).from(labels).as('two');
  const rows = await db.select().from(one).fullJoin(two, lt(one.id, two.id));
  Expect<Equal<typeof rows, { one: { id: number } | null; two: { id: number } | null }[]>>;
}

// scalar, in the selection
{
  const rows = await db
    .select({
      name: projects.name,
      tasks: sql<number>`(${db.select({ n: count() }).from(tasks).where(eq(tasks.projectId, projects.id))})`,
      last: db
        .select({ title: max(tasks.title).as('last') })
        .from(tasks)
        .where(eq(tasks.projectId, projects.id))
        .as('last'),
    })
    .from(projects);
  Expect<Equal<typeof rows, { name: string; tasks: number; last: string | null }[]>>;
}

// exists and not exists, correlated
{
  const rows = await db
    .select()
    .from(projects)
    .where(
      and(
        exists(db.select({ one: sql`1` }).from(tasks).where(eq(tasks.projectId, projects.id))),
        notExists(
          db
            .select()
            .from(tasks)
            .where(and(eq(tasks.projectId, projects.id), eq(tasks.done, false))),
        ),
      ),
    );
  Expect<Equal<typeof rows, ProjectRow[]>>;
}

// in and not in
{
  const rows = await db
    .select({ id: tasks.id })
    .from(tasks)
    .where(
      and(
        inArray(tasks.projectId, db.select({ id: projects.id }).from(projects)),
        notInArray(tasks.id, db.select({ id: taskLabels.taskId }).from(taskLabels)),
      ),
    );
  Expect<Equal<typeof rows, { id: number }[]>>;
}

// compared with a column
{
  const rows = await db
    .select({ id: tasks.id })
    .from(tasks)
    .where(eq(tasks.points, db.select({ points: max(tasks.points) }).from(tasks)));
  Expect<Equal<typeof rows, { id: number }[]>>;
}

// correlated with an alias of the same table
{
  const other = alias(tasks, 'other');
  const rows = await db
    .select({ id: tasks.id })
    .from(tasks)
    .where(
      notExists(
        db
          .select()
          .from(other)
          .where(and(eq(other.projectId, tasks.projectId), gt(other.id, tasks.id))),
      ),
    );
  Expect<Equal<typeof rows, { id: number }[]>>;
}

// an array of a subquery's rows
{
  const rows = await db
    .select({ id: projects.id })
    .from(projects)
    .where(arrayContains(projects.tags, db.select({ names: sql<string[]>`array_agg(${labels.name})` }).from(labels)));
  Expect<Equal<typeof rows, { id: string }[]>>;
}

// over reference tables alone
{
  const some = db.select({ id: countries.id }).from(countries).limit(3).as('some');
  const rows = await db.select({ name: accounts.name }).from(accounts).innerJoin(some, eq(some.id, accounts.countryId));
  Expect<Equal<typeof rows, { name: string }[]>>;
}
