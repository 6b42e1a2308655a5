/** Transactions. */
import { eq } from 'drizzle-orm';
import { Expect, type Equal } from './expect.js';
import { db, labels, projects, tasks, type LabelRow, type TaskRow } from './schema.js';

// its result
{
  const id = await db.transaction(async (tx) => {
    const [project] = await tx.insert(projects).values({ name: 'x' }).returning({ id: projects.id });
    await tx.insert(tasks).values({ projectId: project!.id, title: 'y' });
    return project!.id;
  });
  Expect<Equal<typeof id, string>>;
}

// nested
{
  const rows = await db.transaction(async (tx) => {
    await tx.update(tasks).set({ done: true });
    return tx.transaction(async (inner) => {
      await inner.delete(tasks).where(eq(tasks.done, true));
      return inner.select().from(tasks);
    });
  });
  Expect<Equal<typeof rows, TaskRow[]>>;
}

// its configuration
{
  const rows = await db.transaction((tx) => tx.select().from(labels).execute(), {
    isolationLevel: 'serializable',
    accessMode: 'read only',
    deferrable: true,
  });
  Expect<Equal<typeof rows, LabelRow[]>>;
}

// rollback
{
  const n = await db.transaction(async (tx) => {
    const n = await tx.$count(tasks);
    if (n > 3) tx.rollback();
    return n;
  });
  Expect<Equal<typeof n, number>>;
}

// relational queries in it
{
  const row = await db.transaction((tx) => tx.query.labels.findFirst().execute());
  Expect<Equal<typeof row, LabelRow | undefined>>;
}

// a function that takes one or the other
{
  type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0];
  const close = (handle: typeof db | Tx, id: number) =>
    handle.update(tasks).set({ done: true }).where(eq(tasks.id, id)).returning();
  const rows = await db.transaction((tx) => close(tx, 1).execute());
  Expect<Equal<typeof rows, TaskRow[]>>;
  const outside = await close(db, 1);
  Expect<Equal<typeof outside, TaskRow[]>>;
}
