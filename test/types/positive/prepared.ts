/** Prepared statements. */
import { eq, gt, inArray, sql } from 'drizzle-orm';
import { Expect, type Equal } from './expect.js';
import { db, labels, tasks, type LabelRow, type TaskRow } from './schema.js';

// select
{
  const byTitle = db
    .select()
    .from(tasks)
    .where(eq(tasks.title, sql.placeholder('title')))
    .limit(sql.placeholder('limit'))
    .offset(sql.placeholder('offset'))
    .prepare('by_title');
  const rows = await byTitle.execute({ title: 'x', limit: 1, offset: 0 });
  Expect<Equal<typeof rows, TaskRow[]>>;
}

// partial, without a name
{
  const statement = db
    .select({ id: tasks.id })
    .from(tasks)
    .where(inArray(tasks.id, [sql.placeholder('a'), sql.placeholder('b')]))
    .prepare();
  const rows = await statement.execute({ a: 1, b: 2 });
  Expect<Equal<typeof rows, { id: number }[]>>;
}

// insert
{
  const add = db
    .insert(labels)
    .values({ id: sql.placeholder('id'), name: sql.placeholder('name') })
    .returning()
    .prepare('add');
  const rows = await add.execute({ id: 1, name: 'x' });
  Expect<Equal<typeof rows, LabelRow[]>>;
}

// update and delete
{
  const rename = db
    .update(labels)
    .set({ name: sql`${sql.placeholder('name')}` })
    .returning({ id: labels.id })
    .prepare('rename');
  Expect<Equal<Awaited<ReturnType<typeof rename.execute>>, { id: number }[]>>;
  const remove = db
    .delete(labels)
    .where(gt(labels.id, sql.placeholder('id')))
    .returning()
    .prepare('remove');
  Expect<Equal<Awaited<ReturnType<typeof remove.execute>>, LabelRow[]>>;
}
