/** SQL by hand through the handles, on a database with many tenants: scoped like any other, or refused. */
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  RawSqlNotScopedError,
  TenantMismatchError,
  UnscopedTableError,
  UnsupportedTenantOperationError,
  account,
} from './imports.js';
import { dropDatabases, open } from '../../support/databases.js';
import { a, b, w } from '../../support/rows.js';
import { boards, projects, tasks } from '../../support/schema.js';

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
async function refused(
  run: () => PromiseLike<unknown>,
  type: abstract new (...args: any[]) => Error = RawSqlNotScopedError,
) {
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
    const rows = await tdb.execute(
      sql`select p.name, t.title from projects p join tasks t on t."accountId" = p."accountId"
        and t."projectId" = p.id where p."accountId" = ${a} order by 1, 2`,
    );
    expect(rows.map((it: any) => it.title)).toEqual(['Build a', 'plan', 'rest', 'ship']);
  });

  test('runs text as a string, with the tenant as a literal', async () => {
    expect(await tdb.execute(`select name from projects where "accountId" = '${a}' order by id`)).toHaveLength(3);
    expect(await tdb.execute(`select name from projects where "accountId" = '${b}'`)).toEqual([]);
    expect(await tdb.execute('select name from projects order by id')).toHaveLength(3);
  });

  test('writes', async () => {
    expect(
      await tdb.execute(sql`update projects set budget = 7 where "accountId" = ${a} and id = 1 returning name`),
    ).toHaveLength(1);
    expect(await tdb.execute(sql`update projects set budget = 7 where id = 1 returning name`)).toEqual([
      { name: 'north' },
    ]);
    await refused(
      () => tdb.execute(sql`insert into projects ("accountId", id, name) values (${b}, 77, 'x')`),
      TenantMismatchError,
    );
  });

  test('refuses with the place and the remedy, before anything is sent', async () => {
    expect(await tdb.execute(sql`select * from projects where true or "accountId" = ${b}`)).toHaveLength(3);
    const error = await refused(() => tdb.execute(sql`select pg_sleep(1), name from projects`));
    expect(error.message).toMatch(
      new RegExp(
        '^Use functions of PostgreSQL that read their arguments only; .*: ' +
          'the function pg_sleep\\(\\) is not known to read its arguments only, at "pg_sleep\\(1\\), name from',
      ),
    );
    expect(error.place).toMatch(/^pg_sleep/);
  });

  test('all modes, and prepared', async () => {
    const query = sql`select name from projects where "accountId" = ${a} and id = ${sql.placeholder('id')}`;
    expect(await tdb.execute(query, 'arrays').execute({ id: 1 })).toEqual([['north']]);
    expect(await tdb.execute(query, 'objects').execute({ id: 1 })).toEqual([{ name: 'north' }]);
    const all = sql`select name from projects where "accountId" = ${sql.placeholder('id')}`;
    expect(await tdb.execute(all, 'objects').execute({ id: b })).toEqual([]);
    await refused(
      () =>
        tdb
          .execute(
            sql`insert into projects ("accountId", id, name) values (${sql.placeholder('id')}, 78, 'x')`,
            'objects',
          )
          .execute({ id: b }),
      TenantMismatchError,
    );
  });

  test('in a transaction, and not behind its end', async () => {
    let late: any;
    await tdb.transaction(async (tx: any) => {
      late = tx;
      expect(await tx.execute(sql`select id from projects where "accountId" = ${a}`)).toHaveLength(3);
      await tx.transaction(async (inner: any) => {
        expect(await inner.execute(sql`select id from projects`)).toHaveLength(3);
        await expect((async () => inner.execute(sql`select * from pg_class`))()).rejects.toBeInstanceOf(
          RawSqlNotScopedError,
        );
      });
    });
    opened.sent.splice(0);
    await refused(
      () => late.execute(sql`select id from projects where "accountId" = ${a}`),
      UnsupportedTenantOperationError,
    );
  });

  test("a table of another tenancy is refused even when it is bound to this tenant's value", async () => {
    await refused(() => tdb.execute(sql`select * from boards where "workspaceId" = ${a}`), UnscopedTableError);
    expect(await opened.db.forTenant(w).execute(sql`select * from boards where "workspaceId" = ${w}`)).toHaveLength(2);
    void boards;
  });
});

describe('fragments', () => {
  test('stand in any clause', async () => {
    const own = sql`exists (select 1 from tasks t where t."accountId" = ${projects.accountId}
      and t."projectId" = ${projects.id})`;
    expect(await tdb.select().from(projects).where(own)).toHaveLength(2);
    expect(
      await tdb
        .select({ n: sql`(select count(*)::int from tasks t where t."accountId" = ${a})` })
        .from(projects)
        .limit(1),
    ).toEqual([{ n: 4 }]);
    expect(
      await tdb
        .select({ id: projects.id })
        .from(projects)
        .orderBy(
          sql`(select min(t.id) from tasks t where t."accountId" = ${a}
            and t."projectId" = ${projects.id}) desc nulls last`,
        )
        .limit(1),
    ).toEqual([{ id: 2 }]);
    expect(
      await tdb
        .update(projects)
        .set({ budget: sql`(select count(*) from tasks where tasks."accountId" = ${a})` })
        .where(eq(projects.id, 1))
        .returning({ budget: projects.budget }),
    ).toEqual([{ budget: 4 }]);
    expect(
      await tdb.select({ x: sql`q.x` }).from(sql`(select name as x from projects where "accountId" = ${a}) q`),
    ).toHaveLength(3);
  });

  test('open no way past the predicate, wherever they stand', async () => {
    expect(await tdb.select({ n: sql`(select count(*)::int from tasks)` }).from(projects).limit(1)).toEqual([{ n: 4 }]);
    expect(await tdb.select().from(projects).where(sql`exists (select 1 from tasks)`)).toHaveLength(3);
    expect(await tdb.select().from(projects).orderBy(sql`(select count(*) from tasks)`)).toHaveLength(3);
    expect(
      await tdb
        .select()
        .from(projects)
        .limit(sql`(select count(*) from tasks where title like 'secret%')` as any),
    ).toHaveLength(0);
    expect(
      await tdb.select().from(
        tdb
          .select({ n: sql`(select count(*)::int from tasks)`.as('n') })
          .from(projects)
          .as('q'),
      ),
    ).toHaveLength(3);
    expect(await tdb.query.projects.findMany({ where: { RAW: sql`exists (select 1 from tasks)` } })).toHaveLength(3);
    expect(
      await tdb
        .select({ n: sql`1`.as('n') })
        .from(projects)
        .union(tdb.select({ n: sql`(select count(*)::int from tasks)`.as('n') }).from(projects)),
    ).toHaveLength(2);
  });

  test('are refused where they do not close what they open', async () => {
    await refused(() => tdb.select().from(projects).where(sql`1 = 1) or (1 = 1`));
    await refused(() => tdb.select().from(projects).where(sql`true) or (true`));
    await refused(() => tdb.select().from(projects).where(sql`true; delete from tasks`));
    await refused(() => tdb.delete(tasks).where(sql`true) or (true`));
    await refused(() => tdb.$count(projects, sql`true) or (true`));
    await refused(
      () => tdb.insert(projects).values({ id: 50, name: sql`'x'), ('${sql.raw(String(b))}', 51, 'y'` }),
      Error,
    );
    await refused(() => tdb.update(projects).set({ name: sql`'x', "accountId" = '${sql.raw(String(b))}'` }), Error);
    await refused(() => tdb.update(projects).set({ name: 'x' }).where(sql`true) or (true`));
  });

  test('a subquery of another handle stays refused', async () => {
    const foreign = opened.db.forTenant(b).select().from(projects);
    await refused(
      () => tdb.execute(sql`select * from (${foreign}) q, tasks where tasks."accountId" = ${a}`),
      TenantMismatchError,
    );
    const everyone = opened.db.acrossTenants({ reason: 'test' }).select().from(projects);
    await refused(
      () => tdb.execute(sql`select * from (${everyone}) q, tasks where tasks."accountId" = ${a}`),
      TenantMismatchError,
    );
    // Nor behind text that is not understood, where it goes as it is.
    await refused(
      () => tdb.execute(sql`select $$x$$, q.* from tasks t, (${foreign}) q where t."accountId" = ${a}`),
      TenantMismatchError,
    );
    await refused(
      () => tdb.execute(sql`select $$x$$, q.* from tasks t, (${everyone}) q where t."accountId" = ${a}`),
      TenantMismatchError,
    );
  });
});

describe('the other handles', () => {
  test('forTenants takes the values of its tenants', async () => {
    const both = opened.db.forTenants([a, b]) as any;
    expect(await both.execute(sql`select id from projects where "accountId" in (${a}, ${b})`)).toHaveLength(7);
    expect(await both.execute(sql`select id from projects where "accountId" = ${b}`)).toHaveLength(4);
    opened.sent.splice(0);
    expect(
      await both.execute(
        sql`select id from projects where "accountId" in (${a}, ${'cccccccc-cccc-4ccc-8ccc-cccccccccccc'})`,
      ),
    ).toHaveLength(3);
    expect(await both.execute(sql`select id from projects`)).toHaveLength(7);
  });

  test('shared takes reference tables, and writes them', async () => {
    const shared = opened.db.shared as any;
    expect(await shared.execute(sql`select id from countries where id > 0`)).toHaveLength(3);
    expect(await shared.execute(sql`update countries set name = name where id = 1 returning id`)).toHaveLength(1);
    opened.sent.splice(0);
    await refused(() => shared.execute(sql`select * from projects where "accountId" = ${a}`), UnscopedTableError);
    await refused(() => tdb.execute(sql`update countries set name = 'x'`), UnscopedTableError);
  });

  test('acrossTenants is not confined', async () => {
    expect(await opened.db.acrossTenants({ reason: 'test' }).execute(sql`select id from accounts`)).toHaveLength(3);
  });

  test('a statement prepared for any tenant', async () => {
    const prepared = opened.db.prepare(account, (it: any) =>
      it
        .select({ n: sql<number>`(select count(*)::int from tasks t where t."accountId" = ${projects.accountId})` })
        .from(projects)
        .limit(1),
    );
    expect(await prepared.run(a)).toEqual([{ n: 4 }]);
    expect(await prepared.run(b)).toEqual([{ n: 6 }]);
    opened.sent.splice(0);
    const all = opened.db.prepare(account, (it: any) =>
      it.select({ n: sql`(select count(*)::int from tasks)` }).from(projects).limit(1),
    );
    expect(await all.run(a)).toEqual([{ n: 4 }]);
    expect(await all.run(b)).toEqual([{ n: 6 }]);
  });
});

describe('no other way to run', () => {
  const good = () => tdb.select().from(projects);
  const hostile = () => tdb.select().from(projects).where(sql`true) or (true`);

  test('what is not proved is not rendered', async () => {
    expect(() => hostile().toSQL()).toThrow(RawSqlNotScopedError);
    await refused(() => hostile());
    await refused(() => hostile()._prepare().execute());
    await refused(() => tdb.execute(hostile().getSQL()));
  });

  test('what toSQL() tells is of no use to the session', async () => {
    const query = good().toSQL();
    await refused(
      () => tdb.session.prepareQuery({ ...query }, 'raw', false).execute(),
      UnsupportedTenantOperationError,
    );
    await refused(
      () => tdb.session.prepareQuery({ sql: 'select * from projects', params: [] }, 'raw', false).execute(),
      UnsupportedTenantOperationError,
    );
  });

  test('a rendered query is run by the session of its handle only', async () => {
    const rendered = tdb.dialect.sqlToQuery(good().getSQL());
    for (const handle of [opened.db.forTenant(b), opened.db.shared] as any[]) {
      await refused(() => handle.session.prepareQuery(rendered, 'objects', false).execute(), Error);
    }
  });
});
