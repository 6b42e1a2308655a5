/**
 * CI: what check and plan find left to do, by their exit status, and what apply then mends. In this process, on
 * PostgreSQL.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect, urlOfConfig } from '../../src/kit/live/database.js';
import { alone } from '../../src/kit/live/server.js';
import { createDatabase, type Database } from './database.js';
import { configure, tenantIn } from './in-process.js';
import { account, Project, removeProjects } from './project.js';

const schema = `${account}
import { index, unique } from 'drizzle-orm/pg-core';
export const countries = referenceTable('countries', { id: integer().primaryKey(), name: text().unique() });
export const accounts = tenantTable('accounts', { id: account.id().primaryKey(),
  countryId: integer('country_id').references(() => countries.id) });
export const projects = tenantTable('projects', { accountId: account.id('account_id').references(() => accounts.id,
  { onDelete: 'cascade' }), id: uuid().primaryKey(), name: text(), code: text() },
  (t) => [index('by_name').on(t.name), unique('by_code').on(t.code)]);
`;

let database: Database;
let sql: postgres.Sql;
let project: Project;
beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url(), { max: 1, onnotice: () => {} });
  project = new Project({ 'schema.ts': schema });
  config();
  expect(await project.drizzleKit('generate', '--config', 'drizzle.config.ts')).toMatchObject({ code: 0 });
  expect(await project.drizzleKit('migrate')).toMatchObject({ code: 0 });
}, 120_000);
afterAll(async () => {
  await sql?.end();
  await database?.drop();
  removeProjects();
});

const config = (tenancy = 'citus: false') => configure(project, tenancy, database.url());
const tenant = (...args: string[]) => tenantIn(project, ...args);

const steps = async () => JSON.parse((await tenant('plan', '--json')).stdout).steps.map((it: any) => it.what);

describe('CI', { timeout: 60_000 }, () => {
  it('passes where nothing is left to do', async () => {
    expect(await tenant('check')).toMatchObject({ code: 0, stderr: '' });
    expect(await tenant('plan')).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
  });

  it('stops where migrations did not run, or are of another branch', async () => {
    const [{ name }] = (await sql<{ name: string }[]>`SELECT name FROM drizzle.__drizzle_migrations`) as any;
    await sql`DELETE FROM drizzle.__drizzle_migrations`;
    expect(await tenant('plan')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(
        `Run "npx drizzle-kit migrate" first: 1 migration did not run here yet (${name}).`,
      ),
    });
    expect(await tenant('apply')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Run "npx drizzle-kit migrate" first'),
    });
    await sql`INSERT INTO drizzle.__drizzle_migrations (hash, created_at, name)
      VALUES ('a', 1, ${name}), ('b', 2, '20990101000000_later')`;
    expect(await tenant('plan')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Pull the branch that has 20990101000000_later'),
    });
    await sql`DELETE FROM drizzle.__drizzle_migrations WHERE hash = 'b'`;
    expect(await tenant('plan')).toMatchObject({ code: 0 });
  });

  it('runs a migration that a person made without drizzle-kit, and knows it then', async () => {
    project.write('drizzle/20981231000000_mine/migration.sql', 'CREATE TABLE mine ();');
    expect(await tenant('plan')).toMatchObject({ code: 1, stdout: expect.stringContaining('20981231000000_mine') });
    expect(await tenant('migrate')).toMatchObject({ code: 0, stdout: expect.stringContaining('1 migration') });
    expect(await tenant('plan')).toMatchObject({ code: 0 });
    expect((await sql`SELECT to_regclass('mine') IS NOT NULL AS there`)[0]).toEqual({ there: true });
    rmSync(join(project.folder, 'drizzle/20981231000000_mine'), { recursive: true });
    await sql`DELETE FROM drizzle.__drizzle_migrations WHERE name = '20981231000000_mine'`;
    await sql`DROP TABLE mine`;
  });

  it('stops where the migrations are behind the schema, and names a migration that was edited', async () => {
    project.write('schema.ts', schema.replace('code: text() }', 'code: text(), more: text() }'));
    const behind = await tenant('check', '--json');
    expect([behind.code, JSON.parse(behind.stdout)]).toEqual([
      1,
      expect.objectContaining({
        status: 'behind',
        behind: true,
        differences: [{ what: 'column projects.more', change: 'added' }],
      }),
    ]);
    project.write('schema.ts', schema);
    expect((await tenant('check')).code).toBe(0);
  });

  it('finds keys and indexes that are gone, otherwise, invalid or unchecked, and apply mends them', async () => {
    await sql.unsafe(`ALTER TABLE countries DROP CONSTRAINT countries_name_key`);
    await sql.unsafe(`ALTER TABLE projects DROP CONSTRAINT by_code, ADD CONSTRAINT by_code UNIQUE (code)`);
    await sql.unsafe(`DROP INDEX by_name; CREATE INDEX by_name ON projects (account_id, code)`);
    await sql.unsafe(
      'ALTER TABLE projects DROP CONSTRAINT projects_account_id_accounts_id_fkey, ' +
        'ADD CONSTRAINT projects_account_id_accounts_id_fkey FOREIGN KEY (account_id) ' +
        'REFERENCES accounts (id)',
    );
    await sql.unsafe(
      'ALTER TABLE accounts DROP CONSTRAINT accounts_country_id_countries_id_fkey, ' +
        'ADD CONSTRAINT accounts_country_id_countries_id_fkey FOREIGN KEY (country_id) ' +
        'REFERENCES countries (id) NOT VALID',
    );
    expect((await steps()).sort()).toEqual([
      'accounts: the foreign key accounts_country_id_countries_id_fkey checked',
      'countries: with the unique constraint countries_name_key',
      'projects: with the foreign key projects_account_id_accounts_id_fkey as the schema has it',
      'projects: with the index by_name as the schema has it',
      'projects: with the unique constraint by_code',
    ]);
    expect(await tenant('apply')).toMatchObject({ code: 0 });
    expect(await tenant('plan')).toMatchObject({ code: 0 });
    const [found] = await sql`SELECT indexdef FROM pg_indexes WHERE indexname = 'by_name'`;
    expect(found!['indexdef']).toContain('(account_id, name)');
    await sql.unsafe(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_name'::regclass`);
    expect(await steps()).toEqual(['projects: with the index by_name, which a concurrent build left invalid']);
    expect(await tenant('apply')).toMatchObject({ code: 0 });
    expect(await steps()).toEqual([]);
  });

  it('finishes an index whose swap was cut off, at whichever statement', async () => {
    const left = `DROP INDEX by_name; CREATE INDEX by_name ON projects (account_id, code); `;
    for (const state of [
      `CREATE INDEX by_name_new ON projects (account_id, name)`,
      `ALTER INDEX by_name RENAME TO by_name_old`,
      `ALTER INDEX by_name RENAME TO by_name_old; CREATE INDEX by_name ON projects (account_id, name)`,
    ]) {
      await sql.unsafe(left + state);
      expect((await tenant('plan')).code).toBe(1);
      expect(await tenant('apply')).toMatchObject({ code: 0 });
      expect(await tenant('plan')).toMatchObject({ code: 0 });
      expect(await sql`SELECT indexname FROM pg_indexes WHERE indexname LIKE 'by_name%'`).toEqual([
        { indexname: 'by_name' },
      ]);
    }
  });

  it('tells the largest tenants, nodes where there is no cluster, and the config of a database in parts', async () => {
    const ids = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
    for (const [i, id] of ids.entries()) {
      await sql`INSERT INTO accounts (id) VALUES (${id})`;
      await sql`INSERT INTO projects (account_id, id, code) SELECT ${id}, gen_random_uuid(), n
        FROM generate_series(1, ${10 + 90 * i}) n`;
    }
    const { sizes, sampled } = JSON.parse((await tenant('tenants', '--json')).stdout);
    expect(sampled).toBe(false);
    expect(sizes.map((it: any) => [it.tenant, it.rows])).toEqual([
      [ids[1], 101],
      [ids[0], 11],
    ]);
    const text = await tenant('tenants', '--limit', '1');
    expect(text).toMatchObject({ code: 0, stderr: expect.stringContaining('By size') });
    expect(text.stdout).toMatch(/^tenant .*\n0000.*b +101 +\d+ kB +account\n$/);
    expect(await tenant('nodes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('plain PostgreSQL has one node'),
    });
    const { hostname, port, username, password, pathname } = new URL(database.url());
    expect(
      urlOfConfig({
        dbCredentials: { host: hostname, port: Number(port), user: username, password, database: pathname.slice(1) },
      }),
    ).toBe(database.url());
    await sql`DELETE FROM accounts`;
    expect(await tenant('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  });

  it('refuses a session that only reads, and waits for another apply', async () => {
    await sql.unsafe(`ALTER DATABASE ${database.name} SET default_transaction_read_only = on`);
    expect(await tenant('apply')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Take default_transaction_read_only off'),
    });
    await sql.unsafe(
      `SET default_transaction_read_only = off; ALTER DATABASE ${database.name} RESET default_transaction_read_only`,
    );
    const [one, two] = await Promise.all([connect(database.url()), connect(database.url())]);
    const log: string[] = [];
    let go!: () => void;
    const first = alone(
      one,
      () => log.push('first waits'),
      () => new Promise<void>((done) => (go = done)).then(() => void log.push('first ends')),
    );
    await vi.waitFor(() => expect(go).toBeDefined());
    const second = alone(
      two,
      () => (log.push('second waits'), go()),
      async () => void log.push('second runs'),
    );
    await Promise.all([first, second]);
    expect(log).toEqual(['second waits', 'first ends', 'second runs']);
    await Promise.all([one.close(), two.close()]);
  });

  it('names a migration that was edited until it no longer distributes', async () => {
    rmSync(join(project.folder, 'drizzle'), { recursive: true });
    config('citus: { shardCount: 4 }');
    expect((await project.drizzleKit('generate')).code).toBe(0);
    expect((await tenant('check')).code).toBe(0);
    const file = `drizzle/${project.migrations[0]}/migration.sql`;
    project.write(
      file,
      readFileSync(join(project.folder, file), 'utf8').replace(
        /PERFORM create_distributed_table\('"projects"'.*/,
        'NULL;',
      ),
    );
    expect(await tenant('check')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Put create_distributed_table\('"projects"'/),
    });
  });

  it('names a migration that was edited, or cut off, until it no longer keeps tenants apart', async () => {
    rmSync(join(project.folder, 'drizzle'), { recursive: true });
    config('citus: false, rls: true');
    expect((await project.drizzleKit('generate')).code).toBe(0);
    expect((await tenant('check')).code).toBe(0);
    const file = `drizzle/${project.migrations[0]}/migration.sql`;
    const whole = project.read(file);
    for (const lost of [
      /CREATE POLICY "tenant_isolation" ON "projects"/,
      /CREATE POLICY "tenant_access" ON "accounts"/,
      /ALTER TABLE "projects" FORCE ROW LEVEL SECURITY;/,
      /ALTER TABLE "accounts" ENABLE ROW LEVEL SECURITY;/,
    ]) {
      const [statement] = lost.exec(whole)!;
      for (const text of [whole.replace(lost, 'SELECT 1;'), whole.slice(0, whole.indexOf(statement))]) {
        project.write(file, text);
        const { code, stderr } = await tenant('check');
        expect([code, stderr]).toEqual([1, expect.stringContaining(`Put ${statement} back into`)]);
      }
    }
  });

  it('catches the merge of a branch with a new table and one that switches row-level security on', async () => {
    rmSync(join(project.folder, 'drizzle'), { recursive: true });
    const base = schema;
    const more =
      `${schema}export const late = tenantTable('late', { accountId: account.id('account_id'), id: ` +
      `uuid().primaryKey() });\n`;
    const folder = (name: string) => `drizzle/${project.migrations.find((it) => it.endsWith(`_${name}`))!}`;
    config();
    project.write('schema.ts', base);
    await project.drizzleKit('generate', '--name', 'init');
    project.write('schema.ts', more);
    await project.drizzleKit('generate', '--name', 'late');
    const late = folder('late');
    const files = ['migration.sql', 'snapshot.json', 'tenancy.json'].map(
      (it) => [`${late}/${it}`, project.read(`${late}/${it}`)] as const,
    );
    rmSync(join(project.folder, late), { recursive: true });
    project.write('schema.ts', base);
    config('citus: false, rls: true');
    await project.drizzleKit('generate', '--name', 'locks');
    for (const [file, text] of files) project.write(file, text);
    project.write('schema.ts', more);
    const caught = await tenant('check', '--json');
    expect([caught.code, JSON.parse(caught.stdout).differences]).toEqual([1, [{ what: 'tenancy', change: 'changed' }]]);
    expect(await project.drizzleKit('generate', '--name', 'merged')).toMatchObject({ code: 0 });
    expect(project.read(`${folder('merged')}/migration.sql`)).toContain('CREATE POLICY "tenant_isolation" ON "late"');
    expect((await tenant('check')).code).toBe(0);
  });
});
