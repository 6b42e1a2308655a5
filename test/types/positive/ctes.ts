/** Common table expressions: reading, recursive by raw SQL, data-modifying. */
import { count, eq, gt, inArray, sql } from 'drizzle-orm';
import { Expect, type Equal } from './expect.js';
import { db, labels, projects, tasks, type ProjectRow, type TaskRow } from './schema.js';

// with a builder
{
  const open = db.$with('open').as(db.select().from(tasks).where(eq(tasks.done, false)));
  const rows = await db.with(open).select().from(open);
  Expect<Equal<typeof rows, TaskRow[]>>;
}

// with the callback's builder
{
  const open = db.$with('open').as((qb) => qb.select({ id: tasks.id, projectId: tasks.projectId }).from(tasks));
  const rows = await db
    .with(open)
    .select({ id: open.id, name: projects.name })
    .from(open)
    .innerJoin(projects, eq(projects.id, open.projectId));
  Expect<Equal<typeof rows, { id: number; name: string }[]>>;
}

// two, the second on the first
{
  const counts = db.$with('counts').as(
    db
      .select({ projectId: tasks.projectId, n: count().as('n') })
      .from(tasks)
      .groupBy(tasks.projectId),
  );
  const busy = db
    .$with('busy')
    .as(db.with(counts).select({ projectId: counts.projectId, n: counts.n }).from(counts).where(gt(counts.n, 3)));
  const rows = await db.with(counts, busy).select().from(projects).leftJoin(busy, eq(busy.projectId, projects.id));
  Expect<Equal<typeof rows, { projects: ProjectRow; busy: { projectId: string; n: number } | null }[]>>;
}

// raw SQL, with its selection
{
  const tree = db
    .$with('tree', { id: tasks.id, depth: sql<number>`depth`.as('depth') })
    .as(sql`select ${tasks.id}, 0 as depth from ${tasks}`);
  const rows = await db.with(tree).select().from(tree);
  Expect<Equal<typeof rows, { id: number; depth: number }[]>>;
}

// distinct, from a CTE
{
  const open = db.$with('open').as(db.selectDistinct({ projectId: tasks.projectId }).from(tasks));
  const rows = await db.with(open).selectDistinctOn([open.projectId]).from(open);
  Expect<Equal<typeof rows, { projectId: string }[]>>;
}

// insert in a CTE
{
  const added = db.$with('added').as(db.insert(labels).values({ id: 1, name: 'x' }).returning());
  const rows = await db.with(added).select({ id: added.id }).from(added);
  Expect<Equal<typeof rows, { id: number }[]>>;
}

// update in a CTE
{
  const closed = db
    .$with('closed')
    .as(db.update(tasks).set({ done: true }).returning({ id: tasks.id, title: tasks.title }));
  const rows = await db.with(closed).select().from(closed);
  Expect<Equal<typeof rows, { id: number; title: string }[]>>;
}

// delete in a CTE
{
  const gone = db.$with('gone').as(db.delete(tasks).where(eq(tasks.done, true)).returning({ id: tasks.id }));
  const rows = await db.with(gone).select({ n: count() }).from(gone);
  Expect<Equal<typeof rows, { n: number }[]>>;
}

// data-modifying without returning
{
  const gone = db.$with('gone').as(db.delete(tasks));
  const rows = await db.with(gone).select().from(projects);
  Expect<Equal<typeof rows, ProjectRow[]>>;
}

// before insert, update and delete
{
  const some = db.$with('some').as(db.select({ id: tasks.id }).from(tasks));
  const updated = await db
    .with(some)
    .update(tasks)
    .set({ done: true })
    .where(inArray(tasks.id, sql`(select id from ${some})`))
    .returning({ id: tasks.id });
  Expect<Equal<typeof updated, { id: number }[]>>;
  const deleted = await db
    .with(some)
    .delete(tasks)
    .where(inArray(tasks.id, db.select({ id: some.id }).from(some)))
    .returning();
  Expect<Equal<typeof deleted, TaskRow[]>>;
  const inserted = await db.with(some).insert(labels).values({ id: 1, name: 'x' }).returning({ name: labels.name });
  Expect<Equal<typeof inserted, { name: string }[]>>;
}
