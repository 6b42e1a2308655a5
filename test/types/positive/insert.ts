/** Inserts. The tenant column is nowhere in them. */
import { eq, sql } from 'drizzle-orm';
import type { RowList } from 'postgres';
import type { TenantId } from '../../../src/index.js';
import { Expect, type Equal } from './expect.js';
import {
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

// one row
{
  const result = await db.insert(projects).values({ name: 'x' });
  Expect<Equal<typeof result, RowList<never[]>>>;
}

// several rows
{
  const result = await db.insert(labels).values([
    { id: 1, name: 'a' },
    { id: 2, name: sql`upper('b')` },
  ]);
  Expect<Equal<typeof result, RowList<never[]>>>;
  const list = ['a', 'b'].map((name, id) => ({ id, name }));
  await db.insert(labels).values(list);
}

// every kind of column
{
  const rows = await db
    .insert(projects)
    .values({
      id: '6e0f0000-0000-4000-8000-000000000000',
      ownerId: null,
      name: 'x',
      budget: '1.50',
      tags: ['a'],
      createdAt: new Date(),
      updatedAt: undefined,
    })
    .returning();
  Expect<Equal<typeof rows, ProjectRow[]>>;
  await db.insert(users).values({ email: 'x', settings: { theme: 'dark' } });
  await db.insert(tasks).values({ id: 3, projectId: 'x', title: 'y', status: 'done', done: true });
}

// the tenants' own table: its tenant column is its key
{
  const rows = await db.insert(accounts).values({ name: 'x' }).returning();
  Expect<Equal<(typeof rows)[number]['id'], TenantId<'account', string>>>;
}

// a composite key
{
  const rows = await db.insert(taskLabels).values({ taskId: 1, labelId: 2 }).onConflictDoNothing().returning();
  Expect<Equal<typeof rows, { accountId: TenantId<'account', string>; taskId: number; labelId: number }[]>>;
}

// returning some, and expressions
{
  const rows = await db
    .insert(tasks)
    .values({ projectId: 'x', title: 'y' })
    .returning({ id: tasks.id, upper: sql<string>`upper(${tasks.title})`, aliased: sql<number>`1`.as('one') });
  Expect<Equal<typeof rows, { id: number; upper: string; aliased: number }[]>>;
  const row = rows.at(0);
  Expect<Equal<typeof row, { id: number; upper: string; aliased: number } | undefined>>;
}

// on conflict do nothing
{
  const rows = await db
    .insert(labels)
    .values({ id: 1, name: 'x' })
    .onConflictDoNothing({ target: labels.id, where: sql`true` })
    .returning({ id: labels.id });
  Expect<Equal<typeof rows, { id: number }[]>>;
}

// on conflict do update
{
  const rows = await db
    .insert(labels)
    .values({ id: 1, name: 'x' })
    .onConflictDoUpdate({
      target: labels.id,
      set: { name: sql`excluded.name` },
      targetWhere: sql`true`,
      setWhere: eq(labels.name, 'y'),
    })
    .returning();
  Expect<Equal<typeof rows, LabelRow[]>>;
  await db
    .insert(taskLabels)
    .values({ taskId: 1, labelId: 1 })
    .onConflictDoUpdate({ target: [taskLabels.taskId, taskLabels.labelId], set: { labelId: 2 } });
}

// some columns
{
  const rows = await db.insert(labels, 'id', 'name').values({ id: 1, name: 'x' }).returning();
  Expect<Equal<typeof rows, LabelRow[]>>;
  await db.insert(tasks, 'projectId', 'title').values([{ projectId: 'x', title: 'y' }]);
}

// from a select, by builder
{
  const rows = await db
    .insert(labels)
    .select(db.select({ id: tasks.id, name: tasks.title }).from(tasks).where(eq(tasks.done, true)))
    .returning();
  Expect<Equal<typeof rows, LabelRow[]>>;
}

// from a select, by callback
{
  const result = await db.insert(labels).select((qb) => qb.select({ id: tasks.id, name: tasks.title }).from(tasks));
  Expect<Equal<typeof result, RowList<never[]>>>;
}

// some columns, from a select
{
  const rows = await db
    .insert(tasks, 'projectId', 'title')
    .select(db.select({ projectId: projects.id, title: projects.name }).from(projects))
    .onConflictDoNothing()
    .returning({ id: tasks.id });
  Expect<Equal<typeof rows, { id: number }[]>>;
}

// from a select with expressions, and of whole rows
{
  await db.insert(labels).select(db.select({ id: sql<number>`1`.as('id'), name: labels.name }).from(labels));
  const rows = await db.insert(labels).select(db.select().from(labels)).returning();
  Expect<Equal<typeof rows, LabelRow[]>>;
}

// identity columns
{
  const rows = await db.insert(users).overridingSystemValue().values({ id: 7, email: 'x' }).returning({ id: users.id });
  Expect<Equal<typeof rows, { id: number }[]>>;
}

// returning into a subquery of another statement
{
  const row = await db
    .insert(tasks)
    .values({ projectId: sql`(${db.select({ id: projects.id }).from(projects).limit(1)})`, title: 'x' })
    .returning();
  Expect<Equal<typeof row, TaskRow[]>>;
}

// rows of an application's own type
{
  const rename = async (label: typeof labels.$inferSelect, name: string) => {
    const row: Omit<typeof label, 'accountId'> = { id: label.id, name };
    return db.insert(labels).values(row).returning();
  };
  Expect<Equal<Awaited<ReturnType<typeof rename>>, LabelRow[]>>;
}
