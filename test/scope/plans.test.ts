/**
 * A statement of a form that was met before is not built again. That it says what it would say if it were is shown on
 * every program of the corpus (test/isolation) and on programs at random (test/random): there, what many tenants send by
 * plans is compared with what is built anew. Here is what those cannot show.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { and, EmptyFilter, eq, exists, gt, inArray, or, sql } from 'drizzle-orm';
import { customType, integer, PgDialect } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { alias, defineTenantRelations, referenceTable, tenancy, tenantTable, withTenancy } from '../../src/index.js';
import { chunkKindOf, chunkKinds } from '../../src/scope/chunks.js';
import { a, b } from '../support/rows.js';
import * as schema from '../support/schema.js';

const { notes, projects, relations, tasks } = schema;
const db = withTenancy(drizzle.mock(), { relations });
const [one, two] = [db.forTenant(a), db.forTenant(b)] as any[];

beforeAll(() => import('../../src/scope/plans.js'));
afterEach(() => vi.restoreAllMocks());

/** How often Drizzle builds something while `run` runs. */
function builds(run: () => unknown): number {
  const spies = (['buildSelectQuery', 'buildInsertQuery', 'buildUpdateQuery', 'buildDeleteQuery', 'buildRelationalQuery', 'sqlToQuery'] as const).map((it) => vi.spyOn(PgDialect.prototype, it));
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
  insert: (tdb, n) => tdb.insert(tasks).values([{ id: n, projectId: n, title: `t${n}` }, { id: sql`${n} + 1`, projectId: 2, title: 't', points: n }]).returning(),
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

test('what is shown of a statement cannot be changed, nor what is kept of it', () => {
  const build = (end: unknown) => {
    const added = one.$with('added').as(one.insert(tasks).values({ id: 1, projectId: 1, title: 't' }).returning({ title: sql`upper(${tasks.title})`.as('title') }));
    return one.with(added).select({ title: added.title }).from(added).where(eq(added.title, end));
  };
  const seen = new Set<unknown>();
  const change = (it: any): void => {
    const kind = chunkKindOf(it);
    if (typeof it !== 'object' || it === null || seen.has(it) || kind === chunkKinds.column || kind === chunkKinds.table) return;
    seen.add(it);
    for (const name of Object.keys(it).filter((key) => !['encoder', 'decoder', 'selectedFields'].includes(key))) {
      change(it[name]);
      Reflect.set(it, name, name === 'queryChunks' ? [sql.raw('changed')] : 'changed');
    }
  };
  for (const end of ['x', sql.placeholder('end')]) for (let i = 0; i < 4; i++) {
    const expected = said(() => build(end));
    const query = build(end).getSQL();
    for (const chunk of query.queryChunks) change(chunk);
    expect(said(() => ({ toSQL: () => one.dialect.sqlToQuery(query) }))).toEqual(expected);
    expect(said(() => one.select().from(projects).where(sql`exists (${query}) or ${sql.placeholder('other')}`))).not.toMatchObject({ sql: expect.stringContaining('changed') });
    expect(said(() => build(end))).toEqual(expected);
    expect(said(() => build(sql.placeholder('end')))).not.toMatchObject({ sql: expect.stringContaining('changed') });
  }
});

test('a value that is used twice may be two values the next time', () => {
  const shared = eq(tasks.id, 1);
  const build = (first: any, second: any) => one.select().from(tasks).where(or(first, second)).toSQL().params;
  for (let i = 0; i < 3; i++) expect(build(shared, shared)).toEqual([a, 1, 1]);
  expect(build(eq(tasks.id, 1), eq(tasks.id, 2))).toEqual([a, 1, 2]);
});

/** What a statement says, or why it is refused. */
function said(build: () => { toSQL(): { sql: string; params: unknown[] } }): unknown {
  try {
    const { sql, params } = build().toSQL();
    return { sql, params: params.map((it: any) => it?.value?.name ?? it) };
  } catch (error) {
    return (error as Error).message;
  }
}

const twins: Record<string, ((tdb: any) => any)[]> = {
  'a limit, and none': [undefined, 5].map((limit) => (tdb) => tdb.query.tasks.findMany({ limit })),
  'an offset, and none': [undefined, 5].map((offset) => (tdb) => tdb.query.tasks.findMany({ limit: 1, offset })),
  'the limit of a relation, and none': [undefined, 5].map((limit) => (tdb) => tdb.query.projects.findMany({ with: { tasks: { limit } } })),
  'a filter that is left out, asked for, and forgotten': [EmptyFilter, true, false, undefined].map(
    (isNull) => (tdb) => tdb.query.tasks.findMany({ where: { points: { isNull } } }),
  ),
  'a table and an alias of the same name': [tasks, alias(tasks, 'tasks')].map((table) => (tdb) => tdb.select({ one: sql`1` }).from(table)),
  'with a schema, too': [notes, alias(notes, 'notes')].map((table) => (tdb) => tdb.select({ n: sql`(select count(*) from ${table} where ${notes.id} = 1)` }).from(projects)),
  'lists with nothing in them': [[undefined, 1], [1, undefined], [[undefined], 1], [[1], undefined]].map((list) => (tdb) => tdb.select().from(tasks).where(sql`1 in ${list}`)),
  'an order with a gap': [[undefined, tasks.id], [tasks.id, undefined]].map((order) => (tdb) => tdb.select().from(tasks).orderBy(...order)),
  'distinct on nothing': [[tasks.id], [], undefined].flatMap((on) => [(tdb) => tdb.selectDistinctOn(on, { id: tasks.id }).from(tasks), (tdb) => tdb.selectDistinct({ id: tasks.id }).from(tasks)]),
  'values within the text of a part': [false, true].map((isInlined) => (tdb) => {
    const part = tdb.select({ id: tasks.id }).from(tasks).where(eq(tasks.id, 1)).getSQL();
    return tdb.select().from(projects).where(sql`exists (${isInlined ? part.inlineParams() : part})`);
  }),
  'rows within a CTE, behind other values': [1, 2].map((n) => (tdb) => {
    const renamed = tdb.$with('renamed').as(tdb.update(tasks).set({ title: `y${n}` }).where(eq(tasks.id, 10 + n)).returning({ id: tasks.id }));
    const added = tdb.$with('added').as(tdb.insert(tasks).values({ id: n, projectId: 5 * n, title: `t${n}` }).returning({ id: tasks.id }));
    return tdb.with(renamed, added).select().from(added).where(eq(added.id, 7 * n));
  }),
  'rows within a CTE of a statement that is built anew': [1, 2].map((n) => (tdb) => {
    const added = tdb.$with('added').as(tdb.insert(tasks).values({ id: n, projectId: 5 * n, title: `t${n}` }).returning({ id: tasks.id }));
    return tdb.with(added).select().from(added).where(eq(added.id, sql.placeholder('id')));
  }),
};

test.each(Object.keys(twins))('nearly equal: %s', (name) => {
  for (let round = 0; round < 4; round++) for (const build of twins[name]!) {
    expect(said(() => build(one))).toEqual(said(() => build(withTenancy(drizzle.mock(), { relations }).forTenant(a))));
  }
});

test('the filter of a relation is what it is now', () => {
  let least = 1;
  const raw = { RAW: (t: any) => sql`${t.points} > ${least}` };
  const changed = { points: 1 };
  const db = withTenancy(drizzle.mock(), {
    relations: defineTenantRelations({ projects, tasks }, (r) => ({
      projects: {
        some: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId, alias: 'some', where: raw }),
        others: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId, alias: 'others', where: changed }),
      },
    })),
  });
  const { query } = db.forTenant(a) as any;
  for (const config of [{ with: { some: true } }, { where: { some: true } }, { orderBy: { some: 'asc(count)' } }, { with: { others: true } }, { where: { others: true } }]) {
    for (least = changed.points = 1; least < 6; changed.points = ++least) {
      expect(query.projects.findMany(config).toSQL().params.filter((it: unknown) => typeof it === 'number')).toEqual([least]);
    }
  }
});

test('a type that makes SQL of the tenant is none', () => {
  const hex = (dataType: string) => customType<{ data: string }>({ dataType: () => dataType, toDriver: (value) => sql`decode(${value}, 'hex')` });
  expect(() => tenancy('school', hex('bytea'))).toThrow(expect.objectContaining({ _tag: 'TenantDefinitionError' }));
  expect(() => tenancy('school', hex('text')).parse('ab')).toThrow(expect.objectContaining({ _tag: 'InvalidTenantIdError' }));
});

test('a plan keeps nothing of the statement that it was made of', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const kept: WeakRef<object>[] = [];
  const use = () => {
    const tdb = db.forTenant(a) as any;
    const value = { toString: () => '1' };
    const decode = () => value;
    const cte = tdb.$with('cte').as(tdb.select({ id: tasks.id }).from(tasks).where(sql`${tasks.id} = ${value}`));
    const sq = tdb.select({ id: tasks.id, x: sql`${value}`.mapWith(decode).as('x') }).from(tasks).as('sq');
    const query = tdb.with(cte).select({ x: sq.x, y: sql`${value}`.mapWith(decode) }).from(cte).innerJoin(sq, eq(sq.x, value));
    kept.push(...[tdb.dialect.scope, value, decode, query].map((it) => new WeakRef(it)));
    query.toSQL();
  };
  for (let i = 0; i < 4; i++) use();
  expect(builds(use)).toBe(0);
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve));
    gc();
  }
  expect(kept.filter((it) => it.deref())).toEqual([]);
});

test('long texts do not pile up', () => {
  const known = () => forms['select']!(one, 1).toSQL();
  for (let i = 0; i < 3; i++) known();
  expect(builds(known)).toBe(0);
  for (let i = 0; i < 200; i++) one.select({ x: sql.raw(`'${i}${'x'.repeat(100_000)}'`) }).from(tasks).getSQL();
  expect(builds(known)).toBeGreaterThan(0);
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
