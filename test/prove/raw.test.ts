/** Raw SQL through the handles, on a database with many tenants. */
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RawSqlNotScopedError, TenantMismatchError, UnscopedTableError, UnsupportedTenantOperationError, account } from './imports.js';
import { dropDatabases, open } from '../support/databases.js';
import { a, b, w } from '../support/rows.js';
import { boards, countries, projects, tasks } from '../support/schema.js';

let opened: Awaited<ReturnType<typeof open>>;
let tdb: any;
beforeAll(async () => {
  opened = await open('many');
  tdb = opened.db.forTenant(a);
});
beforeEach(() => void opened.sent.splice(0));
afterAll(async () => {
  await opened?.close();
  await dropDatabases();
});

/** Refused, with nothing sent. */
async function refused(run: () => PromiseLike<unknown>, type: abstract new (...args: any[]) => Error = RawSqlNotScopedError) {
  opened.sent.splice(0);
  const error = await (async () => run())().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(type);
  expect(opened.sent).toEqual([]);
  return error as RawSqlNotScopedError;
}

describe('execute', () => {
  test('runs text that is bound to the tenant by a parameter', async () => {
    const rows = await tdb.execute(sql`select p.name, t.title from projects p join tasks t on t."accountId" = p."accountId" and t."projectId" = p.id where p."accountId" = ${a} order by 1, 2`);
    expect(rows.map((it: any) => it.title)).toEqual(['Build a', 'plan', 'rest', 'ship']);
  });

  test('runs text as a string, with the tenant as a literal', async () => {
    expect(await tdb.execute(`select name from projects where "accountId" = '${a}' order by id`)).toHaveLength(3);
    await refused(() => tdb.execute(`select name from projects where "accountId" = '${b}'`));
  });

  test('writes', async () => {
    expect(await tdb.execute(sql`update projects set budget = 7 where "accountId" = ${a} and id = 1 returning name`)).toHaveLength(1);
    await refused(() => tdb.execute(sql`update projects set budget = 7 where id = 1`));
    await refused(() => tdb.execute(sql`insert into projects ("accountId", id, name) values (${b}, 77, 'x')`));
  });

  test('refuses with the place and the remedy, before anything is sent', async () => {
    const error = await refused(() => tdb.execute(sql`select * from projects where true or "accountId" = ${a}`));
    expect(error.message).toBe(
      'Bind it with projects.accountId = ${tenantId}, joined by AND in WHERE or in the ON of its join: ' +
        '"projects" is not bound to the tenant: an OR weakens the comparison, at "projects where true or \\"accountId\\" = $1".',
    );
    expect(error.place).toMatch(/^projects where/);
  });

  test('all modes, and prepared', async () => {
    const query = sql`select name from projects where "accountId" = ${a} and id = ${sql.placeholder('id')}`;
    expect(await tdb.execute(query, 'arrays').execute({ id: 1 })).toEqual([['north']]);
    expect(await tdb.execute(query, 'objects').execute({ id: 1 })).toEqual([{ name: 'north' }]);
    await refused(() => tdb.execute(sql`select name from projects where "accountId" = ${sql.placeholder('id')}`).execute({ id: a }));
  });

  test('in a transaction, and not behind its end', async () => {
    let late: any;
    await tdb.transaction(async (tx: any) => {
      late = tx;
      expect(await tx.execute(sql`select id from projects where "accountId" = ${a}`)).toHaveLength(3);
      await tx.transaction(async (inner: any) => {
        await expect((async () => inner.execute(sql`select id from projects`))()).rejects.toBeInstanceOf(RawSqlNotScopedError);
      });
    });
    opened.sent.splice(0);
    await refused(() => late.execute(sql`select id from projects where "accountId" = ${a}`), UnsupportedTenantOperationError);
  });

  test("a table of another tenancy is refused even when it is bound to this tenant's value", async () => {
    await refused(() => tdb.execute(sql`select * from boards where "workspaceId" = ${a}`), UnscopedTableError);
    expect(await opened.db.forTenant(w).execute(sql`select * from boards where "workspaceId" = ${w}`)).toHaveLength(2);
    void boards;
  });
});

describe('fragments', () => {
  test('stand in any clause', async () => {
    const own = sql`exists (select 1 from tasks t where t."accountId" = ${projects.accountId} and t."projectId" = ${projects.id})`;
    expect(await tdb.select().from(projects).where(own)).toHaveLength(2);
    expect(await tdb.select({ n: sql`(select count(*)::int from tasks t where t."accountId" = ${a})` }).from(projects).limit(1)).toEqual([{ n: 4 }]);
    expect(await tdb.select({ id: projects.id }).from(projects).orderBy(sql`(select min(t.id) from tasks t where t."accountId" = ${a} and t."projectId" = ${projects.id}) desc nulls last`).limit(1)).toEqual([{ id: 2 }]);
    expect(await tdb.update(projects).set({ budget: sql`(select count(*) from tasks where tasks."accountId" = ${a})` }).where(eq(projects.id, 1)).returning({ budget: projects.budget })).toEqual([{ budget: 4 }]);
    expect(await tdb.select({ x: sql`q.x` }).from(sql`(select name as x from projects where "accountId" = ${a}) q`)).toHaveLength(3);
  });

  test('are refused wherever they open a way past the predicate', async () => {
    await refused(() => tdb.select().from(projects).where(sql`1 = 1) or (1 = 1`));
    await refused(() => tdb.select().from(projects).where(sql`true) union all (select * from projects`));
    await refused(() => tdb.select().from(projects).where(sql`exists (select 1 from tasks)`));
    await refused(() => tdb.select({ n: sql`(select count(*) from tasks)` }).from(projects));
    await refused(() => tdb.select().from(projects).orderBy(sql`(select count(*) from tasks)`));
    await refused(() => tdb.select().from(projects).groupBy(sql`(select count(*) from tasks)`));
    await refused(() => tdb.select().from(projects).limit(sql`(select count(*) from tasks)` as any));
    await refused(() => tdb.select().from(projects).leftJoin(tasks, sql`true) left join users on (true`));
    await refused(() => tdb.select().from(projects).where(sql`true -- `));
    await refused(() => tdb.select().from(projects).where(sql`true; delete from tasks`));
    await refused(() => tdb.insert(projects).values({ id: 50, name: sql`(select title from tasks limit 1)` }));
    await refused(() => tdb.insert(projects).values({ id: 50, name: sql`'x'), ('${sql.raw(String(b))}', 51, 'y'` }));
    await refused(() => tdb.update(projects).set({ name: sql`'x', "accountId" = '${sql.raw(String(b))}'` }));
    await refused(() => tdb.update(projects).set({ name: 'x' }).where(sql`true) or (true`));
    await refused(() => tdb.delete(tasks).where(sql`true) or (true`));
    await refused(() => tdb.delete(tasks).returning({ n: sql`(select count(*) from tasks)` }));
    await refused(() => tdb.select().from(tdb.select({ n: sql`(select count(*) from tasks)`.as('n') }).from(projects).as('q')));
    await refused(() => tdb.with(tdb.$with('c').as(tdb.select({ n: sql`(select count(*) from tasks)`.as('n') }).from(projects))).select().from(countries));
    await refused(() => tdb.select({ n: sql`1`.as('n') }).from(projects).union(tdb.select({ n: sql`(select count(*) from tasks)`.as('n') }).from(projects)));
    await refused(() => tdb.$count(projects, sql`true) or (true`));
    await refused(() => tdb.query.projects.findMany({ where: { RAW: sql`exists (select 1 from tasks)` } }));
  });

  test('a subquery of another handle stays refused', async () => {
    const foreign = opened.db.forTenant(b).select().from(projects);
    await refused(() => tdb.execute(sql`select * from (${foreign}) q, tasks where tasks."accountId" = ${a}`), TenantMismatchError);
    const everyone = opened.db.acrossTenants({ reason: 'test' }).select().from(projects);
    await refused(() => tdb.execute(sql`select * from (${everyone}) q, tasks where tasks."accountId" = ${a}`), TenantMismatchError);
    // Nor behind text that is not understood, where it goes as it is.
    await refused(() => tdb.execute(sql`select $$x$$, q.* from tasks t, (${foreign}) q where t."accountId" = ${a}`), TenantMismatchError);
    await refused(() => tdb.execute(sql`select $$x$$, q.* from tasks t, (${everyone}) q where t."accountId" = ${a}`), TenantMismatchError);
  });
});

describe('the other handles', () => {
  test('forTenants takes the values of its tenants', async () => {
    const both = opened.db.forTenants([a, b]) as any;
    expect(await both.execute(sql`select id from projects where "accountId" in (${a}, ${b})`)).toHaveLength(7);
    expect(await both.execute(sql`select id from projects where "accountId" = ${b}`)).toHaveLength(4);
    opened.sent.splice(0);
    await refused(() => both.execute(sql`select id from projects where "accountId" in (${a}, ${b}, ${'cccccccc-cccc-4ccc-8ccc-cccccccccccc'})`));
  });

  test('shared takes reference tables, and writes them', async () => {
    const shared = opened.db.shared as any;
    expect(await shared.execute(sql`select id from countries where id > 0`)).toHaveLength(3);
    expect(await shared.execute(sql`update countries set name = name where id = 1 returning id`)).toHaveLength(1);
    opened.sent.splice(0);
    await refused(() => shared.execute(sql`select * from projects where "accountId" = ${a}`));
    await refused(() => tdb.execute(sql`update countries set name = 'x'`));
  });

  test('acrossTenants is not confined', async () => {
    expect(await opened.db.acrossTenants({ reason: 'test' }).execute(sql`select id from accounts`)).toHaveLength(3);
  });

  test('a statement prepared for any tenant', async () => {
    const prepared = opened.db.prepare(account, (it: any) =>
      it.select({ n: sql<number>`(select count(*)::int from tasks t where t."accountId" = ${projects.accountId})` }).from(projects).limit(1),
    );
    expect(await prepared.run(a)).toEqual([{ n: 4 }]);
    expect(await prepared.run(b)).toEqual([{ n: 6 }]);
    opened.sent.splice(0);
    const unbound = opened.db.prepare(account, (it: any) => it.select({ n: sql`(select count(*) from tasks)` }).from(projects));
    await refused(() => unbound.run(a));
  });
});

describe('no other way to run', () => {
  const hostile = () => tdb.select().from(projects).where(sql`true) or (true`);

  test('what toSQL() tells is of no use to the session', async () => {
    const query = hostile().toSQL();
    await refused(() => tdb.session.prepareQuery({ ...query }, 'raw', false).execute(), UnsupportedTenantOperationError);
    await refused(() => tdb.session.prepareQuery(query, 'raw', false).execute());
  });

  test('a rendered query is proved by whichever session runs it', async () => {
    const rendered = tdb.dialect.sqlToQuery(hostile().getSQL());
    for (const handle of [tdb, opened.db.forTenant(b), opened.db.shared] as any[]) {
      await refused(() => handle.session.prepareQuery(rendered, 'raw', false).execute());
    }
  });

  test('a prepared query has nothing of the driver before it is proved, and cannot be changed', async () => {
    const prepared = hostile()._prepare();
    expect(Object.keys(prepared).sort()).toEqual(['execute', 'getQuery', 'query', 'stream']);
    expect(Object.getPrototypeOf(prepared)).toBe(Object.prototype);
    expect(Object.isFrozen(prepared) && Object.isFrozen(prepared.query) && Object.isFrozen(prepared.query.params)).toBe(true);
    await refused(() => prepared.execute());
    await refused(() => prepared.stream());
  });

  test('the piece that tells of unread text cannot be exchanged', async () => {
    const query = hostile().getSQL();
    const seen = new Set<unknown>();
    const look = (it: any): void => {
      if (it === null || typeof it !== 'object' || seen.has(it)) return;
      seen.add(it);
      if (typeof it.getSQL === 'function' && Object.hasOwn(it, 'shouldOmitSQLParens')) {
        expect(Object.isFrozen(it)).toBe(true);
        expect(() => (it.getSQL = () => sql`true`)).toThrow();
      }
      for (const value of it.queryChunks ?? []) look(value);
    };
    look(query);
    await refused(() => tdb.execute(query));
  });
});
