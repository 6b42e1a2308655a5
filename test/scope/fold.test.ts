/** Long lists are read once for all lengths, and what is sent is the whole statement. */
import { inArray, is, SQL, sql } from 'drizzle-orm';
import { integer, PgDialect } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import { beforeAll, expect, test } from 'vitest';
import { tenantTable, TenantMismatchError, withTenancy } from '../../src/index.js';
import { declaredTables } from '../../src/schema/classify.js';
import { allDeclared } from '../../src/scope/declared.js';
import { fold } from '../../src/scope/fold.js';
import { confine } from '../../src/sql/confine/index.js';
import { parser } from '../../src/sql/load.js';
import { statementOf } from '../../src/sql/parser.js';
import { Tables } from '../../src/sql/tables.js';
import { a, b, c } from '../support/rows.js';
import { account, countries, labels, projects, relations, tasks } from '../support/schema.js';

const db = withTenancy(drizzle.mock(), { relations }) as any;
const [one, several, all] = [db.forTenant(a), db.forTenants([a, b]), db.acrossTenants({ reason: 'test' })];
const plain = new PgDialect() as any;
beforeAll(() => db.ready);

const rows = (n: number, more: (i: number) => object = () => ({})) =>
  Array.from({ length: n }, (_, i) => ({ id: i, name: `n${i}`, ...more(i) }));
const ids = (n: number) => Array.from({ length: n }, (_, i) => i);
const programs: Record<string, (n: number) => any> = {
  'rows of an insert': (n) => one.insert(labels).values(rows(n)),
  'rows that end in a default': (n) =>
    one
      .insert(tasks)
      .values(ids(n).map((id) => ({ id, projectId: 1, title: `t${id}`, touched: 1 })))
      .returning(),
  'rows, and what comes behind them': (n) =>
    one
      .insert(labels)
      .values(rows(n))
      .onConflictDoUpdate({ target: labels.id, set: { name: 'again' }, setWhere: inArray(labels.id, [7]) }),
  'rows that name the tenant': (n) => one.insert(labels).values(rows(n, () => ({ accountId: a }))),
  'rows of which some name the tenant': (n) =>
    one.insert(labels).values(rows(n, (i) => (i % 3 === 1 ? { accountId: a } : {}))),
  'rows of several tenants': (n) => several.insert(labels).values(rows(n, (i) => ({ accountId: i % 2 ? a : b }))),
  'rows across tenants': (n) => all.insert(labels).values(rows(n, (i) => ({ accountId: i % 2 ? a : b }))),
  'rows of a reference table': (n) => db.shared.insert(countries).values(rows(n, (i) => ({ code: `c${i}` }))),
  'a list': (n) =>
    one
      .select()
      .from(tasks)
      .where(inArray(tasks.id, ids(n)))
      .limit(5),
  'two lists': (n) =>
    one
      .select()
      .from(tasks)
      .innerJoin(projects, inArray(projects.id, ids(n)))
      .where(inArray(tasks.id, ids(n + 3))),
  'a list, and a value before it': (n) =>
    one
      .update(tasks)
      .set({ title: 'x' })
      .where(inArray(tasks.id, ids(n))),
};

/** What Drizzle renders. It renders nothing that a handle built: the marks are left out. */
function rendered(query: any): { sql: string; params: unknown[] } {
  const unmarked = (it: any): any => {
    if (Array.isArray(it)) return it.map(unmarked);
    return is(it, SQL) ? new SQL(it.queryChunks.filter((chunk: any) => chunk?.scope === undefined).map(unmarked)) : it;
  };
  return plain.sqlToQuery(unmarked(query.getSQL()));
}

/** The same statement, confined without a look at its lists. */
function whole(handle: any, query: any): string {
  const { sql: text, params } = rendered(query);
  const { reach, tenancy } = handle.dialect.scope;
  const tables = new Tables(allDeclared(declaredTables()));
  const given = {
    reach: reach.kind,
    filters: true,
    tenancy,
    tables,
    functions: new Set<string>(),
    count: params.length,
  };
  return confine(statementOf(parser()!, text), text, given).text;
}
const handleOf = (name: string) =>
  name.includes('several') ? several : name.includes('across') ? all : name.includes('reference') ? db.shared : one;

test.each(Object.keys(programs))('%s', (name) => {
  for (const n of [2, 5, 60, 61, 200]) {
    const query = programs[name]!(n);
    if (n === 2 || n === 200) expect(fold(rendered(query).sql, 1000) !== undefined).toBe(n === 200);
    expect(query.toSQL().sql.replace(' /* test */', '')).toBe(whole(handleOf(name), query));
  }
});

const names = Array.from({ length: 20 }, (_, i) => `column_number_${i}`);
const wide = tenantTable('fold_wide', {
  ...(Object.fromEntries(names.map((it) => [it, integer()])) as Record<string, any>),
  accountId: account.id(),
}) as any;
const cells = (n: number, i: number) => Object.fromEntries(names.slice(0, n).map((it, j) => [it, i + j]));
const wideRows: Record<string, (i: number) => object> = {
  'a value in each column': (i) => cells(20, i),
  'values, and defaults behind them': (i) => cells(12, i),
  'values, an expression, and values': (i) => ({ ...cells(20, i), [names[10]!]: sql`lower(${'x'})::int` }),
};

test.each(Object.keys(wideRows))('few rows of many columns are no lists: %s', (name) => {
  for (const n of [1, 2, 7, 8, 40]) {
    const values = Array.from({ length: n }, (_, i) => wideRows[name]!(i));
    for (const query of [
      one.insert(wide).values(values).returning(),
      one.insert(wide).values(values.map((it) => ({ ...it, accountId: a }))),
    ])
      expect(query.toSQL().sql).toBe(whole(one, query));
    const many = several.insert(wide).values(values.map((it, i) => ({ ...it, accountId: i % 2 ? a : b })));
    expect(many.toSQL().sql).toBe(whole(several, many));
  }
  const arguments_ = sql.join(
    names.map((_, i) => sql`${i}`),
    sql`, `,
  );
  const query = one.select({ n: sql`greatest(${arguments_})` }).from(wide);
  expect(query.toSQL().sql).toBe(whole(one, query));
});

test('a row that names no tenant is found among many, for more than one tenant', () => {
  for (const handle of [several, all]) {
    for (const at of [0, 1, 50, 99]) {
      expect(
        () =>
          handle
            .insert(labels)
            .values(rows(100, (i) => (i === at ? {} : { accountId: a })))
            .toSQL(),
        String(at),
      ).toThrow(TenantMismatchError);
    }
  }
});

test('a row that names another tenant is found among many', () => {
  for (const at of [0, 1, 50, 99]) {
    expect(() =>
      one
        .insert(labels)
        .values(rows(100, (i) => (i === at ? { accountId: b } : {})))
        .toSQL(),
    ).toThrow(TenantMismatchError);
    expect(() =>
      one
        .insert(labels)
        .values(rows(100, (i) => ({ accountId: i === at ? b : a })))
        .toSQL(),
    ).toThrow(TenantMismatchError);
    expect(() =>
      several
        .insert(labels)
        .values(rows(100, (i) => ({ accountId: i === at ? c : a })))
        .toSQL(),
    ).toThrow(TenantMismatchError);
  }
});

/** Texts that only look as if they had a long list. */
const list = (from: number, n: number) => Array.from({ length: n }, (_, i) => `$${from + i}`).join(', ');
const pairs = (from: number, n: number) =>
  Array.from({ length: n }, (_, i) => `($${from + 2 * i}, $${from + 2 * i + 1})`).join(', ');
const padding = ' '.repeat(500);
const strange: Record<string, [text: string, count: number]> = {
  'a list within a string': [`select id from tasks where title <> '(${list(1, 40)})' and id = $1${padding}`, 1],
  'rows within a string': [`insert into x_labels (id, name) values ($1, 'x ${pairs(2, 40)} x')${padding}`, 1],
  'rows within a comment': [`insert into x_labels (id, name) values ($1, $2) /* ${pairs(3, 40)} */${padding}`, 2],
  'a list within a name': [`select 1 as "in (${list(1, 40)})" from tasks where id = $1${padding}`, 1],
  'a parameter of the list behind it': [
    `select id from tasks where id in (${list(1, 60)}) or points = $30${padding}`,
    60,
  ],
  'a list of which a parameter stands before it': [
    `select id from tasks where points = $30 and id in (${list(1, 60)})${padding}`,
    60,
  ],
  'a list and a text with a number': [
    `select id from tasks where id in (${list(1, 60)}) or title = 'costs $70'${padding}`,
    60,
  ],
  'a function': [`select concat(${list(1, 60)}) from tasks${padding}`, 60],
  'a select list': [`select ${list(1, 60)} from tasks${padding}`, 60],
  'rows in FROM': [`select id from tasks, (values ${pairs(1, 40)}) v(a, b) where id = a::int${padding}`, 80],
  'rows of an insert that is given its tenant by hand': [
    `insert into x_labels (id, "accountId") values ${pairs(1, 40)}${padding}`,
    80,
  ],
};

test.each(Object.keys(strange))('%s', (name) => {
  const [text, count] = strange[name]!;
  const query = sql.join([sql.raw(text)]);
  const params = Array.from({ length: count }, (_, i) => (name.includes('its tenant') && i % 2 ? a : i));
  const found = () =>
    one.dialect.sqlToQuery({ toQuery: () => ({ sql: text, params: [...params] }), getSQL: () => query } as any).sql;
  const tables = new Tables(allDeclared(declaredTables()));
  const given = { reach: 'one' as const, filters: true, tenancy: account, tables, functions: new Set<string>(), count };
  expect(found()).toBe(confine(statementOf(parser()!, text), text, given).text);
});

test('a list at the end of a text is one text in all lengths, and so is one before its end', () => {
  const folded = (n: number, more: string) =>
    fold(
      `select id from tasks where id in (${list(1, n)})${more && ` and points = $${n + 1}`}${' '.repeat(500)}`,
      n + (more ? 1 : 0),
    );
  for (const more of ['', 'more']) {
    const [first, second] = [folded(40, more)!, folded(300, more)!];
    expect(first.count).toBe(more ? 2 : 1);
    expect([second.text, second.count]).toEqual([first.text, first.count]);
  }
});

test('a row that is shorter than the first is refused', () => {
  const text =
    'insert into x_labels ("accountId", id, name) values (default, $1, $2), ' +
    `${Array.from({ length: 30 }, (_, i) =>
      i === 7
        ? '(default, $18)'
        : `(default, $${i < 7 ? 3 + 2 * i : 5 + 2 * i - 3}, ` + `$${i < 7 ? 4 + 2 * i : 6 + 2 * i - 3})`,
    ).join(', ')}`;
  expect(() => one.dialect.sqlToQuery({ toQuery: () => ({ sql: text, params: Array(200).fill(1) }) } as any)).toThrow();
});

test.each([
  ['what begins as a row and is none', '(default,'.repeat(50_000)],
  ['one parameter again and again', '($1), '.repeat(300_000)],
  ['many short lists', Array.from({ length: 4_000 }, () => `(${list(1, 9)}), `).join('')],
])('a text is looked through once: %s', (_, text) => {
  const start = performance.now();
  fold(`select ${text}`, 1_000);
  expect(performance.now() - start).toBeLessThan(1_000);
});

test('a text with many names like those that confining adds takes no longer', () => {
  const names = Array.from({ length: 30_000 }, (_, i) => `'_${i}'`).join();
  const text = `select 1 from tasks full join projects on true where title in (${names})`;
  const start = performance.now();
  const sent = one.dialect.sqlToQuery({ toQuery: () => ({ sql: text, params: [] }) } as any).sql;
  expect(sent).toContain('"_30000"');
  expect(performance.now() - start).toBeLessThan(3_000);
});
