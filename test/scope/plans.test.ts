/**
 * A statement of a form that was met before is not built again. That it says what it would say if it were is shown on
 * every program of the corpus (test/isolation) and on programs at random (test/random): there, what many tenants send by
 * plans is compared with what is built anew. Here is what those cannot show.
 */
import { and, eq, exists, gt, inArray, or, sql } from 'drizzle-orm';
import { integer, PgDialect } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { alias, referenceTable, tenantTable, withTenancy } from '../../src/index.js';
import { a, b } from '../support/rows.js';
import * as schema from '../support/schema.js';

const { projects, relations, tasks } = schema;
const db = withTenancy(drizzle.mock(), { relations });
const [one, two] = [db.forTenant(a), db.forTenant(b)] as any[];

beforeAll(() => import('../../src/scope/plans.js'));
afterEach(() => vi.restoreAllMocks());

/** How often Drizzle builds something while `run` runs. */
function builds(run: () => unknown): number {
  const spies = (['buildSelectQuery', 'buildUpdateQuery', 'buildDeleteQuery', 'buildRelationalQuery', 'sqlToQuery'] as const).map((it) => vi.spyOn(PgDialect.prototype, it));
  run();
  const calls = spies.reduce((sum, it) => sum + it.mock.calls.length, 0);
  vi.restoreAllMocks();
  return calls;
}

const forms: Record<string, (tdb: any, n: number) => { toSQL(): { sql: string; params: unknown[] } }> = {
  select: (tdb, n) => tdb.select().from(projects).where(and(gt(projects.id, n), or(eq(projects.name, `p${n}`), inArray(projects.id, [n, n])))).limit(n).offset(n),
  'a join with an alias': (tdb, n) => {
    const parent = alias(tasks, 'parent');
    return tdb.select({ id: tasks.id }).from(tasks).leftJoin(parent, and(eq(parent.id, tasks.parentId), gt(parent.points, n)));
  },
  'a subquery': (tdb, n) => {
    const sq = tdb.select({ id: tasks.id, twice: sql<number>`${tasks.points} * ${n}`.as('twice') }).from(tasks).as('sq');
    return tdb.select().from(sq).where(gt(sq.twice, n));
  },
  'a template': (tdb, n) => tdb.select({ n: sql`(select count(*) from ${tasks} where ${tasks.points} > ${n})` }).from(projects).orderBy(sql`${projects.budget} + ${n}`),
  union: (tdb, n) => tdb.select({ id: tasks.id }).from(tasks).where(gt(tasks.id, n)).union(tdb.select({ id: projects.id }).from(projects)).limit(n),
  'a relational query': (tdb, n) => tdb.query.projects.findMany({ where: { id: { gt: n, in: [n, 2] }, tasks: { title: { like: `%${n}` } } }, with: { tasks: { limit: n } }, limit: n }),
  update: (tdb, n) => tdb.update(tasks).set({ points: sql`${tasks.points} + ${n}`, title: `t${n}` }).where(eq(tasks.id, n)).returning(),
  delete: (tdb, n) => tdb.delete(tasks).where(eq(tasks.id, n)),
};

test.each(Object.keys(forms))('%s is built at first, and not again', (name) => {
  const form = forms[name]!;
  const expected = form(one, 7).toSQL();
  // What stands within it is a form of its own, and comes first.
  expect(builds(() => [8, 8, 8].forEach((n) => form(one, n).toSQL()))).toBeGreaterThan(0);
  let third: any;
  expect(builds(() => (third = form(one, 7).toSQL()))).toBe(0);
  expect({ ...third }).toEqual({ ...expected });
  const other = form(two, 9).toSQL();
  expect(other.sql).toBe(expected.sql);
  const nine = (value: unknown) => (value === 7 ? 9 : typeof value === 'string' ? value.replace('7', '9') : value);
  expect(other.params).toEqual(expected.params.map((it) => (it === a ? b : nine(it))));
});

test('a query of another tenant is refused in a statement of a known form, too', () => {
  const within = (tdb: any, other: any) => tdb.select().from(projects).where(exists(other.select().from(tasks).where(eq(tasks.projectId, projects.id)))).toSQL();
  for (let i = 0; i < 4; i++) within(one, one);
  expect(() => within(one, two)).toThrow(/Build every part of a query with one handle/);
  expect(within(two, two).params).toEqual([b, b]);
});

test('what is changed after a statement was built does not change it', () => {
  const chunk = sql`${tasks.points} > ${1}`;
  const make = () => one.select().from(tasks).where(chunk).as('sq');
  for (let i = 0; i < 3; i++) make();
  const sq = make();
  const outer = one.select({ id: sq.id }).from(sq);
  chunk.append(sql` or true`);
  expect(outer.toSQL().sql).not.toContain('or true');
  expect(one.select().from(tasks).where(chunk).toSQL().sql).toContain('or true)');
});

test('a value that is used twice may be two values the next time', () => {
  const shared = eq(tasks.id, 1);
  const build = (first: any, second: any) => one.select().from(tasks).where(or(first, second)).toSQL().params;
  for (let i = 0; i < 3; i++) expect(build(shared, shared)).toEqual([a, 1, 1]);
  expect(build(eq(tasks.id, 1), eq(tasks.id, 2))).toEqual([a, 1, 2]);
});

test('text that varies is text, and inlined values are part of it', () => {
  const texts = Array.from({ length: 4 }, (_, i) => one.select({ x: sql.raw(`${i} + 1`) }).from(tasks).toSQL().sql);
  expect(new Set(texts).size).toBe(4);
  const inlined = Array.from({ length: 4 }, (_, i) => one.select({ x: sql`${i}::int`.inlineParams() }).from(tasks).toSQL());
  expect(inlined.map((it) => /select (\d)::int/.exec(it.sql)?.[1])).toEqual(['0', '1', '2', '3']);
});

test('a list of another length is another form', () => {
  const build = (...ids: number[]) => one.select({ id: tasks.id }).from(tasks).where(inArray(tasks.id, ids)).toSQL();
  for (let i = 0; i < 3; i++) build(1, 2);
  expect(build(1, 2, 3).params).toEqual([a, 1, 2, 3]);
  expect(build(1, 2, 3).sql).toContain('in ($2, $3, $4)');
});

test('a name that is disputed later is refused from then on', () => {
  const { account } = schema;
  const disputed = tenantTable('disputed', { accountId: account.id(), id: integer().primaryKey() });
  const query = () => one.select().from(disputed).toSQL().sql;
  for (let i = 0; i < 4; i++) query();
  referenceTable('disputed', { id: integer().primaryKey() });
  expect(query).toThrow(/the process declares it twice/);
});

test('forms that never come back do not pile up', () => {
  const known = () => forms['select']!(one, 1).toSQL();
  for (let i = 0; i < 3; i++) known();
  expect(builds(known)).toBe(0);
  for (let i = 0; i < 20_000; i++) one.select({ x: sql.raw(`${i}`) }).from(tasks).getSQL();
  expect(builds(known)).toBeGreaterThan(0);
});
