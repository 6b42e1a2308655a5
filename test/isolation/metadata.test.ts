/** Nothing that a caller can reach turns the filter off silently. */
import { Param, sql, StringChunk, Table } from 'drizzle-orm';
import { OriginalColumn } from 'drizzle-orm/column-common';
import { pgTable, integer, text } from 'drizzle-orm/pg-core';
import { afterEach, describe, expect, test } from 'vitest';
import { alias, UnsupportedTenantOperationError } from '../../src/index.js';
import { comparison, type Run } from '../support/comparison.js';
import { a, b } from '../support/rows.js';
import { countries, labels, projects, tasks } from '../support/schema.js';

const pair = comparison();
const undo: (() => void)[] = [];
afterEach(restore);
function restore() {
  for (const it of undo.splice(0).reverse()) it();
}

/** Sets a property until the end of the test; a frozen object says no, which is as good. */
function set(target: any, key: PropertyKey, value: unknown): void {
  const before = Object.getOwnPropertyDescriptor(target, key);
  try {
    target[key] = value;
  } catch {
    return;
  }
  undo.push(() => (before ? Object.defineProperty(target, key, before) : delete target[key]));
}
const symbols = (Table as any).Symbol;

/** An object of which a property answers so, and otherwise when it is looked at once more. */
function answering(target: object, key: PropertyKey, first: readonly unknown[], then: unknown): any {
  let looks = 0;
  return Object.defineProperty(target, key, {
    configurable: true,
    enumerable: true,
    get: () => (looks < first.length ? first[looks++] : then),
    set() {},
  });
}
const markOf = (table: object) =>
  Object.getOwnPropertySymbols(table).find((it) => it.description?.startsWith('drizzle-tenant'))!;
const titles = (tdb: any) => tdb.select({ title: tasks.title }).from(tasks);

describe('without effect, or refused', () => {
  const programs: Record<string, Run> = {
    'the scope filters nothing': (tdb: any) => {
      set(tdb.dialect.scope, 'filters', false);
      return titles(tdb);
    },
    'the scope reaches another tenant': (tdb: any) => {
      set(tdb.dialect.scope.reach, 'id', b);
      return titles(tdb);
    },
    'the scope is replaced': (tdb: any) => {
      set(tdb.dialect, 'scope', { includes: () => true, predicate: () => undefined });
      return titles(tdb);
    },
    'the dialect builds as Drizzle does': (tdb: any) => {
      set(Object.getPrototypeOf(tdb.dialect), 'buildSelectQuery', pair.many.plain.dialect.buildSelectQuery);
      set(tdb.dialect, 'buildSelectQuery', pair.many.plain.dialect.buildSelectQuery);
      return titles(tdb);
    },
    'the dialect renders as Drizzle does': (tdb: any) => {
      set(Object.getPrototypeOf(tdb.dialect), 'sqlToQuery', pair.many.plain.dialect.sqlToQuery);
      return titles(tdb);
    },
    'the dialect is that of a plain handle': (tdb: any) => {
      set(tdb, 'dialect', pair.many.plain.dialect);
      return titles(tdb);
    },
    'the text of a rendered statement': (tdb: any) => {
      const query = titles(tdb).toSQL();
      set(query, 'sql', 'select title from tasks where $1::text is not null');
      return tdb.session.prepareQuery(query, 'objects', false).execute();
    },
    'a parameter of a rendered statement': (tdb: any) => {
      const query = titles(tdb).toSQL();
      set(query.params, 0, b);
      return tdb.session.prepareQuery(query, 'objects', false).execute();
    },
    'the config of a builder': (tdb: any) => {
      const query = tdb.select({ title: tasks.title }).from(tasks).innerJoin(projects, sql`true`);
      query.config.where = sql`true`;
      query.config.joins[0].joinType = 'left join projects x on true union select title from tasks --';
      return query;
    },
    'the operator of a set operation': (tdb: any) => {
      const query = titles(tdb).union(titles(tdb));
      query.config.setOperators[0].type = 'union select title from tasks union';
      return query;
    },
    'the operator of a set operation, when it is looked at again': (tdb: any) => {
      const query = titles(tdb).unionAll(titles(tdb));
      query.config.setOperators[0] = answering(
        query.config.setOperators[0],
        'type',
        ['union'],
        'union select title from tasks union',
      );
      return query;
    },
    'the kind of a join, when it is looked at again': (tdb: any) => {
      const query = tdb.select({ title: sql`title` }).from(countries).crossJoin(projects);
      query.config.joins[0] = answering(
        query.config.joins[0],
        'joinType',
        ['cross', 'cross', 'cross'],
        'cross join tasks t cross',
      );
      return query;
    },
    'whether a field is only named, when it is looked at again': (tdb: any) => {
      const field = answering(
        sql`(select string_agg(title, ',') from tasks)`.as('title'),
        'isSelectionField',
        [true],
        false,
      );
      return tdb.select({ title: field }).from(countries);
    },
    'the strength of a lock': (tdb: any) => titles(tdb).for('update; delete from x_labels; select 1 for update'),
    'the conflict of an insert': (tdb: any) => {
      const insert = tdb.insert(labels).values({ id: 1, name: 'x' });
      insert.config.onConflict = sql`do nothing returning (select count(*) from tasks)`;
      return insert;
    },
  };
  for (const [name, run] of Object.entries(programs)) test(name, () => pair.isolated(run));
});

describe('refused', () => {
  const refusals: Record<string, Run> = {
    'a reference table in the schema of another': (tdb) => {
      set(countries, symbols.Schema, 'crm');
      return tdb.select({ name: countries.name }).from(countries);
    },
    'a dialect that inherits a scope of its own': (tdb: any) => {
      const dialect = Object.create(tdb.dialect, {
        scope: { value: { reach: { kind: 'all', comment: '' }, includes: () => true } },
      });
      return tdb.session.prepareQuery(dialect.sqlToQuery(sql`select title from tasks`), 'objects', false).execute();
    },
    'a dialect that inherits, and renders otherwise': (tdb: any) => {
      const dialect = Object.create(tdb.dialect, { escapeParam: { value: (n: number) => `$${n + 1} or true` } });
      return tdb.session.prepareQuery(dialect.sqlToQuery(titles(tdb).getSQL()), 'objects', false).execute();
    },
    'a dialect that inherits, and builds otherwise': (tdb: any) => {
      const query = titles(tdb);
      query.dialect = Object.create(tdb.dialect, {
        buildSelection: { value: () => sql`(select string_agg(title, ',') from tasks)` },
      });
      return tdb.execute(query.getSQL());
    },
  };
  /** Refused until texts were confined on PostgreSQL's grammar: they give what the tenant alone gives. */
  const confined: Record<string, Run> = {
    'the class of a reference table on another table': (tdb: any) => {
      const mark = markOf(countries);
      return tdb
        .select({ title: tasks.title })
        .from(Object.create(tasks, { [mark]: { value: (countries as any)[mark] } }));
    },
    'a reference table with the name of a tenant table': (tdb) => {
      set(countries, symbols.Name, 'x_labels');
      return tdb.select({ name: countries.name }).from(countries);
    },
    'a reference table with the names of a tenant table': (tdb) => {
      set(countries, symbols.Name, 'x_labels');
      set(countries, symbols.OriginalName, 'x_labels');
      return tdb.select({ name: countries.name }).from(countries);
    },
    'a field that only looks like one': (tdb: any) => {
      const query = tdb.select({ id: countries.id }).from(countries);
      query.config.fieldsFlat = [
        {
          path: ['x'],
          field: { sql: sql`(select string_agg(title, ',') from tasks)`, fieldAlias: 'x' },
          fieldType: 'SQL.Aliased',
        },
      ];
      return query;
    },
    'a plain table': (tdb) => tdb.select().from(pgTable('tasks', { id: integer(), title: text() }) as any),
    'a plain table that inherits a class': (tdb) => {
      set(Object.prototype, markOf(countries), (countries as any)[markOf(countries)]);
      return tdb.select().from(pgTable('tasks', { id: integer(), title: text() }) as any);
    },
  };
  for (const [name, run] of Object.entries(refusals)) test(name, () => pair.refused(run));
  for (const [name, run] of Object.entries(confined)) test(name, () => pair.confined(run));
});

/** What Drizzle's renderer goes by, and an object may say of itself. */
const kind = () =>
  Object.getOwnPropertySymbols(StringChunk.prototype).find((it) => it.description === 'drizzle:chunkKind')!;
const stealing = `(select string_agg(title, ',') from tasks)`;
const asText = () => ({ [kind()]: 1, value: stealing });
const asSQL = () => ({ [kind()]: 2, queryChunks: [new StringChunk(stealing)] });
const saying = (target: object) => Object.create(target, Object.getOwnPropertyDescriptors(asSQL()));

describe('an object that says of itself that it is SQL', () => {
  const refusals: Record<string, Run> = {};
  /** Refused until texts were confined on PostgreSQL's grammar: they give what the tenant alone gives. */
  const confined: Record<string, Run> = {
    'in a template': (tdb) => tdb.select({ x: sql`${asText()}` }).from(countries),
    'in a condition': (tdb) => tdb.select({ id: countries.id }).from(countries).where(sql`${asSQL()} is not null`),
    'as a parameter': (tdb) => tdb.select({ x: sql`${new Param(asSQL())}` }).from(countries),
    'as a cell': (tdb) => tdb.insert(labels).values({ id: 90, name: asSQL() as any }),
    'as a value that is set': (tdb) => tdb.update(labels).set({ name: asSQL() as any }),
    'as a limit': (tdb) =>
      tdb
        .select({ id: countries.id })
        .from(countries)
        .limit(asText() as any),
    'in a relational query': (tdb: any) => tdb.query.projects.findMany({ where: { name: { eq: asSQL() } } }),
    'as a column': (tdb) => tdb.select({ x: sql`${saying(countries.name)}` }).from(countries),
    'as a column that is selected': (tdb) =>
      tdb
        .select({ x: saying(countries.name) })
        .from(countries)
        .crossJoin(projects),
    'as a column by a proxy': (tdb) =>
      tdb
        .select({
          x: sql`${new Proxy(countries.name, { get: (it: any, key) => (({ ...asSQL() }) as any)[key] ?? it[key] })}`,
        })
        .from(countries),
    'behind the alias of a column': (tdb) =>
      tdb
        .select({
          x: Object.create(countries.name, {
            isAlias: { value: true },
            [OriginalColumn]: { value: () => sql.raw(stealing) },
          }),
        })
        .from(countries)
        .crossJoin(projects),
    'as a name': (tdb) => tdb.select({ x: sql`${saying(sql.identifier('name'))}` }).from(countries),
    'as a placeholder': (tdb) => tdb.select({ x: sql`${saying(sql.placeholder('x'))}` }).from(countries),
    'as a table': (tdb) => tdb.select({ x: sql`title` }).from(saying(countries)),
    'as a row': (tdb) => tdb.select({ x: sql`to_jsonb(${saying(countries)})` }).from(countries),
  };
  for (const [name, run] of Object.entries(refusals)) test(name, () => pair.refused(run));
  for (const [name, run] of Object.entries(confined)) test(name, () => pair.confined(run));
});

describe('a table whose name is made when it is asked for', () => {
  for (let looks = 1; looks < 8; looks++) {
    const tableOf = (key: symbol, first: unknown, then: unknown, more = {}) =>
      answering(Object.create(countries, more), key, new Array(looks).fill(first), then);
    const programs: Record<string, Run> = {
      name: (tdb) => tdb.select({ x: sql`to_jsonb("tasks")` }).from(tableOf(symbols.Name, 'countries', 'tasks')),
      'name in the database': (tdb) =>
        tdb.execute(sql`select * from ${tableOf(symbols.OriginalName, 'countries', 'tasks')} x`),
      'being an alias': (tdb) =>
        tdb
          .select({ x: sql`to_jsonb("tasks")` })
          .from(tableOf(symbols.IsAlias, true, false, { [symbols.Name]: { value: 'tasks' } })),
    };
    // Whatever name is rendered in the end is the one that is confined: only a name that is not declared is refused.
    for (const [name, run] of Object.entries(programs)) {
      test(`${name}, after ${looks}`, async () => {
        const { error } = await pair.isolated(run);
        expect([undefined, 'UnscopedTableError']).toContain(error?.tag);
      });
    }
  }
});

describe('a polluted Object.prototype', () => {
  const pollution: Record<string, unknown> = {
    where: sql`true`,
    filters: false,
    scope: undefined,
    kind: 'reference',
    accountId: b,
    limit: 1,
    isWith: true,
    isOpen: false,
    withList: [],
    id: b,
    mode: 'write-only',
  };
  for (const [key, value] of Object.entries(pollution)) {
    test(key, async () => {
      const outcomes = [];
      for (const side of [pair.many, pair.alone]) {
        const query = titles(side.db.forTenant(a));
        set(Object.prototype, key, value);
        outcomes.push(
          await Promise.resolve()
            .then(() => query)
            .catch((error: Error) => error.name)
            .finally(restore),
        );
      }
      expect(outcomes[0]).toEqual(outcomes[1]);
    });
  }
});

test('a query that was proved is not made by hand, nor changed', async () => {
  const { db } = pair.many;
  const tdb = db.forTenant(a) as any;
  const proved = titles(tdb).toSQL();
  expect(() => (proved.sql = 'select title from tasks')).toThrow(TypeError);
  expect(() => (proved.params[0] = b)).toThrow(TypeError);
  expect(proved.constructor).toBe(Object);
  for (const forged of [
    Object.create(proved, { sql: { value: 'select title from tasks' } }),
    { ...proved },
    titles(db.forTenant(b) as any).toSQL(),
  ]) {
    expect(() => tdb.session.prepareQuery(forged, 'objects', false)).toThrow(UnsupportedTenantOperationError);
  }
});

test('a proxy that answers with another class changes nothing', async () => {
  const forged = new Proxy(tasks, {
    get: (table: any, key) => (key === markOf(countries) ? (countries as any)[key] : table[key]),
  });
  await pair.isolated((tdb) => tdb.select({ title: tasks.title }).from(forged));
});

test('an alias keeps the class of its table', async () => {
  const { result } = await pair.isolated((tdb) => {
    const other = alias(alias(tasks, 'countries'), 'projects');
    return tdb.select({ id: other.id }).from(other);
  });
  expect(result).toEqual([1, 2, 3, 4].map((id) => ({ id })));
});

test('a handle keeps its tenant when another is made', async () => {
  const { db } = pair.many;
  const [first, second] = [db.forTenant(a), db.forTenant(b)];
  const rows = await Promise.all([first.$count(tasks), second.$count(tasks), first.$count(tasks)]);
  expect(rows).toEqual([4, 6, 4]);
});
