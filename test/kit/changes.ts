/** Each change over time of issue 3, as a schema before, rows in it, and a schema after. */
import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  foreignKey,
  index,
  integer,
  pgPolicy,
  pgSchema,
  pgTable,
  text,
  uuid,
  type PgTable,
} from 'drizzle-orm/pg-core';
import type { Hint } from 'drizzle-kit/api-postgres';
import { referenceTable, tenancy, tenantSchema, tenantTable, unscoped } from '../../src/schema/index.js';
import type { TenancyOptions } from '../../src/kit/index.js';
import { citus, type Schema } from './support.js';

export interface Change {
  readonly name: string;
  readonly before: () => Schema;
  readonly after: () => Schema;
  readonly hints?: Hint[];
  readonly tenancyBefore?: TenancyOptions;
  readonly tenancyAfter?: TenancyOptions;
  /** Rows before, over the schema before. */
  readonly rows: readonly string[];
  /** What must hold after: a query, and its first value. */
  readonly expect: readonly (readonly [query: string, value: unknown])[];
  /** An UPDATE that a person has to write, where nothing tells the tenant of older rows. */
  readonly write?: string;
  /** How Citus holds the tables after: `name column` or `name reference`. */
  readonly citus: readonly string[];
}

/** The migration with what a person writes into it, above the place where it would stop. */
export const written = (statements: readonly string[], { write }: Change): string[] =>
  statements.flatMap((it) => (write !== undefined && it.startsWith('-- Stops when rows of') ? [write, it] : [it]));

const account = tenancy('account', uuid);
const workspace = tenancy('workspace', uuid);
const a1 = '00000000-0000-4000-8000-00000000000a';
const a2 = '00000000-0000-4000-8000-00000000000b';
const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** countries (reference), accounts, projects, tasks. */
export function base(tenants = account) {
  const countries = referenceTable('countries', { id: integer().primaryKey(), name: text().notNull() });
  const accounts = tenantTable('accounts', {
    id: tenants.id().primaryKey().defaultRandom(),
    name: text().notNull(),
    countryId: integer('country_id').references(() => countries.id),
  });
  const projects = tenantTable('projects', {
    accountId: tenants.id('account_id').references(() => accounts.id, { onDelete: 'cascade' }),
    id: uuid().primaryKey().defaultRandom(),
    name: text().notNull().unique(),
  });
  const tasks = tenantTable(
    'tasks',
    {
      accountId: tenants.id('account_id'),
      id: uuid().primaryKey().defaultRandom(),
      projectId: uuid('project_id')
        .notNull()
        .references(() => projects.id, { onDelete: 'cascade' }),
      title: text().notNull(),
    },
    (t) => [index('tasks_title').on(t.title)],
  );
  return { countries, accounts, projects, tasks };
}

const indexedTasks = (projects: any, extra: (t: any) => any[]) =>
  tenantTable(
    'tasks',
    {
      accountId: account.id('account_id'),
      id: uuid().primaryKey().defaultRandom(),
      projectId: uuid('project_id')
        .notNull()
        .references(() => projects.id, { onDelete: 'cascade' }),
      title: text().notNull(),
    },
    extra,
  );

const baseRows = [
  `INSERT INTO countries VALUES (1, 'Chile'), (2, 'Ghana')`,
  `INSERT INTO accounts VALUES ('${a1}', 'one', 1), ('${a2}', 'two', 2)`,
  `INSERT INTO projects VALUES ('${a1}', '${id(1)}', 'p'), ('${a2}', '${id(2)}', 'q')`,
  `INSERT INTO tasks VALUES ('${a1}', '${id(11)}', '${id(1)}', 't'), ('${a1}', '${id(12)}', '${id(1)}', ` +
    `'u'), ('${a2}', '${id(13)}', '${id(2)}', 't')`,
];
const baseCitus = ['accounts id', 'countries reference', 'projects account_id', 'tasks account_id'];
const counts = (expected: Record<string, number>) =>
  Object.entries(expected).map(([table, n]) => [`SELECT count(*)::int FROM ${table}`, n] as const);
const baseCounts = counts({ countries: 2, accounts: 2, projects: 2, tasks: 3 });

const simple = (change: Partial<Change> & Pick<Change, 'name' | 'after'>): Change => ({
  before: base,
  rows: baseRows,
  expect: baseCounts,
  citus: baseCitus,
  ...change,
});

const plainTables = () => {
  const countries = pgTable('countries', { id: integer().primaryKey(), name: text().notNull() });
  const accounts = pgTable('accounts', {
    id: uuid().primaryKey().defaultRandom(),
    name: text().notNull(),
    countryId: integer('country_id').references(() => countries.id),
  });
  const projects = pgTable('projects', {
    teamId: uuid('team_id')
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    id: uuid().primaryKey().defaultRandom(),
    name: text().notNull().unique(),
  });
  const tasks = pgTable(
    'tasks',
    {
      id: uuid().primaryKey().defaultRandom(),
      projectId: uuid('project_id')
        .notNull()
        .references(() => projects.id, { onDelete: 'cascade' }),
      title: text().notNull(),
    },
    (t) => [index('tasks_title').on(t.title)],
  );
  return { countries, accounts, projects, tasks };
};
const plainRows = [
  ...baseRows.slice(0, 3),
  `INSERT INTO tasks (id, project_id, title) VALUES ('${id(11)}', '${id(1)}', 't'), ('${id(12)}', ` +
    `'${id(1)}', 'u'), ('${id(13)}', '${id(2)}', 't')`,
];

const withPolicy = () => {
  const { tasks: _, ...tables } = base();
  const tasks = tenantTable(
    'tasks',
    {
      accountId: account.id('account_id'),
      id: uuid().primaryKey().defaultRandom(),
      projectId: uuid('project_id')
        .notNull()
        .references(() => tables.projects.id, { onDelete: 'cascade' }),
      title: text().notNull(),
    },
    (t) => [index('tasks_title').on(t.title), pgPolicy('everyone', { using: sql`true` })],
  );
  return { ...tables, tasks };
};

export const changes: readonly Change[] = [
  simple({
    name: 'a new tenant table and a new reference table',
    after: () => {
      const tables = base();
      const tags = referenceTable('tags', { id: integer().primaryKey() });
      const notes = tenantTable('notes', {
        accountId: account.id('account_id'),
        id: uuid().primaryKey().defaultRandom(),
        taskId: uuid('task_id').references(() => tables.tasks.id),
        tagId: integer('tag_id').references(() => tags.id),
      });
      return { ...tables, tags, notes };
    },
    citus: [
      'accounts id',
      'countries reference',
      'notes account_id',
      'projects account_id',
      'tags reference',
      'tasks account_id',
    ],
  }),
  simple({
    name: 'plain tables become tenant tables',
    before: plainTables,
    rows: plainRows,
    tenancyAfter: { ...citus, uniquePerTenant: ['projects(name)'] },
    after: base,
    hints: [
      {
        type: 'rename',
        kind: 'column',
        from: ['public', 'projects', 'team_id'],
        to: ['public', 'projects', 'account_id'],
      },
      { type: 'create', kind: 'unique', entity: ['public', 'projects', 'projects_account_id_name_unique'] },
      {
        type: 'create',
        kind: 'foreign key',
        entity: ['public', 'tasks', 'tasks_account_id_project_id_projects_account_id_id_fkey'],
      },
    ],
    expect: [
      ...baseCounts,
      [`SELECT count(*)::int FROM tasks t JOIN projects p ON p.account_id = t.account_id AND p.id = t.project_id`, 3],
      [`SELECT count(*)::int FROM tasks WHERE account_id = '${a1}'`, 2],
    ],
  }),
  simple({
    name: 'plain tables become tenant tables, and their keys are renamed',
    before: plainTables,
    rows: plainRows,
    tenancyAfter: { ...citus, uniquePerTenant: ['projects(name)'] },
    after: base,
    hints: [
      {
        type: 'rename',
        kind: 'column',
        from: ['public', 'projects', 'team_id'],
        to: ['public', 'projects', 'account_id'],
      },
      {
        type: 'rename',
        kind: 'unique',
        from: ['public', 'projects', 'projects_name_key'],
        to: ['public', 'projects', 'projects_account_id_name_unique'],
      },
      {
        type: 'rename',
        kind: 'foreign key',
        from: ['public', 'tasks', 'tasks_project_id_projects_id_fkey'],
        to: ['public', 'tasks', 'tasks_account_id_project_id_projects_account_id_id_fkey'],
      },
    ],
    expect: [...baseCounts, [`SELECT count(*)::int FROM tasks WHERE account_id = '${a1}'`, 2]],
  }),
  simple({
    name: 'a plain table becomes a reference table',
    before: () => ({ ...base(), plans: pgTable('plans', { id: integer().primaryKey(), name: text() }) }),
    rows: [...baseRows, `INSERT INTO plans VALUES (1, 'free'), (2, 'paid')`],
    after: () => ({ ...base(), plans: referenceTable('plans', { id: integer().primaryKey(), name: text() }) }),
    expect: [...baseCounts, ...counts({ plans: 2 })],
    citus: ['accounts id', 'countries reference', 'plans reference', 'projects account_id', 'tasks account_id'],
  }),
  simple({
    name: 'a reference table becomes a tenant table, and the keys that lead to it stay',
    before: () => {
      const tables = base();
      const labels = referenceTable('labels', {
        id: uuid().primaryKey(),
        projectId: uuid('project_id'),
        countryId: integer('country_id').references(() => tables.countries.id),
        name: text(),
      });
      return { ...tables, labels };
    },
    rows: [
      ...baseRows,
      `INSERT INTO labels VALUES ('${id(31)}', '${id(1)}', 1, 'red'), ('${id(32)}', '${id(2)}', 2, 'blue')`,
    ],
    after: () => {
      const tables = base();
      const labels = tenantTable('labels', {
        accountId: account.id('account_id'),
        id: uuid().primaryKey(),
        projectId: uuid('project_id').references(() => tables.projects.id),
        countryId: integer('country_id').references(() => tables.countries.id),
        name: text(),
      });
      return { ...tables, labels };
    },
    // The projects' key holds the tenant: their id alone names a row of some tenant, and nobody knows whose.
    write: 'UPDATE labels SET account_id = p.account_id FROM projects p WHERE p.id = labels.project_id;',
    expect: [...baseCounts, ...counts({ labels: 2 }), [`SELECT account_id FROM labels WHERE name = 'blue'`, a2]],
    citus: ['accounts id', 'countries reference', 'labels account_id', 'projects account_id', 'tasks account_id'],
  }),
  simple({
    name: 'a tenant table becomes a reference table',
    before: () => {
      const tables = base();
      return {
        ...tables,
        tags: tenantTable('tags', {
          accountId: account.id('account_id').references(() => tables.accounts.id),
          id: integer().primaryKey(),
        }),
      };
    },
    rows: [...baseRows, `INSERT INTO tags VALUES ('${a1}', 1), ('${a2}', 2)`],
    after: () => ({ ...base(), tags: referenceTable('tags', { id: integer().primaryKey() }) }),
    expect: [...baseCounts, ...counts({ tags: 2 })],
    citus: ['accounts id', 'countries reference', 'projects account_id', 'tags reference', 'tasks account_id'],
  }),
  simple({
    name: 'a tenant table and a reference table become plain tables',
    after: () => {
      const { accounts: _, ...tables } = base();
      const countries = pgTable('countries', { id: integer().primaryKey(), name: text().notNull() });
      const accounts = tenantTable('accounts', {
        id: account.id().primaryKey().defaultRandom(),
        name: text().notNull(),
        countryId: integer('country_id'),
      });
      const projects = tenantTable('projects', {
        accountId: account.id('account_id').references(() => accounts.id, { onDelete: 'cascade' }),
        id: uuid().primaryKey().defaultRandom(),
        name: text().notNull().unique(),
      });
      const tasks = pgTable(
        'tasks',
        {
          accountId: uuid('account_id').notNull(),
          id: uuid().primaryKey().defaultRandom(),
          projectId: uuid('project_id').notNull(),
          title: text().notNull(),
        },
        (t) => [index('tasks_title').on(t.title)],
      );
      return { ...tables, countries, accounts, projects, tasks };
    },
    citus: ['accounts id', 'projects account_id'],
  }),
  simple({
    name: 'a tenant table is dropped',
    after: () => {
      const { tasks: _, ...tables } = base();
      return tables;
    },
    expect: counts({ countries: 2, accounts: 2, projects: 2 }),
    citus: ['accounts id', 'countries reference', 'projects account_id'],
  }),
  simple({
    name: 'tables are renamed and moved to another schema',
    after: () => {
      const app = pgSchema('app');
      const { table } = tenantSchema(app);
      const { countries, accounts } = base();
      const projects = table('projects', {
        accountId: account.id('account_id').references(() => accounts.id, { onDelete: 'cascade' }),
        id: uuid().primaryKey().defaultRandom(),
        name: text().notNull().unique(),
      });
      const todos = tenantTable(
        'todos',
        {
          accountId: account.id('account_id'),
          id: uuid().primaryKey().defaultRandom(),
          projectId: uuid('project_id')
            .notNull()
            .references(() => projects.id, { onDelete: 'cascade' }),
          title: text().notNull(),
        },
        (t) => [index('tasks_title').on(t.title)],
      );
      return { app, countries, accounts, projects, todos };
    },
    hints: [
      { type: 'rename', kind: 'table', from: ['public', 'tasks'], to: ['public', 'todos'] },
      { type: 'rename', kind: 'table', from: ['public', 'projects'], to: ['app', 'projects'] },
    ],
    expect: counts({ countries: 2, accounts: 2, 'app.projects': 2, todos: 3 }),
    citus: ['accounts id', 'app.projects account_id', 'countries reference', 'todos account_id'],
  }),
  simple({
    name: 'the tenant column is renamed',
    after: () => {
      const { countries, accounts } = base();
      const projects = tenantTable('projects', {
        ownerId: account.id('owner_id').references(() => accounts.id, { onDelete: 'cascade' }),
        id: uuid().primaryKey().defaultRandom(),
        name: text().notNull().unique(),
      });
      const tasks = tenantTable(
        'tasks',
        {
          accountId: account.id('account_id'),
          id: uuid().primaryKey().defaultRandom(),
          projectId: uuid('project_id')
            .notNull()
            .references(() => projects.id, { onDelete: 'cascade' }),
          title: text().notNull(),
        },
        (t) => [index('tasks_title').on(t.title)],
      );
      return { countries, accounts, projects, tasks };
    },
    hints: [
      {
        type: 'rename',
        kind: 'column',
        from: ['public', 'projects', 'account_id'],
        to: ['public', 'projects', 'owner_id'],
      },
    ],
    citus: ['accounts id', 'countries reference', 'projects owner_id', 'tasks account_id'],
  }),
  simple({
    name: 'constraints are added to a distributed table',
    after: () => {
      const { countries, accounts, projects } = base();
      const tasks = tenantTable(
        'tasks',
        {
          accountId: account.id('account_id'),
          id: uuid().primaryKey().defaultRandom(),
          projectId: uuid('project_id')
            .notNull()
            .references(() => projects.id, { onDelete: 'cascade' }),
          parentId: uuid('parent_id'),
          countryId: integer('country_id').references(() => countries.id),
          title: text().notNull(),
        },
        (t) => [
          index('tasks_title').on(t.title),
          check('title_is_short', sql`length(title) < 100`),
          foreignKey({ columns: [t.parentId], foreignColumns: [t.id] as any, name: 'tasks_parent' }),
        ],
      );
      return { countries, accounts, projects, tasks };
    },
  }),
  simple({
    name: 'indexes get the tenant column, under their name and under another',
    before: () => {
      const { tasks: _, ...tables } = base();
      return {
        ...tables,
        tasks: indexedTasks(tables.projects, (t) => [
          unscoped(index('tasks_title').on(t.title.desc())),
          unscoped(index().on(t.title, t.id)),
        ]),
      };
    },
    after: () => {
      const { tasks: _, ...tables } = base();
      return {
        ...tables,
        tasks: indexedTasks(tables.projects, (t) => [
          index('tasks_title').on(t.title.desc()).concurrently(),
          index().on(t.title, t.id),
        ]),
      };
    },
    hints: [{ type: 'create', kind: 'index', entity: ['public', 'tasks', 'tasks_account_id_title_id_index'] }] as any,
    expect: [
      ...baseCounts,
      [
        "SELECT string_agg(indexrelid::regclass::text, ',' ORDER BY indexrelid::regclass::text) " +
          "FROM pg_index WHERE indrelid = 'tasks'::regclass AND indisvalid",
        'tasks_account_id_project_id_index,tasks_account_id_title_id_index,tasks_pkey,tasks_title',
      ],
      [
        "SELECT count(*)::int FROM pg_indexes WHERE tablename = 'tasks' AND indexdef ~ 'account_id, " +
          "title DESC|account_id, title, id'",
        2,
      ],
    ],
  }),
  simple({
    name: 'the shard count changes',
    tenancyAfter: { citus: { shardCount: 8 } },
    after: base,
    expect: [...baseCounts],
  }),
  simple({
    name: 'a second tenancy is added, then holds a table of its own',
    after: () => {
      const workspaces = tenantTable('workspaces', { id: workspace.id().primaryKey() });
      const pages = tenantTable('pages', {
        workspaceId: workspace.id('workspace_id').references(() => workspaces.id),
        id: uuid().primaryKey(),
      });
      return { ...base(), workspaces, pages };
    },
    citus: [
      'accounts id',
      'countries reference',
      'pages workspace_id',
      'projects account_id',
      'tasks account_id',
      'workspaces id',
    ],
  }),
  simple({
    name: 'two tenancies are co-located',
    before: () => {
      const workspaces = tenantTable('workspaces', { id: workspace.id().primaryKey() });
      const pages = tenantTable('pages', {
        workspaceId: workspace.id('workspace_id').references(() => workspaces.id),
        id: uuid().primaryKey(),
      });
      return { ...base(), workspaces, pages };
    },
    rows: [...baseRows, `INSERT INTO workspaces VALUES ('${a1}')`, `INSERT INTO pages VALUES ('${a1}', '${id(51)}')`],
    after: () => {
      const workspaces = tenantTable('workspaces', { id: workspace.id().primaryKey() });
      const pages = tenantTable('pages', {
        workspaceId: workspace.id('workspace_id').references(() => workspaces.id),
        id: uuid().primaryKey(),
      });
      return { ...base(), workspaces, pages };
    },
    tenancyAfter: { citus: { shardCount: 4, tenancies: { workspace: { colocateWith: 'account' } } } },
    expect: [...baseCounts, ...counts({ workspaces: 1, pages: 1 })],
    citus: [
      'accounts id',
      'countries reference',
      'pages workspace_id',
      'projects account_id',
      'tasks account_id',
      'workspaces id',
    ],
  }),
  simple({
    name: 'a plain table that another points at becomes a reference table',
    before: () => {
      const plans = pgTable('plans', { id: integer().primaryKey() });
      return {
        ...base(),
        plans,
        orders: pgTable('orders', {
          id: integer().primaryKey(),
          planId: integer('plan_id').references(() => plans.id),
        }),
      };
    },
    rows: [...baseRows, `INSERT INTO plans VALUES (1)`, `INSERT INTO orders VALUES (7, 1)`],
    after: () => {
      const plans = referenceTable('plans', { id: integer().primaryKey() });
      return {
        ...base(),
        plans,
        orders: pgTable('orders', {
          id: integer().primaryKey(),
          planId: integer('plan_id').references(() => plans.id),
        }),
      };
    },
    expect: [...baseCounts, ...counts({ plans: 1, orders: 1 })],
    citus: ['accounts id', 'countries reference', 'plans reference', 'projects account_id', 'tasks account_id'],
  }),
  simple({
    name: 'Citus is switched on for tables with rows',
    tenancyBefore: { citus: false, rls: true },
    tenancyAfter: { ...citus, rls: true },
    after: base,
  }),
  simple({
    name: 'Citus is switched off',
    tenancyAfter: { citus: false },
    after: base,
    citus: [],
  }),
  simple({
    name: 'a tenancy gets another name',
    after: () => base(tenancy('customer', uuid) as never),
  }),
  simple({
    name: 'a table moves to another tenancy, by a column that it has',
    before: () => {
      const workspaces = tenantTable('workspaces', { id: workspace.id().primaryKey() });
      const pages = tenantTable('pages', {
        accountId: account.id('account_id'),
        workspaceId: uuid('workspace_id').notNull(),
        id: uuid().primaryKey(),
      });
      return { ...base(), workspaces, pages };
    },
    tenancyBefore: { ...citus, rls: true },
    rows: [
      ...baseRows,
      `INSERT INTO workspaces VALUES ('${id(41)}')`,
      `INSERT INTO pages VALUES ('${a1}', '${id(41)}', '${id(51)}')`,
    ],
    after: () => {
      const workspaces = tenantTable('workspaces', { id: workspace.id().primaryKey() });
      const pages = tenantTable('pages', {
        accountId: uuid('account_id').notNull(),
        workspaceId: workspace.id('workspace_id').references(() => workspaces.id),
        id: uuid().primaryKey(),
      });
      return { ...base(), workspaces, pages };
    },
    expect: [...baseCounts, ...counts({ workspaces: 1, pages: 1 })],
    citus: [
      'accounts id',
      'countries reference',
      'pages workspace_id',
      'projects account_id',
      'tasks account_id',
      'workspaces id',
    ],
  }),
  simple({
    name: 'policies are switched on',
    tenancyAfter: { ...citus, rls: true },
    after: base,
  }),
  simple({
    name: 'a policy of the schema itself gets the tenant condition',
    tenancyBefore: { ...citus, rls: true },
    after: withPolicy,
    expect: [
      ...baseCounts,
      [
        "SELECT string_agg(polname || ' ' || polpermissive, ', ' ORDER BY polname) FROM pg_policy " +
          "WHERE polrelid = 'tasks'::regclass",
        'everyone true',
      ],
    ],
  }),
  simple({
    name: 'a policy of the schema itself stands beside our restrictive one',
    tenancyBefore: { citus: false, rls: true },
    after: withPolicy,
    expect: [
      ...baseCounts,
      [
        "SELECT string_agg(polname || ' ' || polpermissive, ', ' ORDER BY polname) FROM pg_policy " +
          "WHERE polrelid = 'tasks'::regclass",
        'everyone true, tenant_isolation false',
      ],
    ],
    citus: [],
  }),
  simple({
    name: 'Citus is switched on beside a policy of the schema itself',
    tenancyBefore: { citus: false, rls: true },
    tenancyAfter: { ...citus, rls: true },
    before: withPolicy,
    after: withPolicy,
    expect: [
      ...baseCounts,
      [
        "SELECT string_agg(polname || ' ' || polpermissive, ', ' ORDER BY polname) FROM pg_policy " +
          "WHERE polrelid = 'tasks'::regclass",
        'everyone true',
      ],
    ],
  }),
  simple({
    name: 'row-level security is switched off beside a policy of the schema itself',
    tenancyBefore: { ...citus, rls: true },
    tenancyAfter: citus,
    before: withPolicy,
    after: withPolicy,
    expect: [
      ...baseCounts,
      [
        "SELECT string_agg(polname || ' ' || pg_get_expr(polqual, polrelid), ', ') FROM pg_policy " +
          "WHERE polrelid = 'tasks'::regclass",
        'everyone true',
      ],
      [`SELECT relrowsecurity AND NOT relforcerowsecurity FROM pg_class WHERE oid = 'tasks'::regclass`, true],
    ],
  }),
  simple({
    name: 'the schema drops its own policy, and ours stays',
    tenancyBefore: { ...citus, rls: true },
    before: withPolicy,
    after: base,
    expect: [
      ...baseCounts,
      [
        "SELECT string_agg(polname || ' ' || polpermissive, ', ' ORDER BY polname) FROM pg_policy " +
          "WHERE polrelid = 'tasks'::regclass",
        'tenant_isolation true',
      ],
      [`SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = 'tasks'::regclass`, true],
    ],
  }),
  simple({
    name: 'policies are switched off',
    tenancyBefore: { ...citus, rls: true },
    after: base,
    tenancyAfter: citus,
  }),
];

export { a1, a2, id, baseRows, account, bigint, type PgTable };
