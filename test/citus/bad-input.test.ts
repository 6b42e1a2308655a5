/**
 * What goes wrong beside the commands: a process that is killed, two at once, a worker that is down. Nothing is lost,
 * and the next run goes on.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tenantIn } from '../kit/in-process.js';
import { lib, Project, removeProjects, small } from '../kit/project.js';
import { splitStatements } from '../../src/kit/statements.js';

const url = process.env['CITUS_URL'];

describe.skipIf(!url)('on Citus', { timeout: 180_000 }, () => {
  let sql: postgres.Sql;
  let project: Project;
  const credentials = `dbCredentials: { url: '${url}' },`;
  const tenant = (...args: string[]) => tenantIn(project, ...args);
  beforeAll(async () => {
    sql = postgres(url!, { max: 1, onnotice: () => {} });
    await sql.unsafe('DROP SCHEMA IF EXISTS drizzle CASCADE');
    const tables = await sql`SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`;
    if (tables.length > 0) await sql.unsafe(`DROP TABLE ${tables.map((it) => it['name']).join(', ')} CASCADE`);
    project = new Project({ 'schema.ts': small }, 'citus: false', credentials);
    expect(await project.drizzleKit('generate')).toMatchObject({ code: 0, stderr: '' });
    await sql.begin(async (tx) => {
      for (const it of splitStatements(project.last())) await tx.unsafe(it);
    });
    await sql`INSERT INTO countries (id) VALUES (1)`;
    await sql`INSERT INTO accounts SELECT gen_random_uuid(), 1 FROM generate_series(1, 50)`;
    await sql`INSERT INTO projects SELECT id, gen_random_uuid() FROM accounts, generate_series(1, 100)`;
    project.config('citus: { shardCount: 4 }, rls: true', credentials);
  }, 120_000);
  afterAll(async () => {
    await sql?.end();
    removeProjects();
  });
  const counts = async () =>
    (
      await sql`SELECT (SELECT count(*)::int FROM accounts) AS accounts, (SELECT count(*)::int
        FROM projects) AS projects`
    )[0];
  const steps = async (): Promise<string[]> =>
    JSON.parse((await tenant('plan', '--json')).stdout).steps.map((it: any) => it.what);

  /** Ends the process as soon as it says that it is at that step. */
  const killedAt = (step: number) =>
    new Promise<NodeJS.Signals | null>((done) => {
      const child = spawn(process.execPath, [join(lib, 'kit/cli/cli.js'), 'apply'], {
        cwd: project.folder,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      child.stdout.on('data', (text) => void (String(text).includes(`[${step}/`) && child.kill('SIGKILL')));
      child.on('exit', (_, signal) => done(signal));
    });

  it('apply stops at a worker that is down, and changes nothing', async () => {
    const before = await steps();
    expect(before.length).toBeGreaterThan(5);
    const [worker] =
      await sql`SELECT nodeid, nodeport FROM pg_dist_node WHERE groupid > 0 ORDER BY nodeid DESC LIMIT 1`;
    // In this database only: nothing listens there.
    await sql`UPDATE pg_dist_node SET nodeport = 1 WHERE nodeid = ${worker!['nodeid']}`;
    try {
      const result = await tenant('apply', '--json');
      expect([result.code, JSON.parse(result.stdout).error]).toEqual([
        1,
        {
          tag: 'DatabaseStateError',
          message: expect.stringMatching(
            /^Start [\w.]+:1, or correct its address in pg_dist_node: .* Nothing was changed\./,
          ),
        },
      ]);
    } finally {
      await sql`UPDATE pg_dist_node SET nodeport = ${worker!['nodeport']} WHERE nodeid = ${worker!['nodeid']}`;
    }
    expect([await steps(), await counts()]).toEqual([before, { accounts: 50, projects: 5000 }]);
  });

  it('apply is killed at each of its steps, and the next goes on from there', async () => {
    const left = [(await steps()).length];
    for (let round = 0; left.at(-1)! > 1 && round < 15; round++) {
      expect(await killedAt(2)).toBe('SIGKILL');
      // The server ends what the killed process had begun.
      while (
        (
          await sql`SELECT FROM pg_stat_activity WHERE datname = current_database()
            AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name = 'postgres.js'`
        ).length > 0
      )
        await new Promise((done) => setTimeout(done, 20));
      left.push((await steps()).length);
      expect(left.at(-1)!).toBeLessThan(left.at(-2)!);
      expect(await counts()).toEqual({ accounts: 50, projects: 5000 });
    }
    expect(await tenant('apply')).toMatchObject({ code: 0 });
    expect([await steps(), await counts()]).toEqual([[], { accounts: 50, projects: 5000 }]);
    expect([
      ...(await sql`SELECT conname AS name FROM pg_constraint WHERE contype = 'f' AND NOT convalidated`),
    ]).toEqual([]);
  });

  it('one of two at once waits, and then finds nothing to do', async () => {
    await sql.unsafe('ALTER TABLE projects DROP CONSTRAINT projects_account_id_accounts_id_fkey');
    const [one, two] = await Promise.all([project.tenant('apply'), project.tenant('apply')]);
    expect([one.code, two.code, one.stderr, two.stderr]).toEqual([0, 0, '', '']);
    expect([one.stdout, two.stdout].filter((it) => it.includes('Done: 1 step')).length).toBe(1);
    expect([one.stdout, two.stdout].filter((it) => it.includes('Nothing to do')).length).toBe(1);
    expect(await steps()).toEqual([]);
  });
});
