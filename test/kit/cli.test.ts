/** The command line without Citus: its help, its checks, and one clear message for each bad input. */
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, onServer, urlOf, type Database } from './database.js';
import { migrateIn, tenantIn } from './in-process.js';
import { account, Project, removeProjects, small } from './project.js';

const owner = `kit_owner_${process.pid}`;
let plain: Database;
let owned: Database;
beforeAll(async () => {
  plain = await createDatabase();
  await onServer(`DROP ROLE IF EXISTS ${owner}`, `CREATE ROLE ${owner} LOGIN PASSWORD 'owner'`);
  owned = await createDatabase(owner);
}, 60_000);
afterAll(async () => {
  await plain?.drop();
  await owned?.drop();
  await onServer(`DROP ROLE IF EXISTS ${owner}`);
  removeProjects();
}, 60_000);

describe('drizzle-tenant', { timeout: 120_000 }, () => {
  it('teaches', async () => {
    const project = new Project({});
    // In a process of its own: the program of the package.
    const help = await project.tenant('--help');
    expect(help.code).toBe(0);
    for (const word of ['check', 'plan', 'apply', 'status', 'tenants', 'isolate', 'npx drizzle-kit generate'])
      expect(help.stdout).toContain(word);
    expect((await tenantIn(project, 'check', '--help')).stdout).toContain('foreign-key-place');
    expect(await tenantIn(project, 'dance')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("unknown command 'dance'"),
    });
    expect((await tenantIn(project, 'isolate')).code).toBe(2);
  });

  it('checks the schema, without writing', async () => {
    const project = new Project({ 'schema.ts': small });
    const good = await tenantIn(project, 'check');
    // The migrations are behind: CI has to stop there.
    expect(good).toMatchObject({ code: 1, stderr: '' });
    const [rules, behind, end] = good.stdout.split('\n');
    expect([rules, end]).toEqual(['The schema keeps to the rules: 2 tenant tables, 1 reference table.', '']);
    expect(behind).toMatch(
      /^Run "npx drizzle-kit generate": the migrations do not know all of it yet \(table \w+: added, and \d+ more\)\.$/,
    );
    expect(project.migrations).toEqual([]);
    project.write(
      'schema.ts',
      `${small}
export const a = referenceTable('a', { id: integer().primaryKey(), p: uuid().references(() => (projects as any).id) });
export const b = tenantTable('b', {
  accountId: account.id('account_id'),
  id: uuid().primaryKey(),
  p: uuid().references(() => projects.id, { onDelete: 'set null' }),
});
export const c = pgTable('c', { id: integer().primaryKey(), p: uuid().references(() => (accounts as any).id) });\n`,
    );
    const bad = await tenantIn(project, 'check', '--json');
    expect(bad.code).toBe(1);
    const { error } = JSON.parse(bad.stdout);
    expect(error.tag).toBe('TenantRuleError');
    expect(error.faults.map((it: any) => [it.table, it.column, it.rule])).toEqual([
      ['a', 'p', 'definition'],
      ['b', 'account_id, p', 'foreign-key-action'],
      ['c', 'p', 'foreign-key-place'],
    ]);
  });

  it('names functions of the database that a statement could call by a name that is known to be safe', async () => {
    const project = new Project({ 'schema.ts': small });
    const database = await createDatabase();
    const sql = postgres(database.url(), { max: 1, onnotice: () => {} });
    await sql.unsafe(
      'create schema own; create function own.lower(integer) returns text language sql as $$select 1::text$$',
    );
    await sql.unsafe(`alter database ${database.name} set search_path to public, own`);
    await sql.end();
    const found = await tenantIn(project, 'check', '--url', database.url(), '--json');
    expect(found.code).toBe(1);
    expect(JSON.parse(found.stdout).own).toEqual([
      { kind: 'function', name: 'lower', signature: 'own.lower(integer)' },
    ]);
    expect((await tenantIn(project, 'check', '--url', database.url())).stderr).toMatch(
      /^Rename the function own\.lower\(integer\), which lower\(\) may mean, or trust it/,
    );
    await database.drop();
  });

  it('tells of a config or schema that does not load', async () => {
    const project = new Project({});
    expect(await tenantIn(project, 'check')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Correct "schema" in the config: no file matches ./schema.ts'),
    });
    project.write('schema.ts', 'export const x = ;');
    expect(await tenantIn(project, 'check')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Correct .*schema\.ts, which does not load: /),
    });
    project.write(
      'schema.ts',
      `${account}export const t = tenantTable('t', { id: (uuid() as any).primaryKey() } as any);`,
    );
    expect(await tenantIn(project, 'check')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Add a tenant column'),
    });
    project.write('drizzle.config.ts', 'export default { dialect: "postgresql" };');
    expect(await tenantIn(project, 'check')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Export defineTenantConfig({...})'),
    });
    expect(await tenantIn(project, 'check', '--config', 'none.ts')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Pass --config'),
    });
  });

  it('tells of a database that it cannot use, and changes nothing', async () => {
    const project = new Project({ 'schema.ts': small });
    const cases: [string | undefined, string, string][] = [
      [undefined, 'DatabaseConnectionError', 'Pass --url'],
      [
        'postgres://postgres@127.0.0.1:1/x',
        'DatabaseConnectionError',
        'Start the server, or correct host and port in the URL: nothing listens at 127.0.0.1:1/x',
      ],
      [
        plain.url('nobody_of_this_name', 'wrong'),
        'DatabaseConnectionError',
        'Correct the user or the password in the URL',
      ],
      [urlOf('nowhere'), 'DatabaseConnectionError', 'Create the database, or correct its name in the URL'],
      [plain.url(), 'CitusRequiredError', 'Run CREATE EXTENSION citus in the database, or set tenancy.citus to false'],
    ];
    for (const [url, tag, message] of cases) {
      const result = await tenantIn(project, 'plan', '--json', ...(url ? ['--url', url] : []));
      expect([result.code, JSON.parse(result.stdout)]).toEqual([
        1,
        { status: 'error', error: { tag, message: expect.stringContaining(message) } },
      ]);
      expect(result.stdout).not.toContain('wrong@');
    }
    expect(await tenantIn(project, 'isolate', 'x', '--url', plain.url())).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('CREATE EXTENSION citus'),
    });
  });

  it('plans and applies policies on PostgreSQL, and a migration moves the rows of an owner under FORCE', async () => {
    const url = owned.url(owner, 'owner');
    const project = new Project({ 'schema.ts': small }, 'citus: false, rls: true', `dbCredentials: { url: '${url}' },`);
    await project.drizzleKit('generate');
    expect(project.last()).not.toContain('citus');
    expect(await project.drizzleKit('migrate')).toMatchObject({ code: 0 });
    expect(await tenantIn(project, 'plan')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to do'),
    });
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    const [a, b] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
    const as = (tenant: string, run: (tx: any) => Promise<unknown>) =>
      sql.begin(async (tx) => {
        await tx.unsafe(`SET LOCAL app.tenant_id = '${tenant}'`);
        return run(tx);
      });
    for (const it of [a!, b!]) {
      await as(it, async (tx) => {
        await tx`INSERT INTO accounts (id) VALUES (${it})`;
        await tx`INSERT INTO projects (account_id, id) VALUES (${it}, gen_random_uuid())`;
      });
    }
    expect(await sql`SELECT FROM projects`).toHaveLength(0);
    expect(await as(a!, (tx) => tx`SELECT FROM projects`)).toHaveLength(1);
    await expect(
      as(a!, (tx) => tx`INSERT INTO projects (account_id, id) VALUES (${b}, gen_random_uuid())`),
    ).rejects.toThrow('row-level security');
    // A plain table becomes a tenant table: its rows are filled in through tables under FORCE.
    project.write(
      'schema.ts',
      `${small}export const notes = pgTable('notes', { id: uuid().primaryKey().defaultRandom(), owner: ` +
        `uuid().references(() => (accounts as any).id) });\n`,
    );
    await project.drizzleKit('generate');
    await migrateIn(project, url);
    for (const it of [a!, b!]) await as(it, (tx) => tx`INSERT INTO notes (owner) VALUES (${it})`);
    project.write(
      'schema.ts',
      `${small}export const notes = tenantTable('notes', { accountId: account.id('account_id'), id: ` +
        `uuid().primaryKey().defaultRandom(), owner: uuid() });\n`,
    );
    const generated = await project.drizzleKit('generate');
    expect(generated).toMatchObject({ code: 0, stderr: '' });
    expect(project.last()).toContain('UPDATE "notes" SET "account_id" = "accounts"."id" FROM "accounts"');
    await migrateIn(project, url);
    expect(await as(b!, (tx) => tx`SELECT account_id FROM notes`)).toEqual([{ account_id: b }]);
    await sql.unsafe('ALTER TABLE notes NO FORCE ROW LEVEL SECURITY');
    await sql.unsafe('DROP POLICY tenant_isolation ON projects');
    await sql.unsafe('ALTER TABLE accounts DISABLE ROW LEVEL SECURITY');
    const plan = JSON.parse((await tenantIn(project, 'plan', '--json')).stdout);
    expect(plan.steps.map((it: any) => it.what)).toEqual([
      'accounts: with row-level security for its owner too',
      'notes: with row-level security for its owner too',
      'projects: rows of the tenant in app.tenant_id only',
    ]);
    expect((await tenantIn(project, 'apply')).code).toBe(0);
    expect(await tenantIn(project, 'plan')).toMatchObject({ stdout: expect.stringContaining('Nothing to do') });
    // A key that is not there is added again, but for one that cannot be, which is named beforehand.
    await sql.unsafe('ALTER TABLE projects DROP CONSTRAINT projects_account_id_accounts_id_fkey');
    expect(JSON.parse((await tenantIn(project, 'plan', '--json')).stdout).steps.map((it: any) => it.what)).toEqual([
      'projects: with the foreign key projects_account_id_accounts_id_fkey',
    ]);
    const stray = '00000000-0000-4000-8000-00000000000c';
    await sql.unsafe(
      'ALTER TABLE projects NO FORCE ROW LEVEL SECURITY; ALTER TABLE accounts NO FORCE ROW LEVEL SECURITY',
    );
    await sql`INSERT INTO projects (account_id, id) VALUES (${stray}, gen_random_uuid())`;
    for (const command of ['plan', 'apply']) {
      expect(await tenantIn(project, command)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('Correct the rows of "projects" that point at no row of "accounts"'),
      });
    }
    await sql`DELETE FROM projects WHERE account_id = ${stray}`;
    expect((await tenantIn(project, 'apply')).code).toBe(0);
    await sql.unsafe(
      'ALTER TABLE projects DROP CONSTRAINT projects_account_id_accounts_id_fkey; ALTER TABLE accounts ' +
        'DROP CONSTRAINT accounts_pkey',
    );
    expect(JSON.parse((await tenantIn(project, 'plan', '--json')).stdout).steps.map((it: any) => it.what)).toEqual([
      'accounts: with the primary key accounts_pkey',
      'projects: with the foreign key projects_account_id_accounts_id_fkey',
    ]);
    await sql.end();
  });

  it('offers no key in write-only mode that waits for its end', async () => {
    const database = await createDatabase();
    const credentials = `dbCredentials: { url: '${database.url()}' },`;
    const text = (tenant: boolean) => {
      const table = tenant ? 'tenantTable' : 'pgTable';
      return `${account}
export const accounts = ${table}('accounts', { id: ${tenant ? 'account.id' : 'uuid'}().primaryKey() });
export const projects = ${table}('projects', { ${tenant ? "accountId: account.id('account_id')," : ''}
  id: uuid().primaryKey(), parent: uuid().references((): any => projects.id) });\n`;
    };
    const project = new Project({ 'schema.ts': text(false) }, 'citus: false', credentials);
    await project.drizzleKit('generate');
    project.write('schema.ts', text(true));
    project.config("citus: false, mode: 'write-only'", credentials);
    const [before, after] = [
      'projects_parent_projects_id_fkey',
      'projects_account_id_parent_projects_account_id_id_fkey',
    ];
    project.write(
      'hints.json',
      JSON.stringify([
        {
          type: 'rename',
          kind: 'foreign key',
          from: ['public', 'projects', before],
          to: ['public', 'projects', after],
        },
      ]),
    );
    expect(await project.drizzleKit('generate', '--hints-file=hints.json')).toMatchObject({ code: 0 });
    await migrateIn(project, database.url());
    expect(await tenantIn(project, 'plan')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to do'),
    });
    await database.drop();
  });
});
