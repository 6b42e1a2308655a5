/** What an attacker with the public API found, or did not. Each is a way to another tenant's row, or to know of one. */
import { sql } from 'drizzle-orm';
import { beforeAll, describe, expect, test } from 'vitest';
import { account } from '../support/schema.js';
import { comparison, type Run } from '../support/comparison.js';
import { a } from '../support/rows.js';
import { labels, projects, tasks } from '../support/schema.js';

const pair = comparison();
// With statistics, tables as small as these are read as a whole: each row meets the conditions.
beforeAll(() => Promise.all([pair.many, pair.alone].map((it) => it.run('analyze'))));

describe('the system columns tell where a row lies among those of all tenants', () => {
  const fake = (name: string) => Object.create(tasks.id, { name: { value: name } });
  const refusals: Record<string, Run> = {
    'in a field': (tdb) => tdb.select({ x: sql`ctid` }).from(tasks),
    'in a field, in capitals': (tdb) => tdb.select({ x: sql`CTID` }).from(tasks),
    'in quotes': (tdb) => tdb.select({ x: sql`"ctid"` }).from(tasks),
    'by a name': (tdb) => tdb.select({ x: sql`${sql.identifier('ctid')}` }).from(tasks),
    'of a table': (tdb) => tdb.select({ x: sql`${tasks}.xmin` }).from(tasks),
    'in a condition': (tdb) => tdb.select({ id: tasks.id }).from(tasks).where(sql`ctid > '(0,5)'`),
    'in ORDER BY': (tdb) => tdb.select({ id: tasks.id }).from(tasks).orderBy(sql`xmin`),
    'in RETURNING': (tdb) => tdb.update(tasks).set({ points: 3 }).returning({ x: sql`ctid` }),
    'of a conflict': (tdb) => tdb.insert(labels).values({ id: 1, name: 'x' }).onConflictDoUpdate({ target: labels.id, set: { name: sql`x_labels.ctid::text` } }),
    'of an upsert, as a number': (tdb) => tdb.insert(labels).values({ id: 90, name: 'x' }).returning({ x: sql`xmax::text::bigint` }),
    'by a column that is none': (tdb) => tdb.select({ x: fake('ctid') }).from(tasks),
    'by a column that is none, in a template': (tdb) => tdb.select({ x: sql`${fake('xmin')}` }).from(tasks),
    'by a label': (tdb) => tdb.select({ id: tasks.id }).from(tasks).where(sql`${sql`1`.as('ctid')} > '(0,5)'::tid`),
    'in a relational query': (tdb: any) => tdb.query.tasks.findMany({ where: { RAW: sql`ctid > '(0,5)'` } }),
    'the table that a row is from': (tdb) => tdb.select({ x: sql`tableoid` }).from(tasks),
    'in text by hand': (tdb) => tdb.execute(sql`select ctid from tasks where "accountId" = ${a}`),
  };
  for (const [name, run] of Object.entries(refusals)) test(name, () => pair.refused(run));

  const allowed: Record<string, Run> = {
    'whether an upsert inserted': (tdb) =>
      tdb.insert(labels).values([{ id: 1, name: 'x' }, { id: 90, name: 'x' }]).onConflictDoUpdate({ target: labels.id, set: { name: 'y' } }).returning({ isNew: sql`(xmax = 0)`, isOld: sql`xmax <> 0` }),
    'a name of our own': (tdb) => tdb.execute(sql`select t.id as ctid from ${tasks} t`),
  };
  for (const [name, run] of Object.entries(allowed)) {
    test(name, async () => {
      expect((await pair.isolated(run)).error).toBeUndefined();
    });
  }
});

describe('an expression that raises an error on rows of tenants that a handle of many does not reach', () => {
  const few = (n: number) => [a, ...Array.from({ length: n - 1 }, (_, i) => account.parse(`aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaa${i}`))];
  const conditions = {
    division: sql`1 / (${tasks.points} - 60) > -5`,
    'a cast': sql`case ${tasks.title} when 'hidden' then ${tasks.title} else '0' end::int = 0`,
  };
  for (const [name, condition] of Object.entries(conditions)) {
    for (const n of [2, 3, 5, 8, 9, 10]) {
      test(`${name}, ${n} tenants`, async () => {
        const { error } = await pair.isolated((_tdb, _schema, db) => (db.forTenants(few(n) as any) as any).select({ id: tasks.id }).from(tasks).where(condition));
        expect(error).toBeUndefined();
      });
    }
  }
});

describe('a function that runs text is called without parentheses', () => {
  for (const name of ['crosstab2', 'citus_table_size', 'run_command_on_workers', 'master_get_table_ddl_events', 'query_to_xml', 'ts_stat']) {
    test(name, () => pair.refused((tdb) => tdb.select({ x: sql`x.${sql.identifier(name)}` }).from(sql`unnest(array['select title from tasks']) as x`)));
  }
  test('of a table', () => pair.refused((tdb) => tdb.select({ x: sql`${projects}.crosstab3` }).from(projects)));
});
