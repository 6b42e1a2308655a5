/** Drizzle's `jit` mappers, compiled once for a selection: never for two that differ, however alike their texts are. */
import { eq, sql } from 'drizzle-orm';
import { integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { describe, expect, it, test } from 'vitest';
import { alias, withTenancy } from '../../src/index.js';
import { comparison, type Side } from '../support/comparison.js';
import { freshDatabase, plainDrizzle, type Contents } from '../support/databases.js';
import { a } from '../support/rows.js';
import { projects, projectSizes, relations, tasks } from '../support/schema.js';
import { withKeptMappers } from '../../src/handle/mappers.js';
import { programs } from '../isolation/programs.js';

const answer: unknown[][] = [];
const client: any = Object.assign(() => {}, {
  options: { parsers: {}, serializers: {} },
  unsafe: () => Object.assign(Promise.resolve([]), { values: async () => answer.map((row) => structuredClone(row)) }),
});
const db = withTenancy(drizzle({ client, jit: true }), { relations });
const tdb = db.forTenant(a);
/** What a query makes of rows that the database might have given. */
const mapped = async (query: () => PromiseLike<unknown>, ...rows: unknown[][]) => {
  answer.splice(0, Infinity, ...rows);
  return query();
};

describe('queries of one text', () => {
  it('that name their fields otherwise', async () => {
    const [one, other] = [
      () => tdb.select({ id: tasks.id, title: tasks.title }).from(tasks),
      () => tdb.select({ title: tasks.id, id: tasks.title }).from(tasks),
    ];
    expect(one().toSQL()).toEqual(other().toSQL());
    for (let round = 0; round < 3; round++) {
      expect(await mapped(one, [1, 'a'])).toEqual([{ id: 1, title: 'a' }]);
      expect(await mapped(other, [1, 'a'])).toEqual([{ title: 1, id: 'a' }]);
    }
  });

  it('that put their fields into other objects', async () => {
    const [flat, deep] = [
      () => tdb.select({ id: tasks.id, title: tasks.title }).from(tasks),
      () => tdb.select({ task: { id: tasks.id, title: tasks.title } }).from(tasks),
    ];
    for (let round = 0; round < 3; round++) {
      expect(await mapped(flat, [1, 'a'])).toEqual([{ id: 1, title: 'a' }]);
      expect(await mapped(deep, [1, 'a'])).toEqual([{ task: { id: 1, title: 'a' } }]);
    }
  });

  it('that decode a value otherwise, with functions made in place too', async () => {
    const decoded = (decoder: (value: any) => unknown) => () =>
      tdb.select({ id: tasks.id, n: sql`count(*)`.mapWith(decoder) }).from(tasks);
    const times = (factor: number) => decoded((value) => value * factor);
    for (let round = 0; round < 3; round++) {
      expect(await mapped(decoded(Number), [1, '2'])).toEqual([{ id: 1, n: 2 }]);
      expect(await mapped(decoded(String), [1, 2])).toEqual([{ id: 1, n: '2' }]);
      for (const factor of [2, 3]) expect(await mapped(times(factor), [1, 2])).toEqual([{ id: 1, n: 2 * factor }]);
    }
  });

  it('whose decoder holds more than a function', async () => {
    function mapFromDriverValue(this: { factor: number }, value: any) {
      return value * this.factor;
    }
    const decoder = (factor: number) => ({ factor, mapFromDriverValue });
    const query = (factor: number) => () =>
      tdb.select({ id: tasks.id, n: sql`count(*)`.mapWith(decoder(factor)) }).from(tasks);
    const shared = { mapFromDriverValue: (value: any): unknown => value * 2 };
    for (const factor of [2, 3, 2]) expect(await mapped(query(factor), [1, 2])).toEqual([{ id: 1, n: 2 * factor }]);
    const same = () => tdb.select({ id: tasks.id, n: sql`count(*)`.mapWith(shared) }).from(tasks);
    expect(await mapped(same, [1, 2])).toEqual([{ id: 1, n: 4 }]);
    shared.mapFromDriverValue = (value) => `${value}!`;
    expect(await mapped(same, [1, 2])).toEqual([{ id: 1, n: '2!' }]);
  });

  it('of which one fills in null for a table that is missing', async () => {
    const fields = { task: { id: tasks.id }, project: { id: projects.id, name: projects.name } };
    const left = () => tdb.select(fields).from(tasks).leftJoin(projects, eq(projects.id, tasks.projectId));
    const inner = () => tdb.select(fields).from(tasks).innerJoin(projects, eq(projects.id, tasks.projectId));
    for (let round = 0; round < 2; round++) {
      expect(await mapped(left, [1, null, null])).toEqual([{ task: { id: 1 }, project: null }]);
      expect(await mapped(inner, [1, null, null])).toEqual([{ task: { id: 1 }, project: { id: null, name: null } }]);
    }
  });

  it('that ask for the first row, or for all', async () => {
    for (let round = 0; round < 2; round++) {
      expect(await mapped(() => tdb.query.accounts.findMany({ columns: { name: true } }), ['x'])).toEqual([
        { name: 'x' },
      ]);
      expect(await mapped(() => tdb.query.accounts.findFirst({ columns: { name: true } }), ['x'])).toEqual({
        name: 'x',
      });
    }
  });
});

describe('a mapper', () => {
  const { dialect } = drizzle({ client, jit: true }) as any;
  const own = dialect.mapperGenerators;
  const t = pgTable('t', { id: integer(), at: timestamp(), day: timestamp({ mode: 'string' }), name: text() });
  const field = (column: any, path = [column.name], more = {}) => ({
    path,
    field: column,
    fieldType: 'Column',
    ...more,
  });
  const aliased = (chunk: any) => ({ path: ['n'], field: chunk, fieldType: 'SQL' });

  it('is compiled once for a selection, also of SQL that is written anew', () => {
    const mappers = withKeptMappers(dialect).mapperGenerators;
    const fields = () => [field(t.id), aliased(sql`${t.id} + 1`.mapWith(Number)), aliased(sql`now()`)];
    expect(mappers.rows(fields(), undefined)).toBe(mappers.rows(fields(), undefined));
    expect(mappers.rows(fields(), [])).not.toBe(mappers.rows(fields(), ['a']));
    const { rows } = mappers;
    const query = tdb.select({ id: tasks.id }).from(tasks) as any;
    expect(query.dialect.mapperGenerators.rows).not.toBe(own.rows);
    expect(rows([field(t.at)], undefined)).not.toBe(rows([field(t.day)], undefined));
  });

  it('is made from what it is found by, and holds no query', () => {
    const mappers = withKeptMappers(dialect).mapperGenerators;
    const codec = (value: unknown) => `${value}?`;
    const all = [
      [field(t.name)],
      [field(t.name, ['other'])],
      [field(t.name, ['name', 'name'])],
      [field(t.name, ['name'], { codec })],
      [field(t.name, ['name'], { codec, arrayDimensions: 2 })],
      [field(t.name), field(t.id)],
      [field(alias(t, 'u').name)],
    ];
    const made = all.map((fields) => mappers.rows(fields, undefined));
    expect(new Set(made).size).toBe(all.length);
    for (const [i, fields] of all.entries()) expect(mappers.rows(fields, undefined)).toBe(made[i]);
    expect(made[3]([['x']])).toEqual([{ name: 'x?' }]);
    expect(made[0]([['x']])).toEqual([{ name: 'x' }]);
  });

  it('of a relational query is found by its keys and what is nested', () => {
    const { relationalRows } = withKeptMappers(dialect).mapperGenerators;
    const of = (key: string, nested: any[], more = {}) =>
      relationalRows({
        isFirst: false,
        arrayModeRoot: true,
        selection: [
          { key: 'id', field: t.id, fieldType: 'Column' },
          { key, field: undefined, fieldType: 'Nested', selection: nested, ...more },
        ],
      });
    const nested = (key: string) => [{ key, field: t.at, fieldType: 'Column', codec: String }];
    const all = [
      () => of('a', nested('b')),
      () => of('b', nested('b')),
      () => of('a', nested('c')),
      () => of('a', nested('b'), { isArray: true }),
    ];
    const made = all.map((it) => it());
    expect(new Set(made).size).toBe(all.length);
    for (const [i, it] of all.entries()) expect(it()).toBe(made[i]);
  });

  it('is not kept without end', () => {
    const mappers = withKeptMappers(dialect).mapperGenerators;
    const nth = (n: number) => mappers.rows([field(t.id, [`n${n}`])], undefined);
    const first = nth(0);
    for (let n = 1; n < 32; n++) nth(n);
    expect(nth(0)).toBe(first);
    nth(32);
    expect(nth(0)).not.toBe(first);
  });

  it("is Drizzle's own without jit", () => {
    const plain = (drizzle({ client }) as any).dialect;
    expect(withKeptMappers(plain)).toBe(plain);
  });
});

async function openJit(contents: Contents): Promise<Side> {
  const { url } = await freshDatabase(contents);
  const connection = postgres(url, { max: 4, onnotice: () => {} });
  const scoped = withTenancy(drizzle({ client: connection, jit: true }), { relations, views: [projectSizes] });
  return {
    db: scoped,
    plain: plainDrizzle(connection),
    run: (statement) => connection.unsafe(statement) as any,
    close: () => connection.end(),
  };
}

describe('the corpus', () => {
  const pair = comparison(openJit);
  for (const { name, run, ordered, notPlain } of programs) {
    test(name, async () => {
      const first = await pair.isolated(run, ordered);
      // Now each mapper is one that was kept.
      expect(await pair.isolated(run, ordered)).toEqual(first);
      if (notPlain === undefined) expect(first).toEqual(await pair.plainly(run, ordered));
    });
  }
});
