/** The parser is optional, and loaded when raw SQL is first used. */
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { beforeEach, expect, test, vi } from 'vitest';
import { RawSqlNotScopedError, withTenancy } from '../../src/index.js';
import { a } from '../support/rows.js';
import { projects, relations } from '../support/schema.js';

const loads = vi.hoisted(() => ({ count: 0, missing: true }));
vi.mock('libpg-query', async (original) => {
  loads.count++;
  if (loads.missing) throw Object.assign(new Error("Cannot find package 'libpg-query'"), { code: 'ERR_MODULE_NOT_FOUND' });
  return original();
});

const sent: string[] = [];
const client = { options: { parsers: {}, serializers: {} }, unsafe: (text: string) => (sent.push(text), Object.assign(Promise.resolve([]), { values: async () => [] })) };
const db = withTenancy(drizzle({ client: client as any }), { relations });
const tdb = db.forTenant(a) as any;
beforeEach(() => void sent.splice(0));

test('what the template reader understands needs no parser', async () => {
  await tdb.select().from(projects);
  await tdb.execute(sql`select * from ${projects}`);
  expect(sent).toHaveLength(2);
  expect(loads.count).toBe(0);
});

test('without it, raw text is refused with a message that says to install it', async () => {
  const error = await tdb.execute(sql`select * from projects where "accountId" = ${a}`).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(RawSqlNotScopedError);
  expect(error.message).toMatch(/^Install PostgreSQL's parser with "npm install libpg-query@18"/);
  expect(loads.count).toBeGreaterThan(0);
  expect(sent).toEqual([]);
});
