/**
 * What the sample application asks of its database. Each query is an ordinary Drizzle program on the database
 * of one account, and none of them mentions the account. The playground shows them as they stand here.
 */
import { and, asc, count, desc, eq, gt, gte, isNull, sql, sum } from 'drizzle-orm';
import type { AccountDatabase } from './database.js';
import { managers, projectManagers, projects, tasks, users } from './schema.js';

/** Projects with a budget of 8000 or more. */
export function largeProjects(tdb: AccountDatabase) {
  return tdb
    .select({ name: projects.name, budget: projects.budget })
    .from(projects)
    .where(gte(projects.budget, 8000))
    .orderBy(desc(projects.budget));
}

/** Two joins: tasks under way, their project, and who does them. */
export function tasksUnderWay(tdb: AccountDatabase) {
  return tdb
    .select({ task: tasks.title, project: projects.name, by: users.name })
    .from(tasks)
    .innerJoin(projects, eq(projects.id, tasks.projectId))
    .leftJoin(users, eq(users.id, tasks.assigneeId))
    .where(eq(tasks.status, 'doing'))
    .orderBy(asc(tasks.id));
}

/** A full join: users and open tasks, also those without the other. */
export function usersAndOpenTasks(tdb: AccountDatabase) {
  return tdb
    .select({ user: users.name, task: tasks.title })
    .from(users)
    .fullJoin(tasks, and(eq(tasks.assigneeId, users.id), eq(tasks.status, 'open')))
    .where(sql`${tasks.status} is null or ${tasks.status} = 'open'`)
    .orderBy(asc(users.id), asc(tasks.id));
}

/** A relational query, three levels deep. */
export function overview(tdb: AccountDatabase) {
  return tdb.query.projects.findMany({
    columns: { name: true },
    orderBy: { id: 'asc' },
    with: {
      tasks: {
        columns: { title: true },
        where: { parentId: { isNull: true } },
        orderBy: { id: 'asc' },
        with: {
          parts: { columns: { title: true, status: true } },
        },
      },
    },
  });
}

/** A relational filter: projects with a task under way. */
export function activeProjects(tdb: AccountDatabase) {
  return tdb.query.projects.findMany({
    columns: { id: true, name: true },
    where: { tasks: { status: 'doing' } },
    orderBy: { id: 'asc' },
  });
}

/** Many-to-many: who manages what, and from which country. */
export function managersOfProjects(tdb: AccountDatabase) {
  return tdb.query.projects.findMany({
    columns: { name: true },
    orderBy: { id: 'asc' },
    with: {
      managers: {
        columns: { title: true },
        orderBy: { id: 'asc' },
        with: {
          user: {
            columns: { name: true },
            with: { country: { columns: { name: true } } },
          },
        },
      },
    },
  });
}

/** Aggregates: the hours of each project, grouped by its key. */
export function hoursOfProjects(tdb: AccountDatabase) {
  return tdb
    .select({ name: projects.name, tasks: count(), hours: sum(tasks.hours) })
    .from(projects)
    .innerJoin(tasks, eq(tasks.projectId, projects.id))
    .groupBy(projects.id)
    .having(gt(count(), 1))
    .orderBy(asc(projects.id));
}

/** A window: the rank of each task within its project. */
export function longestTasks(tdb: AccountDatabase) {
  const rank = sql<number>`rank() over (
    partition by ${tasks.projectId} order by ${tasks.hours} desc
  )::int`;
  return tdb
    .select({ rank, task: tasks.title, hours: tasks.hours })
    .from(tasks)
    .orderBy(asc(tasks.projectId), rank, asc(tasks.id));
}

/** A common table expression: who has more to do than the average. */
export function busyUsers(tdb: AccountDatabase) {
  const load = tdb.$with('load').as(
    tdb
      .select({ id: tasks.assigneeId, hours: sum(tasks.hours).as('hours') })
      .from(tasks)
      .groupBy(tasks.assigneeId),
  );
  return tdb
    .with(load)
    .select({ name: users.name, hours: load.hours })
    .from(load)
    .innerJoin(users, eq(users.id, load.id))
    .where(sql`${load.hours} > (select avg(${load.hours}) from ${load})`)
    .orderBy(asc(users.id));
}

/** A set operation: names of users and of projects, in one list. */
export function allNames(tdb: AccountDatabase) {
  return tdb
    .select({ name: users.name })
    .from(users)
    .union(tdb.select({ name: projects.name }).from(projects))
    .orderBy(sql`name`);
}

/** $count: the tasks that nobody does. */
export function unassignedTasks(tdb: AccountDatabase) {
  return tdb.$count(tasks, isNull(tasks.assigneeId));
}

/** SQL by hand: tables are interpolated, and scoped like any other. */
export function progress(tdb: AccountDatabase) {
  return tdb.execute<{ name: string; done: string }>(sql`
    select p.name, count(*) filter (where t.status = 'done') || '/'
      || count(*) as done
    from ${projects} p join ${tasks} t on t.project_id = p.id
    group by p.id, p.name order by p.id`);
}

/** An upsert: the conflict is one within the account. */
export function renameOrCreate(tdb: AccountDatabase) {
  return tdb
    .insert(projects)
    .values({ id: 3, name: 'New office', budget: 1000 })
    .onConflictDoUpdate({
      target: projects.id,
      set: { name: sql`excluded.name` },
    })
    .returning({ name: projects.name, budget: projects.budget });
}

/** Update ... from: everything in a project without managers is put off. */
export function putOff(tdb: AccountDatabase) {
  return tdb
    .update(tasks)
    .set({ status: 'open', title: sql`${tasks.title} || ' (later)'` })
    .from(projects)
    .where(
      and(
        eq(projects.id, tasks.projectId),
        sql`not exists (select 1 from ${projectManagers}
          where ${projectManagers.projectId} = ${projects.id})`,
      ),
    )
    .returning({ title: tasks.title, project: projects.id });
}

/** Insert ... select: a review for each task that is done. */
export function addReviews(tdb: AccountDatabase) {
  return tdb
    .insert(tasks)
    .select(
      tdb
        .select({
          id: sql<number>`${tasks.id} + 100`.as('id'),
          projectId: tasks.projectId,
          parentId: sql<number>`${tasks.id}`.as('parent_id'),
          title: sql<string>`'Review: ' || ${tasks.title}`.as('title'),
        })
        .from(tasks)
        .where(eq(tasks.status, 'done')),
    )
    .returning({ id: tasks.id, title: tasks.title });
}

/** A transaction: a project, its manager and its first task, or nothing. */
export function startProject(tdb: AccountDatabase) {
  return tdb.transaction(async (tx) => {
    await tx.insert(projects).values({ id: 7, name: 'Audit', budget: 500 });
    const [lead] = await tx.select().from(managers).orderBy(asc(managers.id)).limit(1);
    await tx.insert(projectManagers).values({ projectId: 7, managerId: lead!.id });
    return tx
      .insert(tasks)
      .values({ id: 7, projectId: 7, title: 'Plan', assigneeId: lead!.userId })
      .returning({ title: tasks.title, assignee: tasks.assigneeId });
  });
}

/** Delete: project 1 exists for every tenant, and its tasks go with it. */
export function deleteProject(tdb: AccountDatabase) {
  return tdb.delete(projects).where(eq(projects.id, 1)).returning({ id: projects.id, name: projects.name });
}
