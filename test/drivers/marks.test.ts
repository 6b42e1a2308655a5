/** Drivers with marks of their own are given the proved text, with its parameters replaced one for one. */
import { eq, inArray, sql } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pg-proxy';
import { beforeEach, expect, test } from 'vitest';
import { UnsupportedTenantOperationError, withTenancy } from '../../src/index.js';
import { Marks } from '../../src/drivers/marks.js';
import { loadParser } from '../../src/sql/load.js';
import { a, b } from '../support/rows.js';
import { projects, relations } from '../support/schema.js';

const sent: { text: string; params: unknown[] }[] = [];
const driver = drizzle(async (text, params) => (sent.push({ text, params }), { rows: [] }));
// As the dialect of the AWS Data API does it.
(driver as any).dialect.escapeParam = (index: number) => `:${index + 1}`;
const db = withTenancy(driver, { relations });
const tdb = db.forTenant(a);
beforeEach(() => void sent.splice(0));

test('each parameter is replaced, and the tenant is given its type', async () => {
  await tdb.select({ id: projects.id }).from(projects).where(eq(projects.name, "é '$1'"));
  expect(sent).toEqual([
    {
      text: expect.stringMatching(/"name" = :1\b.*"accountId" = :2::uuid|"accountId" = :2::uuid.*"name" = :1\b/),
      params: ["é '$1'", a],
    },
  ]);
  expect(sent[0]!.text).not.toContain('$');
});

test('what is no parameter stays', async () => {
  await tdb.execute(
    sql`select '$1', $$ $2 $$, "name" as "é$3" from ${projects} /* $4 */ where ${projects.name} = ${'x'}
      or ${projects.name} = ${'y'}`,
  );
  const [{ text, params }] = sent as [(typeof sent)[0]];
  expect(text).toMatch(/'\$1', \$\$ \$2 \$\$, "name" as "é\$3" .* \/\* \$4 \*\//s);
  expect(text.match(/:\d+/g)!.sort()).toEqual([':1', ':2', ':3']);
  expect(params).toEqual(['x', 'y', a]);
});

test('inserts, several tenants and transactions', async () => {
  await tdb.insert(projects).values({ name: 'x' } as never);
  await db
    .forTenants([a, b])
    .update(projects)
    .set({ name: 'y' })
    .where(inArray(projects.name, ['p', 'q']));
  expect(sent[0]!.text).not.toMatch(/\$\d/);
  expect(sent[1]!.text).toContain('any(:4::uuid[])');
  expect(sent[1]!.params[3]).toBe(`{"${a}","${b}"}`);
});

test('toSQL shows what was proved', async () => {
  await db.ready;
  expect(tdb.select().from(projects).toSQL().sql).toContain('= $1');
});

test.each([
  sql`select (array['a'])[1:2] from ${projects}`,
  sql`select '12:30' from ${projects}`,
  sql`select 1 as ":1" from ${projects}`,
])('what such a driver could read as a parameter is refused', async (query) => {
  const error = await Promise.resolve(tdb.execute(query)).catch((it: unknown) => it);
  expect(error).toBeInstanceOf(UnsupportedTenantOperationError);
  expect((error as Error).message).toMatch(/^Pass the value as a parameter/);
  expect(sent).toEqual([]);
});

test('a reason may have a colon before a word', async () => {
  const across = db.acrossTenants({ reason: 'job:nightly at 12:30' });
  await across.select({ id: projects.id }).from(projects).where(eq(projects.name, 'x'));
  expect(sent[0]!.text).toMatch(/ = :1 \/\* job: nightly at 12: 30 \*\/$/);
  await expect((async () => across.execute(sql`select '12:30' from ${projects}`))()).rejects.toThrow(
    /^Pass the value as a parameter/,
  );
});

test('marks that are not known are refused', () => {
  expect(Marks.of(new PgDialect())).toBeUndefined();
  const other = Object.assign(new PgDialect(), { escapeParam: () => '?' });
  expect(() => withTenancy(Object.assign(Object.create(driver), { dialect: other }), { relations })).toThrow(
    UnsupportedTenantOperationError,
  );
});

test('a parameter that stands in the tree twice is replaced once', async () => {
  const parse = await loadParser();
  const marks = Marks.of((driver as any).dialect)!;
  expect(marks.in(parse, 'update t set (a, b) = (select $1, $2), c = $10::text', undefined)).toBe(
    'update t set (a, b) = (select :1, :2), c = :10::text',
  );
});
