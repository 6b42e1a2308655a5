/** drizzle-kit and the command line against a real Citus. */
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Project, removeProjects, small } from '../kit/project.js';

const url = process.env['CITUS_URL'];
const a1 = '00000000-0000-4000-8000-00000000000a';

describe.skipIf(!url)('on Citus', { timeout: 60_000 }, () => {
  let sql: postgres.Sql;
  const credentials = `dbCredentials: { url: '${url}' },`;
  beforeAll(() => {
    sql = postgres(url!, { max: 1, onnotice: () => {} });
  });
  beforeEach(async () => {
    await sql.unsafe('DROP SCHEMA IF EXISTS drizzle CASCADE');
    const tables = await sql`SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`;
    if (tables.length > 0) await sql.unsafe(`DROP TABLE ${tables.map((it) => it['name']).join(', ')} CASCADE`);
  });
  afterAll(async () => {
    await sql?.end();
    removeProjects();
  });
  const rows = async () => {
    await sql`INSERT INTO countries (id) VALUES (1)`;
    await sql`INSERT INTO accounts VALUES (${a1}, 1), ('00000000-0000-4000-8000-00000000000b', 1)`;
    await sql`INSERT INTO projects SELECT id, gen_random_uuid() FROM accounts, generate_series(1, 10)`;
  };
  const projects = async () => (await sql`SELECT count(*)::int AS n FROM projects`)[0]!['n'];
  const foreignKeys = async () =>
    (
      await sql`SELECT count(*)::int AS n FROM pg_constraint WHERE contype = 'f'
        AND conrelid IN ('accounts'::regclass, 'projects'::regclass)`
    )[0]!['n'];

  it('migrates from empty, all pending migrations at once, then the next with rows in the tables', async () => {
    const project = new Project({ 'schema.ts': small }, 'citus: { shardCount: 4 }', credentials);
    await project.drizzleKit('generate', '--name', 'init');
    const tasks =
      "export const tasks = tenantTable('tasks', { accountId: account.id('account_id'), id: " +
      "uuid().primaryKey(), projectId: uuid('project_id').references(() => projects.id), countryId: " +
      `integer('country_id').references(() => countries.id) });\n`;
    project.write('schema.ts', small + tasks);
    await project.drizzleKit('generate', '--name', 'tasks');
    project.config('citus: { shardCount: 4 }, rls: true', credentials);
    await project.drizzleKit('generate', '--name', 'rls');
    expect(project.migrations).toHaveLength(3);
    expect(await project.drizzleKit('migrate')).toMatchObject({ code: 0 });
    expect(JSON.parse((await project.tenant('plan', '--json')).stdout)).toEqual({ status: 'ok', steps: [] });
    await rows();
    project.config('citus: { shardCount: 8 }', credentials);
    await project.drizzleKit('generate', '--name', 'more');
    expect(await project.drizzleKit('migrate')).toMatchObject({ code: 0 });
    expect(JSON.parse((await project.tenant('plan', '--json')).stdout)).toEqual({ status: 'ok', steps: [] });
    expect(await projects()).toBe(20);
    const status = await project.tenant('status');
    expect(status.stdout).toMatch(/projects +tenant +account_id +8 /);
    expect(status.stdout).not.toContain('!');
  });

  it('applies to tables that are not distributed, also when it has to stop halfway', async () => {
    const project = new Project({ 'schema.ts': small }, 'citus: false', credentials);
    await project.drizzleKit('generate');
    expect(await project.drizzleKit('migrate')).toMatchObject({ code: 0 });
    project.config('citus: { shardCount: 4 }, rls: true', credentials);
    expect(await project.drizzleKit('push', '--force')).toMatchObject({ code: 1 });
    await rows();
    const plan = await project.tenant('plan');
    expect(plan.code).toBe(1);
    expect(plan.stdout).toContain(
      "SELECT create_distributed_table('\"projects\"', 'account_id', colocate_with => '\"accounts\"')",
    );
    // Citus refuses a table with a trigger: the run does not begin.
    await sql.unsafe(
      "CREATE OR REPLACE FUNCTION kit_f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; " +
        'CREATE TRIGGER t BEFORE INSERT ON projects FOR EACH ROW EXECUTE FUNCTION kit_f()',
    );
    expect(await project.tenant('apply')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Drop the trigger t of projects, .* Nothing was changed\./),
    });
    await sql.unsafe('DROP TRIGGER t ON projects');
    // Nor does a shard take a row that breaks a check which was not looked at: the run stops there.
    await sql.unsafe('ALTER TABLE projects ADD CONSTRAINT by_hand CHECK (id IS NULL) NOT VALID');
    const stopped = await project.tenant('apply');
    expect(stopped).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('The steps before it stay, and apply goes on from there'),
    });
    expect(stopped.stderr).toContain('projects: by account_id');
    const half = await project.tenant('status');
    expect(half.stdout).toMatch(/! +projects/);
    await sql.unsafe('ALTER TABLE projects DROP CONSTRAINT by_hand');
    const done = await project.tenant('apply');
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('done in') });
    expect(await project.tenant('plan')).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
    expect(await projects()).toBe(20);
    expect(await foreignKeys()).toBe(2);
    // Taken apart by hand, and put right again.
    await sql.unsafe('ALTER TABLE projects DROP CONSTRAINT projects_account_id_accounts_id_fkey');
    await sql.unsafe(`SELECT undistribute_table('projects')`);
    await sql.unsafe('DROP POLICY tenant_isolation ON projects');
    expect((await project.tenant('apply')).code).toBe(0);
    expect(await project.tenant('plan')).toMatchObject({ stdout: expect.stringContaining('Nothing to do') });
    expect([await projects(), await foreignKeys()]).toEqual([20, 2]);
    await sql.unsafe('ALTER TABLE accounts ADD COLUMN p uuid');
    await sql.unsafe(
      'ALTER TABLE accounts ADD CONSTRAINT by_hand FOREIGN KEY (id, p) REFERENCES projects (account_id, id)',
    );
    project.config('citus: false, rls: true', credentials);
    expect(await project.tenant('plan')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'Drop these foreign keys, or declare them in the schema, before the tables move: "by_hand"',
      ),
    });
  });

  it('puts a tenant on a shard of its own', async () => {
    const project = new Project({ 'schema.ts': small }, 'citus: { shardCount: 4 }', credentials);
    await project.drizzleKit('generate');
    await project.drizzleKit('migrate');
    await rows();
    const first = await project.tenant('isolate', a1, '--json', '--block-writes');
    expect(JSON.parse(first.stdout)).toMatchObject({ status: 'ok', table: 'accounts', already: false });
    const { shard } = JSON.parse(first.stdout);
    const [range] =
      await sql`SELECT shardminvalue = shardmaxvalue AS alone FROM pg_dist_shard WHERE shardid = ${shard}`;
    expect(range!['alone']).toBe(true);
    expect(JSON.parse((await project.tenant('isolate', a1, '--json', '--block-writes')).stdout)).toMatchObject({
      already: true,
      shard,
    });
    expect(await projects()).toBe(20);
    expect(await project.tenant('isolate', 'x')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is no uuid'),
    });
    expect(await project.tenant('isolate', a1.replace('a', 'c'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has no row for this one'),
    });
    expect(await project.tenant('isolate', a1, '--tenancy', 'nobody')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Pass --tenancy with one of "account"'),
    });
    // A shard more than declared is what isolation leaves, and no reason to split anew.
    expect(await project.tenant('plan')).toMatchObject({ stdout: expect.stringContaining('Nothing to do') });
    const tenants = await project.tenant('tenants');
    expect([0, 1]).toContain(tenants.code);
    if (tenants.code === 1) expect(tenants.stderr).toContain('citus.stat_tenants_track');
  });

  it('tells what is missing', async () => {
    const project = new Project({ 'schema.ts': small }, 'citus: {}', credentials);
    expect(await project.tenant('plan')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'Run "npx drizzle-kit migrate" first: the database has no "accounts", "countries", "projects".',
      ),
    });
  });
});
