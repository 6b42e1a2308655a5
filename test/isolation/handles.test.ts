/** Over the other handles: several tenants, every tenant, the shared tables; views and locks. */
import { and, count, eq, exists, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { dropDatabases, open } from '../support/databases.js';
import { a, b, c, v, w } from '../support/rows.js';
import {
  boards,
  countries,
  labels,
  openTasks,
  projects,
  projectSizes,
  relations,
  tasks,
  users,
} from '../support/schema.js';

let it: Awaited<ReturnType<typeof open>>;
beforeAll(async () => {
  it = await open('many', 2);
});
afterAll(async () => {
  await it.close();
  await dropDatabases();
});
const tagOf = (run: () => unknown) =>
  Promise.resolve()
    .then(run)
    .then(
      (result) => `no error, but ${JSON.stringify(result)}`,
      (error) => error._tag ?? error.message,
    );
const tenantsOf = (rows: any[], key = 'tenant') => [...new Set(rows.map((row) => row[key]))].sort();

describe('forTenants', () => {
  const both = () => it.db.forTenants([a, b]) as any;

  test('reads those tenants, and no other', async () => {
    const tdb = both();
    const seen = await Promise.all([
      tdb.select({ tenant: tasks.accountId }).from(tasks),
      tdb
        .select({ tenant: tasks.accountId })
        .from(projects)
        .fullJoin(tasks, eq(tasks.projectId, projects.id))
        .where(sql`${tasks.id} is not null`),
      tdb.select({ tenant: tasks.accountId }).from(projects).rightJoin(tasks, sql`true`),
      tdb.execute(sql`select "accountId" as tenant from ${tasks}`),
      tdb.query.tasks
        .findMany({ with: { project: true } })
        .then((rows: any[]) => rows.map((row) => ({ tenant: row.accountId }))),
      tdb.select({ tenant: openTasks.accountId }).from(openTasks),
    ]);
    for (const rows of seen) expect(tenantsOf(rows)).toEqual([a, b]);
    expect(await tdb.$count(tasks)).toBe(10);
  });

  test('keeps the rows that an outer join fills up with nulls, behind a CROSS JOIN', async () => {
    const read = (tdb: any) =>
      tdb
        .select({ t: tasks.id, n: labels.id, p: projects.id })
        .from(tasks)
        .crossJoin(labels)
        .rightJoin(projects, and(eq(tasks.projectId, projects.id), eq(tasks.done, true)));
    const rows = await read(both());
    expect(rows.some((row: any) => row.t === null)).toBe(true);
    const apart = [...(await read(it.db.forTenant(a))), ...(await read(it.db.forTenant(b)))];
    expect(rows.map((row: any) => JSON.stringify(row)).sort()).toEqual(apart.map((row) => JSON.stringify(row)).sort());
  });

  test('joins the rows of one tenant to rows of the same', async () => {
    const tdb = both();
    const x = { p: projects.accountId, t: tasks.accountId };
    const joins = [
      await tdb.select(x).from(projects).innerJoin(tasks, eq(tasks.projectId, projects.id)),
      await tdb.select(x).from(projects).leftJoin(tasks, eq(tasks.projectId, projects.id)),
      await tdb.select(x).from(projects).rightJoin(tasks, eq(tasks.projectId, projects.id)),
      await tdb.select(x).from(projects).fullJoin(tasks, eq(tasks.projectId, projects.id)),
      await tdb.select(x).from(projects).crossJoin(tasks),
      await tdb
        .select(x)
        .from(users)
        .fullJoin(projects, eq(projects.ownerId, users.id))
        .fullJoin(tasks, eq(tasks.assigneeId, users.id)),
    ];
    for (const rows of joins)
      for (const row of rows) expect(row.t === null || row.p === null || row.t === row.p).toBe(true);
    for (const row of await tdb.query.projects.findMany({ with: { tasks: true, members: true } })) {
      for (const inner of [...row.tasks, ...row.members]) expect(inner.accountId).toBe(row.accountId);
    }
  });

  test('inserts for a tenant that is named, and one of them', async () => {
    const tdb = both();
    expect(await tagOf(() => tdb.insert(labels).values({ id: 70, name: 'x' }))).toBe('TenantMismatchError');
    expect(await tagOf(() => tdb.insert(labels).values({ accountId: c, id: 70, name: 'x' }))).toBe(
      'TenantMismatchError',
    );
    expect(
      await tagOf(() =>
        tdb.insert(labels).values([
          { accountId: a, id: 70, name: 'x' },
          { accountId: c, id: 70, name: 'x' },
        ]),
      ),
    ).toBe('TenantMismatchError');
    // Each row keeps its tenant, and is there already.
    expect(await tagOf(() => tdb.insert(labels).select(tdb.select().from(labels)))).toMatch(/^Failed query/);
    expect(
      await tdb
        .insert(labels)
        .values([
          { accountId: a, id: 70, name: 'x' },
          { accountId: b, id: 70, name: 'x' },
        ])
        .returning({ tenant: labels.accountId }),
    ).toHaveLength(2);
  });

  test('updates and deletes theirs only', async () => {
    const tdb = both();
    expect(
      tenantsOf(
        await tdb
          .update(labels)
          .set({ name: 'y' })
          .where(sql`${labels.id} = 70 or true`)
          .returning({ tenant: labels.accountId }),
      ),
    ).toEqual([a, b]);
    expect(
      tenantsOf(await tdb.delete(labels).where(eq(labels.id, 70)).returning({ tenant: labels.accountId })),
    ).toEqual([a, b]);
    expect(await tagOf(() => tdb.update(labels).set({ accountId: a }))).toBe('ImmutableTenantError');
    expect(await it.db.forTenant(c).$count(labels, eq(labels.name, 'y'))).toBe(0);
  });

  test('mixes no tenancies', async () => {
    expect(await tagOf(() => both().select().from(tasks).leftJoin(boards, sql`true`))).toBe('UnscopedTableError');
    const tdb = both();
    await tdb.$count(tasks);
    expect(await tagOf(() => tdb.select().from(boards))).toBe('UnscopedTableError');
    // Ids of one type are told apart by the compiler only: here they are values, and none of them is a workspace.
    expect(await both().select().from(boards)).toEqual([]);
    expect(
      await tagOf(() =>
        both()
          .select()
          .from((it.db.forTenants([b, c]) as any).select().from(tasks).as('x')),
      ),
    ).toBe('TenantMismatchError');
  });
});

describe('acrossTenants', () => {
  test('sees every tenant, and says why', async () => {
    it.sent.length = 0;
    const all = it.db.acrossTenants({ reason: 'nightly */ ; delete from tasks; /* report' }) as any;
    expect(tenantsOf(await all.select({ tenant: tasks.accountId }).from(tasks))).toEqual([a, b, c]);
    expect(it.sent[0]!.sql).toMatch(/ \/\* nightly \* \/ ; delete from tasks; \/ \* report \*\/$/);
    expect(await all.$count(tasks)).toBe(16);
    for (const { sql: text } of it.sent) expect(text).toContain('/* nightly');
  });
  test('inserts for a tenant that is named', async () => {
    const all = it.db.acrossTenants({ reason: 'test' }) as any;
    expect(await tagOf(() => all.insert(labels).values({ id: 71, name: 'x' }))).toBe('TenantMismatchError');
    expect(await tagOf(() => all.insert(labels).values({ accountId: 'x', id: 71, name: 'x' }))).toBe(
      'TenantMismatchError',
    );
  });
});

describe('shared', () => {
  test('reads and writes reference tables', async () => {
    const { shared } = it.db as any;
    await shared.insert(countries).values({ id: 9, name: 'Nowhere', code: 'NW' });
    expect(
      await shared
        .update(countries)
        .set({ name: 'There' })
        .where(eq(countries.id, 9))
        .returning({ name: countries.name }),
    ).toEqual([{ name: 'There' }]);
    expect(await shared.insert(countries).select(sql`select 10, 'Else', 'EL'`).returning({ id: countries.id })).toEqual(
      [{ id: 10 }],
    );
    expect(await shared.delete(countries).where(sql`${countries.id} > 8`).returning({ id: countries.id })).toHaveLength(
      2,
    );
  });
  test('holds nothing of a tenant', async () => {
    const { shared } = it.db as any;
    const tries = [
      () => shared.select().from(tasks),
      () => shared.select().from(countries).leftJoin(projects, sql`true`),
      () => shared.select().from(openTasks),
      () => shared.select({ n: sql`(select count(*) from ${tasks})` }).from(countries),
      () =>
        shared
          .select()
          .from(countries)
          .where(exists(shared.select().from(tasks))),
      () => shared.$count(tasks),
      () => shared.query.tasks.findMany(),
      () => shared.query.countries.findMany({ where: { RAW: sql`exists (select 1 from ${tasks})` } }),
      () => shared.insert(labels).values({ id: 1, name: 'x' }),
      () => shared.update(labels).set({ name: 'x' }),
      () => shared.delete(labels),
      () => shared.update(countries).set({ name: sql`(select max(title) from ${tasks})` }),
      () => shared.delete(countries).where(sql`exists (select 1 from ${tasks})`),
    ];
    for (const run of tries) expect(await tagOf(run)).toBe('UnscopedTableError');
    expect(await tagOf(() => shared.execute(sql`select * from tasks`))).toBe('UnscopedTableError');
    expect(await tagOf(() => shared.select().from(it.db.forTenant(a).select().from(tasks).as('x')))).toBe(
      'TenantMismatchError',
    );
  });
});

test('the database itself has no queries', () => {
  for (const method of [
    'select',
    'selectDistinct',
    'insert',
    'update',
    'delete',
    'query',
    'execute',
    '$count',
    'with',
    '$with',
    '$client',
    'session',
    'dialect',
  ]) {
    expect((it.db as any)[method], method).toBeUndefined();
  }
});

describe('views', () => {
  test('a materialized view is refreshed across tenants only', async () => {
    expect(await tagOf(() => (it.db.forTenant(a) as any).refreshMaterializedView(projectSizes))).toBe(
      'UnsupportedTenantOperationError',
    );
    expect(await tagOf(() => (it.db.forTenants([a, b]) as any).refreshMaterializedView(projectSizes))).toBe(
      'UnsupportedTenantOperationError',
    );
    await (it.db.acrossTenants({ reason: 'nightly' }) as any).refreshMaterializedView(projectSizes);
  });
  test('a view without the tenant column is refused', async () => {
    const { pgView, text } = await import('drizzle-orm/pg-core');
    const hidden = pgView('open_tasks', { title: text() }).existing();
    // The name is that of a view which is declared with its tenant column: that is what confines it.
    for (const tenant of [a, b, c]) {
      const own = await it.client`select title from open_tasks where "accountId" = ${tenant}`;
      expect(await (it.db.forTenant(tenant) as any).select().from(hidden).orderBy(hidden.title)).toEqual(
        [...own].sort((x, y) => (x.title < y.title ? -1 : 1)),
      );
    }
    const other = pgView('other_tasks', { title: text() }).existing();
    expect(await tagOf(() => (it.db.forTenant(a) as any).select().from(other))).toBe('UnscopedTableError');
    expect(await tagOf(() => (it.db.forTenant(a) as any).execute(sql`select * from ${other}`))).toBe(
      'UnscopedTableError',
    );
  });
});

test("a lock is taken on the tenant's rows only", async () => {
  await (it.db.forTenant(a) as any).transaction(async (tx: any) => {
    await tx.select().from(tasks).where(eq(tasks.id, 1)).for('update');
    await tx.execute(sql`select * from ${tasks} t for update of t`);
    const free = await (it.db.forTenant(b) as any)
      .select({ n: count() })
      .from(
        (it.db.forTenant(b) as any).select({ id: tasks.id }).from(tasks).for('update', { skipLocked: true }).as('free'),
      );
    expect(free).toEqual([{ n: 6 }]);
  });
});

test('write-only mode filters nothing and fills in the tenant', async () => {
  const db = withTenancy(drizzle({ client: it.client }), { relations, mode: 'write-only' }) as any;
  expect(await db.forTenant(a).$count(tasks)).toBe(16);
  expect(
    await db.forTenant(a).insert(labels).values({ id: 75, name: 'x' }).returning({ tenant: labels.accountId }),
  ).toEqual([{ tenant: a }]);
  expect(await tagOf(() => db.forTenant(a).insert(labels).values({ accountId: b, id: 76, name: 'x' }))).toBe(
    'TenantMismatchError',
  );
});

test('an id of one tenancy opens nothing of another', async () => {
  const [tdb, wdb] = [it.db.forTenant(a) as any, it.db.forTenant(w as any) as any];
  expect(await wdb.$count(boards)).toBe(2);
  expect(await tdb.$count(tasks)).toBe(4);
  expect(await tagOf(() => wdb.select().from(tasks))).toBe('UnscopedTableError');
  expect(await tagOf(() => tdb.select().from(boards))).toBe('UnscopedTableError');
  expect(await tagOf(() => wdb.query.tasks.findMany())).toBe('UnscopedTableError');
  expect(
    await tagOf(() =>
      (it.db.forTenant(w as any) as any).select({ n: sql`(select count(*) from ${tasks})` }).from(boards),
    ),
  ).toBe('UnscopedTableError');
  // A handle that has met no table takes the id for what the first one holds: no tenant of that kind has it.
  expect(await (it.db.forTenant(w as any) as any).select().from(tasks)).toEqual([]);
  expect(await (it.db.forTenant(a) as any).query.boards.findMany()).toEqual([]);
  expect(await (it.db.forTenant(v as any) as any).$count(boards)).toBe(2);
});
