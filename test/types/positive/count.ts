/** `$count`. */
import { and, eq, gt } from 'drizzle-orm';
import { Expect, type Equal } from './expect.js';
import { countries, db, projects, tasks } from './schema.js';

// alone
{
  const n = await db.$count(tasks);
  Expect<Equal<typeof n, number>>;
  const some = await db.$count(tasks, and(eq(tasks.done, true), gt(tasks.points, 1)));
  Expect<Equal<typeof some, number>>;
  const all = await db.$count(countries);
  Expect<Equal<typeof all, number>>;
}

// in a selection
{
  const rows = await db
    .select({ name: projects.name, tasks: db.$count(tasks, eq(tasks.projectId, projects.id)) })
    .from(projects);
  Expect<Equal<typeof rows, { name: string; tasks: number }[]>>;
}

// of a subquery
{
  const open = db.select({ id: tasks.id }).from(tasks).as('open');
  const n = await db.$count(open);
  Expect<Equal<typeof n, number>>;
}

// in a condition
{
  const rows = await db
    .select({ id: projects.id })
    .from(projects)
    .where(gt(db.$count(tasks, eq(tasks.projectId, projects.id)), 3));
  Expect<Equal<typeof rows, { id: string }[]>>;
}
