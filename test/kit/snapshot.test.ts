/** Our reading of drizzle-kit's snapshots, held against drizzle-kit's own; and the state beside them. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reconstruct } from 'drizzle-kit/api-postgres';
import { afterAll, describe, expect, it } from 'vitest';
import { entitiesAt, leavesOf, readMigrations } from '../../src/kit/snapshot.js';
import { editedMigrations } from '../../src/kit/generate/edited.js';
import { emptyState, printState, sameState, stateAt, type TenancyState } from '../../src/kit/state.js';
import { joinStatements, splitSql, splitStatements } from '../../src/kit/statements.js';
import { account, Project, removeProjects, small } from './project.js';

afterAll(removeProjects);

it('reconstructs what drizzle-kit reconstructs, through renames and moves', { timeout: 60_000 }, async () => {
  const project = new Project({
    'schema.ts': `${small}
export const app = pgSchema('app');
export const status = app.enum('status', ['a', 'b']);
export const tasks = tenantTable('tasks', {
  accountId: account.id('account_id'),
  id: uuid().primaryKey(),
  state: status(),
  projectId: uuid('project_id').references(() => projects.id),
  title: text().unique(),
});\n`,
  });
  await project.drizzleKit('generate', '--name', 'a');
  project.write(
    'schema.ts',
    `${account}
export const countries = referenceTable('lands', { code: integer().primaryKey(), name: text() });
export const accounts = tenantTable('accounts', {
  id: account.id().primaryKey(),
  countryId: integer('country_id').references(() => countries.code),
});
export const core = pgSchema('core');
export const status = core.enum('status', ['a', 'b']);
export const projects = tenantSchema(core).table('projects', {
  ownerId: account.id('owner_id').references(() => accounts.id),
  id: uuid().primaryKey(),
});
export const todos = tenantTable('todos', {
  accountId: account.id('account_id'),
  id: uuid().primaryKey(),
  state: status(),
  projectId: uuid('project_id').references(() => projects.id),
  title: text().unique(),
});\n`,
  );
  const rename = (kind: string, from: string[], to: string[]) => ({ type: 'rename', kind, from, to });
  const hints = [
    rename('schema', ['app'], ['core']),
    rename('table', ['public', 'countries'], ['public', 'lands']),
    rename('table', ['public', 'tasks'], ['public', 'todos']),
    rename('table', ['public', 'projects'], ['core', 'projects']),
    rename('column', ['public', 'lands', 'id'], ['public', 'lands', 'code']),
    rename('column', ['core', 'projects', 'account_id'], ['core', 'projects', 'owner_id']),
  ];
  const renamed = await project.drizzleKit(
    'generate',
    '--name',
    'b',
    '--output',
    'json',
    '--hints',
    JSON.stringify(hints),
  );
  expect(renamed).toMatchObject({ code: 0 });
  expect(JSON.parse(renamed.stdout).status).toBe('ok');
  expect(project.last()).not.toContain('create_distributed_table');
  const out = join(project.folder, 'drizzle');
  const migrations = readMigrations(out);
  const files = Object.fromEntries(
    readdirSync(out).map((it) => [it, JSON.parse(readFileSync(join(out, it, 'snapshot.json'), 'utf8'))]),
  );
  for (const { snapshot } of migrations) {
    const theirs = (await reconstruct(files, snapshot.id)).ddl as any[];
    const ours = entitiesAt(migrations, [snapshot.id]);
    const sorted = (rows: any[]) => rows.map((it) => JSON.stringify(it, Object.keys(it).sort())).sort();
    for (const type of ['schemas', 'tables', 'columns', 'fks', 'pks', 'uniques', 'indexes', 'policies', 'enums']) {
      expect(sorted(ours.list(type))).toEqual(sorted(theirs.filter((it) => it.entityType === type)));
    }
  }
  expect(
    Object.values(stateAt(migrations, leavesOf(migrations)).tables).map((it) => [it.schema, it.name, it.column]),
  ).toEqual([
    ['core', 'projects', 'owner_id'],
    ['public', 'accounts', 'id'],
    ['public', 'lands', undefined],
    ['public', 'todos', 'account_id'],
  ]);
  // A hand that takes the distribution out is noticed; one that adds a backfill is not.
  expect(editedMigrations(out)).toEqual([]);
  const first = `drizzle/${project.migrations[0]}/migration.sql`;
  project.write(first, `${project.read(first)};--> statement-breakpoint\nUPDATE projects SET id = id;`);
  expect(editedMigrations(out)).toEqual([]);
  project.write(first, project.read(first).replace(/PERFORM create_distributed_table\('"tasks".*/, ''));
  expect(editedMigrations(out)).toMatchObject([{ migration: project.migrations[0], table: 'public.tasks' }]);
});

describe('tenancy.json', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kit-state-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const table = (name: string) => ({ schema: 'public', name, kind: 'reference' as const });
  const state = (...names: string[]): TenancyState => ({
    ...emptyState,
    tables: Object.fromEntries(names.map((it) => [`public.${it}`, table(it)])),
  });
  const write = (name: string, prevIds: string[], files: Record<string, string>) => {
    mkdirSync(join(folder, name));
    const snapshot = { id: name, prevIds, version: '9', ...(prevIds.length > 0 ? { deltas: [] } : { ddl: [] }) };
    for (const [file, text] of Object.entries({
      'snapshot.json': JSON.stringify(snapshot),
      'migration.sql': '',
      ...files,
    }))
      writeFileSync(join(folder, name, file), text);
  };

  it('is found through prevIds, past migrations without one, and merged over branches', () => {
    write('1', [], { 'tenancy.json': printState(state('a', 'b')) });
    write('2', ['1'], { 'migration.sql': 'SELECT 1' });
    write('3', ['2'], { 'tenancy.json': printState(state('a', 'b', 'c')) });
    write('4', ['2'], { 'tenancy.json': printState(state('a', 'd')) });
    const migrations = readMigrations(folder);
    expect(stateAt(migrations, ['2'])).toEqual(state('a', 'b'));
    expect(sameState(stateAt(migrations, ['3', '4']), state('a', 'c', 'd'))).toBe(true);
    expect(stateAt(migrations, [])).toEqual(emptyState);
  });

  it('is missed where the migration was written with one', () => {
    write('5', ['4'], { 'migration.sql': '-- drizzle-tenant: what follows ...' });
    expect(() => stateAt(readMigrations(folder), ['5'])).toThrow(
      /Restore .*tenancy.json from git: its migration.sql was written together with it/,
    );
  });

  it.each(['snapshot.json', 'migration.sql'])('is not without its %s', (file) => {
    write('6', ['5'], { 'tenancy.json': printState(state('a')) });
    rmSync(join(folder, '6', file));
    expect(() => readMigrations(folder)).toThrow(new RegExp(`^Restore .*6.${file} from git: `));
    rmSync(join(folder, '6'), { recursive: true });
  });
});

it('takes statements apart and puts them together', () => {
  const sql = `CREATE TABLE "a;b" (x text DEFAULT ';''');\nSELECT $x$ ; $x$, $$;$$; -- ;\nSELECT /* ; */ 2`;
  expect(splitSql(sql)).toEqual([
    `CREATE TABLE "a;b" (x text DEFAULT ';''');`,
    'SELECT $x$ ; $x$, $$;$$;',
    '-- ;\nSELECT /* ; */ 2',
  ]);
  expect(splitStatements('a;--> statement-breakpoint\nb\n;--> statement-breakpoint\nc')).toEqual(['a;', 'b\n;', 'c']);
  expect(joinStatements(['a;', 'b\n;', 'c'], true)).toBe(
    'a;--> statement-breakpoint\nb\n;\n--> statement-breakpoint\nc',
  );
});
