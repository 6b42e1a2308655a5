/** INSERT, UPDATE and DELETE. */
import { and, eq, exists, gt, inArray, lt, sql } from 'drizzle-orm';
import { alias } from '../../../src/index.js';
import type { Program } from './program.js';

const target = 'a unique constraint without the tenant column is another in a database that has it';

export const writes: Program[] = [
  {
    name: 'insert',
    run: (tdb, { labels }) =>
      tdb.insert(labels).values({ id: 10, taskId: 1, name: 'blue' }).returning({ id: labels.id }),
  },
  {
    name: 'insert, returning all',
    run: (tdb, { projects }) =>
      tdb
        .insert(projects)
        .values({ id: 10, name: 'west', tags: ['q'], meta: { level: 9 } })
        .returning(),
  },
  {
    name: 'insert, returning expressions',
    notCitus: 'subqueries are not supported within INSERT',
    run: (tdb, { projects, tasks }) =>
      tdb
        .insert(projects)
        .values({ id: 10, name: 'west' })
        .returning({
          id: projects.id,
          loud: sql`upper(${projects.name})`,
          n: sql`(select count(*)::int from ${tasks})`,
        }),
  },
  {
    name: 'insert many rows',
    run: (tdb, { tasks }) =>
      tdb
        .insert(tasks)
        .values([
          { id: 10, projectId: 1, title: 'x' },
          { id: 11, projectId: 2, title: 'y', points: 3 },
          { id: 12, projectId: 3, title: 'z', parentId: 10 },
        ])
        .returning(),
  },
  {
    name: 'insert with ids that others have',
    run: (tdb, { tasks }) =>
      tdb
        .insert(tasks)
        .values([
          { id: 5, projectId: 1, title: 'mine' },
          { id: 6, projectId: 3, title: 'too' },
        ])
        .returning(),
  },
  {
    name: 'insert an expression',
    notCitus: 'subqueries are not supported within INSERT',
    run: (tdb, { tasks }) =>
      tdb
        .insert(tasks)
        .values({
          id: sql`10 + ${5}`,
          projectId: 1,
          title: sql`upper('x')`,
          points: sql`(select max(${tasks.points}) + 1 from ${tasks})`,
        })
        .returning(),
  },
  {
    name: 'insert some columns',
    run: (tdb, { labels }) =>
      tdb
        .insert(labels, 'id', 'name')
        .values([
          { id: 10, name: 'x' },
          { id: 11, name: 'y' },
        ])
        .returning(),
  },
  {
    name: 'insert with a comment',
    run: (tdb, { labels }) => tdb.insert(labels).values({ id: 10, name: 'x' }).comment('why').returning(),
  },
  {
    name: 'insert into a schema',
    run: (tdb, { notes }) =>
      tdb.insert(notes).values({ id: 10, taskId: 1, body: 'b', from: 'f', order: 4 }).returning(),
  },
  {
    name: 'insert a link',
    run: (tdb, { projectUsers }) => tdb.insert(projectUsers).values({ projectId: 3, userId: 4 }).returning(),
  },
  {
    name: 'insert overriding system values',
    run: (tdb, { labels }) => tdb.insert(labels).overridingSystemValue().values({ id: 10, name: 'x' }).returning(),
  },
  {
    name: 'insert with an array and a quote',
    run: (tdb, { projects }) =>
      tdb
        .insert(projects)
        .values({ id: 10, name: `o'clock"`, tags: ['a,b', '"'], meta: { label: `'); drop table tasks; --` } })
        .returning(),
  },
  {
    name: 'insert from a prepared statement',
    run: (tdb, { labels }) =>
      tdb
        .insert(labels)
        .values({ id: sql.placeholder('id'), name: sql.placeholder('name') })
        .returning()
        .prepare('ins')
        .execute({ id: 30, name: 'x' }),
  },
  {
    name: 'insert a duplicate',
    fails: true,
    run: (tdb, { tasks }) => tdb.insert(tasks).values({ id: 1, projectId: 1, title: 'again' }),
  },
  {
    name: 'insert a duplicate name',
    fails: true,
    run: (tdb, { projects }) => tdb.insert(projects).values({ id: 10, name: 'north' }),
  },
  {
    name: 'insert a name that others have',
    run: (tdb, { projects }) => tdb.insert(projects).values({ id: 10, name: 'only b' }).returning(),
  },
  {
    name: 'insert a reference to a row that only others have',
    fails: true,
    run: (tdb, { tasks }) => tdb.insert(tasks).values({ id: 10, projectId: 5, title: 'x' }),
  },
  {
    name: 'insert a missing value',
    fails: true,
    run: (tdb, { tasks }) => tdb.insert(tasks).values({ id: 10, projectId: 1 } as any),
  },
  {
    name: 'insert of a class with accessors',
    run: (tdb, { labels }) => {
      class Label {
        get id() {
          return 10;
        }
        get name() {
          return 'accessor';
        }
      }
      return tdb.insert(labels).values(new Label()).returning();
    },
  },
  {
    name: 'on conflict do nothing',
    run: (tdb, { projects }) =>
      tdb
        .insert(projects)
        .values([
          { id: 1, name: 'north' },
          { id: 5, name: 'new' },
        ])
        .onConflictDoNothing()
        .returning(),
  },
  {
    name: 'on conflict of a column do nothing',
    notPlain: target,
    run: (tdb, { projects }) =>
      tdb.insert(projects).values({ id: 10, name: 'north' }).onConflictDoNothing({ target: projects.name }).returning(),
  },
  {
    name: 'on conflict of an id that others have',
    notPlain: target,
    run: (tdb, { tasks }) =>
      tdb
        .insert(tasks)
        .values({ id: 5, projectId: 1, title: 'mine' })
        .onConflictDoUpdate({ target: tasks.id, set: { title: 'stolen' } })
        .returning(),
  },
  {
    name: 'upsert',
    notPlain: target,
    run: (tdb, { projects }) =>
      tdb
        .insert(projects)
        .values({ id: 1, name: 'changed' })
        .onConflictDoUpdate({
          target: projects.id,
          set: { name: sql`excluded.name`, budget: sql`${projects.budget} + 1` },
        })
        .returning(),
  },
  {
    name: 'upsert many',
    notCitus: 'subqueries are not supported within INSERT',
    notPlain: target,
    run: (tdb, { tasks }) =>
      tdb
        .insert(tasks)
        .values([
          { id: 1, projectId: 1, title: 'one' },
          { id: 5, projectId: 1, title: 'five' },
        ])
        .onConflictDoUpdate({
          target: tasks.id,
          set: { title: sql`excluded.title`, points: sql`(select count(*) from ${tasks} t)` },
        })
        .returning(),
  },
  {
    name: 'upsert with setWhere',
    notPlain: target,
    run: (tdb, { tasks }) =>
      tdb
        .insert(tasks)
        .values({ id: 2, projectId: 1, title: 'new' })
        .onConflictDoUpdate({
          target: tasks.id,
          set: { title: 'set' },
          setWhere: sql`${tasks.points} > 100 or ${tasks.done}`,
        })
        .returning(),
  },
  {
    name: 'upsert with a true setWhere',
    notPlain: target,
    run: (tdb, { tasks }) =>
      tdb
        .insert(tasks)
        .values({ id: 2, projectId: 1, title: 'new' })
        .onConflictDoUpdate({ target: tasks.id, set: { title: 'set' }, setWhere: sql`false or true` })
        .returning(),
  },
  {
    name: 'upsert on two columns',
    notPlain: target,
    run: (tdb, { projectUsers }) =>
      tdb
        .insert(projectUsers)
        .values({ projectId: 1, userId: 1, role: 'x' })
        .onConflictDoUpdate({ target: [projectUsers.projectId, projectUsers.userId], set: { role: 'boss' } })
        .returning(),
  },
  {
    name: 'insert from a select',
    run: (tdb, { labels, tasks }) =>
      tdb
        .insert(labels)
        .select(
          tdb.select({ id: sql<number>`${tasks.id} + 100`.as('id'), taskId: tasks.id, name: tasks.title }).from(tasks),
        )
        .returning({ id: labels.id, name: labels.name }),
    notPlain: 'Drizzle names the default of a column that is not selected in another way',
  },
  {
    name: 'insert from a join',
    run: (tdb, { labels, tasks, projects }) =>
      tdb
        .insert(labels)
        .select(
          tdb
            .select({ id: sql<number>`${tasks.id} + 100`.as('id'), name: projects.name })
            .from(tasks)
            .innerJoin(projects, eq(tasks.projectId, projects.id))
            .where(gt(tasks.id, 1)),
        )
        .returning({ id: labels.id, name: labels.name }),
  },
  {
    name: 'insert from a full join',
    run: (tdb, { labels, tasks, projects }) =>
      tdb
        .insert(labels)
        .select(
          tdb
            .select({
              id: sql<number>`100 + row_number() over (order by ${projects.id}, ${tasks.id})`.as('id'),
              name: sql<string>`coalesce(${projects.name}, '-')`.as('name'),
            })
            .from(tasks)
            .fullJoin(projects, and(eq(tasks.projectId, projects.id), gt(tasks.points, 2))),
        )
        .returning({ id: labels.id, name: labels.name }),
  },
  {
    name: 'insert from a group',
    run: (tdb, { labels, tasks }) =>
      tdb
        .insert(labels)
        .select(
          tdb
            .select({
              id: sql<number>`max(${tasks.id}) + 100`.as('id'),
              name: sql<string>`'p' || ${tasks.projectId}`.as('name'),
            })
            .from(tasks)
            .groupBy(tasks.projectId),
        )
        .returning({ id: labels.id, name: labels.name }),
  },
  {
    name: 'insert from a union',
    run: (tdb, { labels, tasks, projects }) =>
      tdb
        .insert(labels)
        .select(
          tdb
            .select({ id: sql<number>`${tasks.id} + 100`.as('id'), name: tasks.title })
            .from(tasks)
            .unionAll(
              tdb.select({ id: sql<number>`${projects.id} + 200`.as('id'), name: projects.name }).from(projects),
            ),
        )
        .returning({ id: labels.id, name: labels.name }),
  },
  {
    name: 'insert from a callback',
    run: (tdb, { labels, tasks }) =>
      tdb
        .insert(labels)
        .select((qb: any) => qb.select({ id: sql<number>`${tasks.id} + 100`.as('id'), name: tasks.title }).from(tasks))
        .returning({ id: labels.id, name: labels.name }),
  },
  {
    name: 'insert from a CTE',
    run: (tdb, { labels, tasks }) => {
      const cte = tdb
        .$with('cte')
        .as(tdb.select({ id: sql<number>`${tasks.id} + 100`.as('id'), title: tasks.title }).from(tasks));
      return tdb
        .with(cte)
        .insert(labels)
        .select(tdb.select({ id: cte.id, name: cte.title }).from(cte))
        .returning({ id: labels.id, name: labels.name });
    },
  },
  {
    name: 'insert from a subquery',
    run: (tdb, { labels, tasks }) => {
      const sq = tdb.select({ id: tasks.id, title: tasks.title }).from(tasks).limit(10).as('sq');
      return tdb
        .insert(labels)
        .select(tdb.select({ id: sql<number>`${sq.id} + 100`.as('id'), name: sq.title }).from(sq))
        .returning({ id: labels.id, name: labels.name });
    },
  },
  {
    name: 'insert from a reference table',
    run: (tdb, { labels, countries }) =>
      tdb
        .insert(labels)
        .select(tdb.select({ id: sql<number>`${countries.id} + 100`.as('id'), name: countries.name }).from(countries))
        .returning({ id: labels.id, name: labels.name }),
  },

  {
    name: 'update',
    run: (tdb, { tasks }) => tdb.update(tasks).set({ title: 'changed' }).where(eq(tasks.id, 2)).returning(),
  },
  {
    name: 'update all',
    run: (tdb, { tasks }) => tdb.update(tasks).set({ points: 0 }).returning({ id: tasks.id, touched: tasks.touched }),
  },
  {
    name: 'update on an OR',
    run: (tdb, { tasks }) =>
      tdb.update(tasks).set({ points: 0 }).where(sql`${tasks.id} = 1 or true`).returning({ id: tasks.id }),
  },
  {
    name: 'update an id that only others have',
    run: (tdb, { tasks }) => tdb.update(tasks).set({ title: 'x' }).where(eq(tasks.id, 5)).returning(),
  },
  {
    name: 'update by an expression',
    run: (tdb, { tasks }) =>
      tdb
        .update(tasks)
        .set({ points: sql`${tasks.points} + 1`, title: sql`${tasks.title} || ${'!'}` })
        .where(gt(tasks.id, 1))
        .returning(),
  },
  {
    name: 'update by a subquery',
    run: (tdb, { tasks, projects }) =>
      tdb
        .update(tasks)
        .set({ title: sql`(select p.name from ${projects} p where p.id = ${tasks.projectId}) || ${tasks.id}` })
        .returning({ id: tasks.id, title: tasks.title }),
  },
  {
    name: 'update to null',
    run: (tdb, { tasks }) =>
      tdb.update(tasks).set({ assigneeId: null, points: undefined }).where(eq(tasks.id, 1)).returning(),
  },
  {
    name: 'update in a schema',
    run: (tdb, { notes }) =>
      tdb
        .update(notes)
        .set({ order: sql`${notes.order} + 1`, from: 'x' })
        .where(eq(notes.id, 1))
        .returning(),
  },
  {
    name: 'update an alias',
    run: (tdb, { tasks }) => {
      const t = alias(tasks, 't');
      return tdb.update(t).set({ points: 7 }).where(eq(t.id, 1)).returning({ id: t.id, points: t.points });
    },
  },
  {
    name: 'update jsonb and arrays',
    run: (tdb, { projects }) =>
      tdb
        .update(projects)
        .set({
          meta: sql`jsonb_set(coalesce(${projects.meta}, '{}'), '{level}', '5')`,
          tags: sql`array_append(${projects.tags}, 'n')`,
        })
        .returning({ id: projects.id, meta: projects.meta, tags: projects.tags }),
  },
  {
    name: 'update where exists',
    run: (tdb, { tasks, projects }) =>
      tdb
        .update(projects)
        .set({ status: 'closed' })
        .where(
          exists(
            tdb
              .select()
              .from(tasks)
              .where(and(eq(tasks.projectId, projects.id), eq(tasks.done, true))),
          ),
        )
        .returning({ id: projects.id }),
  },
  {
    name: 'update from',
    run: (tdb, { tasks, projects }) =>
      tdb
        .update(tasks)
        .set({ title: projects.name as any })
        .from(projects)
        .where(and(eq(projects.id, tasks.projectId), eq(tasks.id, 1)))
        .returning(),
  },
  {
    name: 'update from, on the whole table',
    run: (tdb, { tasks, projects }) =>
      tdb
        .update(projects)
        .set({ budget: sql`${projects.budget} + 1` })
        .from(tasks)
        .where(eq(tasks.projectId, projects.id))
        .returning({ id: projects.id }),
  },
  {
    name: 'update from, left join',
    run: (tdb, { tasks, projects, users }) =>
      tdb
        .update(tasks)
        .set({ title: sql`coalesce(${users.name}, 'nobody') || ${tasks.id}` })
        .from(projects)
        .leftJoin(users, eq(projects.ownerId, users.id))
        .where(eq(tasks.projectId, projects.id))
        .returning({ id: tasks.id, title: tasks.title, u: users.name }),
  },
  {
    name: 'update from, right join',
    run: (tdb, { tasks, projects, users }) =>
      tdb
        .update(tasks)
        .set({ points: 1 })
        .from(projects)
        .rightJoin(users, eq(projects.ownerId, users.id))
        .where(eq(tasks.assigneeId, users.id))
        .returning({ id: tasks.id, u: users.name, p: projects.name }),
  },
  {
    name: 'update from, full join',
    run: (tdb, { tasks, projects, users }) =>
      tdb
        .update(tasks)
        .set({ points: 1 })
        .from(projects)
        .fullJoin(users, eq(projects.ownerId, users.id))
        .where(eq(tasks.assigneeId, users.id))
        .returning({ id: tasks.id, u: users.name, p: projects.name }),
  },
  {
    name: 'update from, full join in a schema, set to a column of it',
    run: (tdb, { tasks, notes, labels }) =>
      tdb
        .update(labels)
        .set({ name: sql`${notes.body}` })
        .from(notes)
        .fullJoin(tasks, eq(notes.taskId, tasks.id))
        .where(and(eq(labels.taskId, tasks.id), eq(notes.id, 1)))
        .returning({ id: labels.id, b: notes.body }),
  },
  {
    name: 'update from a subquery',
    run: (tdb, { tasks, projects }) => {
      const sums = tdb
        .select({ p: tasks.projectId, n: sql<number>`sum(${tasks.points})`.as('n') })
        .from(tasks)
        .groupBy(tasks.projectId)
        .as('sums');
      return tdb
        .update(projects)
        .set({ budget: sql`${sums.n}` })
        .from(sums)
        .where(eq(sums.p, projects.id))
        .returning({ id: projects.id, b: projects.budget });
    },
  },
  {
    name: 'update from a reference table',
    run: (tdb, { projects, countries }) =>
      tdb
        .update(projects)
        .set({ name: sql`${countries.code} || ${projects.id}` })
        .from(countries)
        .where(eq(projects.countryId, countries.id))
        .returning({ id: projects.id, name: projects.name }),
  },
  {
    name: 'update from itself',
    run: (tdb, { tasks }) => {
      const parent = alias(tasks, 'parent');
      return tdb
        .update(tasks)
        .set({ title: sql`${parent.title} || '/' || ${tasks.title}` })
        .from(parent)
        .where(eq(tasks.parentId, parent.id))
        .returning({ id: tasks.id, title: tasks.title });
    },
  },
  {
    name: 'update with a CTE',
    run: (tdb, { tasks }) => {
      const top = tdb.$with('top').as(tdb.select({ m: sql<number>`max(${tasks.points})`.as('m') }).from(tasks));
      return tdb
        .with(top)
        .update(tasks)
        .set({ points: sql`(select m from ${top})` })
        .where(lt(tasks.id, 3))
        .returning({ id: tasks.id, points: tasks.points });
    },
  },
  {
    name: 'update a limited number',
    run: (tdb, { tasks }) => {
      const t = alias(tasks, 't');
      return tdb
        .update(tasks)
        .set({ points: 9 })
        .where(inArray(tasks.id, tdb.select({ id: t.id }).from(t).orderBy(t.id).limit(2)))
        .returning({ id: tasks.id });
    },
  },
  {
    name: 'update to a duplicate',
    fails: true,
    run: (tdb, { projects }) => tdb.update(projects).set({ name: 'south' }).where(eq(projects.id, 1)),
  },
  {
    name: 'update to what others have',
    run: (tdb, { projects }) =>
      tdb.update(projects).set({ name: 'only c' }).where(eq(projects.id, 1)).returning({ id: projects.id }),
  },
  {
    name: 'update a reference to a row that only others have',
    fails: true,
    run: (tdb, { tasks }) => tdb.update(tasks).set({ parentId: 6 }).where(eq(tasks.id, 1)),
  },

  { name: 'delete', run: (tdb, { labels }) => tdb.delete(labels).where(eq(labels.id, 1)).returning() },
  { name: 'delete all', run: (tdb, { labels }) => tdb.delete(labels).returning({ id: labels.id }) },
  {
    name: 'delete on an OR',
    run: (tdb, { labels }) => tdb.delete(labels).where(sql`${labels.id} = 1 or true`).returning({ id: labels.id }),
  },
  {
    name: 'delete an id that only others have',
    run: (tdb, { tasks }) => tdb.delete(tasks).where(eq(tasks.id, 5)).returning(),
  },
  {
    name: 'delete with a cascade',
    run: (tdb, { projects }) => tdb.delete(projects).where(eq(projects.id, 2)).returning({ id: projects.id }),
  },
  { name: 'delete what is referenced', fails: true, run: (tdb, { users }) => tdb.delete(users).where(eq(users.id, 1)) },
  {
    name: 'delete in a schema',
    run: (tdb, { notes }) => tdb.delete(notes).where(gt(notes.order, 1)).returning({ id: notes.id, from: notes.from }),
  },
  {
    name: 'delete by a subquery',
    run: (tdb, { notes, tasks }) =>
      tdb
        .delete(notes)
        .where(inArray(notes.taskId, tdb.select({ id: tasks.id }).from(tasks).where(eq(tasks.done, true))))
        .returning({ id: notes.id }),
  },
  {
    name: 'delete by a template',
    run: (tdb, { labels, tasks }) =>
      tdb
        .delete(labels)
        .where(sql`exists (select 1 from ${tasks} t where t.id = ${labels.taskId} and t.done)`)
        .returning({ id: labels.id }),
  },
  {
    name: 'delete with a CTE',
    run: (tdb, { labels, tasks }) => {
      const open = tdb.$with('open').as(tdb.select({ id: tasks.id }).from(tasks).where(eq(tasks.done, false)));
      return tdb
        .with(open)
        .delete(labels)
        .where(inArray(labels.taskId, tdb.select({ id: open.id }).from(open)))
        .returning({ id: labels.id });
    },
  },
  {
    name: 'delete, returning a subquery',
    run: (tdb, { labels, tasks }) =>
      tdb
        .delete(labels)
        .where(eq(labels.id, 1))
        .returning({
          id: labels.id,
          title: sql`(select ${tasks.title} from ${tasks} where ${tasks.id} = ${labels.taskId})`,
        }),
  },
  { name: 'delete the root', run: (tdb, { accounts }) => tdb.delete(accounts).returning(), fails: true },
  { name: 'update the root', run: (tdb, { accounts }) => tdb.update(accounts).set({ name: 'renamed' }).returning() },
];
