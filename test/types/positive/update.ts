/** Updates. */
import { and, eq, exists, inArray, sql } from 'drizzle-orm';
import type { RowList } from 'postgres';
import { Expect, type Equal } from './expect.js';
import { alias } from './kit.js';
import {
  countries,
  accounts,
  db,
  labels,
  projects,
  taskLabels,
  tasks,
  users,
  type LabelRow,
  type ProjectRow,
  type TaskRow,
} from './schema.js';

// set
{
  const result = await db.update(tasks).set({ done: true, points: null }).where(eq(tasks.id, 1));
  Expect<Equal<typeof result, RowList<never[]>>>;
}

// set with sql, a column, undefined
{
  await db.update(tasks).set({ points: sql`${tasks.points} + 1`, title: undefined });
  await db.update(projects).set({ tags: sql`array_append(${projects.tags}, 'x')`, updatedAt: new Date() });
  const rows = await db
    .update(users)
    .set({ settings: { theme: 'dark' }, managerId: sql<number>`1` })
    .returning({ settings: users.settings });
  Expect<Equal<typeof rows, { settings: { theme: 'dark' | 'light' } }[]>>;
}

// set to a subquery
{
  const rows = await db
    .update(projects)
    .set({ ownerId: sql`(${db.select({ id: users.id }).from(users).limit(1)})` })
    .where(exists(db.select().from(tasks).where(eq(tasks.projectId, projects.id))))
    .returning();
  Expect<Equal<typeof rows, ProjectRow[]>>;
}

// returning all
{
  const rows = await db.update(labels).set({ name: 'x' }).where(eq(labels.id, 1)).returning();
  Expect<Equal<typeof rows, LabelRow[]>>;
}

// returning some
{
  const rows = await db
    .update(labels)
    .set({ name: 'x' })
    .returning({ id: labels.id, length: sql<number>`length(${labels.name})` });
  Expect<Equal<typeof rows, { id: number; length: number }[]>>;
}

// from another table
{
  const result = await db
    .update(tasks)
    .set({ title: projects.name })
    .from(projects)
    .where(eq(projects.id, tasks.projectId));
  Expect<Equal<typeof result, RowList<never[]>>>;
}

// from another table, returning both
{
  const rows = await db
    .update(tasks)
    .set({ done: true })
    .from(projects)
    .where(eq(projects.id, tasks.projectId))
    .returning();
  Expect<Equal<(typeof rows)[number]['projects'], ProjectRow>>;
  Expect<Equal<(typeof rows)[number]['title'], TaskRow['title']>>;
  Expect<Equal<keyof (typeof rows)[number], keyof TaskRow | 'projects'>>;
}

// from another table, joined with a third, returning all
{
  const rows = await db
    .update(tasks)
    .set({ done: true })
    .from(taskLabels)
    .leftJoin(labels, eq(labels.id, taskLabels.labelId))
    .where(eq(taskLabels.taskId, tasks.id))
    .returning();
  Expect<Equal<(typeof rows)[number]['status'], TaskRow['status']>>;
  Expect<Equal<(typeof rows)[number]['labels'], LabelRow | null>>;
  Expect<Equal<keyof (typeof rows)[number], keyof TaskRow | 'task_labels' | 'labels'>>;
}

// returning some of joined tables
{
  const rows = await db
    .update(tasks)
    .set({ done: true })
    .from(projects)
    .innerJoin(users, (task, project) => and(eq(users.id, project.ownerId), eq(task.done, false)))
    .returning({ task: tasks.title, project: projects.name, owner: users.email });
  Expect<Equal<typeof rows, { task: string; project: string; owner: string }[]>>;
}

// every kind of join
{
  const left = await db
    .update(tasks)
    .set({ done: true })
    .from(projects)
    .leftJoin(users, eq(users.id, projects.ownerId))
    .returning({ owner: users.email });
  Expect<Equal<typeof left, { owner: string | null }[]>>;
  const right = await db
    .update(tasks)
    .set({ done: true })
    .from(projects)
    .rightJoin(users, eq(users.id, projects.ownerId))
    .returning({ project: projects.name });
  Expect<Equal<typeof right, { project: string | null }[]>>;
  const full = await db
    .update(tasks)
    .set({ done: true })
    .from(projects)
    .fullJoin(users, sql`true`)
    .returning({ project: projects.name });
  Expect<Equal<typeof full, { project: string | null }[]>>;
}

// from a subquery, an alias, a reference table
{
  const some = db.select({ id: projects.id, name: projects.name }).from(projects).as('some');
  const rows = await db
    .update(tasks)
    .set({ title: some.name })
    .from(some)
    .where(eq(some.id, tasks.projectId))
    .returning({ id: tasks.id });
  Expect<Equal<typeof rows, { id: number }[]>>;
  const parent = alias(tasks, 'parent');
  await db.update(tasks).set({ points: parent.points }).from(parent).where(eq(parent.id, tasks.parentId));
  await db.update(accounts).set({ name: countries.name }).from(countries).where(eq(countries.id, accounts.countryId));
}

// where by subquery
{
  const result = await db
    .update(tasks)
    .set({ done: true })
    .where(inArray(tasks.projectId, db.select({ id: projects.id }).from(projects).where(eq(projects.name, 'x'))));
  Expect<Equal<typeof result, RowList<never[]>>>;
}

// values put together before
{
  const patch: { title?: string; points?: number | null } = {};
  const rows = await db.update(tasks).set(patch).returning({ id: tasks.id });
  Expect<Equal<typeof rows, { id: number }[]>>;
  const part: Partial<Omit<typeof labels.$inferInsert, 'accountId'>> = {};
  await db.update(labels).set(part);
}
