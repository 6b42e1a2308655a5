/** Joins of every kind. */
import { and, eq, gt, sql } from 'drizzle-orm';
import { Expect, type Equal } from './expect.js';
import { alias, getColumns } from './kit.js';
import {
  accounts,
  countries,
  db,
  labels,
  projects,
  taskLabels,
  tasks,
  users,
  type AccountRow,
  type CountryRow,
  type LabelRow,
  type ProjectRow,
  type TaskRow,
  type UserRow,
} from './schema.js';

// left
{
  const rows = await db.select().from(projects).leftJoin(tasks, eq(tasks.projectId, projects.id));
  Expect<Equal<typeof rows, { projects: ProjectRow; tasks: TaskRow | null }[]>>;
}

// inner
{
  const rows = await db.select().from(projects).innerJoin(tasks, eq(tasks.projectId, projects.id));
  Expect<Equal<typeof rows, { projects: ProjectRow; tasks: TaskRow }[]>>;
}

// right
{
  const rows = await db.select().from(projects).rightJoin(tasks, eq(tasks.projectId, projects.id));
  Expect<Equal<typeof rows, { projects: ProjectRow | null; tasks: TaskRow }[]>>;
}

// full
{
  const rows = await db.select().from(projects).fullJoin(tasks, eq(tasks.projectId, projects.id));
  Expect<Equal<typeof rows, { projects: ProjectRow | null; tasks: TaskRow | null }[]>>;
}

// cross
{
  const rows = await db.select().from(projects).crossJoin(labels);
  Expect<Equal<typeof rows, { projects: ProjectRow; labels: LabelRow }[]>>;
}

// a reference table
{
  const rows = await db.select().from(accounts).leftJoin(countries, eq(countries.id, accounts.countryId));
  Expect<Equal<typeof rows, { accounts: AccountRow; countries: CountryRow | null }[]>>;
  const reversed = await db.select().from(countries).innerJoin(accounts, eq(countries.id, accounts.countryId));
  Expect<Equal<typeof reversed, { countries: CountryRow; accounts: AccountRow }[]>>;
}

// four tables, each joined in its own way
{
  const rows = await db
    .select()
    .from(tasks)
    .innerJoin(taskLabels, eq(taskLabels.taskId, tasks.id))
    .leftJoin(labels, eq(labels.id, taskLabels.labelId))
    .rightJoin(projects, eq(projects.id, tasks.projectId))
    .where(gt(tasks.id, 1))
    .orderBy(tasks.id);
  Expect<Equal<(typeof rows)[number]['projects'], ProjectRow>>;
  Expect<Equal<(typeof rows)[number]['tasks'], TaskRow | null>>;
  Expect<Equal<(typeof rows)[number]['labels'], LabelRow | null>>;
  Expect<Equal<keyof (typeof rows)[number], 'tasks' | 'task_labels' | 'labels' | 'projects'>>;
}

// partial selections know which side may be null
{
  const rows = await db
    .select({
      project: projects.name,
      task: tasks.title,
      points: tasks.points,
      upper: sql<string>`upper(${tasks.title})`,
    })
    .from(projects)
    .leftJoin(tasks, eq(tasks.projectId, projects.id));
  Expect<Equal<typeof rows, { project: string; task: string | null; points: number | null; upper: string }[]>>;
}

// nested objects of one table become null as a whole
{
  const rows = await db
    .select({ project: { id: projects.id, name: projects.name }, task: { id: tasks.id, title: tasks.title } })
    .from(projects)
    .leftJoin(tasks, eq(tasks.projectId, projects.id));
  Expect<Equal<typeof rows, { project: { id: string; name: string }; task: { id: number; title: string } | null }[]>>;
}

// whole tables in the selection
{
  const rows = await db
    .select({ project: projects, task: tasks })
    .from(projects)
    .leftJoin(tasks, eq(tasks.projectId, projects.id));
  Expect<Equal<typeof rows, { project: ProjectRow; task: TaskRow | null }[]>>;
}

// the columns of one table, and a field of another
{
  const rows = await db
    .select({ ...getColumns(users), account: accounts.name })
    .from(users)
    .innerJoin(accounts, eq(accounts.id, users.accountId));
  Expect<Equal<(typeof rows)[number]['account'], string>>;
  Expect<Equal<(typeof rows)[number]['settings'], UserRow['settings']>>;
  Expect<Equal<keyof (typeof rows)[number], keyof UserRow | 'account'>>;
}

// on by callback over the aliases
{
  const rows = await db
    .select({ id: projects.id, title: tasks.title })
    .from(projects)
    .leftJoin(tasks, (t) => eq(t.title, 'x'));
  Expect<Equal<typeof rows, { id: string; title: string | null }[]>>;
}

// a join on several conditions, and on none
{
  const rows = await db
    .select({ id: tasks.id })
    .from(tasks)
    .innerJoin(projects, and(eq(projects.id, tasks.projectId), eq(projects.accountId, tasks.accountId)))
    .innerJoin(labels, sql`true`);
  Expect<Equal<typeof rows, { id: number }[]>>;
  const all = await db.select({ id: tasks.id }).from(tasks).leftJoin(projects, undefined);
  Expect<Equal<typeof all, { id: number }[]>>;
}

// a table with itself
{
  const parent = alias(tasks, 'parent');
  const rows = await db.select().from(tasks).leftJoin(parent, eq(parent.id, tasks.parentId));
  Expect<Equal<typeof rows, { tasks: TaskRow; parent: TaskRow | null }[]>>;
}

// three aliases of one table
{
  const manager = alias(users, 'manager');
  const director = alias(users, 'director');
  const rows = await db
    .select({ user: users.email, manager: manager.email, director: { id: director.id, email: director.email } })
    .from(users)
    .innerJoin(manager, eq(manager.id, users.managerId))
    .leftJoin(director, eq(director.id, manager.managerId));
  Expect<Equal<typeof rows, { user: string; manager: string; director: { id: number; email: string } | null }[]>>;
}

// an alias of a reference table
{
  const home = alias(countries, 'home');
  const rows = await db.select({ code: home.code }).from(accounts).leftJoin(home, eq(home.id, accounts.countryId));
  Expect<Equal<typeof rows, { code: string | null }[]>>;
}

// lateral
{
  const latest = db
    .select({ id: tasks.id, title: tasks.title })
    .from(tasks)
    .where(eq(tasks.projectId, projects.id))
    .limit(1)
    .as('latest');
  const left = await db.select().from(projects).leftJoinLateral(latest, sql`true`);
  Expect<Equal<typeof left, { projects: ProjectRow; latest: { id: number; title: string } | null }[]>>;
  const inner = await db
    .select({ name: projects.name, title: latest.title })
    .from(projects)
    .innerJoinLateral(latest, sql`true`);
  Expect<Equal<typeof inner, { name: string; title: string }[]>>;
  const cross = await db.select().from(projects).crossJoinLateral(latest);
  Expect<Equal<typeof cross, { projects: ProjectRow; latest: { id: number; title: string } }[]>>;
}

// raw SQL
{
  const rows = await db
    .select({ id: tasks.id, n: sql<number>`n` })
    .from(tasks)
    .crossJoin(sql`generate_series(1, 3) as n`);
  Expect<Equal<typeof rows, { id: number; n: number }[]>>;
}
