/**
 * The sample application: accounts, which are the tenants, with their users, managers, projects and tasks, and
 * the countries of the world, which all accounts share.
 *
 * In an application of your own, import from 'drizzle-tenant' what is imported here from '../src/index.js'.
 */
import { type AnyPgColumn, char, date, index, integer, pgEnum, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { tenancy, tenantTableCreator } from '../src/index.js';

/** The one kind of tenant. `account.id()` is a tenant column, `account.parse(value)` a tenant's id. */
export const account = tenancy('account', uuid);

const { table, referenceTable } = tenantTableCreator((name) => name, 'snake_case');

/** ISO 3166: no tenant column, read by every tenant, written through `db.shared`. */
export const countries = referenceTable('countries', {
  code: char({ length: 2 }).primaryKey(),
  alpha3: char({ length: 3 }).notNull().unique(),
  numeric: char({ length: 3 }).notNull().unique(),
  name: text().notNull(),
});

/** The root: an account is its own tenant. */
export const accounts = table('accounts', {
  id: account.id().primaryKey().defaultRandom(),
  name: text().notNull(),
  countryCode: char({ length: 2 }).references(() => countries.code),
});

export const users = table('users', {
  accountId: account.id().references(() => accounts.id, { onDelete: 'cascade' }),
  id: integer().primaryKey(), // PRIMARY KEY (account_id, id): every account has a user 1
  name: text().notNull(),
  email: text().notNull().unique(), // UNIQUE (account_id, email)
  // What a token has to know besides the number, which the next user gets when this one is gone.
  tokenKey: uuid().notNull().defaultRandom(),
  countryCode: char({ length: 2 }).references(() => countries.code),
});

/** A user who may manage projects. */
export const managers = table('managers', {
  accountId: account.id(),
  id: integer().primaryKey(),
  userId: integer()
    .notNull()
    .unique()
    .references(() => users.id, { onDelete: 'cascade' }), // FOREIGN KEY (account_id, user_id)
  title: text().notNull(),
});

export const projects = table('projects', {
  accountId: account.id().references(() => accounts.id, { onDelete: 'cascade' }),
  id: integer().primaryKey(),
  name: text().notNull().unique(),
  budget: integer().notNull().default(0),
  startsOn: date({ mode: 'string' }),
});

/** Who manages what: the link of a many-to-many relation carries the tenant as well. */
export const projectManagers = table(
  'project_managers',
  {
    accountId: account.id(),
    projectId: integer()
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    managerId: integer()
      .notNull()
      .references(() => managers.id, { onDelete: 'cascade' }),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.managerId] })],
);

export const taskStatus = pgEnum('task_status', ['open', 'doing', 'done']);

export const tasks = table(
  'tasks',
  {
    accountId: account.id(),
    id: integer().primaryKey(),
    projectId: integer()
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    parentId: integer().references((): AnyPgColumn => tasks.id, { onDelete: 'cascade' }),
    assigneeId: integer().references(() => users.id),
    title: text().notNull(),
    status: taskStatus().notNull().default('open'),
    hours: integer().notNull().default(0),
  },
  (t) => [index().on(t.projectId, t.status)],
);

export const tables = { countries, accounts, users, managers, projects, projectManagers, tasks };
