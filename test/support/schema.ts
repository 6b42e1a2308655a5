/** The schema of the isolation suite: each kind of table, key and relation once. */
import { sql } from 'drizzle-orm';
import {
  boolean,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgMaterializedView,
  pgSchema,
  pgView,
  QueryBuilder,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { count, eq } from 'drizzle-orm';
import {
  defineTenantRelations,
  referenceTable,
  tenancy,
  tenantSchema,
  tenantTable,
  tenantTableCreator,
  unscoped,
} from '../../src/index.js';

export const account = tenancy('account', uuid);
/** A second tenancy with the same type of key: only its name tells its ids apart. */
export const workspace = tenancy('workspace', uuid);

export const status = pgEnum('status', ['open', 'paused', 'closed']);
export const crm = pgSchema('crm');

export const countries = referenceTable('countries', {
  id: integer().primaryKey(),
  name: text().notNull(),
  code: text().notNull().unique(),
});

export const accounts = tenantTable('accounts', {
  id: account.id().primaryKey().defaultRandom(),
  name: text().notNull(),
  countryId: integer().references(() => countries.id),
});

export const users = tenantTable(
  'users',
  {
    accountId: account.id().references(() => accounts.id, { onDelete: 'cascade' }),
    id: integer().primaryKey(),
    name: text().notNull(),
    email: text().unique(),
    managerId: integer(),
  },
  (t) => [foreignKey({ columns: [t.managerId], foreignColumns: [t.id] })],
);

export const projects = tenantTable('projects', {
  accountId: account.id().references(() => accounts.id, { onDelete: 'cascade' }),
  id: integer().primaryKey(),
  name: text().notNull().unique(),
  status: status().notNull().default('open'),
  ownerId: integer().references(() => users.id),
  countryId: integer().references(() => countries.id),
  budget: numeric({ mode: 'number' }),
  tags: text().array().notNull().default([]),
  meta: jsonb().$type<{ level?: number; label?: string }>(),
  createdAt: timestamp({ mode: 'string' }),
});

export const tasks = tenantTable(
  'tasks',
  {
    accountId: account.id(),
    id: integer().primaryKey(),
    projectId: integer()
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    parentId: integer(),
    assigneeId: integer().references(() => users.id),
    title: text().notNull(),
    done: boolean().notNull().default(false),
    points: integer(),
    slug: text().generatedAlwaysAs(sql`lower(title)`),
    touched: integer().$onUpdate(() => sql`1 + 1`),
  },
  (t) => [
    index().on(t.title),
    uniqueIndex('tasks_title').on(t.projectId, sql`lower(${t.title})`),
    foreignKey({ columns: [t.parentId], foreignColumns: [t.id] }),
  ],
);

export const projectUsers = tenantTable(
  'project_users',
  {
    accountId: account.id(),
    projectId: integer()
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    userId: integer()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    role: text().notNull().default('member'),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.userId] })],
);

/** In a schema of PostgreSQL, with a tenant column of another name, and columns named like keywords. */
export const notes = tenantSchema(crm).table('notes', {
  owner: account.id('account_id'),
  id: integer().primaryKey(),
  taskId: integer().references(() => tasks.id, { onDelete: 'cascade' }),
  body: text().notNull(),
  order: integer('order').notNull().default(0),
  from: text('from'),
});

/** With a name made by a function. */
export const labels = tenantTableCreator((name) => `x_${name}`).table('labels', {
  accountId: account.id(),
  id: integer().primaryKey(),
  taskId: integer().references(() => tasks.id, { onDelete: 'cascade' }),
  name: text().notNull(),
});

export const openTasks = pgView('open_tasks').as((qb) =>
  qb
    .select({
      accountId: tasks.accountId,
      id: tasks.id,
      projectId: tasks.projectId,
      title: tasks.title,
      shout: sql<string>`upper(${tasks.title})`.as('shout'),
    })
    .from(unscoped(tasks))
    .where(eq(tasks.done, false)),
);

export const projectSizes = pgMaterializedView('project_sizes').as((qb) =>
  qb
    .select({ accountId: tasks.accountId, projectId: tasks.projectId, size: count(tasks.id).as('size') })
    .from(unscoped(tasks))
    .groupBy(tasks.accountId, tasks.projectId),
);

export const workspaces = tenantTable('workspaces', { id: workspace.id().primaryKey(), name: text().notNull() });
export const boards = tenantTable('boards', {
  workspaceId: workspace.id(),
  id: integer().primaryKey(),
  name: text().notNull(),
});

/** A subquery among the relations: Drizzle makes a CTE of it. */
export const taskCounts = new QueryBuilder()
  .select({ accountId: tasks.accountId, projectId: tasks.projectId, n: sql<number>`count(*)::int`.as('n') })
  .from(unscoped(tasks))
  .groupBy(tasks.accountId, tasks.projectId)
  .as('task_counts');

export const relations = defineTenantRelations(
  {
    accounts,
    users,
    projects,
    tasks,
    projectUsers,
    notes,
    labels,
    countries,
    openTasks,
    taskCounts,
    workspaces,
    boards,
  },
  (r) => ({
    accounts: {
      country: r.one.countries({ from: r.accounts.countryId, to: r.countries.id }),
      projects: r.many.projects(),
    },
    users: {
      manager: r.one.users({ from: r.users.managerId, to: r.users.id, alias: 'manager' }),
      reports: r.many.users({ from: r.users.id, to: r.users.managerId, alias: 'manager' }),
      tasks: r.many.tasks({ from: r.users.id, to: r.tasks.assigneeId }),
      projects: r.many.projects({
        from: r.users.id.through(r.projectUsers.userId),
        to: r.projects.id.through(r.projectUsers.projectId),
        alias: 'members',
      }),
    },
    projects: {
      account: r.one.accounts({ from: r.projects.accountId, to: r.accounts.id }),
      country: r.one.countries({ from: r.projects.countryId, to: r.countries.id }),
      owner: r.one.users({ from: r.projects.ownerId, to: r.users.id, alias: 'owner' }),
      tasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId }),
      counts: r.many.taskCounts({ from: r.projects.id, to: r.taskCounts.projectId }),
      openTasks: r.many.openTasks({ from: r.projects.id, to: r.openTasks.projectId }),
      doneTasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId, where: { done: true }, alias: 'done' }),
      members: r.many.users({
        from: r.projects.id.through(r.projectUsers.projectId),
        to: r.users.id.through(r.projectUsers.userId),
        alias: 'members',
      }),
    },
    tasks: {
      project: r.one.projects({ from: r.tasks.projectId, to: r.projects.id }),
      assignee: r.one.users({ from: r.tasks.assigneeId, to: r.users.id }),
      parent: r.one.tasks({ from: r.tasks.parentId, to: r.tasks.id, alias: 'parent' }),
      children: r.many.tasks({ from: r.tasks.id, to: r.tasks.parentId, alias: 'parent' }),
      notes: r.many.notes({ from: r.tasks.id, to: r.notes.taskId }),
      labels: r.many.labels({ from: r.tasks.id, to: r.labels.taskId }),
    },
    notes: { task: r.one.tasks({ from: r.notes.taskId, to: r.tasks.id }) },
    workspaces: { boards: r.many.boards({ from: r.workspaces.id, to: r.boards.workspaceId }) },
  }),
);

/** A tenant table as tools see it that only read the definition. */
export const unscopedTasks = unscoped(tasks);
