/** The cluster from the command line, and drift of its shards, on a real Citus. */
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configure, tenantIn } from '../kit/in-process.js';
import { tryRoles } from '../kit/roles.js';
import { Project, removeProjects, small } from '../kit/project.js';
import { splitStatements } from '../../src/kit/statements.js';

const url = process.env['CITUS_URL'];
const a1 = '00000000-0000-4000-8000-00000000000a';

describe.skipIf(!url)('on Citus', { timeout: 120_000 }, () => {
  let sql: postgres.Sql;
  let project: Project;
  const tenant = (...args: string[]) => tenantIn(project, ...args);
  const role = `kit_plain_${process.pid}`;
  beforeAll(async () => {
    sql = postgres(url!, { max: 1, onnotice: () => {} });
    await sql.unsafe('DROP SCHEMA IF EXISTS drizzle CASCADE');
    const tables = await sql`SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`;
    if (tables.length > 0) await sql.unsafe(`DROP TABLE ${tables.map((it) => it['name']).join(', ')} CASCADE`);
    const schema = small
      .replace(
        /uuid\(\)\.primaryKey\(\),\n\}\);\n$/,
        `uuid().primaryKey(), name: text() }, (t) => [index('by_name').on(t.name)]);\n`,
      )
      .replace('integer, pgSchema', 'index, integer, pgSchema');
    project = new Project({ 'schema.ts': schema });
    configure(project, 'citus: { shardCount: 4 }, rls: true', url!);
    expect(await project.drizzleKit('generate')).toMatchObject({ code: 0, stderr: '' });
    await sql.begin(async (tx) => {
      for (const it of splitStatements(project.last())) await tx.unsafe(it);
    });
    await sql`INSERT INTO accounts (id) VALUES (${a1}), ('00000000-0000-4000-8000-00000000000b')`;
    await sql`INSERT INTO projects SELECT id, gen_random_uuid() FROM accounts, generate_series(1, 10)`;
  }, 120_000);
  afterAll(async () => {
    await sql?.unsafe(`DROP OWNED BY ${role}; DROP ROLE ${role}`).catch(() => {});
    await sql?.end();
    removeProjects();
  });
  const steps = async () => JSON.parse((await tenant('plan', '--json')).stdout).steps.map((it: any) => it.what);

  it('sees what one shard lacks, and mends it', async () => {
    expect(await steps()).toEqual([]);
    const [shard] = await sql`SELECT shardid::text AS id, nodename, nodeport FROM citus_shards
        WHERE table_name = 'projects'::regclass ORDER BY 1 LIMIT 1`;
    const worker = postgres(
      Object.assign(new URL(url!), { hostname: shard!['nodename'], port: String(shard!['nodeport']) }).href,
      { max: 1, onnotice: () => {} },
    );
    const id = shard!['id'];
    await worker.unsafe(
      'SET citus.enable_ddl_propagation = off; SET citus.enable_manual_changes_to_shards = on; ' +
        `DROP INDEX by_name_${id}`,
    );
    expect(await steps()).toEqual(['projects: with the index by_name on its shards too']);
    expect(await tenant('apply')).toMatchObject({ code: 0 });
    expect(await steps()).toEqual([]);
    await worker.unsafe(
      'SET citus.enable_ddl_propagation = off; SET citus.enable_manual_changes_to_shards = on; ' +
        `ALTER TABLE projects_${id} DROP CONSTRAINT projects_pkey_${id}`,
    );
    expect(await steps()).toEqual([expect.stringMatching(/projects: with the primary key \w+ on its shards too/)]);
    expect(await tenant('apply')).toMatchObject({ code: 0 });
    await worker.unsafe(
      'SET citus.enable_ddl_propagation = off; SET citus.enable_manual_changes_to_shards = on; ' +
        `DROP POLICY tenant_isolation ON projects_${id}`,
    );
    expect(await steps()).toEqual([expect.stringContaining('on its shards too')]);
    expect(await tenant('apply')).toMatchObject({ code: 0 });
    expect(await steps()).toEqual([]);
    // A worker says where the coordinator is.
    const at = worker.options;
    const elsewhere = Object.assign(new URL(url!), { hostname: at.host[0], port: String(at.port[0]) }).href;
    for (const command of ['plan', 'apply', 'isolate']) {
      const result = await tenant(command, ...(command === 'isolate' ? [a1] : []), '--url', elsewhere);
      expect(result).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^Connect to the coordinator at [\w.]+:\d+: this node is a worker/),
      });
    }
    await worker.end();
  });

  it('draws the shards, and lists nodes and tenants, also for a role without pg_monitor', async () => {
    const watched = await tenant('status', '--watch', '0.2', '--times', '2');
    expect(watched.stdout.match(/projects +tenant +account_id +4 /g)).toHaveLength(2);
    expect(watched.stdout).toMatch(/127\.0\.0\.1:\d+ █+ +[\d.]+ [kM]B\n +accounts +[▁▂▃▄▅▆▇█]{2}\n/);
    const { nodes } = JSON.parse((await tenant('nodes', '--json')).stdout);
    expect(nodes.map((it: any) => [it.role, it.isReachable, it.isActive])).toEqual([
      ['coordinator', true, true],
      ['worker', true, true],
      ['worker', true, true],
    ]);
    expect((await tenant('nodes')).stdout).toMatch(/coordinator +answers +active/);
    const { sizes } = JSON.parse((await tenant('tenants', '--size', '--json')).stdout);
    expect(sizes.map((it: any) => it.rows)).toEqual([11, 11]);
    await sql.unsafe(`CREATE ROLE ${role} LOGIN; GRANT SELECT ON accounts, projects TO ${role}`);
    const asRole = Object.assign(new URL(url!), { username: role }).href;
    expect(await tenant('tenants', '--url', asRole)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('BYPASSRLS'),
    });
    await sql.unsafe(`ALTER ROLE ${role} BYPASSRLS`);
    const byRole = await tenant('tenants', '--url', asRole);
    expect(byRole).toMatchObject({ code: 0, stderr: expect.stringMatching(/^By size: /) });
    expect(byRole.stdout).toContain(a1);
  });

  it('isolates a tenant where logical replication is not to be had, with a word', async () => {
    const done = await tenant('isolate', a1, '--json');
    expect(JSON.parse(done.stdout)).toMatchObject({ status: 'ok', already: false });
    expect([true, false]).toContain(done.stderr.includes('wait while it is split'));
    expect((await sql`SELECT count(*)::int AS n FROM projects`)[0]!['n']).toBe(20);
    expect(await steps()).toEqual([]);
  });

  it('rebalances', async () => {
    // All on one worker, and then shared out again.
    const [full, empty] = await sql`SELECT nodename, nodeport FROM pg_dist_node WHERE groupid > 0 ORDER BY groupid`;
    for (const {
      id,
    } of await sql`SELECT min(shardid)::text AS id FROM citus_shards WHERE table_name = 'accounts'::regclass
      AND nodeport = ${empty!['nodeport']} GROUP BY shardid`) {
      await sql.unsafe(
        `SELECT citus_move_shard_placement(${id}, '${empty!['nodename']}', ${empty!['nodeport']}, ` +
          `'${full!['nodename']}', ${full!['nodeport']}, 'block_writes')`,
      );
    }
    const dry = await tenant('rebalance', '--dry-run');
    expect(dry.stdout).toMatch(/Would move \d shards?/);
    const done = await tenant('rebalance');
    expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/Done: \d moves?\./) });
    expect(await tenant('rebalance')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('the nodes carry alike'),
    });
    expect((await sql`SELECT count(*)::int AS n FROM projects`)[0]!['n']).toBe(20);
    expect(await steps()).toEqual([]);
  });

  it('grants the tables to the roles of a migration, on the shards too', async () => {
    const tables = await sql`SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`;
    await sql.unsafe(`DROP TABLE ${tables.map((it) => it['name']).join(', ')} CASCADE`);
    await tryRoles(sql, { shardCount: 4 });
  });
});
