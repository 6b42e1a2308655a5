/** Every statement that the library itself emits passes the prover. */
import {
  and,
  asc,
  avg,
  count,
  countDistinct,
  desc,
  eq,
  exists,
  gt,
  inArray,
  isNull,
  like,
  lt,
  max,
  not,
  notExists,
  or,
  sql,
  sum,
} from 'drizzle-orm';
import { except, intersect, QueryBuilder, union, unionAll } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import { expect, test } from 'vitest';
import { alias, withTenancy } from '../../../src/index.js';
import { proveScoped } from '../../../src/testing/index.js';
import { a, b } from '../../support/rows.js';
import * as schema from '../../support/schema.js';

const { accounts, users, projects, tasks, notes, labels, projectUsers, countries, openTasks, relations } = schema;
const db = withTenancy(drizzle.mock(), { relations });
await db.ready;
await db.ready;
type Sql = { toSQL(): { sql: string; params: unknown[] } };
const parent = alias(tasks, 'parent');

const reads = (tdb: any): Record<string, Sql> => {
  const sq = tdb
    .select({ projectId: tasks.projectId, n: count().as('n') })
    .from(tasks)
    .groupBy(tasks.projectId)
    .as('sq');
  const cte = tdb.$with('cte').as(tdb.select().from(projects).where(eq(projects.status, 'open')));
  const cte2 = tdb.$with('cte2').as(tdb.with(cte).select({ id: cte.id }).from(cte));
  return {
    select: tdb.select().from(projects),
    columns: tdb.select({ id: projects.id, upper: sql<string>`upper(${projects.name})` }).from(projects),
    where: tdb
      .select()
      .from(projects)
      .where(and(or(eq(projects.name, 'x'), like(projects.name, 'y%')), not(isNull(projects.budget)))),
    'order, limit, offset': tdb.select().from(tasks).orderBy(desc(tasks.points), asc(tasks.id)).limit(3).offset(1),
    distinct: tdb.selectDistinct({ status: projects.status }).from(projects),
    'distinct on': tdb.selectDistinctOn([tasks.projectId], { t: tasks.title }).from(tasks).orderBy(tasks.projectId),
    'group, having': tdb
      .select({
        p: tasks.projectId,
        n: count(),
        s: sum(tasks.points),
        m: max(tasks.points),
        a: avg(tasks.points),
        d: countDistinct(tasks.title),
      })
      .from(tasks)
      .groupBy(tasks.projectId)
      .having(gt(count(), 1)),
    'inner join': tdb.select().from(projects).innerJoin(tasks, eq(tasks.projectId, projects.id)),
    'left join': tdb.select().from(projects).leftJoin(tasks, eq(tasks.projectId, projects.id)),
    'right join': tdb.select().from(projects).rightJoin(tasks, eq(tasks.projectId, projects.id)),
    'full join': tdb.select().from(projects).fullJoin(tasks, eq(tasks.projectId, projects.id)),
    'cross join': tdb.select({ a: projects.id, b: users.id }).from(projects).crossJoin(users),
    'left and right join': tdb
      .select()
      .from(projects)
      .leftJoin(tasks, eq(tasks.projectId, projects.id))
      .rightJoin(users, eq(users.id, tasks.assigneeId)),
    'left and full join': tdb
      .select()
      .from(projects)
      .leftJoin(countries, eq(countries.id, projects.countryId))
      .fullJoin(users, eq(users.id, projects.ownerId)),
    'reference table': tdb.select().from(countries).leftJoin(projects, eq(projects.countryId, countries.id)),
    'self-join': tdb.select().from(tasks).leftJoin(parent, eq(parent.id, tasks.parentId)),
    'with a schema': tdb.select().from(notes).innerJoin(tasks, eq(tasks.id, notes.taskId)),
    'with a schema, full': tdb
      .select({ body: notes.body, title: tasks.title })
      .from(notes)
      .fullJoin(tasks, eq(tasks.id, notes.taskId)),
    view: tdb.select().from(openTasks),
    'view, joined': tdb.select().from(projects).leftJoin(openTasks, eq(openTasks.projectId, projects.id)),
    'link table': tdb
      .select()
      .from(projectUsers)
      .innerJoin(users, eq(users.id, projectUsers.userId))
      .innerJoin(labels, eq(labels.id, users.id)),
    root: tdb.select().from(accounts).innerJoin(countries, eq(countries.id, accounts.countryId)),
    subquery: tdb.select().from(sq),
    'subquery, joined': tdb
      .select({ name: projects.name, n: sq.n })
      .from(projects)
      .leftJoin(sq, eq(sq.projectId, projects.id)),
    lateral: tdb
      .select({ name: projects.name })
      .from(projects)
      .leftJoinLateral(
        tdb.select({ t: tasks.title }).from(tasks).where(eq(tasks.projectId, projects.id)).limit(1).as('l'),
        sql`true`,
      ),
    cte: tdb.with(cte).select().from(cte),
    'two ctes': tdb.with(cte, cte2).select().from(cte2).innerJoin(tasks, eq(tasks.projectId, cte2.id)),
    exists: tdb
      .select()
      .from(projects)
      .where(exists(tdb.select().from(tasks).where(eq(tasks.projectId, projects.id)))),
    'not exists': tdb
      .select()
      .from(projects)
      .where(notExists(tdb.select({ one: sql`1` }).from(tasks).where(eq(tasks.projectId, projects.id)))),
    'in a subquery': tdb
      .select()
      .from(projects)
      .where(inArray(projects.id, tdb.select({ id: tasks.projectId }).from(tasks))),
    'selected subquery': tdb
      .select({ name: projects.name, n: sql`(${tdb.select({ n: count() }).from(tasks)})` })
      .from(projects),
    count: tdb.select({ n: tdb.$count(tasks, eq(tasks.projectId, 1)) }).from(projects),
    union: union(tdb.select({ x: projects.name }).from(projects), tdb.select({ x: tasks.title }).from(tasks)) as any,
    'union all, ordered': (
      unionAll(tdb.select({ x: projects.name }).from(projects), tdb.select({ x: users.name }).from(users)) as any
    )
      .orderBy(sql`1`)
      .limit(2),
    intersect: intersect(tdb.select({ x: projects.id }).from(projects), tdb.select({ x: tasks.id }).from(tasks)) as any,
    except: except(tdb.select({ x: projects.id }).from(projects), tdb.select({ x: tasks.id }).from(tasks)) as any,
    'for update': tdb.select().from(projects).for('update', { skipLocked: true }),
    'template in where': tdb
      .select()
      .from(projects)
      .where(sql`exists (select 1 from ${tasks} where ${tasks.projectId} = ${projects.id})`),
    'template in select': tdb
      .select({ n: sql<number>`(select count(*) from ${tasks} t where t.title like ${'%x%'})` })
      .from(projects),
    'template in from': tdb.select({ x: sql`x` }).from(sql`(select name as x from ${projects}) q`),
    findMany: tdb.query.projects.findMany(),
    findFirst: tdb.query.projects.findFirst({ where: { id: 1 }, columns: { name: true } }),
    with: tdb.query.projects.findMany({ with: { tasks: true, owner: true, country: true } }),
    'nested with': tdb.query.users.findMany({
      with: {
        tasks: {
          with: { project: { with: { members: true } }, notes: true, labels: true },
          limit: 2,
          orderBy: { id: 'asc' },
        },
      },
    }),
    through: tdb.query.users.findMany({ with: { projects: { where: { status: 'open' } } } }),
    'filter by a relation': tdb.query.projects.findMany({
      where: { tasks: { title: { like: 'x%' } }, NOT: { members: { name: 'ann' } } },
    }),
    extras: tdb.query.projects.findMany({
      extras: { n: (t: any) => sql<number>`(select count(*) from ${tasks} where ${tasks.projectId} = ${t.id})` },
    }),
    RAW: tdb.query.projects.findMany({
      where: { RAW: (t: any) => sql`${t.name} <> ''` },
      orderBy: (t: any) => [sql`lower(${t.name})`],
    }),
    'self relation': tdb.query.tasks.findMany({ with: { parent: { with: { children: true } } } }),
    'view relation': tdb.query.projects.findMany({ with: { openTasks: true, doneTasks: true, account: true } }),
    update: tdb
      .update(projects)
      .set({ name: 'x', budget: sql`${projects.budget} + 1` })
      .where(eq(projects.id, 1))
      .returning(),
    'update from': tdb
      .update(projects)
      .set({ name: sql`${tasks.title}` })
      .from(tasks)
      .where(eq(tasks.projectId, projects.id)),
    'update from, joined': tdb
      .update(projects)
      .set({ name: 'x' })
      .from(tasks)
      .leftJoin(users, eq(users.id, tasks.assigneeId))
      .where(eq(tasks.projectId, projects.id))
      .returning({ id: projects.id }),
    'update with subquery': tdb.update(tasks).set({ title: sql`(select name from ${projects} limit 1)` }),
    delete: tdb.delete(notes).where(lt(notes.id, 3)).returning(),
    'delete with cte': tdb
      .with(cte)
      .delete(tasks)
      .where(inArray(tasks.projectId, tdb.select({ id: cte.id }).from(cte))),
    execute: {
      toSQL: () =>
        (
          tdb.execute(
            sql`select p.name, count(*) from ${projects} p join ${tasks} t on t."projectId" = p.id group by 1`,
          ) as any
        ).getQuery(),
    },
    'standalone builder': tdb
      .select()
      .from(projects)
      .where(
        inArray(
          projects.id,
          new QueryBuilder((tdb as any).dialect).select({ id: tasks.projectId }).from(tasks as any) as any,
        ),
      ),
  };
};

const writes = (tdb: any): Record<string, Sql> => {
  const cte = tdb.$with('moved').as(tdb.update(projects).set({ name: 'q' }).returning({ id: projects.id }));
  const ins = tdb.$with('ins').as(tdb.insert(projects).values({ id: 9, name: 'z' }).returning());
  return {
    insert: tdb.insert(projects).values({ id: 1, name: 'x' }),
    'insert rows': tdb
      .insert(tasks)
      .values([
        { id: 1, projectId: 1, title: 'x' },
        { id: 2, projectId: 1, title: sql`lower('X')` },
      ])
      .returning(),
    'insert the root': tdb
      .insert(accounts)
      .values({ name: 'x' })
      .onConflictDoUpdate({ target: accounts.id, set: { name: 'y' } }),
    'on conflict do nothing': tdb.insert(projects).values({ id: 1, name: 'x' }).onConflictDoNothing(),
    'on conflict do nothing, target': tdb
      .insert(projects)
      .values({ id: 1, name: 'x' })
      .onConflictDoNothing({ target: projects.id }),
    'on conflict do update': tdb
      .insert(projects)
      .values({ id: 1, name: 'x' })
      .onConflictDoUpdate({
        target: projects.id,
        set: { name: sql`excluded.name` },
        setWhere: eq(projects.status, 'open'),
      }),
    'insert select': tdb.insert(tasks).select(
      tdb
        .select({
          id: projects.id,
          projectId: projects.id,
          title: projects.name,
          parentId: sql`null::int`.as('parentId'),
          assigneeId: projects.ownerId,
          done: sql`true`.as('done'),
          points: sql`1`.as('points'),
          touched: sql`1`.as('touched'),
        })
        .from(projects),
    ),
    'update in a cte': tdb.with(cte).select().from(cte),
    'insert in a cte': tdb.with(ins).select().from(ins),
  };
};

const cases = [
  ...Object.entries(reads(db.forTenant(a))).map(([name, query]) => [`one: ${name}`, query, a] as const),
  ...Object.entries(writes(db.forTenant(a))).map(([name, query]) => [`one: ${name}`, query, a] as const),
  ...Object.entries(reads(db.forTenants([a, b]))).map(([name, query]) => [`several: ${name}`, query, [a, b]] as const),
];

/** What these count or join would be of several tenants. */
const ofOne = ['several: subquery', 'several: two ctes'];

test.each(cases)('%s', async (name, query, tenant) => {
  if (ofOne.includes(name))
    return void expect(() => query.toSQL()).toThrow(/[Gg]roup by the tenant column and join on it/);
  const { sql, params } = query.toSQL();
  await proveScoped(sql, { tables: schema, tenant, params });
});

test.each([
  ['shared: select', (db.shared as any).select().from(countries)],
  ['shared: insert', (db.shared as any).insert(countries).values({ id: 1, name: 'x', code: 'X' })],
  ['shared: update', (db.shared as any).update(countries).set({ name: 'x' })],
] as [string, Sql][])('%s', async (_, query) => {
  const { sql, params } = query.toSQL();
  await proveScoped(sql, { tables: schema, params });
});

test('each of them is refused for another tenant', async () => {
  const mine = cases.filter(([name]) => name.startsWith('one') && !name.includes('view, '));
  for (const [name, query] of mine) {
    const { sql, params } = query.toSQL();
    await expect(proveScoped(sql, { tables: schema, tenant: b, params }), name).rejects.toThrow();
  }
});
