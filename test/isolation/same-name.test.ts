/**
 * A query within one of the same table, by the same name, as `where(inArray(tasks.id, tdb.select(...).from(tasks)))`:
 * of several tenants it gives what each one's handle gives, and never by another tenant's rows.
 */
import { count, eq, exists, inArray, max, not, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';
import { a, b, c } from '../support/rows.js';
import { labels, projects, relations, tasks } from '../support/schema.js';

let client: postgres.Sql;
let db: any;
beforeAll(async () => {
  const { url } = await freshDatabase('many');
  client = postgres(url, { max: 2, onnotice: () => {} });
  db = withTenancy(drizzle({ client }), { relations });
});
afterAll(async () => {
  await client.end();
  await dropDatabases();
});

const row = { accountId: tasks.accountId, id: tasks.id, points: tasks.points };
const programs: Record<string, (tdb: any) => Promise<unknown[]>> = {
  'an update by a list of ids': (tdb) =>
    tdb
      .update(tasks)
      .set({ points: sql`${tasks.points} + 1` })
      .where(inArray(tasks.id, tdb.select({ id: tasks.id }).from(tasks).orderBy(tasks.points, tasks.id).limit(1)))
      .returning(row),
  'an update to what the table says': (tdb) =>
    tdb
      .update(tasks)
      .set({ points: sql`${tdb.select({ n: max(tasks.points) }).from(tasks)}` })
      .returning(row),
  'a delete by a list of ids, joined': (tdb) =>
    tdb
      .delete(labels)
      .where(
        inArray(
          labels.id,
          tdb
            .select({ id: labels.id })
            .from(labels)
            .leftJoin(projects, eq(projects.id, labels.id))
            .where(sql`${projects.id} is null or ${projects.id} > 1`),
        ),
      )
      .returning({ accountId: labels.accountId, id: labels.id }),
  'a delete where nothing exists': (tdb) =>
    tdb
      .delete(labels)
      .where(not(exists(tdb.select({ one: sql`1` }).from(labels).where(eq(labels.id, 3)))))
      .returning({ accountId: labels.accountId, id: labels.id }),
  'a select by a number of all': (tdb) =>
    tdb
      .select(row)
      .from(tasks)
      .where(sql`${tasks.id} <= ${tdb.select({ n: count() }).from(tasks)}`),
};

/** In a transaction that is rolled back. */
async function run(program: (tdb: any) => Promise<unknown[]>, open: (db: any) => any): Promise<unknown[]> {
  let rows: unknown[] = [];
  await db
    .transaction(async (tx: any) => {
      rows = await program(open(tx));
      tx.rollback();
    })
    .catch((error: Error) => {
      if (error.constructor.name !== 'TransactionRollbackError') throw error;
    });
  return rows.map((it) => JSON.stringify(it)).sort();
}

describe.each(Object.entries(programs))('%s', (_name, program) => {
  test('acrossTenants and forTenants', async () => {
    const each = [];
    for (const id of [a, b, c]) each.push(await run(program, (tx) => tx.forTenant(id)));
    expect(each.flat().length).toBeGreaterThan(1);
    expect(await run(program, (tx) => tx.acrossTenants({ reason: 'test' }))).toEqual(each.flat().sort());
    expect(await run(program, (tx) => tx.forTenants([a, b]))).toEqual(each.slice(0, 2).flat().sort());
  });
});

test('a relational query takes its first rows of all tenants, each with its own', async () => {
  const page = { orderBy: { id: 'desc', accountId: 'asc' }, with: { project: { columns: { meta: true } } } } as const;
  const each = [];
  for (const id of [a, b, c]) each.push(...(await db.forTenant(id).query.tasks.findMany(page)));
  const all = each.sort((x: any, y: any) => y.id - x.id || (x.accountId < y.accountId ? -1 : 1));
  const across = db.acrossTenants({ reason: 'test' });
  expect(await across.query.tasks.findMany({ ...page, limit: 5, offset: 1 })).toEqual(all.slice(1, 6));
  expect(await across.query.tasks.findFirst(page)).toEqual(all[0]);
  expect(await across.query.tasks.findFirst({ ...page, strategy: 'optimized' })).toEqual(all[0]);
  const some = all.filter((it: any) => it.accountId !== c);
  expect(await db.forTenants([a, b]).query.tasks.findMany({ ...page, limit: 4 })).toEqual(some.slice(0, 4));
  const open = { where: { project: { status: 'open' } } } as const;
  expect(await across.query.tasks.findMany({ ...page, ...open })).toHaveLength(
    (await Promise.all([a, b, c].map((id) => db.forTenant(id).query.tasks.findMany(open)))).flat().length,
  );
});
