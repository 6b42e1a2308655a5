/** What Citus plans for the statements of the corpus, for the tests and for the benchmark. */
import type postgres from 'postgres';
import type { Program } from '../isolation/programs.js';
import { a } from '../support/rows.js';
import * as schema from '../support/schema.js';

interface Sent {
  readonly sql: string;
  readonly params: readonly unknown[];
}

async function planOf(client: postgres.Sql, { sql, params }: Sent): Promise<string> {
  // INSERT ... SELECT runs with parameters, but its EXPLAIN says "no value found for parameter 1".
  const isInsertSelect = /^(with .*)?insert into [^()]+\([^()]+\) \(?(with|select)/is.test(sql);
  const plan = isInsertSelect
    ? await client.unsafe(`explain (costs off) ${sql.replace(/\$(\d+)/g, (_, n) => literal(params[n - 1]))}`)
    : await client.unsafe(`explain (costs off) ${sql}`, params as any[]);
  return plan.map((row: any) => row['QUERY PLAN']).join('\n');
}

const literal = (value: unknown) =>
  typeof value === 'number' ? String(value) : `'${String(value).replaceAll("'", "''")}'`;

/**
 * Runs a program for one tenant, and takes back what it did.
 *
 * @param sent where the logger of `db` puts what it sends
 * @returns how many statements it sent, and the largest number of shards that one of them asks
 */
export async function shardsAsked(
  { run, fails }: Program,
  db: any,
  sent: Sent[],
  client: postgres.Sql,
): Promise<{ statements: number; most: number }> {
  sent.length = 0;
  const done = new Error('done');
  let failure: any;
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
  let most = 0;
  const statements = [...sent];
  for (const { sql, params } of statements) {
    if (!/^(select|with|insert|update|delete|\()/i.test(sql)) continue;
    const text = await planOf(client, { sql, params }).catch((error) => {
      if (fails) return ''; // It has no plan: that is how it fails.
      throw error;
    });
    for (const [, count] of text.matchAll(/Task Count: (\d+)/g)) most = Math.max(most, Number(count));
  }
  return { statements: statements.length, most };
}
