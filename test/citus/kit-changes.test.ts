/** Each change on a real Citus, from the state before it, with rows in the tables. */
import { bigserial, integer, uuid } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLive } from '../../src/kit/live/read.js';
import { planSteps } from '../../src/kit/live/plan.js';
import { tenancy, tenantTable } from '../../src/schema/index.js';
import { adopt } from '../kit/adopt.js';
import { changes, written } from '../kit/changes.js';
import { ruleCases } from '../kit/rule-cases.js';
import { citus, History } from '../kit/support.js';

const url = process.env['CITUS_URL'];

describe.skipIf(!url)('each change on Citus', () => {
  let sql: postgres.Sql;
  beforeAll(() => {
    sql = postgres(url!, { max: 1, onnotice: () => {} });
  });
  afterAll(() => sql?.end());

  const run = (statements: readonly string[]) =>
    sql.begin(async (tx) => {
      for (const statement of statements) await tx.unsafe(statement);
    });
  const distribution = async () =>
    (
      await sql`SELECT table_name::text || ' ' || CASE citus_table_type
        WHEN 'reference' THEN 'reference' ELSE distribution_column END AS held
        FROM citus_tables WHERE citus_table_type IN ('reference', 'distributed') ORDER BY 1`
    ).map((it) => it['held']);
  const empty = async () => {
    await sql.unsafe('DROP SCHEMA IF EXISTS app CASCADE; DROP SEQUENCE IF EXISTS sq, other CASCADE');
    const tables = await sql`SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`;
    if (tables.length > 0) await sql.unsafe(`DROP TABLE ${tables.map((it) => it['name']).join(', ')} CASCADE`);
  };

  for (const change of changes) {
    it(change.name, async () => {
      await empty();
      const history = new History();
      await run(await history.next({ schema: change.before(), tenancy: change.tenancyBefore ?? citus }));
      for (const insert of change.rows) await sql.unsafe(insert);
      const statements = await history.next({
        schema: change.after(),
        hints: change.hints,
        tenancy: change.tenancyAfter ?? change.tenancyBefore ?? citus,
      });
      if (change.write) await expect(run(statements)).rejects.toThrow('Fill in the tenant of every row of');
      await run(written(statements, change));
      for (const [query, value] of change.expect) {
        const [row] = await sql.unsafe(query);
        expect([query, Object.values(row!)[0]]).toEqual([query, value]);
      }
      expect(await distribution()).toEqual(change.citus);
      const live = await readLive({
        query: (text, values = []) => sql.unsafe(text, values as any[]) as any,
        close: async () => {},
      });
      expect(planSteps(history.state!, history.entities, live)).toEqual([]);
      // A second run of the Citus blocks does no harm.
      await run([statements[0]!, ...statements.filter((it) => it.startsWith('-- Citus:'))]);
      expect(await distribution()).toEqual(change.citus);
      for (const [query, value] of change.expect)
        expect(Object.values((await sql.unsafe(query))[0]!)[0]).toEqual(value);
    }, 60_000);
  }

  it('write-only mode leads from plain tables to tenant tables', async () => {
    await empty();
    await adopt({ query: (text) => sql.unsafe(text) as any, migrate: run });
    expect(await distribution()).toEqual(['accounts id', 'projects account_id', 'tags reference', 'tasks account_id']);
  }, 60_000);

  for (const { rule, before, after, tenancy, tenancyBefore, refused, harm } of ruleCases) {
    it.skipIf(!refused && !harm)(`refuses what the rule "${rule}" is about`, async () => {
      await empty();
      const history = new History();
      const off = { citus: { shardCount: 4 }, ...(before ? {} : tenancy), rules: { [rule]: 'off' as const } };
      if (before) await run(await history.next({ schema: before(), tenancy: tenancyBefore ?? off }));
      const migrated = history.next({ schema: after(), tenancy: off }).then(run);
      if (refused) await expect(migrated).rejects.toThrow(refused);
      if (!harm) return;
      await migrated;
      const [worker] = await sql`SELECT nodename, nodeport FROM pg_dist_node WHERE groupid > 0 AND noderole = 'primary'
          ORDER BY nodeid LIMIT 1`;
      const there = Object.assign(new URL(url!), {
        hostname: worker!['nodename'],
        port: String(worker!['nodeport']),
      }).href;
      const client = harm.onWorker ? postgres(there, { max: 1, onnotice: () => {} }) : sql;
      for (const it of harm.sql.slice(0, -1)) await client.unsafe(it);
      await expect(client.unsafe(harm.sql.at(-1)!)).rejects.toThrow(harm.error);
      if (client !== sql) await client.end();
    });
  }

  it('changes a bigserial to an integer, whose default goes first, and that to a bigserial again', async () => {
    await empty();
    const history = new History();
    const account = tenancy('account', uuid);
    const schema = (n: any) => ({ accounts: tenantTable('accounts', { id: account.id().primaryKey(), n } as any) });
    await run(await history.next({ schema: schema(bigserial({ mode: 'number' })), tenancy: citus }));
    await sql.unsafe(`INSERT INTO accounts VALUES (gen_random_uuid())`);
    await run(await history.next({ schema: schema(integer().notNull()), tenancy: citus }));
    expect([...(await sql`SELECT n, pg_typeof(n)::text AS type FROM accounts`)]).toEqual([{ n: 1, type: 'integer' }]);
    const again = await history.next({ schema: schema(bigserial({ mode: 'number' })), tenancy: citus });
    await run(again);
    await sql.unsafe(`INSERT INTO accounts VALUES (gen_random_uuid())`);
    const found = await sql`SELECT n::int, pg_typeof(n)::text AS type FROM accounts`;
    expect([...found]).toEqual([
      { n: 1, type: 'bigint' },
      { n: 1, type: 'bigint' },
    ]);
  });

  it('is tried for each rule that is about Citus', () => {
    const isElsewhere = [
      'policy-restrictive',
      'setting-renamed',
      'setting-name',
      'foreign-key-index',
      'everybody',
      'name-length',
      'name-quote',
      'plain-table',
      'unique-meaning',
      'view-tenant',
    ];
    const untried = new Set(ruleCases.filter((it) => !it.refused && !it.harm).map((it) => it.rule));
    expect([...untried].sort()).toEqual(isElsewhere.sort());
  });
});
