/** PostgreSQL's parser is loaded once, in the background: what it is needed for waits. */
import '../support/fresh-modules.js';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { RawSqlNotScopedError, UnsupportedTenantOperationError, withTenancy } from '../../src/index.js';
import { loadParser, parser } from '../../src/sql/load.js';
import { a } from '../support/rows.js';
import { projects, relations } from '../support/schema.js';

const source = vi.hoisted(() => ({ installed: true, error: undefined as unknown, loads: 0 }));
vi.mock('../../src/sql/pg-query.js', async (original) => {
  const real = await original<typeof import('../../src/sql/pg-query.js')>();
  return {
    ...real,
    installed: () => (source.loads++, source.installed ? real.installed() : undefined),
    bundled: async () => {
      if (source.error) throw source.error;
      return real.installed()!;
    },
  };
});
// Other files run in the same process.
afterAll(() => vi.doUnmock('../../src/sql/pg-query.js'));

const sent: string[] = [];
const client = {
  options: { parsers: {}, serializers: {} },
  unsafe: (text: string) => (sent.push(text), Object.assign(Promise.resolve([]), { values: async () => [] })),
};
const database = () => withTenancy(drizzle({ client: client as any }), { relations });
const errorOf = (it: PromiseLike<unknown>): Promise<any> =>
  Promise.resolve(it).then(
    () => undefined,
    (error: unknown) => error,
  );
beforeEach(() => void sent.splice(0));

test('a parser that cannot be loaded: every call rejects with the remedy, and the next one tries again', async () => {
  Object.assign(source, { installed: false, error: new Error('Wasm code generation disallowed by embedder') });
  const db = database();
  const tdb = db.forTenant(a);
  const query = tdb.select().from(projects);
  await errorOf(db.ready);
  for (const call of [
    () => query,
    () => tdb.query.projects.findMany(),
    () => tdb.execute(sql`select * from ${projects}`),
    () => tdb.$count(projects),
    () => db.ready,
  ]) {
    const { loads } = source;
    const error = await errorOf(call());
    const refusal = error.cause instanceof RawSqlNotScopedError ? error.cause : error;
    expect(refusal).toBeInstanceOf(RawSqlNotScopedError);
    expect(refusal.message).toMatch(/^Bundle for workerd with the condition "workerd"/);
    expect(source.loads).toBe(loads + 1);
  }
  expect(sent).toEqual([]);
});

test.each([
  ['Wasm code generation disallowed by embedder', /^Bundle for workerd with the condition "workerd"/],
  [
    "Refused to compile or instantiate WebAssembly module because 'unsafe-eval' is not an allowed source",
    /^Allow WebAssembly in the page's Content-Security-Policy/,
  ],
  ['Cannot find module #pg-query', /^Let the bundler follow "imports"/],
  ['404', /^Install drizzle-tenant with its dependencies/],
])('%s', async (message, remedy) => {
  source.error = new Error(message);
  expect((await errorOf(loadParser())).message).toMatch(remedy);
});

test('a query that was made before it is loaded is sent when it is', async () => {
  source.error = undefined;
  const db = database();
  const query = db.forTenant(a).select().from(projects);
  expect(() => query.toSQL().sql).toThrow(UnsupportedTenantOperationError);
  await query;
  expect(sent[0]).toContain('"accountId" = $1');
  expect(query.toSQL().sql).toBe(sent[0]);
});

test('an instance whose stack has overflowed is not asked again', async () => {
  const before = await loadParser();
  const tdb = database().forTenant(a);
  const error = await errorOf(tdb.execute(sql.raw(`select 1${'+1'.repeat(24_000)}`)));
  expect(error).toBeInstanceOf(RawSqlNotScopedError);
  expect(sent).toEqual([]);
  await tdb.select().from(projects);
  expect(await loadParser()).not.toBe(before);
});

test('it is loaded once', async () => {
  const { loads } = source;
  await Promise.all([loadParser(), loadParser(), database().ready]);
  expect(source.loads).toBe(loads);
  expect(parser()).toBeDefined();
});
