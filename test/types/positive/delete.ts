/** Deletes. */
import { and, eq, inArray, notExists, sql } from 'drizzle-orm';
import type { RowList } from 'postgres';
import { Expect, type Equal } from './expect.js';
import { db, labels, projects, taskLabels, tasks, type TaskRow } from './schema.js';

// all, and some
{
  const all = await db.delete(labels);
  Expect<Equal<typeof all, RowList<never[]>>>;
  const some = await db.delete(labels).where(eq(labels.id, 1));
  Expect<Equal<typeof some, RowList<never[]>>>;
}

// returning
{
  const rows = await db
    .delete(tasks)
    .where(and(eq(tasks.done, true), eq(tasks.status, 'done')))
    .returning();
  Expect<Equal<typeof rows, TaskRow[]>>;
}

// returning some
{
  const rows = await db.delete(tasks).returning({ id: tasks.id, title: sql<string>`lower(${tasks.title})` });
  Expect<Equal<typeof rows, { id: number; title: string }[]>>;
}

// by subquery
{
  await db.delete(tasks).where(inArray(tasks.projectId, db.select({ id: projects.id }).from(projects)));
  const rows = await db
    .delete(labels)
    .where(notExists(db.select().from(taskLabels).where(eq(taskLabels.labelId, labels.id))))
    .returning({ id: labels.id });
  Expect<Equal<typeof rows, { id: number }[]>>;
}
