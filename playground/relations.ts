/**
 * How the tables lead to each other, in Drizzle's own words. None of these names the tenant column: a relation
 * between tenant tables carries it by itself, through a link table too.
 *
 * An application writes `defineTenantRelations(tables, (r) => ({ ... }))` and is done. Here the function has a
 * name, because the playground also gives it to plain Drizzle, to compare.
 */
import { defineRelations, type RelationsBuilder } from 'drizzle-orm';
import { defineTenantRelations, unscoped } from '../src/index.js';
import { tables } from './schema.js';

type Tables = { [K in keyof typeof tables]: ReturnType<typeof unscoped<(typeof tables)[K]>> };

const relate = (r: RelationsBuilder<Tables>) => ({
  accounts: {
    country: r.one.countries({ from: r.accounts.countryCode, to: r.countries.code }),
  },
  users: {
    country: r.one.countries({ from: r.users.countryCode, to: r.countries.code }),
    manager: r.one.managers({ from: r.users.id, to: r.managers.userId }),
  },
  managers: {
    user: r.one.users({ from: r.managers.userId, to: r.users.id, optional: false }),
    projects: r.many.projects({
      from: r.managers.id.through(r.projectManagers.managerId),
      to: r.projects.id.through(r.projectManagers.projectId),
    }),
  },
  projects: {
    tasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId }),
    managers: r.many.managers({
      from: r.projects.id.through(r.projectManagers.projectId),
      to: r.managers.id.through(r.projectManagers.managerId),
    }),
  },
  tasks: {
    project: r.one.projects({ from: r.tasks.projectId, to: r.projects.id, optional: false }),
    assignee: r.one.users({ from: r.tasks.assigneeId, to: r.users.id }),
    parent: r.one.tasks({ from: r.tasks.parentId, to: r.tasks.id, alias: 'parts' }),
    parts: r.many.tasks({ from: r.tasks.id, to: r.tasks.parentId, alias: 'parts' }),
  },
});

export const relations = defineTenantRelations(tables, relate);

/** The same for plain Drizzle, which knows no tenants. */
export const plainRelations = defineRelations(tables as unknown as Tables, relate);
