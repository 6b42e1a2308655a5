/** The corpus's tables, relations and handle. */
import { sql } from 'drizzle-orm';
import {
  boolean,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
  type AnyPgColumn,
} from 'drizzle-orm/pg-core';
import type { TenantId } from '../../../src/index.js';
import { accountId, connect, defineRelations, inSchema, referenceTable, table, tableCreator } from './kit.js';

export const status = pgEnum('status', ['open', 'done']);
export const audit = pgSchema('audit');
const crm = tableCreator((name) => `crm_${name}`);

export const countries = referenceTable('countries', {
  id: integer().primaryKey(),
  code: text().notNull().unique(),
  name: text().notNull(),
});

export const accounts = table('accounts', {
  id: accountId().primaryKey(),
  name: text().notNull(),
  countryId: integer().references(() => countries.id),
});

export const users = table('users', {
  accountId: accountId().references(() => accounts.id, { onDelete: 'cascade' }),
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  email: text().notNull().unique(),
  managerId: integer().references((): AnyPgColumn => users.id),
  settings: jsonb().$type<{ theme: 'dark' | 'light' }>().notNull().default({ theme: 'light' }),
});

export const projects = table(
  'projects',
  {
    accountId: accountId().references(() => accounts.id, { onDelete: 'cascade' }),
    id: uuid().primaryKey().defaultRandom(),
    ownerId: integer().references(() => users.id),
    name: text().notNull(),
    budget: numeric(),
    tags: text().array().notNull().default(sql`'{}'`),
    createdAt: timestamp().notNull().defaultNow(),
    updatedAt: timestamp().$onUpdate(() => new Date()),
  },
  (t) => [index().on(t.name), unique('projects_name').on(t.name)],
);

export const tasks = table(
  'tasks',
  {
    accountId: accountId(),
    id: integer().generatedByDefaultAsIdentity().primaryKey(),
    projectId: uuid().notNull(),
    parentId: integer(),
    title: text().notNull(),
    slug: text().generatedAlwaysAs(sql`lower(title)`),
    status: status().notNull().default('open'),
    done: boolean().notNull().default(false),
    points: integer(),
  },
  (t) => [
    foreignKey({ columns: [t.projectId], foreignColumns: [projects.id] }),
    foreignKey({ columns: [t.parentId], foreignColumns: [t.id] }),
  ],
);

export const labels = table('labels', { accountId: accountId(), id: integer().primaryKey(), name: text().notNull() });

export const taskLabels = table(
  'task_labels',
  {
    accountId: accountId(),
    taskId: integer()
      .notNull()
      .references(() => tasks.id),
    labelId: integer()
      .notNull()
      .references(() => labels.id),
  },
  (t) => [primaryKey({ columns: [t.taskId, t.labelId] })],
);

export const events = inSchema(audit).table('events', (t) => ({
  accountId: accountId('account'),
  id: t.bigserial({ mode: 'number' }).primaryKey(),
  at: t.timestamp({ withTimezone: true, mode: 'string' }).notNull(),
  body: t.jsonb(),
}));

export const contacts = crm.table('contacts', { accountId: accountId(), id: integer().primaryKey(), name: text() });

export const relations = defineRelations({ countries, accounts, users, projects, tasks, labels, taskLabels }, (r) => ({
  accounts: {
    country: r.one.countries({ from: r.accounts.countryId, to: r.countries.id }),
    users: r.many.users(),
    projects: r.many.projects(),
  },
  users: {
    account: r.one.accounts({ from: r.users.accountId, to: r.accounts.id, optional: false }),
    manager: r.one.users({ from: r.users.managerId, to: r.users.id, alias: 'manager' }),
    reports: r.many.users({ from: r.users.id, to: r.users.managerId, alias: 'manager' }),
    projects: r.many.projects(),
  },
  projects: {
    account: r.one.accounts({ from: r.projects.accountId, to: r.accounts.id, optional: false }),
    owner: r.one.users({ from: r.projects.ownerId, to: r.users.id }),
    tasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId }),
    openTasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId, where: { done: false }, alias: 'open' }),
  },
  tasks: {
    project: r.one.projects({ from: r.tasks.projectId, to: r.projects.id, optional: false }),
    labels: r.many.labels({
      from: r.tasks.id.through(r.taskLabels.taskId),
      to: r.labels.id.through(r.taskLabels.labelId),
    }),
  },
  labels: {
    tasks: r.many.tasks(),
  },
}));

export const db = connect(relations);

// The rows, written out.
type Account = TenantId<'account', string>;
export type CountryRow = { id: number; code: string; name: string };
export type AccountRow = { id: Account; name: string; countryId: number | null };
export type UserRow = {
  accountId: Account;
  id: number;
  email: string;
  managerId: number | null;
  settings: { theme: 'dark' | 'light' };
};
export type ProjectRow = {
  accountId: Account;
  id: string;
  ownerId: number | null;
  name: string;
  budget: string | null;
  tags: string[];
  createdAt: Date;
  updatedAt: Date | null;
};
export type TaskRow = {
  accountId: Account;
  id: number;
  projectId: string;
  parentId: number | null;
  title: string;
  slug: string | null;
  status: 'open' | 'done';
  done: boolean;
  points: number | null;
};
export type LabelRow = { accountId: Account; id: number; name: string };
