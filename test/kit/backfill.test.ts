/** Whose row is it? A tenant is filled in through what named one row before the migration, and nothing else. */
import { sql } from 'drizzle-orm';
import { foreignKey, integer, pgTable, primaryKey, text, unique, uniqueIndex } from 'drizzle-orm/pg-core';
import type { Hint } from 'drizzle-kit/api-postgres';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tenancy, tenantTable } from '../../src/schema/index.js';
import type { TenancyOptions } from '../../src/kit/index.js';
import { createDatabase, type Database } from './database.js';
import { History, type Schema } from './support.js';

const team = tenancy('team', integer);
const plain: TenancyOptions = { citus: false, uniquePerTenant: ['*(id)', '*(slug)', '*(name)', '*(code)', '*(email)'] };
let database: Database;
let client: postgres.Sql;
beforeAll(async () => {
  database = await createDatabase();
  client = postgres(database.url(), { max: 1, onnotice: () => {} });
});
beforeEach(() => client.unsafe('DROP SCHEMA public CASCADE; CREATE SCHEMA public'));
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

const run = (statements: readonly string[]) =>
  client.begin(async (tx) => {
    for (const statement of statements) await tx.unsafe(statement);
  });
const rows = async (query: string) => [...(await client.unsafe(query))];

async function migration(before: Schema, inserts: string, after: Schema, hints: Hint[] = []) {
  const history = new History();
  await run(await history.next({ schema: before, tenancy: plain }));
  await client.unsafe(inserts);
  return history.next({ schema: after, tenancy: plain, hints });
}

describe('a key that holds the tenant column tells nobody whose row it is', { timeout: 60_000 }, () => {
  const before = () => {
    const categories = pgTable('categories', { teamId: integer('team_id').notNull(), slug: text().notNull() }, (t) => [
      primaryKey({ columns: [t.teamId, t.slug] }),
    ]);
    const hints = pgTable(
      'hints',
      { id: integer().primaryKey(), teamId: integer('team_id'), slug: text().notNull() },
      (t) => [
        foreignKey({
          columns: [t.teamId, t.slug],
          foreignColumns: [categories.teamId, categories.slug],
          name: 'hints_category',
        }),
      ],
    );
    return { categories, hints };
  };
  const after = () => {
    const categories = tenantTable('categories', { teamId: team.id('team_id'), slug: text().notNull().primaryKey() });
    const hints = tenantTable(
      'hints',
      { teamId: team.id('team_id'), id: integer().primaryKey(), slug: text().notNull() },
      (t) => [foreignKey({ columns: [t.slug], foreignColumns: [categories.slug] as any, name: 'hints_category' })],
    );
    return { categories, hints };
  };

  it('stops and asks, and no hint gets a team', async () => {
    const statements = await migration(
      before(),
      `insert into categories values (1, 'red'), (2, 'red'); insert into hints values (1, null, 'red'), (2, 1, 'red')`,
      after(),
    );
    expect(statements.filter((it) => /UPDATE "hints"/.test(it))).toEqual([]);
    await expect(run(statements)).rejects.toThrow('Fill in the tenant of every row of hints: write the UPDATE');
    expect(await rows('select id, team_id from hints order by id')).toEqual([
      { id: 1, team_id: null },
      { id: 2, team_id: 1 },
    ]);
  });
});

describe('a column that was not unique before', { timeout: 60_000 }, () => {
  const before = (slugs: 'unique' | 'unique index' | 'partial index' | 'none') => {
    const teams = pgTable('teams', { id: integer().primaryKey() });
    const projects = pgTable(
      'projects',
      { teamId: integer('team_id').notNull(), id: integer().primaryKey(), slug: text().notNull() },
      (t) => [
        ...(slugs === 'unique' ? [unique('slugs').on(t.slug)] : []),
        ...(slugs === 'unique index' ? [uniqueIndex('slugs').on(t.slug)] : []),
        ...(slugs === 'partial index' ? [uniqueIndex('slugs').on(t.slug).where(sql`id > 100`)] : []),
      ],
    );
    const notes = pgTable('notes', { id: integer().primaryKey(), slug: text().notNull() });
    return { teams, projects, notes };
  };
  const after = () => {
    const teams = tenantTable('teams', { id: team.id().primaryKey() });
    const projects = tenantTable(
      'projects',
      { teamId: team.id('team_id'), id: integer().primaryKey(), slug: text().notNull() },
      (t) => [unique('slug_key').on(t.teamId, t.slug)],
    );
    const notes = tenantTable(
      'notes',
      { teamId: team.id('team_id'), id: integer().primaryKey(), slug: text().notNull() },
      (t) => [foreignKey({ columns: [t.slug], foreignColumns: [projects.slug] as any, name: 'notes_project' })],
    );
    return { teams, projects, notes };
  };
  const hints: Hint[] = [{ type: 'create', kind: 'unique', entity: ['public', 'projects', 'slug_key'] }];
  const inserts =
    "insert into teams values (1), (2); insert into projects values (1, 1, 'a'), (2, 2, 'b'); insert into " +
    "notes values (1, 'a'), (2, 'b')";

  it.each(['unique', 'unique index'] as const)('fills in through what was: %s', async (slugs) => {
    await run(await migration(before(slugs), inserts, after(), hints));
    expect(await rows('select id, team_id from notes order by id')).toEqual([
      { id: 1, team_id: 1 },
      { id: 2, team_id: 2 },
    ]);
  });

  it.each(['none', 'partial index'] as const)('stops where it was not: %s', async (slugs) => {
    const statements = await migration(
      before(slugs),
      `${inserts}; insert into projects values (2, 3, 'a')`,
      after(),
      hints,
    );
    await expect(run(statements)).rejects.toThrow('Fill in the tenant of every row of notes: write the UPDATE');
  });
});

it('two parents that tell different tenants', { timeout: 60_000 }, async () => {
  const before = () => {
    const projects = pgTable('projects', { teamId: integer('team_id').notNull(), id: integer().primaryKey() });
    const people = pgTable('people', { teamId: integer('team_id').notNull(), id: integer().primaryKey() });
    const tasks = pgTable('tasks', {
      id: integer().primaryKey(),
      projectId: integer('project_id').references(() => projects.id),
      personId: integer('person_id').references(() => people.id),
    });
    return { projects, people, tasks };
  };
  const after = () => {
    const projects = tenantTable('projects', { teamId: team.id('team_id'), id: integer().primaryKey() });
    const people = tenantTable('people', { teamId: team.id('team_id'), id: integer().primaryKey() });
    // The key to people goes, so that nothing later would tell.
    const tasks = tenantTable('tasks', {
      teamId: team.id('team_id'),
      id: integer().primaryKey(),
      projectId: integer('project_id').references(() => projects.id),
      personId: integer('person_id'),
    });
    return { projects, people, tasks };
  };
  const hints: Hint[] = [
    {
      type: 'create',
      kind: 'foreign key',
      entity: ['public', 'tasks', 'tasks_team_id_project_id_projects_team_id_id_fkey'],
    },
  ];
  const statements = await migration(
    before(),
    'insert into projects values (1, 1); insert into people values (2, 1); insert into tasks values (1, 1, 1)',
    after(),
    hints,
  );
  await expect(run(statements)).rejects.toThrow(
    new RegExp(
      'Decide the tenant of the rows of tasks that point at rows of people of another tenant.*' +
        'SELECT "tasks"\\.\\* FROM "tasks" JOIN "people"',
    ),
  );
});

describe('in write-only mode', { timeout: 60_000 }, () => {
  const before = () => {
    const teams = pgTable('teams', { id: integer().primaryKey() });
    const projects = pgTable(
      'projects',
      {
        id: integer().primaryKey(),
        ownerId: integer('owner_id').references(() => teams.id),
        slug: text().notNull(),
        code: text(),
      },
      (t) => [uniqueIndex('slugs').on(t.slug)],
    );
    return { teams, projects };
  };
  const after = () => {
    const teams = tenantTable('teams', { id: team.id().primaryKey() });
    const projects = tenantTable(
      'projects',
      {
        teamId: team.id('team_id'),
        id: integer().primaryKey(),
        ownerId: integer('owner_id'),
        slug: text().notNull(),
        code: text(),
      },
      (t) => [uniqueIndex('slugs').on(t.slug), uniqueIndex('codes').on(t.code)],
    );
    return { teams, projects };
  };

  it('keeps rows unique all along, and names those that a new key forbids', async () => {
    const history = new History();
    await run(await history.next({ schema: before(), tenancy: plain }));
    await client.unsafe(
      `insert into teams values (1), (2); insert into projects values (1, 1, 'a', 'x'), (2, 1, 'b', 'x')`,
    );
    const first = await history.next({ schema: after(), tenancy: { ...plain, mode: 'write-only' } });
    expect(first.filter((it) => /INDEX/.test(it))).toEqual([]);
    await run(first);
    await expect(client.unsafe(`insert into projects values (3, 1, 'a', null)`)).rejects.toThrow('slugs');
    const second = await history.next({ schema: after(), tenancy: plain });
    const stop = second.findIndex((it) => it.startsWith('-- Stops when rows of projects have'));
    const filled = [...second.slice(0, stop), 'update projects set team_id = owner_id;', ...second.slice(stop)];
    await expect(run(filled)).rejects.toThrow(
      /Make the rows of projects differ in team_id, code.*SELECT "team_id", "code", count\(\*\) FROM "projects" WHERE/,
    );
    await expect(client.unsafe(`insert into projects values (3, 1, 'a', null)`)).rejects.toThrow('slugs');
    await client.unsafe(`update projects set code = 'y' where id = 2`);
    await run(filled);
    await client.unsafe(`insert into projects (team_id, id, slug) values (2, 3, 'a')`);
    await expect(client.unsafe(`insert into projects (team_id, id, slug) values (2, 4, 'a')`)).rejects.toThrow('slugs');
  });
});
