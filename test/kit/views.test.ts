/** Which views keep tenants apart inside, so that a filter on their tenant column is enough. */
import { sql } from 'drizzle-orm';
import { integer, pgTable, pgView, QueryBuilder, text, uuid } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { describe, expect, inject, it } from 'vitest';
import { TenantRuleError } from '../../src/kit/index.js';
import type { Fault } from '../../src/kit/faults.js';
import { faultsOf } from '../../src/kit/rules/rules.js';
import { Entities } from '../../src/kit/snapshot.js';
import { referenceTable, tenancy, tenantTable, unscoped } from '../../src/schema/index.js';
import { History } from './support.js';

const account = tenancy('account', uuid);
const tables = {
  accounts: tenantTable('accounts', { id: account.id().primaryKey() }),
  projects: tenantTable('projects', { tenant: account.id(), id: integer().primaryKey(), name: text() }),
  tasks: tenantTable('tasks', {
    tenant: account.id(),
    id: integer().primaryKey(),
    project: integer(),
    title: text(),
    approver: uuid(),
  }),
  countries: referenceTable('countries', { code: text().primaryKey(), name: text() }),
  plain: pgTable('plain', { id: integer().primaryKey() }),
};

const viewOf = (text: string, name = 'v') => pgView(name, { tenant: uuid() }).as(sql.raw(text));
/** One that handles read, by its column `tenant`. */
const declaredOf = (text: string, name = 'v') => pgView(name, { tenant: account.id() }).as(sql.raw(text));

/** The fault of a view; undefined when it is let pass. */
async function faultOfView(view: unknown, others: Record<string, unknown> = {}): Promise<Fault | undefined> {
  try {
    await new History().next({ schema: { ...tables, ...others, view }, tenancy: { citus: false } });
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(TenantRuleError);
    const { faults } = error as TenantRuleError;
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ rule: 'view-tenant', table: 'v', level: 'error' });
    return faults[0];
  }
}

const faultOf = async (text: string, others: Record<string, unknown> = {}) =>
  (await faultOfView(viewOf(text), others))?.reason;

describe('a view that keeps tenants apart', () => {
  it.each([
    'select tenant, id from tasks where id > 1',
    'select * from tasks',
    'select t.*, p.name from tasks t join projects p on p.id = t.project and p.tenant = t.tenant',
    'select p.tenant, p.id, count(t.id) from projects p left join tasks t on t.project = p.id ' +
      'and t.tenant = p.tenant group by p.tenant, p.id',
    'select p.tenant as whose, t.id from projects p join tasks t using (tenant)',
    'select tenant, count(*) as n from tasks group by 1',
    'select distinct on (tenant, project) tenant, title from tasks order by tenant, project, id',
    'select tenant, id, rank() over (partition by tenant order by id) as r from tasks',
    'select tenant, id, rank() over w as r, sum(id) over (w order by id) as s from tasks window w ' +
      'as (partition by tenant)',
    'select tenant, id from tasks union all select tenant, id from projects',
    'select s.tenant, s.n from (select tenant, count(*) as n from tasks group by tenant) s',
    'select s.* from (select tenant, id from tasks union select tenant, id from projects) s',
    'select p.tenant, l.id from projects p, lateral (select id from tasks t where t.tenant = p.tenant ' +
      'and t.project = p.id order by id limit 1) l',
    'select p.tenant, (select count(*) from tasks t where t.tenant = p.tenant) as n from projects p',
    'select t.tenant, c.name from tasks t join countries c on c.code = t.title',
    'with c as (select tenant, id from tasks) select tenant, id from c',
    'select tenant, countries.name from tasks join countries on countries.code = title',
    'select id, title from tasks limit 3', // The root's tenant column is called id, too.
    'select count(*) as n from tasks', // Exposes no tenant column: no handle reads it.
  ])('%s', async (text) => {
    expect(await faultOf(text)).toBeUndefined();
  });

  it('stands on another such view', async () => {
    expect(
      await faultOf('select tenant, id from zebra', { zebra: viewOf('select tenant, id from tasks', 'zebra') }),
    ).toBeUndefined();
    expect(
      await faultOf('select t.tenant, z.id from tasks t join zebra z on z.id = t.id', {
        zebra: viewOf('select tenant, id from tasks', 'zebra'),
      }),
    ).toContain('of different tenants would meet');
  });
});

describe('a view that mixes tenants', () => {
  it.each([
    ['select p.tenant, t.id from projects p join tasks t on t.project = p.id', 'of different tenants would meet'],
    [
      'select p.tenant, t.id from projects p left join tasks t on t.project = p.id ' +
        'and (t.tenant = p.tenant or t.id = 1)',
      'of different tenants would meet',
    ],
    ['select t.tenant, t.id from projects p left join tasks t on t.project = p.id', 'of different tenants would meet'],
    [
      'select tenant, (select count(*) from tasks t where t.project = p.id) as n from projects p',
      'a subquery of an expression runs over the rows of every tenant',
    ],
    ['select tenant, id from tasks order by id limit 10', 'LIMIT and OFFSET count the rows of every tenant'],
    ['select tenant, id from tasks offset 1', 'LIMIT and OFFSET'],
    ['select distinct on (project) tenant, id from tasks', 'DISTINCT ON chooses among the rows of every tenant'],
    ['select tenant, rank() over (order by id) as r from tasks', 'a window reaches over the rows of every tenant'],
    ['select tenant, rank() over (partition by project order by id) as r from tasks', 'a window reaches'],
    ['select tenant, count(*) over w as n from tasks window w as (order by id)', 'a window reaches'],
    // A value, not the first column.
    ['select tenant, rank() over (partition by 1 order by id) as r from tasks', 'a window reaches'],
    // It means the column that is selected.
    ['select distinct on (tenant) id as tenant, tenant as whose from tasks', 'DISTINCT ON chooses'],
    ['select tenant, id from tasks order by count(*) over ()', 'a window reaches'],
    // What is compared with a subquery is of the query around it.
    ['select tenant, count(*) over () in (select 1) as x from tasks', 'a window reaches'],
    ['select tenant, count(*) over () = any (select 1) as x from tasks', 'a window reaches'],
    ['select tenant, (rank() over (order by id), id) in (select 1, 2) as x from tasks', 'a window reaches'],
    ['select tenant, id from tasks order by rank() over (order by id) > all (select 1)', 'a window reaches'],
    ['select distinct on (tenant, rank() over (order by id)) tenant, id from tasks', 'a window reaches'],
    ['select distinct on (tenant, count(*) over () in (select 1)) tenant, id from tasks', 'a window reaches'],
    ['select tenant, id from tasks order by id fetch first 2 rows with ties', 'LIMIT and OFFSET'],
    ['select tenant, id from tasks for update', 'FOR UPDATE and FOR SHARE lock the rows of every tenant'],
    ['select tenant, id from tasks for key share skip locked', 'FOR UPDATE and FOR SHARE'],
    ['select s.tenant, s.id from (select tenant, id from tasks for share nowait) s', 'FOR UPDATE and FOR SHARE'],
    [
      'select tenant, id from tasks t where exists (select 1 from projects p where p.tenant = t.tenant for update)',
      'FOR UPDATE and FOR SHARE',
    ],
    [
      'select tenant, project, count(*) as n from tasks group by grouping sets ((tenant), (), (project))',
      'GROUP BY puts rows of several tenants together',
    ],
    [
      'select tenant, project, count(*) as n from tasks group by cube (tenant), project',
      'GROUP BY puts rows of several tenants together',
    ],
    [
      'select tenant, project, count(*) as n from tasks group by rollup (tenant, project)',
      'GROUP BY puts rows of several tenants together',
    ],
    ['select * from tasks union all select * from tasks', 'a star stands in a set operation'],
    [
      'select s.* from (select tenant, id, project, title from tasks union all select * from tasks) s',
      'is not filled from the tenant column',
    ],
    [
      "select 'a' as x, max(tenant::text) as m, tenant from tasks group by project, tenant, id order by 1 limit 1",
      'LIMIT',
    ],
    ['select tenant, id from tasks union all select null, id from projects', 'is not filled from the tenant column'],
    ['(select tenant, id from tasks limit 1) union all select tenant, id from projects', 'LIMIT'],
    ['select s.tenant, s.r from (select tenant, rank() over (order by id) as r from tasks) s', 'a window reaches'],
    ['select s.tenant, s.id from (select tenant, id from tasks limit 1) s', 'LIMIT'],
    ['select t.tenant, s.n from tasks t, (select count(*) as n from projects) s', 'of different tenants would meet'],
    ['select t.tenant, plain.id from tasks t, plain', '"plain" is not declared'],
    ['select tenant, pg_sleep(1) from tasks', 'pg_sleep'],
  ])('%s', async (text, reason) => {
    expect(await faultOf(text)).toContain(reason);
  });
});

const apart = [
  // Whatever else is called like a tenant column.
  'select tenant, approver as account_id from tasks',
  'select s.whose as tenant, s.id from (select tenant as whose, id from tasks) s',
  'select s.whose as tenant from (select t.whose from (select tenant as whose from tasks) t) s',
  // CTEs, once and several times, within one another, with names for their columns, and hidden by another of their
  // name.
  'with c as (select tenant, id from tasks) select tenant, id from c',
  'with c as (select tenant, id from tasks), d as (select tenant as whose, id from c) select whose ' +
    'as tenant, id from d',
  'with c(whose, n) as (select tenant, count(*) from tasks group by tenant) select whose as tenant, n from c',
  'with c(whose, n) as (select tenant, id from tasks union all select tenant, id from projects) ' +
    'select whose as tenant, n from c',
  'select s.tenant, s.n from (with c as (select tenant, count(*) as n from tasks group by tenant) select * from c) s',
  'with tasks as (select tenant, id from projects) select tenant, id from tasks',
  'with c as (select tenant, id from tasks) select tenant, id from c union all (with c ' +
    'as (select tenant, id from projects) select tenant, id from c)',
  // Each branch of UNION, INTERSECT and EXCEPT.
  'select tenant, id from tasks union select tenant, id from projects',
  'select tenant, id from tasks union all select tenant, id from projects union all select id, 1 from accounts',
  'select tenant, id from tasks except select tenant, id from projects',
  // GROUP BY and DISTINCT.
  'select distinct tenant, project from tasks',
  'select t.tenant, p.name, count(*) as n from tasks t join projects p on p.id = t.project ' +
    'and p.tenant = t.tenant group by t.tenant, p.name having count(*) > 1',
  'select distinct on (1) tenant, id from tasks order by 1, 2',
  // What an outer join left of either side.
  'select coalesce(t.tenant, p.tenant) as tenant, t.id from tasks t full join projects p ' +
    'on p.tenant = t.tenant and p.id = t.project',
  'select coalesce(p.tenant, t.tenant) as tenant, t.id from tasks t left join projects p ' +
    'on p.tenant = t.tenant and p.id = t.project',
  'select tenant, t.id from tasks t full join projects p using (tenant)',
  'select tenant, t.id from tasks t join projects p using (tenant)',
  'select coalesce(t.tenant, p.tenant, u.tenant) as tenant from tasks t full join projects p ' +
    'on p.tenant = t.tenant full join tasks u on u.tenant = coalesce(t.tenant, p.tenant)',
  'select coalesce(s.tenant, p.tenant) as tenant, s.n from (select tenant, count(*) as n from tasks ' +
    'group by tenant) s full join projects p on p.tenant = s.tenant',
  'with c as (select tenant, id from tasks) select coalesce(c.tenant, d.tenant) as tenant from c full ' +
    'join c d on d.tenant = c.tenant and d.id = c.id + 1',
  'select coalesce(t.tenant, p.tenant) as tenant, count(*) as n from tasks t full join projects p ' +
    'on p.tenant = t.tenant group by coalesce(t.tenant, p.tenant)',
  // A group that tells its tenant holds no other's rows, and the others have no tenant.
  'with recursive c as (select tenant, id from tasks) select tenant, id from c',
  'select coalesce(t.tenant, p.tenant) as tenant, t.title, count(*) as n from tasks t full join projects p ' +
    'on p.tenant = t.tenant group by 2, t.tenant, p.tenant',
];

describe('a tenant column that is declared, and comes from the tenant column of a table', () => {
  it.each(apart)('%s', async (text) => {
    expect(await faultOfView(declaredOf(text))).toBeUndefined();
  });

  it('shows a tenant on PostgreSQL what it would show if there were no other', async () => {
    const client = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
    const [a, b, c] = ['a', 'b', 'c'].map(
      (it) => `${it.repeat(8)}-${it.repeat(4)}-4${it.repeat(3)}-8${it.repeat(3)}-${it.repeat(12)}`,
    );
    const rowsOf = (tenant: string, n: number, approver: string) => `
      insert into accounts values ('${tenant}');
      insert into projects values ('${tenant}', 1, 'x'), ('${tenant}', ${n + 1}, 'y');
      insert into tasks values ('${tenant}', 1, 1, 'one', '${approver}'), ('${tenant}', 2, ${n}, 'two', '${a}'),
        ('${tenant}', ${n + 2}, 1, 'one', null);`;
    const views = [...new Set(apart)];
    const read = (schema: string, rows: string) =>
      client.begin(async (tx) => {
        await tx.unsafe(`create schema ${schema}; set local search_path to ${schema};
          create table accounts (id uuid); create table countries (code text, name text);
          create table projects (tenant uuid, id int, name text); create table tasks (tenant uuid, id int,
            project int, title text, approver uuid);
          insert into countries values ('one', 'One'); ${rows}
            ${views.map((it, i) => `create view v${i} as ${it};`).join('\n')}`);
        const seen = [];
        for (const [i, text] of views.entries())
          seen.push([
            text,
            (await tx.unsafe(`select to_jsonb(v)::text as row from v${i} v where tenant = '${a}' order by 1`)).map(
              (it) => it.row,
            ),
          ]);
        await tx.unsafe(`drop schema ${schema} cascade`);
        return seen;
      });
    try {
      const own = rowsOf(a!, 2, b!);
      const many = await read('views_many', rowsOf(b!, 1, a!) + own + rowsOf(c!, 3, a!));
      expect(many).toEqual(await read('views_alone', own));
      expect(many.filter(([, rows]) => rows!.length === 0)).toEqual([]);
    } finally {
      await client.end();
    }
  });

  it('stands on another such view', async () => {
    const zebra = declaredOf('select tenant, id from tasks', 'zebra');
    expect(
      await faultOfView(declaredOf('with c as (select tenant, id from zebra) select tenant, id from c'), { zebra }),
    ).toBeUndefined();
  });

  it('is one of two columns that the query builder selected', async () => {
    const { tasks } = tables;
    const inner = new QueryBuilder().select({ whose: tasks.tenant.as('whose'), id: tasks.id }).from(unscoped(tasks));
    const outer = (limit?: number) =>
      pgView('v').as((qb) => {
        const s = (
          limit === undefined
            ? inner
            : new QueryBuilder()
                .select({ whose: tasks.tenant.as('whose'), id: tasks.id })
                .from(unscoped(tasks))
                .limit(limit)
        ).as('s');
        return qb.select({ whose: s.whose, id: s.id }).from(s);
      });
    expect(await faultOfView(outer())).toBeUndefined();
    expect((await faultOfView(outer(10)))?.reason).toContain('LIMIT');
  });
});

describe('a tenant column that is declared, and filled from something else', () => {
  const isNot = 'is not filled from the tenant column of a table in each row';
  it.each([
    ['select approver as tenant, id from tasks', isNot],
    // The tenant column beside it does not help.
    ['select approver as tenant, tenant as account_id, id from tasks', isNot],
    [
      'select t.approver as tenant, p.id from tasks t join projects p on p.tenant = t.approver',
      'of different tenants would meet',
    ],
    ['select t.approver as tenant, t.id from tasks t where t.approver = t.tenant', isNot],
    ['select s.tenant, s.id from (select approver as tenant, id from tasks) s', isNot],
    ['with c as (select approver as tenant, id from tasks) select tenant, id from c', isNot],
    ['with c(tenant) as (select approver from tasks) select tenant from c', isNot],
    [
      'with c as (select tenant, id from tasks), d as (select approver as tenant, id from tasks) ' +
        'select d.tenant from c join d on d.id = c.id',
      'of different tenants would meet',
    ],
    // One branch is enough.
    ['select tenant, id from tasks union all select approver, id from tasks', isNot],
    ['select approver as tenant, id from tasks union all select tenant, id from tasks', isNot],
    [
      'select tenant, id from projects union select tenant, id from tasks union all select approver, id from tasks',
      isNot,
    ],
    ['select tenant, id from tasks intersect select approver, id from tasks', isNot],
    [
      'select tenant, id from tasks union all (with c as (select approver, id from tasks) select approver, id from c)',
      isNot,
    ],
    ['select tenant, id from tasks union all select gen_random_uuid(), id from tasks', isNot],
    ['select approver as tenant, count(*) as n from tasks group by approver', isNot],
    ['select distinct approver as tenant, project from tasks', isNot],
    ['select coalesce(approver, tenant) as tenant, id from tasks', isNot],
    [
      'select coalesce(t.tenant, u.approver) as tenant from tasks t full join tasks u on u.approver = t.tenant',
      'of different tenants would meet',
    ],
    [
      'select coalesce(t.tenant, p.tenant) as tenant, t.id from tasks t full join projects p on p.id = t.project',
      'of different tenants would meet',
    ],
    [
      'select coalesce(t.tenant, p.tenant) as tenant, t.id from tasks t full join projects p ' +
        'on p.tenant = t.tenant or p.id = t.project',
      'of different tenants would meet',
    ],
    [
      'select coalesce(t.tenant, p.tenant) as tenant, t.id from tasks t full join projects p on p.tenant = t.approver',
      'of different tenants would meet',
    ],
    ['select coalesce(t.tenant, p.tenant) as tenant, t.id from tasks t, projects p', 'of different tenants would meet'],
    [
      'select coalesce(t.tenant, p.tenant) as tenant, t.id from tasks t full join projects p using (id)',
      'of different tenants would meet',
    ],
    [
      'select coalesce(t.tenant, p.tenant, u.tenant) as tenant from tasks t full join projects p ' +
        'on p.tenant = t.tenant full join tasks u on u.id = p.id',
      'of different tenants would meet',
    ],
    [
      'select coalesce(t.tenant, p.tenant) as tenant, u.id from tasks t full join projects p ' +
        'on p.tenant = t.tenant left join tasks u on u.id = p.id',
      'of different tenants would meet',
    ],
    [
      'select coalesce(t.tenant, p.tenant) as tenant, rank() over (order by t.id) as r from tasks t full ' +
        'join projects p on p.tenant = t.tenant',
      'a window reaches',
    ],
    [
      'select coalesce(s.tenant, p.tenant) as tenant from (select tenant from tasks limit 1) s full ' +
        'join projects p on p.tenant = s.tenant',
      'LIMIT',
    ],
    ['select case when id = 1 then approver else tenant end as tenant from tasks', isNot],
    ['select nullif(tenant, approver) as tenant from tasks', isNot],
    ['select tenant::text::uuid as tenant from tasks', isNot],
    ["select 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'::uuid as tenant, id from tasks", isNot],
    [
      'select (select tenant from tasks limit 1) as tenant, id from tasks',
      'a subquery of an expression runs over the rows of every tenant',
    ],
    ['select min(tenant) as tenant, count(*) as n from tasks group by project', isNot],
    ['select v.tenant, t.id from (values (gen_random_uuid())) as v(tenant) join tasks t on t.tenant = v.tenant', isNot],
    ['select c.code::uuid as tenant, t.id from countries c join tasks t on t.title = c.name', isNot],
    ['select id, title from tasks', 'the tenant column "tenant" is not found'],
    [
      'select p.tenant, s.n from projects p, (with c as (select tenant, id from tasks) select count(*) as n from c) s',
      'of different tenants would meet',
    ],
    [
      'with c as (select tenant, id from tasks) select c.tenant, (select count(*) from c d) as n from c',
      'a subquery of an expression runs over the rows of every tenant',
    ],
  ])('%s', async (text, reason) => {
    const fault = await faultOfView(declaredOf(text));
    expect(fault?.reason).toContain(reason);
    if (reason === isNot)
      expect(fault).toMatchObject({
        column: 'tenant',
        remedy: expect.stringContaining('Fill "tenant" from the tenant column of one of its tables'),
      });
  });

  it('from a reference table', async () => {
    const owners = referenceTable('owners', { code: text().primaryKey(), owner: uuid() });
    expect((await faultOfView(declaredOf('select owner as tenant, code from owners'), { owners }))?.reason).toContain(
      isNot,
    );
  });

  it('from what WITH RECURSIVE calls like a table', async () => {
    const fault = await faultOfView(
      declaredOf(
        'with recursive tasks as (select code::uuid as tenant, name from countries) select tenant, name from tasks',
      ),
    );
    expect(fault?.reason).toContain(isNot);
  });

  it('from the tenant column of another tenancy', async () => {
    // The ids of both may be alike: tenant 1 of the one would read the rows of tenant 1 of the other.
    const workspace = tenancy('workspace', uuid);
    const boards = tenantTable('boards', { space: workspace.id(), id: integer().primaryKey(), name: text() });
    const both = 'it brings rows of the tenancies "account" and "workspace" together';
    expect((await faultOfView(declaredOf('select space as tenant, id from boards'), { boards }))?.reason).toContain(
      both,
    );
    expect(
      (
        await faultOfView(pgView('v', { space: workspace.id() }).as(sql.raw('select tenant as space, id from tasks')), {
          boards,
        })
      )?.reason,
    ).toContain('it brings rows of the tenancies');
    expect(
      await faultOf('select t.tenant, b.name from tasks t join boards b on b.space = t.tenant', { boards }),
    ).toContain('it brings rows of the tenancies');
    expect(
      (await faultOfView(declaredOf('select tenant, id from tasks union all select space, id from boards'), { boards }))
        ?.reason,
    ).toContain('it brings rows of the tenancies');
    const zebra = pgView('zebra', { space: workspace.id() }).as(sql.raw('select space, id from boards'));
    expect(
      (await faultOfView(declaredOf('select space as tenant, id from zebra'), { boards, zebra }))?.reason,
    ).toContain(both);
    expect(
      await faultOfView(pgView('v', { space: workspace.id() }).as(sql.raw('select space, id from boards')), { boards }),
    ).toBeUndefined();
  });

  it('from another column of a view', async () => {
    const zebra = pgView('zebra', { tenant: account.id(), approver: uuid() }).as(
      sql.raw('select tenant, approver from tasks'),
    );
    expect((await faultOfView(declaredOf('select approver as tenant from zebra'), { zebra }))?.reason).toContain(isNot);
  });

  it('by a CTE that the query builder was told the columns of', async () => {
    const { tasks } = tables;
    const view = pgView('v').as((qb) => {
      const c = qb.$with('c', { whose: tasks.tenant }).as(sql`select approver as tenant from tasks` as any);
      return qb.with(c).select({ whose: c.whose }).from(c);
    });
    expect((await faultOfView(view))?.reason).toContain(isNot);
  });
});

describe('without the parser', () => {
  const faults = (definition: string, rules = {}) => {
    const rows = [{ entityType: 'views', schema: 'public', name: 'v', definition }];
    const table = {
      schema: 'public',
      name: 'tasks',
      kind: 'tenant',
      column: 'tenant',
      type: 'uuid',
      tenancy: 'account',
    };
    const state = { citus: false, tenancies: {}, tables: { 'public.tasks': table } };
    return faultsOf({
      entities: new Entities(rows as any),
      state: state as any,
      options: { rules } as any,
      views: () => undefined,
      plain: [],
    }).filter((it) => it.rule === 'view-tenant');
  };
  it.each([
    ['select * from Tasks', {}, 'error'],
    ['select * from Tasks', { 'view-tenant': 'warn' }, 'warn'],
    ['select code from countries', {}, 'warn'],
  ])('%s, with %o: %s', (text, rules, level) => {
    expect(faults(text, rules)).toMatchObject([
      { level, remedy: expect.stringContaining('libpg-query, which reads views, cannot be loaded') },
    ]);
  });
});
