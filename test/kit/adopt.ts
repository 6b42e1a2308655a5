/** The adoption path: plain tables with rows, a write-only release, and then the whole of it. */
import { expect } from 'vitest';
import { integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { referenceTable, tenancy, tenantTable } from '../../src/schema/index.js';
import type { TenancyOptions } from '../../src/kit/index.js';
import { History } from './support.js';

const account = tenancy('account', uuid);
const a1 = '00000000-0000-4000-8000-00000000000a';

const before = () => {
  const accounts = pgTable('accounts', { id: uuid().primaryKey() });
  const projects = pgTable('projects', {
    id: uuid().primaryKey().defaultRandom(),
    ownerId: uuid('owner_id').references(() => accounts.id),
    name: text().unique(),
  });
  const tasks = pgTable('tasks', {
    id: uuid().primaryKey().defaultRandom(),
    projectId: uuid('project_id').references(() => projects.id),
  });
  return { accounts, projects, tasks };
};
const after = () => {
  const accounts = tenantTable('accounts', { id: account.id().primaryKey() });
  const projects = tenantTable('projects', {
    accountId: account.id('account_id'),
    id: uuid().primaryKey().defaultRandom(),
    ownerId: uuid('owner_id'),
    name: text().unique(),
  });
  const tasks = tenantTable('tasks', {
    accountId: account.id('account_id'),
    id: uuid().primaryKey().defaultRandom(),
    projectId: uuid('project_id').references(() => projects.id),
  });
  const tags = referenceTable('tags', { id: integer().primaryKey() });
  return { accounts, projects, tasks, tags };
};
/** What a person may answer where drizzle-kit asks whether a key is new. */
export const answers = {
  created: [
    { type: 'create', kind: 'unique', entity: ['public', 'projects', 'projects_account_id_name_unique'] },
    {
      type: 'create',
      kind: 'foreign key',
      entity: ['public', 'tasks', 'tasks_account_id_project_id_projects_account_id_id_fkey'],
    },
  ],
  renamed: [
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
} as const;

export interface Engine {
  query(text: string): Promise<Record<string, unknown>[]>;
  migrate(statements: readonly string[]): Promise<void>;
}

export async function adopt(engine: Engine, answer: keyof typeof answers = 'created') {
  const history = new History();
  const citus: TenancyOptions = { citus: { shardCount: 4 } };
  await engine.migrate(await history.next({ schema: before(), tenancy: citus }));
  await engine.query(`INSERT INTO accounts VALUES ('${a1}')`);
  await engine.query(`INSERT INTO projects (owner_id, name) SELECT '${a1}', g::text FROM generate_series(1, 5) g`);
  await engine.query(`INSERT INTO tasks (project_id) SELECT id FROM projects`);

  // First release: the column is there, and old programs still write rows without it.
  const first = await history.next({
    schema: after(),
    hints: [...answers[answer]],
    tenancy: { ...citus, mode: 'write-only', uniquePerTenant: ['projects(name)'] },
  });
  expect(first.join('\n')).toContain('ALTER TABLE "projects" ADD COLUMN "account_id" uuid;');
  expect(first.join('\n')).not.toMatch(/"(projects|tasks)" (ADD CONSTRAINT|DROP CONSTRAINT|RENAME|ADD PRIMARY)/);
  await engine.migrate(first);
  await engine.query(`INSERT INTO projects (owner_id, name, account_id) VALUES ('${a1}', 'new', '${a1}')`);
  await engine.query(`INSERT INTO projects (owner_id, name) VALUES ('${a1}', 'old program')`);
  const again = await history.next({ schema: after(), tenancy: { ...citus, mode: 'write-only' } });
  expect(again.filter((it) => !it.startsWith('-- drizzle-tenant'))).toEqual([]);

  // Second release: the mode ends. Nothing tells the projects' tenant, so the migration stops before it changes a
  // thing.
  const second = await history.next({ schema: after(), tenancy: citus });
  await expect(engine.migrate(second)).rejects.toThrow('Fill in the tenant of every row of projects: write the UPDATE');
  expect((await engine.query('SELECT count(*)::int AS n FROM projects'))[0]!['n']).toBe(7);
  // A person writes the update; the tasks' own follows from it.
  const stop = second.findIndex((it) => it.startsWith('-- Stops when rows of projects'));
  const written = [
    ...second.slice(0, stop),
    'UPDATE projects SET account_id = owner_id WHERE account_id IS NULL;',
    ...second.slice(stop),
  ];
  await engine.migrate(written);
  expect((await engine.query('SELECT count(*)::int AS n FROM projects WHERE account_id IS NOT NULL'))[0]!['n']).toBe(7);
  expect(
    (
      await engine.query(
        'SELECT count(*)::int AS n FROM tasks t JOIN projects p ON (p.account_id, p.id) = (t.account_id, t.project_id)',
      )
    )[0]!['n'],
  ).toBe(5);
  await expect(engine.query(`INSERT INTO projects (owner_id, name) VALUES ('${a1}', 'late')`)).rejects.toThrow(
    /null value|partition column value/,
  );
  return { second };
}
