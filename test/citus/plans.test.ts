/**
 * Every statement that the corpus sends for one tenant is answered by one shard on one node. Runs when CITUS_URL
 * names a database with the citus extension, whose tables of the test schema are dropped and created again.
 */
import postgres from 'postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { programs } from '../isolation/programs.js';
import { rowsFor, schemaStatements, type Sent } from '../support/databases.js';
import { a, tenantTables } from '../support/rows.js';
import * as schema from '../support/schema.js';

const url = process.env.CITUS_URL;
if (!url) console.warn('CITUS_URL is not set: the plans on Citus are skipped.');

/** Between the tables and their foreign keys, Citus is told how they are distributed. */
function distributed(statements: readonly string[]): string[] {
  const tables = statements.filter((it) => /^CREATE (TABLE|TYPE|SCHEMA)/.test(it));
  const rest = statements.filter((it) => !tables.includes(it));
  const roots = { workspaces: 'workspaces', boards: 'workspaces' } as Record<string, string>;
  return [
    "set citus.multi_shard_modify_mode to 'sequential'",
    ...tables,
    "select create_reference_table('countries')",
    ...tenantTables.map(([table, column]) => {
      const root = roots[table] ?? 'accounts';
      return `select create_distributed_table('${table}', '${column}'${table === root ? '' : `, colocate_with => '${root}'`})`;
    }),
    ...rest,
  ];
}

async function planOf(client: postgres.Sql, { sql, params }: Sent): Promise<string> {
  // INSERT ... SELECT runs with parameters, but its EXPLAIN says "no value found for parameter 1".
  const isInsertSelect = /^(with .*)?insert into [^()]+\([^()]+\) \(?(with|select)/is.test(sql);
  const plan = isInsertSelect
    ? await client.unsafe(`explain (costs off) ${sql.replace(/\$(\d+)/g, (_, n) => literal(params[n - 1]))}`)
    : await client.unsafe(`explain (costs off) ${sql}`, params as any[]);
  return plan.map((row: any) => row['QUERY PLAN']).join('\n');
}

const literal = (value: unknown) => (typeof value === 'number' ? String(value) : `'${String(value).replaceAll("'", "''")}'`);

describe.skipIf(!url)('on Citus', () => {
  const sent: Sent[] = [];
  let client: postgres.Sql;
  let db: any;
  const counts: Record<number, number> = {};

  beforeAll(async () => {
    client = postgres(url!, { max: 1, onnotice: () => {} });
    await client.unsafe('drop materialized view if exists project_sizes; drop view if exists open_tasks');
    for (const [table] of [...tenantTables].reverse()) await client.unsafe(`drop table if exists ${table} cascade`);
    await client.unsafe('drop table if exists countries cascade; drop schema if exists crm cascade; drop type if exists status');
    for (const statement of distributed(await schemaStatements())) await client.unsafe(statement);
    for (const statement of rowsFor.many.split(';\n').filter((it) => it.trim() !== '')) await client.unsafe(statement);
    db = withTenancy(drizzle({ client, logger: { logQuery: (sql, params) => void sent.push({ sql, params }) } }), { relations: schema.relations });
  }, 120_000);
  afterAll(async () => {
    if (Object.keys(counts).length > 0) console.log(`Task Count of ${programs.length} programs: ${JSON.stringify(counts)}`);
    await client?.end();
  });

  for (const { name, run, notCitus, fails } of programs) {
    test.skipIf(notCitus)(name, async () => {
      sent.length = 0;
      const done = new Error('done');
      let failure: any;
      // What a program does is undone; what it sent is kept.
      await db
        .forTenant(a)
        .transaction(async (tx: any) => {
          await Promise.resolve(run(tx, schema)).catch((error) => (failure = error));
          throw done;
        })
        .catch((error: unknown) => {
          if (error !== done && !failure) throw error;
        });
      if (failure && !fails) throw failure;
      expect(sent.length).toBeGreaterThan(0);
      let most = 0;
      for (const { sql, params } of [...sent]) {
        if (!/^(select|with|insert|update|delete|\()/i.test(sql)) continue;
        const text = await planOf(client, { sql, params }).catch((error) => {
          if (fails) return ''; // It has no plan: that is how it fails.
          throw error;
        });
        for (const [, count] of text.matchAll(/Task Count: (\d+)/g)) most = Math.max(most, Number(count));
      }
      counts[most] = (counts[most] ?? 0) + 1;
      expect(most).toBeLessThanOrEqual(1);
    });
  }
});
