/** What code that holds a handle, and nothing else, can get at by following what the handle leads to. */
import { eq, is, Param, Placeholder, sql } from 'drizzle-orm';
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { comparison } from '../support/comparison.js';
import { a, b } from '../support/rows.js';
import { account, relations, tasks } from '../support/schema.js';

const pair = comparison();
let pool: pg.Pool | undefined;
afterAll(() => pool?.end());

/** Every object that can be reached, with the way to it; getters are asked, and methods are not called. */
function reached(from: object): Map<object, string> {
  const found = new Map<object, string>([[from, '']]);
  for (const [it, path] of found) {
    if (path.split('.').length > 12 || it === globalThis) continue;
    const add = (key: PropertyKey, value: unknown) => {
      const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
      if (isObject && !found.has(value as object)) found.set(value as object, `${path}.${String(key)}`);
    };
    add('__proto__', Object.getPrototypeOf(it));
    for (const key of Reflect.ownKeys(it)) {
      try {
        add(key, (it as any)[key]);
      } catch {
        // A getter that refuses.
      }
    }
  }
  return found;
}

test('a handle, its builders, prepared queries and errors lead to no client, and to no handle of Drizzle', async () => {
  const url = (pair.many.plain as any).$client.options;
  pool = new pg.Pool({
    host: url.host[0],
    port: url.port[0],
    database: url.database,
    user: url.user,
    password: url.pass,
  });
  const handles = [pair.many.plain, drizzlePg({ client: pool })];
  for (const plain of handles as any[]) {
    const db = withTenancy(plain, { relations });
    const tdb = db.forTenant(a) as any;
    const query = tdb.select().from(tasks);
    const prepared = query.prepare('reach');
    const error = await tdb.execute(sql`select 1 / 0`).catch((it: unknown) => it);
    const within = await tdb.transaction(async (tx: any) => ({ tx, query: tx.select().from(tasks) }));
    const all = reached({
      tdb,
      shared: db.shared,
      query,
      prepared,
      relational: tdb.query.tasks.findMany(),
      count: tdb.$count(tasks),
      cte: tdb.$with('x').as(tdb.select().from(tasks)),
      rows: await prepared.execute(),
      raw: await tdb.execute(sql`select 1`),
      error,
      within,
    });
    const forbidden = [plain, plain.session, plain.$client];
    expect(forbidden.flatMap((it) => all.get(it) ?? [])).toEqual([]);
    expect([...all].filter(([it]) => 'prepareQuery' in it && 'client' in it)).toEqual([]);
  }
});

test('no class that a handle leads to gives another tenant', async () => {
  const tdb = pair.many.db.forTenant(a) as any;
  for (const it of [tdb, tdb.dialect]) expect(it.constructor).toBe(Object);
  await tdb.transaction(async (tx: any) => expect(tx.constructor).toBe(Object));
});

test('a placeholder of a query that was proved takes no other value', async () => {
  const tdb = pair.many.db.forTenant(a) as any;
  const insert = tdb
    .insert(tasks)
    .values({ accountId: sql.placeholder('owner'), id: 4711, projectId: 1, title: 'x' })
    .prepare('reach_guard');
  const guard = insert.getQuery().params.find((it: unknown) => is(it, Placeholder)) as any;
  expect(() => (guard.name = 'other')).toThrow(TypeError);
  const waiting: any[] = [];
  const all = pair.many.db.prepare(account, (it: any) => {
    const query = it.select({ title: tasks.title }).from(tasks).where(eq(tasks.id, 2));
    waiting.push(query.toSQL());
    return query;
  });
  const tenant = waiting[0].params.at(-1);
  expect(is(tenant, Param)).toBe(true);
  expect(() => (tenant.value = sql.placeholder('other'))).toThrow(TypeError);
  expect(await all.run(a, { other: b })).toEqual([{ title: 'Build a' }]);
});

test('handles of two tenants, and their queries, are not alike for what serializes or compares them', () => {
  const { db } = pair.many;
  const made: Record<string, (tdb: any) => unknown> = {
    handle: (tdb) => tdb,
    select: (tdb) => tdb.select().from(tasks),
    relational: (tdb) => tdb.query.tasks.findMany(),
    insert: (tdb) => tdb.insert(tasks).values({ id: 1, projectId: 1, title: 'x' }),
    update: (tdb) => tdb.update(tasks).set({ title: 'x' }),
    delete: (tdb) => tdb.delete(tasks),
  };
  const text = (it: unknown) => {
    const seen = new WeakSet();
    return JSON.stringify(it, (_, value) => {
      if (typeof value !== 'object' || value === null) return value;
      if (seen.has(value)) return undefined;
      seen.add(value);
      return value;
    });
  };
  for (const [what, make] of Object.entries(made)) {
    const all = [db.forTenant(a), db.forTenant(b), db.forTenants([a, b]), db.shared];
    const handles = what === 'handle' ? all : all.slice(0, 3);
    expect(new Set(handles.map((it) => text(make(it)))).size, what).toBe(handles.length);
    expect(text(make(db.forTenant(a)))).toBe(text(make(db.forTenant(a))));
  }
});
