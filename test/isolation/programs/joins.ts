/** Joins: each kind, each side, chains of them, and every kind of source. */
import { and, eq, gt, isNull, lt, or, sql } from 'drizzle-orm';
import { alias } from '../../../src/index.js';
import type { Schema } from '../../support/comparison.js';
import type { Program } from './program.js';

const onProject = ({ projects, tasks }: Schema) => eq(tasks.projectId, projects.id);

export const joins: Program[] = [
  { name: 'inner join', run: (tdb, s) => tdb.select().from(s.projects).innerJoin(s.tasks, onProject(s)) },
  { name: 'left join', run: (tdb, s) => tdb.select().from(s.projects).leftJoin(s.tasks, onProject(s)) },
  { name: 'right join', run: (tdb, s) => tdb.select().from(s.tasks).rightJoin(s.projects, onProject(s)) },
  {
    name: 'full join',
    run: (tdb, s) =>
      tdb
        .select()
        .from(s.projects)
        .fullJoin(s.tasks, and(onProject(s), eq(s.tasks.done, true))),
  },
  {
    name: 'cross join',
    run: (tdb, s) => tdb.select({ p: s.projects.id, t: s.tasks.id }).from(s.projects).crossJoin(s.tasks),
  },
  {
    name: 'inner join on true',
    run: (tdb, s) => tdb.select({ p: s.projects.id, t: s.tasks.title }).from(s.projects).innerJoin(s.tasks, sql`true`),
  },
  {
    name: 'left join on an OR',
    run: (tdb, s) =>
      tdb
        .select()
        .from(s.projects)
        .leftJoin(s.tasks, or(onProject(s), eq(s.tasks.title, 'hidden'))),
  },
  {
    name: 'left join where null',
    run: (tdb, s) =>
      tdb.select({ id: s.projects.id }).from(s.projects).leftJoin(s.tasks, onProject(s)).where(isNull(s.tasks.id)),
  },
  {
    name: 'right join where null',
    run: (tdb, s) =>
      tdb.select({ id: s.projects.id }).from(s.tasks).rightJoin(s.projects, onProject(s)).where(isNull(s.tasks.id)),
  },
  {
    name: 'full join where null',
    run: (tdb, s) =>
      tdb
        .select({ p: s.projects.id, t: s.tasks.id })
        .from(s.projects)
        .fullJoin(s.tasks, and(onProject(s), gt(s.tasks.points, 1)))
        .where(or(isNull(s.tasks.id), isNull(s.projects.id))),
  },
  {
    name: 'left join, left join',
    run: (tdb, s) =>
      tdb
        .select()
        .from(s.users)
        .leftJoin(s.tasks, eq(s.tasks.assigneeId, s.users.id))
        .leftJoin(s.projects, onProject(s)),
  },
  {
    name: 'left join, inner join',
    run: (tdb, s) =>
      tdb
        .select({ u: s.users.name, t: s.tasks.title, p: s.projects.name })
        .from(s.users)
        .leftJoin(s.tasks, eq(s.tasks.assigneeId, s.users.id))
        .innerJoin(s.projects, onProject(s)),
  },
  {
    name: 'left join, right join',
    run: (tdb, s) =>
      tdb
        .select({ u: s.users.name, t: s.tasks.title, p: s.projects.name })
        .from(s.users)
        .leftJoin(s.tasks, eq(s.tasks.assigneeId, s.users.id))
        .rightJoin(s.projects, onProject(s)),
  },
  {
    name: 'right join, left join',
    run: (tdb, s) =>
      tdb
        .select({ u: s.users.name, t: s.tasks.title, p: s.projects.name })
        .from(s.tasks)
        .rightJoin(s.users, eq(s.tasks.assigneeId, s.users.id))
        .leftJoin(s.projects, onProject(s)),
  },
  {
    name: 'full join, left join',
    run: (tdb, s) =>
      tdb
        .select({ u: s.users.name, t: s.tasks.title, p: s.projects.name })
        .from(s.users)
        .fullJoin(s.tasks, eq(s.tasks.assigneeId, s.users.id))
        .leftJoin(s.projects, onProject(s)),
  },
  {
    name: 'inner join, full join',
    run: (tdb, s) =>
      tdb
        .select({ u: s.users.name, t: s.tasks.title, p: s.projects.name })
        .from(s.users)
        .innerJoin(s.tasks, eq(s.tasks.assigneeId, s.users.id))
        .fullJoin(s.projects, onProject(s)),
  },
  {
    name: 'full join, right join',
    run: (tdb, s) =>
      tdb
        .select({ u: s.users.name, t: s.tasks.title, p: s.projects.name })
        .from(s.users)
        .fullJoin(s.tasks, eq(s.tasks.assigneeId, s.users.id))
        .rightJoin(s.projects, onProject(s)),
  },
  {
    name: 'full join, full join',
    run: (tdb, s) =>
      tdb
        .select({ u: s.users.id, t: s.tasks.id, p: s.projects.id })
        .from(s.users)
        .fullJoin(s.tasks, eq(s.tasks.assigneeId, s.users.id))
        .fullJoin(s.projects, onProject(s)),
  },
  {
    name: 'right join, right join',
    run: (tdb, s) =>
      tdb
        .select({ l: s.labels.name, t: s.tasks.id, p: s.projects.id })
        .from(s.labels)
        .rightJoin(s.tasks, eq(s.labels.taskId, s.tasks.id))
        .rightJoin(s.projects, onProject(s)),
  },
  {
    name: 'self join',
    run: (tdb, { tasks }) => {
      const parent = alias(tasks, 'parent');
      return tdb.select().from(tasks).leftJoin(parent, eq(tasks.parentId, parent.id));
    },
  },
  {
    name: 'self join by the right',
    run: (tdb, { users }) => {
      const boss = alias(users, 'boss');
      return tdb.select({ u: users.name, boss: boss.name }).from(users).rightJoin(boss, eq(users.managerId, boss.id));
    },
  },
  {
    name: 'the same table three times',
    run: (tdb, { tasks }) => {
      const [x, y] = [alias(tasks, 'x'), alias(tasks, 'y')];
      return tdb
        .select({ a: tasks.id, b: x.id, c: y.id })
        .from(tasks)
        .innerJoin(x, eq(x.parentId, tasks.id))
        .leftJoin(y, eq(y.parentId, x.id));
    },
  },
  {
    name: 'an alias with the name of another table',
    run: (tdb, { tasks, projects }) => {
      const other = alias(projects, 'users');
      return tdb.select({ t: tasks.id, p: other.name }).from(tasks).innerJoin(other, eq(tasks.projectId, other.id));
    },
  },
  {
    name: 'join a reference table',
    run: (tdb, { projects, countries }) =>
      tdb.select().from(projects).leftJoin(countries, eq(projects.countryId, countries.id)),
  },
  {
    name: 'right join from a reference table',
    run: (tdb, { projects, countries }) =>
      tdb
        .select({ c: countries.name, p: projects.name })
        .from(projects)
        .rightJoin(countries, eq(projects.countryId, countries.id)),
  },
  {
    name: 'left join from a reference table',
    run: (tdb, { projects, countries }) =>
      tdb
        .select({ c: countries.name, p: projects.name })
        .from(countries)
        .leftJoin(projects, eq(projects.countryId, countries.id)),
  },
  {
    name: 'full join with a reference table',
    run: (tdb, { projects, countries }) =>
      tdb
        .select({ c: countries.name, p: projects.name })
        .from(countries)
        .fullJoin(projects, eq(projects.countryId, countries.id)),
  },
  {
    name: 'join across schemas',
    run: (tdb, { notes, tasks }) => tdb.select().from(notes).innerJoin(tasks, eq(notes.taskId, tasks.id)),
  },
  {
    name: 'full join across schemas',
    run: (tdb, { notes, tasks }) =>
      tdb
        .select()
        .from(notes)
        .fullJoin(tasks, eq(notes.taskId, tasks.id))
        .where(or(gt(notes.order, 0), isNull(notes.order))),
  },
  {
    name: 'right join across schemas, ordered by a column of it',
    ordered: true,
    run: (tdb, { notes, tasks }) =>
      tdb
        .select({ body: notes.body, t: tasks.id })
        .from(notes)
        .rightJoin(tasks, and(eq(notes.taskId, tasks.id), lt(notes.order, 3)))
        .orderBy(tasks.id, notes.id),
  },
  {
    name: 'full join across schemas, a column renamed',
    run: (tdb, { notes, tasks }) =>
      tdb
        .select({ b: notes.body.as('b') })
        .from(notes)
        .fullJoin(tasks, eq(notes.taskId, tasks.id)),
  },
  {
    name: 'full join of a table with a made name',
    run: (tdb, { labels, tasks }) =>
      tdb.select({ t: tasks.id, n: labels.name }).from(tasks).fullJoin(labels, eq(labels.taskId, tasks.id)),
  },
  {
    name: 'join a link table',
    run: (tdb, { projects, projectUsers, users }) =>
      tdb
        .select({ p: projects.name, u: users.name, role: projectUsers.role })
        .from(projects)
        .innerJoin(projectUsers, eq(projectUsers.projectId, projects.id))
        .innerJoin(users, eq(projectUsers.userId, users.id)),
  },
  {
    name: 'join a view',
    run: (tdb, { projects, openTasks }) =>
      tdb.select().from(projects).leftJoin(openTasks, eq(openTasks.projectId, projects.id)),
  },
  {
    name: 'full join a view',
    run: (tdb, { projects, openTasks }) =>
      tdb
        .select({ p: projects.id, t: openTasks.id, s: openTasks.shout })
        .from(projects)
        .fullJoin(openTasks, eq(openTasks.projectId, projects.id)),
  },
  {
    name: 'join a materialized view',
    notCitusRls: 'PG15 and PG16: outer joins of a distributed and a local table, with a condition on settings alone',
    run: (tdb, { projects, projectSizes }) =>
      tdb
        .select({ n: projects.name, size: projectSizes.size })
        .from(projects)
        .leftJoin(projectSizes, eq(projectSizes.projectId, projects.id)),
  },
  {
    name: 'join a subquery',
    run: (tdb, { projects, tasks }) => {
      const open = tdb.select().from(tasks).where(eq(tasks.done, false)).as('open');
      return tdb.select().from(projects).leftJoin(open, eq(open.projectId, projects.id));
    },
  },
  {
    name: 'full join a subquery',
    run: (tdb, { projects, tasks }) => {
      const open = tdb.select({ id: tasks.id, p: tasks.projectId }).from(tasks).where(eq(tasks.done, false)).as('open');
      return tdb.select({ p: projects.id, t: open.id }).from(projects).fullJoin(open, eq(open.p, projects.id));
    },
  },
  {
    name: 'left join lateral',
    run: (tdb, { projects, tasks }) => {
      const last = tdb
        .select({ id: tasks.id, title: tasks.title })
        .from(tasks)
        .where(eq(tasks.projectId, projects.id))
        .orderBy(sql`${tasks.id} desc`)
        .limit(1)
        .as('last');
      return tdb.select({ p: projects.name, last: last.title }).from(projects).leftJoinLateral(last, sql`true`);
    },
  },
  {
    name: 'inner join lateral',
    run: (tdb, { projects, tasks }) => {
      const some = tdb.select({ id: tasks.id }).from(tasks).where(gt(tasks.id, projects.id)).as('some');
      return tdb.select({ p: projects.id, t: some.id }).from(projects).innerJoinLateral(some, sql`true`);
    },
  },
  {
    name: 'cross join lateral',
    run: (tdb, { projects, tasks }) => {
      const sums = tdb
        .select({ n: sql<number>`sum(${tasks.points})`.as('n') })
        .from(tasks)
        .where(eq(tasks.projectId, projects.id))
        .as('sums');
      return tdb.select({ p: projects.id, n: sums.n }).from(projects).crossJoinLateral(sums);
    },
  },
  {
    name: 'join SQL',
    run: (tdb, { projects, tasks }) =>
      tdb
        .select({ p: projects.id, t: sql`t.title` })
        .from(projects)
        .innerJoin(sql`${tasks} t`, sql`t."projectId" = ${projects.id}`),
  },
  {
    name: 'a condition by a callback',
    run: (tdb, s) =>
      tdb
        .select({ id: s.projects.id, name: s.projects.name })
        .from(s.projects)
        .innerJoin(s.tasks, (fields: any) => eq(s.tasks.projectId, fields.id)),
  },
  {
    name: 'lock a joined table',
    run: (tdb, s) =>
      tdb
        .select({ id: s.tasks.id })
        .from(s.tasks)
        .innerJoin(s.projects, onProject(s))
        .for('no key update', { of: s.tasks }),
  },
];
