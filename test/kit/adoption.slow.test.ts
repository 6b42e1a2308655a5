/**
 * Coming from an existing schema: each decision, what is written, and what the real drizzle-kit and PostgreSQL make of
 * it.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { generateDrizzleJson } from 'drizzle-kit/api-postgres';
import { sql } from 'drizzle-orm';
import {
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
  type AnyPgColumn,
} from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { afterAll, describe, expect, it } from 'vitest';
import { joinAnswers, type Answers } from '../../src/kit/adopt/answers.js';
import { initProject } from '../../src/kit/adopt/init.js';
import { modelOf, singular, type Model } from '../../src/kit/adopt/model.js';
import { propose, type Proposal } from '../../src/kit/adopt/propose.js';
import { Source } from '../../src/kit/adopt/source.js';
import { tokenize } from '../../src/kit/adopt/tokens.js';
import { Entities, type Row } from '../../src/kit/snapshot.js';
import { createDatabase } from './database.js';
import { tenantIn } from './in-process.js';
import { drizzleKitBin, lib, removeProjects, run } from './project.js';

const root = resolve(import.meta.dirname, '../..');
const folders: string[] = [];
afterAll(() => {
  for (const it of folders) rmSync(it, { recursive: true, force: true });
  removeProjects();
});

/** A project that has drizzle-tenant installed. */
function project(files: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'kit-adopt-'));
  folders.push(folder);
  mkdirSync(join(folder, 'node_modules'));
  for (const it of readdirSync(join(root, 'node_modules')))
    if (!it.startsWith('.')) symlinkSync(join(root, 'node_modules', it), join(folder, 'node_modules', it));
  symlinkSync(dirname(lib), join(folder, 'node_modules/drizzle-tenant'));
  for (const [name, content] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return {
    folder,
    read: (name: string) => readFileSync(join(folder, name), 'utf8'),
    write: (name: string, content: string) => writeFileSync(join(folder, name), content),
    tenant: (...args: string[]) => tenantIn({ folder }, ...args),
    kit: (...args: string[]) => run(process.execPath, [drizzleKitBin, ...args], folder),
  };
}

const model = async (tables: Record<string, unknown>): Promise<Model> =>
  modelOf(new Entities(((await generateDrizzleJson(tables)) as any).ddl as Row[]));
const kinds = ({ tables }: Proposal) =>
  Object.fromEntries(
    [...tables.values()].map((it) => [it.table.plain, it.column ? `${it.kind} ${it.column}` : it.kind]),
  );
const asked = ({ guesses }: Proposal) =>
  Object.fromEntries(guesses.map((it) => [it.about, it.choices.map((choice) => choice.flag)]));

const teams = pgTable('teams', { id: uuid().primaryKey().defaultRandom(), slug: text().unique() });
const teamId = () => uuid('team_id').references((): AnyPgColumn => teams.id);

describe('what is proposed', () => {
  it('finds the root by the keys that point at it and by its name, and asks where two are alike', async () => {
    const users = pgTable('users', { id: uuid().primaryKey() });
    const by = (name: string) =>
      pgTable(name, { id: uuid().primaryKey(), teamId: teamId().notNull(), by: uuid().references(() => users.id) });
    const clear = propose(await model({ teams, users, a: by('a'), b: by('b') }), {}, false);
    expect([clear.root.plain, clear.tenancy, asked(clear)['teams']]).toEqual(['teams', 'team', undefined]);
    const boxes = pgTable('boxes', { id: uuid().primaryKey() });
    const bags = pgTable('bags', { id: uuid().primaryKey() });
    const c = pgTable('c', {
      id: uuid().primaryKey(),
      boxId: uuid('box_id')
        .notNull()
        .references(() => boxes.id),
      bagId: uuid('bag_id')
        .notNull()
        .references(() => bags.id),
    });
    const unclear = propose(await model({ boxes, bags, c }), {}, false);
    expect(asked(unclear)['bags']).toEqual(['root bags', 'root boxes']);
    expect(kinds(propose(await model({ boxes, bags, c }), { root: 'boxes', yes: true }, false))).toMatchObject({
      boxes: 'tenant id',
      c: 'tenant box_id',
    });
    expect(() => propose(new Map(), {}, false)).toThrow('Pass --root');
    expect(['companies', 'addresses', 'boxes', 'status', 'team'].map(singular)).toEqual([
      'company',
      'address',
      'box',
      'status',
      'team',
    ]);
  });

  it('finds the tenant column by a key, a name, and through parents, and asks where a row may have none', async () => {
    const keyed = pgTable('keyed', { id: uuid().primaryKey(), teamId: teamId().notNull() });
    const named = pgTable('named', { id: uuid().primaryKey(), teamId: uuid('team_id').notNull() });
    const loose = pgTable('loose', { id: uuid().primaryKey(), teamId: teamId() });
    const child = pgTable('child', {
      id: uuid().primaryKey(),
      keyedId: uuid('keyed_id')
        .notNull()
        .references(() => keyed.id),
    });
    const grandchild = pgTable('grandchild', {
      id: uuid().primaryKey(),
      childId: uuid('child_id')
        .notNull()
        .references(() => child.id),
    });
    const maybe = pgTable('maybe', { id: uuid().primaryKey(), keyedId: uuid('keyed_id').references(() => keyed.id) });
    const two = pgTable('two', {
      id: uuid().primaryKey(),
      from: uuid('from_team')
        .notNull()
        .references(() => teams.id),
      to: uuid('to_team')
        .notNull()
        .references(() => teams.id),
    });
    const shares = pgTable('shares', {
      id: uuid().primaryKey(),
      teamId: teamId().notNull(),
      withTeam: uuid('with_team').references(() => teams.id),
    });
    const all = await model({ teams, keyed, named, loose, child, grandchild, maybe, two, shares });
    const proposal = propose(all, {}, false);
    expect(kinds(proposal)).toEqual({
      teams: 'tenant id',
      keyed: 'tenant team_id',
      named: 'tenant team_id',
      loose: 'tenant team_id',
      child: 'tenant team_id',
      grandchild: 'tenant team_id',
      maybe: 'tenant team_id',
      two: 'tenant from_team',
      shares: 'tenant team_id',
    });
    expect(asked(proposal)).toEqual({
      loose: ['tenant loose=team_id', 'everybody loose', 'plain loose'],
      maybe: ['tenant maybe', 'reference maybe', 'plain maybe'],
      two: ['tenant two=from_team', 'tenant two=to_team'],
    });
    expect(proposal.tables.get('public.shares')!.refs).toEqual(['with_team']);
    // A live database that holds no NULL answers the first.
    const looked = new Map([...all].map(([key, it]) => [key, { ...it, nulls: new Set<string>() }]));
    expect(Object.keys(asked(propose(looked, {}, false)))).toEqual(['two', 'maybe']);
    const answered = propose(all, { everybody: ['loose'], reference: ['maybe'], tenant: { two: 'to_team' } }, false);
    expect([answered.guesses, kinds(answered)['two'], answered.tables.get('public.loose')!.everybody]).toEqual([
      [],
      'tenant to_team',
      true,
    ]);
    expect(() => propose(all, { plain: ['lose'] }, false)).toThrow('Correct the table\'s name: there is no "lose"');
  });

  it('takes what nobody’s rows point at for shared, and asks who may read people and secrets', async () => {
    const countries = pgTable('countries', { code: text().primaryKey() });
    const rates = pgTable('rates', { id: integer().primaryKey() });
    const users = pgTable('users', {
      id: uuid().primaryKey(),
      email: text().unique(),
      passwordHash: text('password_hash'),
    });
    const sessions = pgTable('sessions', {
      id: uuid().primaryKey(),
      token: text(),
      userId: uuid().references(() => users.id),
    });
    const members = pgTable(
      'members',
      {
        teamId: teamId().notNull(),
        userId: uuid()
          .notNull()
          .references(() => users.id),
      },
      (t) => [primaryKey({ columns: [t.teamId, t.userId] })],
    );
    const people = pgTable('people', { id: uuid().primaryKey(), teamId: teamId() });
    const teamMembers = pgTable('team_members', {
      teamId: teamId().notNull(),
      personId: uuid().references(() => people.id),
      country: text().references(() => countries.code),
    });
    // Whoever knows the address of a webhook may post to it.
    const slack = pgTable('slack', { id: uuid().primaryKey(), webhookUrl: text() });
    const channels = pgTable('channels', { teamId: teamId().notNull(), slackId: uuid().references(() => slack.id) });
    const tables = { teams, countries, rates, users, sessions, members, people, teamMembers, slack, channels };
    const all = await model(tables);
    const plain = propose(all, {}, false);
    expect(kinds(plain)).toMatchObject({
      countries: 'reference',
      rates: 'reference',
      users: 'plain',
      sessions: 'plain',
      people: 'plain',
      members: 'tenant team_id',
    });
    expect(asked(plain)).toMatchObject({
      users: ['plain users', 'reference users', 'tenant users'],
      rates: ['reference rates', 'plain rates', 'tenant rates'],
      people: ['plain people', 'reference people', 'tenant people=team_id'],
      slack: ['plain slack', 'reference slack', 'tenant slack'],
    });
    expect(asked(plain)).not.toHaveProperty('countries');
    const citus = propose(all, {}, true);
    expect(kinds(citus)).toMatchObject({ users: 'reference', people: 'reference' });
    expect(asked(citus)['users']).toEqual(['reference users', 'tenant users']);
  });

  it('keeps what is unique over all rows so, but where it means the same within a tenant', async () => {
    const projects = pgTable(
      'projects',
      { id: uuid().primaryKey(), teamId: teamId().notNull(), name: text().unique(), key: text() },
      (t) => [uniqueIndex('p_lower').on(sql`lower(${t.key})`), unique().on(t.teamId, t.key)],
    );
    const settings = pgTable('settings', {
      projectId: uuid('project_id')
        .primaryKey()
        .references(() => projects.id),
      at: timestamp(),
    });
    const codes = pgTable('codes', { code: text().primaryKey(), teamId: teamId().notNull() });
    const all = await model({ teams, projects, settings, codes });
    const keeps = (it: Proposal) =>
      Object.fromEntries(it.uniques.map((key) => [key.name, `${key.keep}${key.isEquivalent ? ', the same' : ''}`]));
    const proposal = propose(all, {}, false);
    expect(keeps(proposal)).toEqual({
      'projects(id)': 'per-tenant, the same',
      'projects(name)': 'over-all',
      'projects(lower("key"))': 'over-all',
      'settings(project_id)': 'per-tenant, the same',
      'codes(code)': 'over-all',
    });
    expect(Object.keys(asked(proposal)).sort()).toEqual(['codes(code)', 'projects(lower("key"))', 'projects(name)']);
    const answered = propose(
      all,
      { perTenant: ['projects(name)', '*(code)'], overAll: ['projects(lower("key"))'] },
      false,
    );
    expect([answered.guesses, keeps(answered)['projects(name)'], keeps(answered)['codes(code)']]).toEqual([
      [],
      'per-tenant',
      'per-tenant',
    ]);
    expect(keeps(propose(all, {}, true))['projects(name)']).toBe('per-tenant');
    expect(() => propose(all, { overAll: ['projects(name)'] }, true)).toThrow(
      'Citus keeps no value unique over all tenants',
    );
  });

  it('believes what Citus holds already', async () => {
    const things = pgTable('things', { id: uuid(), owner: uuid().notNull() }, (t) => [
      primaryKey({ columns: [t.owner, t.id] }),
    ]);
    const lists = pgTable('lists', { id: uuid().primaryKey(), teamId: teamId() });
    const held: Record<string, any> = {
      'public.teams': { kind: 'tenant', column: 'id' },
      'public.things': { kind: 'tenant', column: 'owner' },
      'public.lists': { kind: 'reference', column: null },
    };
    const all = new Map(
      [...(await model({ teams, things, lists }))].map(([key, it]) => [key, { ...it, held: held[key] }]),
    );
    const proposal = propose(all, { yes: true }, true);
    expect(kinds(proposal)).toEqual({ teams: 'tenant id', things: 'tenant owner', lists: 'reference' });
  });

  it('lets the last answer stand', () => {
    const first: Answers = { tenant: { a: true }, plain: ['b'], overAll: ['c(d)'] };
    expect(joinAnswers(first, { plain: ['a'], reference: ['b'], perTenant: ['c(d)'] })).toMatchObject({
      tenant: {},
      plain: ['a'],
      reference: ['b'],
      overAll: [],
      perTenant: ['c(d)'],
    });
    expect(joinAnswers(first, { tenant: { b: 'x' } })).toMatchObject({ tenant: { a: true, b: 'x' }, plain: [] });
  });
});

describe('the reader of TypeScript', () => {
  it('finds declarations among strings, templates, regular expressions and type arguments', () => {
    const source = new Source(`
      const note = 'export const t = pgTable(', other = \`\${{ a: \`}\` }}(\`; // export const t = pgTable('x', {
      const pattern = /[/}(]\\/{/g; const half = note.length / 2 / 3;
      export const t: Table<{ a: 1 }> = pgTable('t', {
        a: json('a').$type<Record<string, { b: 1, c: 2 }>>(), 'b c': text(), ...more
      }, (x) => { return [index('i').on(x.a)]; });
    `);
    const found = source.declaration('t')!;
    expect(found.properties.map((it) => [it.key, it.isSpread])).toEqual([
      ['a', false],
      ['b c', false],
      [undefined, true],
    ]);
    expect([found.parameter, found.elements.map((it) => source.textOf(it))]).toEqual(['x', ["index('i').on(x.a)"]]);
    expect(source.chain(found.properties[0]!.value)!.calls.map((it) => it.name)).toEqual(['$type']);
    expect(source.declaration('pattern')).toBeUndefined();
    expect(() => new Source('export const t = pgTable(')).toThrow('a bracket has no partner');
    expect(() => tokenize('`a')).toThrow('a template does not end');
  });
});

const before = `import {
  foreignKey, index, jsonb, pgTable, primaryKey, text, unique, uniqueIndex, uuid
} from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';

/** Who pays. */
export const teams = pgTable('teams', {
  id: uuid('id').primaryKey().defaultRandom(), slug: text('slug').notNull().unique()
});
export const users = pgTable('users', {
  id: uuid('id').primaryKey().defaultRandom(),
  email: text('email').notNull().unique(),
  passwordHash: text('password_hash'),
  teamId: uuid('team_id').references(() => teams.id, { onDelete: 'set null' }),
});
export const members = pgTable('members', {
  teamId: uuid('team_id').notNull().references(() => teams.id),
  userId: uuid('user_id').notNull().references(() => users.id),
}, (t) => [primaryKey({ columns: [t.teamId, t.userId] })]);
export const countries = pgTable('countries', { code: text('code').primaryKey() });
export const projects = pgTable('projects', {
  id: uuid('id').primaryKey().defaultRandom(),
  teamId: uuid('team_id').references(() => teams.id, { onDelete: 'set null' }),
  lentTo: uuid('lent_to').references(() => teams.id),
  name: text('name').notNull(),
  token: text('token').unique('project_token'),
  country: text('country').references(() => countries.code),
  meta: jsonb('meta').$type<Record<string, { a: string, b: number }>>(),
}, (t) => [index('projects_name').on(t.name), uniqueIndex('projects_lower').on(sql\`lower(\${t.name})\`)]);
export const tasks = pgTable('tasks', {
  id: uuid('id').primaryKey().defaultRandom(),
  projectId: uuid('project_id').notNull(),
  parentId: uuid('parent_id'),
  code: text('code').unique(),
}, (table) => [
  foreignKey({ columns: [table.projectId], foreignColumns: [projects.id], name: 'tasks_project' }).onDelete('cascade'),
  foreignKey({ columns: [table.parentId], foreignColumns: [table.id], name: 'tasks_parent' }).onDelete('set null'),
]);
`;
const config = (more: string) =>
  `export default { dialect: 'postgresql', schema: './schema.ts', out: './drizzle', ${more} };`;
const tenantConfig = (more: string) =>
  `import { defineTenantConfig } from 'drizzle-tenant/kit';\n` +
  config(more).replace('default {', 'default defineTenantConfig({').replace(/};$/, '});');

describe('what is written', { timeout: 90_000 }, () => {
  it('changes a schema where a person would, names each changed constraint, and generate migrates it', async () => {
    const it = project({ 'schema.ts': before, 'drizzle.config.ts': config('') });
    const unsure = await it.tenant('adopt', '--write');
    expect(unsure).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--over-all 'projects(token)'   no two tenants have the same, as before"),
    });
    expect(it.read('schema.ts')).toBe(before);
    expect(await it.tenant('adopt', '--yes')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Would be written; add --write:\n  schema.ts'),
    });
    expect(it.read('schema.ts')).toBe(before);

    const done = await it.tenant('adopt', '--write', '--yes', '--per-tenant', 'projects(lower("name"))', '--json');
    expect(done, done.stderr).toMatchObject({ code: 0, stderr: '' });
    const { changes, byHand, faults, uniquePerTenant } = JSON.parse(done.stdout);
    expect([byHand, faults, uniquePerTenant]).toEqual([[], [], ['projects(lower("name"))']]);
    expect(
      changes
        .filter((it: any) => it.isLoosened || it.kind === 'column' || it.kind === 'unique')
        .map((it: any) => `${it.table}(${it.columns}) ${it.meaning}`),
    ).toEqual([
      'projects(team_id) to teams: ON DELETE RESTRICT, where it was SET NULL',
      'projects(lent_to) to teams is gone: a row cannot point at another tenant',
      'projects(team_id) is NOT NULL: rows without a tenant have to be gone before',
      'projects(token) holds over all tenants, as before, by unscoped()',
      'projects(lower("name")) holds within each team only: two of them may have the same',
      'tasks(team_id) is added, and filled in through project_id',
      'tasks(code) holds over all tenants, as before, by unscoped()',
    ]);
    const text = it.read('schema.ts');
    for (const line of [
      "import { referenceTable, tenancy, tenantTable, unscoped } from 'drizzle-tenant';",
      "export const team = tenancy('team', uuid);",
      "/** Who pays. */\nexport const teams = tenantTable('teams', {\n" +
        "  id: team.id('id').primaryKey().defaultRandom(), slug: text('slug').notNull().unique()\n});",
      "export const users = pgTable('users', {",
      "  teamId: team.id('team_id').references(() => teams.id, { onDelete: 'restrict' }),",
      "  lentTo: team.ref('lent_to'),",
      "  token: text('token'),",
      "(t) => [unscoped(unique('project_token').on(t.token)), index('projects_name').on(t.name), uniqueIndex(",
      "  teamId: team.id('team_id'),\n  id: uuid('id').primaryKey().defaultRandom(),\n  projectId",
    ])
      expect(text).toContain(line);
    it.write('drizzle.config.ts', tenantConfig(`tenancy: { citus: false }`));
    expect(await it.tenant('check')).toMatchObject({
      code: 1,
      stderr: '',
      stdout: expect.stringContaining('4 tenant tables, 1 reference table'),
    });
    expect(await it.kit('generate')).toMatchObject({ code: 0 });
    // The second run finds nothing to do.
    expect(await it.tenant('adopt', '--write')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has tenant tables already'),
    });
  });

  it.each(['schema/*.ts', 'schema/index.ts'])(
    'takes files that import each other, an index that exports again, validators, and older relations: %s',
    async (schema) => {
      const core = "import { pgTable, text } from 'drizzle-orm/pg-core';\n";
      const it = project({
        'schema/index.ts': "export * from './orgs';\nexport { notes, picked } from './notes.js';\n",
        'schema/orgs.ts': `${core}import { relations } from 'drizzle-orm/_relations';
import { notes } from './notes.ts';
export const orgs = pgTable('orgs', { id: text().primaryKey().$defaultFn(() => 'x') });
export const r = relations(orgs, ({ many }) => ({ notes: many(notes) }));\n`,
        'schema/notes.ts': `${core}import { createInsertSchema } from 'drizzle-orm/zod';
import { orgs } from './orgs.ts';
export const notes = pgTable('notes', {
  id: text().primaryKey().$defaultFn(() => 'x'),
  orgId: text('org_id').notNull().references(() => orgs.id),
});
export const picked = createInsertSchema(notes).pick({ orgId: true });\n`,
      });
      // Elsewhere, where adopt changes nothing.
      const relations = "import { defineRelations } from 'drizzle-orm'\nexport const all = defineRelations({})\n";
      mkdirSync(join(it.folder, 'db'));
      it.write('db/relations.ts', relations);
      it.write('db/queries.ts', 'import {\n  eq,\n  getColumns as columns,\n} from "drizzle-orm";\n');
      it.write(
        'db/others.ts',
        "import { alias } from './alias.js';\nimport { eq } from 'drizzle-orm';\n// getColumns\n",
      );
      const done = await it.tenant('adopt', '--schema', schema, '--write', '--json');
      expect(done, done.stderr).toMatchObject({ code: 0 });
      expect(it.read('db/relations.ts')).toBe(relations);
      const { byHand, notes, uniquePerTenant } = JSON.parse(done.stdout);
      expect([byHand, notes, uniquePerTenant]).toEqual([
        [
          'write one defineTenantRelations() in place of the relations() in schema/orgs.ts (1)',
          'db/queries.ts: import getColumns, from "drizzle-tenant", where it is about tenant tables',
          'db/relations.ts: write defineTenantRelations() in place of defineRelations(), from "drizzle-tenant", ' +
            'where it is about tenant tables',
        ],
        ['orgs: the schema made the id of a new row; now it is the one that forTenant() is given'],
        ['notes(id)'],
      ]);
      expect(it.read('schema/tenancy.ts')).toContain("export const org = tenancy('org', text);");
      expect(it.read('schema/orgs.ts')).toContain("tenantTable('orgs', { id: org.id().primaryKey() })");
      expect(it.read('schema/notes.ts')).toContain('createInsertSchema(unscoped(notes)).pick({ orgId: true })');
      expect(it.read('schema/index.ts')).not.toContain('drizzle-tenant');
    },
  );

  it('names the sequence of a serial id as PostgreSQL reads it', async () => {
    const it = project({
      'schema.ts': `import { integer, pgTable, serial } from 'drizzle-orm/pg-core';
export const team = pgTable('Team', { id: serial().primaryKey() });
export const note = pgTable('Note', {
  id: serial().primaryKey(),
  teamId: integer().notNull().references(() => team.id),
});\n`,
    });
    expect(await it.tenant('adopt', '--schema', 'schema.ts', '--write', '--yes')).toMatchObject({ code: 0 });
    expect(it.read('schema.ts')).toContain(`.default(sql\`nextval('"Team_id_seq"'::regclass)\`)`);
  });

  it('reads a live database, and pulls it again without a difference', async () => {
    const database = await createDatabase();
    const url = database.url();
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    await sql.unsafe(`CREATE TABLE orgs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text);
      CREATE TABLE people (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid REFERENCES orgs, email text UNIQUE);
      CREATE TABLE notes (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person_id uuid NOT NULL REFERENCES people, body text);
      INSERT INTO orgs (name) VALUES ('a');
      INSERT INTO people (org_id, email) SELECT id, 'x' FROM orgs;
      INSERT INTO notes (person_id) SELECT id FROM people`);
    const it = project({});
    // Nothing is left behind, here and in the database, where a question is open.
    expect(await it.tenant('adopt', '--url', url, '--write')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('people(email) is unique over all rows'),
    });
    expect([
      existsSync(join(it.folder, 'drizzle')),
      (await sql`SELECT to_regclass('drizzle.__drizzle_migrations') AS made`)[0]!['made'],
    ]).toEqual([false, null]);
    const done = await it.tenant('adopt', '--url', url, '--write', '--over-all', 'people(email)');
    expect(done, done.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('people: column (org_id) is NOT NULL'),
    });
    it.write(
      'drizzle.config.ts',
      tenantConfig(`tenancy: { citus: false, rls: true }, dbCredentials: { url: '${url}' }`).replace(
        './schema.ts',
        './drizzle/schema.ts',
      ),
    );
    it.write(
      'hints.json',
      JSON.stringify([{ type: 'create', kind: 'foreign key', entity: ['public', 'notes', 'notes_person_id_fkey'] }]),
    );
    const generated = await it.kit('generate', '--hints-file=hints.json');
    expect(generated, generated.stdout + generated.stderr).toMatchObject({ code: 0 });
    const migrated = await it.kit('migrate');
    expect(migrated, migrated.stdout + migrated.stderr).toMatchObject({ code: 0 });
    expect(await sql`SELECT o.name FROM notes n JOIN orgs o ON o.id = n.org_id`).toEqual([{ name: 'a' }]);

    await it.kit('pull');
    expect(it.read('drizzle/schema.ts')).toContain('pgPolicy("tenant_isolation"');
    const pulled = await it.tenant('pull');
    expect(pulled, pulled.stderr).toMatchObject({ code: 0 });
    expect(it.read('drizzle/schema.ts')).not.toContain('pgPolicy(');
    expect(it.read('drizzle/relations.ts')).toContain('defineTenantRelations(');
    expect(await it.kit('generate')).toMatchObject({ code: 0, stdout: expect.stringContaining('No schema changes') });
    await sql.end();
    await database.drop();
  });
});

describe('init', () => {
  it('writes files that compile with what npm init and tsc --init set, as ES modules and as CommonJS', {
    timeout: 60_000,
  }, async () => {
    const folder = join(root, 'test/docs/generated-init');
    folders.push(folder);
    const tenantOf = (name: string) => ({ tenancy: name, citus: false });
    const cases = [
      ['module', { ...tenantOf('account'), driver: 'postgres' }],
      ['commonjs', { ...tenantOf('company'), driver: 'pglite' }],
      ['module', { ...tenantOf('workSpace'), driver: 'pg' }],
    ] as const;
    for (const [i, [type, options]] of cases.entries()) {
      const at = join(folder, String(i));
      mkdirSync(at, { recursive: true });
      writeFileSync(join(at, 'package.json'), JSON.stringify({ type }));
      const { files } = initProject(at, options);
      for (const [path, content] of files) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, content);
      }
      expect(() => initProject(at, options)).toThrow('init overwrites nothing');
    }
    expect(() => initProject('/nowhere', { tenancy: 'account', driver: 'mysql' })).toThrow('Pass --driver');
    // What "tsc --init" writes, and where the package is in this repository.
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          module: 'nodenext',
          target: 'esnext',
          types: [],
          sourceMap: true,
          declaration: true,
          declarationMap: true,
          noUncheckedIndexedAccess: true,
          exactOptionalPropertyTypes: true,
          strict: true,
          jsx: 'react-jsx',
          verbatimModuleSyntax: true,
          isolatedModules: true,
          noUncheckedSideEffectImports: true,
          moduleDetection: 'force',
          skipLibCheck: true,
          noEmit: true,
          paths: { 'drizzle-tenant': ['../../../src/index.ts'], 'drizzle-tenant/kit': ['../../../src/kit/index.ts'] },
        },
      }),
    );
    const { stdout } = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], root);
    expect(stdout.split('\n').filter((it) => /error TS/.test(it) && !it.startsWith('src/'))).toEqual([]);
  });
});
