/** Texts that are equal and mean different things, and one tenant's many texts beside those of the others. */
import { sql } from 'drizzle-orm';
import { integer, uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import { beforeAll, describe, expect, test } from 'vitest';
import { account, boards, relations, tasks } from '../support/schema.js';
import { tenantTable, withTenancy } from '../../src/index.js';
import { Gate } from '../../src/scope/gate.js';
import { Scope } from '../../src/scope/scope.js';
import { Texts } from '../../src/scope/texts.js';
import { loadParser, type Parse } from '../../src/sql/load.js';
import { a, b, w } from '../support/rows.js';

let parse: Parse;
const db = withTenancy(drizzle.mock(), { relations }) as any;
beforeAll(async () => {
  parse = await loadParser();
  await db.ready;
});

const query = (tdb: any, text: string, ...params: unknown[]) =>
  tdb.dialect.sqlToQuery(
    params.length === 0
      ? sql.raw(text)
      : sql.join(
          text.split(/\$\d/).flatMap((it, i) => (i === 0 ? [sql.raw(it)] : [sql`${params[i - 1]}`, sql.raw(it)])),
        ),
  );
const refusal = (run: () => unknown): string => {
  try {
    return `not refused: ${JSON.stringify(run())}`;
  } catch (error: any) {
    return `${error._tag}: ${error.message}`;
  }
};

describe('the same text', () => {
  test('without parameters, then with one, and the other way about', () => {
    for (const [first, second] of [
      [[], [7]],
      [[7], []],
    ] as const) {
      const text = `select title from tasks where id = $1 and ${first.length} = ${first.length}`;
      const run = (params: readonly unknown[]) =>
        params.length === 0 ? refusal(() => query(db.forTenant(a), text)) : query(db.forTenant(a), text, ...params);
      for (const params of [first, second, first, second]) {
        const it = run(params);
        if (params.length === 0) expect(it).toMatch(/^RawSqlNotScopedError/);
        else expect(it).toMatchObject({ params: [7, a], sql: expect.stringContaining('"accountId" = $2') });
      }
    }
  });

  test('with more parameters than its numbers: the tenant is behind all that are given', () => {
    const gate = new Gate(new Set([tasks]) as any, true, new Set());
    const pass = (count: number) =>
      gate.pass(
        parse,
        new Scope({ kind: 'one', id: a }, true, account as any),
        'select id from tasks where id = $1',
        count,
      ).text;
    expect(pass(1)).toContain('= $2');
    expect(pass(2)).toContain('= $3');
    expect(pass(1)).toContain('= $2');
  });

  test('of two tenancies: each gets its own column, or is refused', () => {
    const text = 'select title as of_two from tasks';
    const ofWorkspace = db.forTenant(w);
    // Both have uuids: it is the first table that it meets which tells whose handle it is.
    ofWorkspace.select().from(boards).toSQL();
    for (let i = 0; i < 2; i++) {
      expect(query(db.forTenant(a), text).sql).toContain('"accountId"');
      expect(refusal(() => query(ofWorkspace, text))).toMatch(/^UnscopedTableError/);
    }
  });

  test('in write-only mode: nothing is filtered there, and everything elsewhere', () => {
    const writeOnly = withTenancy(drizzle.mock(), { relations, mode: 'write-only' }) as any;
    const text = 'select title as in_write_only from tasks';
    for (let i = 0; i < 2; i++) {
      expect(query(writeOnly.forTenant(a), text).sql).not.toContain('accountId');
      expect(query(db.forTenant(a), text).sql).toContain('"accountId" = $1');
    }
  });

  test('with other functions that are trusted', () => {
    const trusting = withTenancy(drizzle.mock(), { relations, functions: ['slugify'] }) as any;
    const text = 'select slugify(title) as s from tasks';
    for (let i = 0; i < 2; i++) {
      expect(query(trusting.forTenant(a), text).sql).toContain('"accountId" = $1');
      expect(refusal(() => query(db.forTenant(a), text))).toMatch(/^RawSqlNotScopedError/);
    }
  });

  test('for one tenant, for several, for all and for none', () => {
    const text = 'select title as of_kinds from tasks';
    const all = db.acrossTenants({ reason: 'x' });
    for (let i = 0; i < 2; i++) {
      expect(query(db.forTenant(b), text)).toMatchObject({
        sql: expect.stringContaining('"accountId" = $1'),
        params: [b],
      });
      expect(query(db.forTenants([a, b]), text).sql).toContain('= any($1');
      expect(query(all, text).sql).not.toContain('accountId');
      expect(refusal(() => query(db.shared, text))).toMatch(/^UnscopedTableError/);
    }
  });

  test('before and after a table is declared', () => {
    const other = withTenancy(drizzle.mock(), {}) as any;
    const text = 'select n from declared_later';
    expect(refusal(() => query(other.forTenant(a), text))).toMatch(/^UnscopedTableError: Declare "declared_later"/);
    tenantTable('declared_later', { tenant: account.id('tenant_id'), id: uuid().primaryKey(), n: integer() });
    expect(query(other.forTenant(a), text).sql).toContain('"tenant_id" = $1');
  });

  test('while a name means a CTE in it, and a table in another text', () => {
    expect(query(db.forTenant(a), 'with tasks as (select 1 as id) select id from tasks').sql).not.toContain(
      'accountId',
    );
    expect(query(db.forTenant(a), 'select id from tasks').sql).toContain('"accountId" = $1');
  });
});

test('a tenant that sends many texts once each drives out nothing that others come back to', () => {
  const gate = new Gate(new Set([tasks]) as any, true, new Set());
  let parsed = 0;
  const counting: Parse = (text) => {
    parsed++;
    return parse(text);
  };
  const scope = new Scope({ kind: 'one', id: a }, true, account as any);
  const theirs = Array.from(
    { length: 200 },
    (_, i) => `select id, title from tasks where points = ${i} and done order by id`,
  );
  const sendAll = () => theirs.forEach((text) => gate.pass(counting, scope, text, 0));
  sendAll();
  sendAll();
  const before = parsed;
  // More than is kept of texts that came once.
  for (let i = 0; i < 1_500; i++)
    gate.pass(parse, scope, `select id from tasks where id = ${i} and title <> '${'x'.repeat(200)}'`, 0);
  sendAll();
  expect(parsed).toBe(before);
});

test('so do 100,000', () => {
  const texts = new Texts<{ bytes: number }>(8 * 2 ** 20);
  const theirs = Array.from({ length: 500 }, (_, i) => `theirs ${i}`);
  for (const it of theirs) texts.add(it, { bytes: 1_000 });
  for (const it of theirs) texts.get(it);
  for (let i = 0; i < 100_000; i++) texts.add(`flood ${i}`, { bytes: 1_000 });
  expect(theirs.filter((it) => !texts.has(it))).toEqual([]);
  expect(texts.size).toBeLessThan(500 + 1_100);
});
