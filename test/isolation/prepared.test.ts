/** Prepared statements, placeholders, and the query cache. */
import { eq, sql } from 'drizzle-orm';
import { Cache, type MutationOption } from 'drizzle-orm/cache/core';
import { drizzle } from 'drizzle-orm/postgres-js';
import { describe, expect, test } from 'vitest';
import { alias, withTenancy } from '../../src/index.js';
import { comparison, outcomeOf } from '../support/comparison.js';
import type { Tdb } from '../support/databases.js';
import { a, b, c, v, w } from '../support/rows.js';
import { account, boards, countries, projects, relations, tasks, workspace } from '../support/schema.js';
import { relationsConfig } from '../../src/schema/relations.js';

const pair = comparison();
const client = () => (pair.many.plain as any).$client;

describe('db.prepare', () => {
  test('runs one statement for each tenant', async () => {
    const prepared = pair.many.db.prepare(account, (tdb: Tdb) =>
      tdb
        .select({ title: tasks.title })
        .from(tasks)
        .where(eq(tasks.id, sql.placeholder('id'))),
    );
    const titles = await Promise.all([a, b, c, a].map((id) => prepared.run(id, { id: 2 })));
    expect(titles.map((rows: any) => rows[0].title)).toEqual(['Build a', 'Build b', 'Build c', 'Build a']);
  });

  test('relational queries, joins, counts in templates', async () => {
    const relational = pair.many.db.prepare(account, (tdb: Tdb) =>
      tdb.query.projects.findMany({ with: { tasks: true }, where: { tasks: { title: 'hidden' } } }),
    );
    expect(await relational.run(a)).toEqual([]);
    expect(await relational.run(b)).toHaveLength(1);
    const joined = pair.many.db.prepare(account, (tdb: Tdb) =>
      tdb
        .select({ n: sql<number>`(select count(*)::int from ${tasks})` })
        .from(projects)
        .fullJoin(tasks, eq(tasks.projectId, projects.id))
        .limit(1),
    );
    expect([await joined.run(a), await joined.run(b)]).toEqual([[{ n: 4 }], [{ n: 6 }]]);
  });

  test('a write', async () => {
    await pair.isolated((_tdb, _schema, db) =>
      db
        .prepare(account, (tdb: Tdb) =>
          tdb
            .insert(tasks)
            .values({ id: sql.placeholder('id'), projectId: 1, title: 'new' })
            .returning(),
        )
        .run(a, { id: 77 }),
    );
  });

  test('refuses a query of another handle, which would run for one tenant whoever asks', async () => {
    const { db } = pair.many;
    for (const build of [
      () => db.forTenant(b).select().from(tasks),
      () => db.forTenant(b).query.tasks.findMany(),
      () => db.acrossTenants({ reason: 'x' }).select().from(tasks),
      () => db.acrossTenants({ reason: 'x' }).execute(sql`select title from tasks`),
      () => pair.many.plain.select().from(tasks),
      () => undefined,
    ]) {
      expect(await outcomeOf(() => db.prepare(account, build as any).run(a))).toMatchObject({
        error: { tag: 'TenantMismatchError' },
      });
    }
  });

  test('refuses the id of another tenancy, and what is none', async () => {
    const { db } = pair.many;
    const prepared = db.prepare(account, (tdb: Tdb) => tdb.select().from(tasks));
    for (const id of [undefined, null, '', 'x', {}, [a], sql`${a}`])
      expect(() => prepared.run(id as any)).toThrow(/Get the tenant's id/);
    expect(() => db.prepare(workspace, (tdb: any) => tdb.select().from(tasks))).toThrow(/tenancy "account"/);
  });

  test('a value does not take the place of the tenant', async () => {
    const { db } = pair.many;
    let tenant!: symbol;
    const prepared = db.prepare(account, (tdb: any) => {
      tenant = tdb.dialect.scope.reach.id.name;
      return tdb.select({ title: tasks.title }).from(tasks).where(eq(tasks.id, 2));
    });
    expect(await prepared.run(a, { [tenant]: b, tenant: b, accountId: b } as any)).toEqual([{ title: 'Build a' }]);
  });
});

describe("Drizzle's own prepare", () => {
  test('a name is shared by tenants without harm', async () => {
    const query = (id: any) =>
      pair.many.db
        .forTenant(id)
        .select({ title: tasks.title })
        .from(tasks)
        .where(eq(tasks.id, sql.placeholder('id')))
        .prepare('one_task');
    const [first, second] = [query(a), query(b)];
    expect([await first.execute({ id: 2 }), await second.execute({ id: 2 }), await first.execute({ id: 5 })]).toEqual([
      [{ title: 'Build a' }],
      [{ title: 'Build b' }],
      [],
    ]);
  });

  test('a placeholder is no way to another tenant', async () => {
    await pair.refused((tdb) =>
      tdb
        .insert(tasks)
        .values({ accountId: sql.placeholder('tenant'), id: 1, projectId: 1, title: 'x' } as any)
        .prepare('x')
        .execute({ tenant: b }),
    );
    await pair.refused((tdb) =>
      tdb
        .update(tasks)
        .set({ accountId: sql.placeholder('tenant') } as any)
        .prepare('y')
        .execute({ tenant: b }),
    );
    const { result } = await pair.isolated((tdb) =>
      tdb
        .select()
        .from(tasks)
        .where(eq(tasks.accountId, sql.placeholder('tenant') as any))
        .prepare('z')
        .execute({ tenant: b }),
    );
    expect(result).toEqual([]);
  });
});

test('what prepare() returns runs the statement for its tenant, and nothing of the driver is on it', async () => {
  const prepared = pair.many.db
    .forTenant(a)
    .select({ title: tasks.title })
    .from(tasks)
    .where(eq(tasks.id, 2))
    .prepare('own') as any;
  expect(Object.keys(prepared).sort()).toEqual(['execute', 'getQuery', 'query', 'stream']);
  expect(() => (prepared.query = { ...prepared.query, params: [b, 2] })).toThrow(TypeError);
  expect(await prepared.execute()).toEqual([{ title: 'Build a' }]);
});

/** A cache that remembers, and tells what it was asked. */
class MemoryCache extends Cache {
  readonly entries = new Map<string, { value: any; tables: string[] }>();
  readonly tables: string[][] = [];
  override strategy = () => 'explicit' as const;
  override async get(key: string) {
    return this.entries.get(key)?.value;
  }
  override async put(key: string, value: any, tables: string[]) {
    this.tables.push([...tables].sort());
    this.entries.set(key, { value, tables });
  }
  override async onMutate({ tags, tables }: MutationOption) {
    const names = [tables ?? []].flat().map((it: any) => (typeof it === 'string' ? it : undefined));
    for (const tag of [tags ?? []].flat()) this.entries.delete(tag);
    for (const [key, entry] of this.entries)
      if (entry.tables.some((it) => names.includes(it))) this.entries.delete(key);
  }
}

const cached = () => {
  const cache = new MemoryCache();
  return { cache, db: withTenancy(drizzle({ client: client(), cache }), { relations }) };
};

describe("Drizzle's query cache", () => {
  test("a result is never another tenant's", async () => {
    const { db } = cached();
    const titles = (id: any) =>
      db.forTenant(id).select({ title: tasks.title }).from(tasks).where(eq(tasks.id, 2)).$withCache();
    expect([await titles(a), await titles(b), await titles(a)]).toEqual([
      [{ title: 'Build a' }],
      [{ title: 'Build b' }],
      [{ title: 'Build a' }],
    ]);
  });

  test("a tag is the tenant's own", async () => {
    const { db, cache } = cached();
    const titles = (tdb: any) =>
      tdb.select({ title: tasks.title }).from(tasks).where(eq(tasks.id, 2)).$withCache({ tag: 'two' });
    expect([await titles(db.forTenant(a)), await titles(db.forTenant(b)), await titles(db.forTenant(a))]).toEqual([
      [{ title: 'Build a' }],
      [{ title: 'Build b' }],
      [{ title: 'Build a' }],
    ]);
    expect((await titles(db.forTenants([b, c]))).length).toBe(2);
    expect((await titles(db.acrossTenants({ reason: 'x' }))).length).toBe(3);
    expect(cache.entries.size).toBe(4);
  });

  test("a tag of a statement for any tenant is the tenant's of each run", async () => {
    const { db, cache } = cached();
    const prepared = db.prepare(account, (tdb: any) =>
      tdb.select({ title: tasks.title }).from(tasks).where(eq(tasks.id, 2)).$withCache({ tag: 'two' }),
    );
    const titles = await Promise.all([a, b, a].map((id) => prepared.run(id)));
    expect(titles).toEqual([[{ title: 'Build a' }], [{ title: 'Build b' }], [{ title: 'Build a' }]]);
    expect(cache.entries.size).toBe(2);
    await db.forTenant(a).$cache.invalidate({ tags: 'two' });
    expect(cache.entries.size).toBe(1);
    expect(await prepared.run(b)).toEqual([{ title: 'Build b' }]);
  });

  test("a tag that is another one when it is looked at again is the tenant's own", async () => {
    const { db, cache } = cached();
    const titles = (tdb: any) => tdb.select({ title: tasks.title }).from(tasks).where(eq(tasks.id, 2));
    await titles(db.forTenant(b)).$withCache({ tag: 'two' });
    const [foreign] = cache.entries.keys();
    const tdb = db.forTenant(a) as any;
    let looks = 0;
    const config = {
      enabled: true,
      autoInvalidate: true,
      get tag() {
        return looks++ === 0 ? undefined : foreign;
      },
    };
    const rows = await tdb.session
      .prepareQuery(
        titles(tdb).toSQL(),
        'objects',
        false,
        undefined,
        { type: 'select', tables: () => ['tasks'] },
        config,
      )
      .execute();
    expect(rows).toEqual([{ title: 'Build a' }]);
  });

  test('a tag of one tenancy is not that of another', async () => {
    const { db } = cached();
    const accountRows = await db.forTenant(a).select({ id: tasks.id }).from(tasks).$withCache({ tag: 'x' });
    const boardRows = await db.forTenant(w).select({ id: boards.id }).from(boards).$withCache({ tag: 'x' });
    expect([accountRows.length, boardRows.length]).toEqual([4, 2]);
  });

  test('a tag is invalidated by a handle that has seen no table yet', async () => {
    const { db, cache } = cached();
    await db.forTenant(a).select().from(tasks).$withCache({ tag: 'x' });
    await db.forTenant(b).select().from(tasks).$withCache({ tag: 'x' });
    await db.forTenant(a).$cache.invalidate({ tags: 'x' });
    expect(cache.entries.size).toBe(1);
  });

  test('a cached query is filed under the tables that plain Drizzle files it under', async () => {
    const plain = new MemoryCache();
    const scoped = new MemoryCache();
    const handles = [
      drizzle({ client: client(), cache: plain, relations: relationsConfig(relations) as any }),
      withTenancy(drizzle({ client: client(), cache: scoped }), { relations }).forTenant(a),
    ];
    const other = alias(tasks, 'other');
    for (const tdb of handles as any[]) {
      await tdb.select().from(projects).fullJoin(tasks, eq(tasks.projectId, projects.id)).$withCache();
      await tdb
        .select({ n: sql`(select count(*) from ${tasks})` })
        .from(projects)
        .rightJoin(countries, eq(countries.id, projects.countryId))
        .$withCache();
      await tdb
        .select({ n: tdb.$count(tasks) })
        .from(projects)
        .$withCache();
      await tdb.select().from(tdb.select().from(other).as('sq')).$withCache();
      await tdb.query.projects.findMany({
        with: { tasks: { with: { labels: true } } },
        where: { members: { name: 'ann' } },
        withCache: true,
      });
      const cte = tdb.$with('cte').as(tdb.select({ id: tasks.id }).from(tasks));
      await tdb.with(cte).select().from(cte).$withCache();
    }
    expect(scoped.tables).toEqual(plain.tables);
    expect(scoped.tables[0]).toEqual(['projects', 'tasks']);
  });

  test('a write clears what it touches', async () => {
    const { db, cache } = cached();
    await db
      .forTenant(a)
      .select({ n: sql`(select count(*) from ${tasks})` })
      .from(projects)
      .$withCache();
    await db.forTenant(a).update(tasks).set({ title: 'plan' }).where(eq(tasks.id, 1));
    expect(cache.entries.size).toBe(0);
  });
});

test('two tenants of two tenancies keep apart in statements too', async () => {
  expect(await pair.many.db.forTenant(v).select({ name: boards.name }).from(boards).where(eq(boards.id, 1))).toEqual([
    { name: 'board v' },
  ]);
});
