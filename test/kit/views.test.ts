/** Which views keep tenants apart inside, so that a filter on their tenant column is enough. */
import { sql } from 'drizzle-orm';
import { integer, pgTable, pgView, text, uuid } from 'drizzle-orm/pg-core';
import { describe, expect, it } from 'vitest';
import { TenantRuleError } from '../../src/kit/index.js';
import { referenceTable, tenancy, tenantTable } from '../../src/schema/index.js';
import { History } from './support.js';

const account = tenancy('account', uuid);
const tables = {
  accounts: tenantTable('accounts', { id: account.id().primaryKey() }),
  projects: tenantTable('projects', { tenant: account.id(), id: integer().primaryKey(), name: text() }),
  tasks: tenantTable('tasks', { tenant: account.id(), id: integer().primaryKey(), project: integer(), title: text() }),
  countries: referenceTable('countries', { code: text().primaryKey(), name: text() }),
  plain: pgTable('plain', { id: integer().primaryKey() }),
};

const viewOf = (text: string, name = 'v') => pgView(name, { tenant: uuid() }).as(sql.raw(text));

/** The reason why a view is refused; undefined when it is not. */
async function faultOf(text: string, others: Record<string, unknown> = {}): Promise<string | undefined> {
  try {
    await new History().next({ schema: { ...tables, ...others, view: viewOf(text) }, tenancy: { citus: false } });
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(TenantRuleError);
    const { faults } = error as TenantRuleError;
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ rule: 'view-tenant', table: 'v', level: 'error' });
    return faults[0]!.reason;
  }
}

describe('a view that keeps tenants apart', () => {
  it.each([
    'select tenant, id from tasks where id > 1',
    'select * from tasks',
    'select t.*, p.name from tasks t join projects p on p.id = t.project and p.tenant = t.tenant',
    'select p.tenant, p.id, count(t.id) from projects p left join tasks t on t.project = p.id and t.tenant = p.tenant group by p.tenant, p.id',
    'select p.tenant as whose, t.id from projects p join tasks t using (tenant)',
    'select tenant, count(*) as n from tasks group by 1',
    'select distinct on (tenant, project) tenant, title from tasks order by tenant, project, id',
    'select tenant, id, rank() over (partition by tenant order by id) as r from tasks',
    'select tenant, id, rank() over w as r, sum(id) over (w order by id) as s from tasks window w as (partition by tenant)',
    'select tenant, id from tasks union all select tenant, id from projects',
    'select s.tenant, s.n from (select tenant, count(*) as n from tasks group by tenant) s',
    'select s.* from (select tenant, id from tasks union select tenant, id from projects) s',
    'select p.tenant, l.id from projects p, lateral (select id from tasks t where t.tenant = p.tenant and t.project = p.id order by id limit 1) l',
    'select p.tenant, (select count(*) from tasks t where t.tenant = p.tenant) as n from projects p',
    'select t.tenant, c.name from tasks t join countries c on c.code = t.title',
    'select id, title from tasks limit 3', // The root's tenant column is called id, too.
    'select count(*) as n from tasks', // Exposes no tenant column: no handle reads it.
  ])('%s', async (text) => {
    expect(await faultOf(text)).toBeUndefined();
  });

  it('stands on another such view', async () => {
    expect(await faultOf('select tenant, id from zebra', { zebra: viewOf('select tenant, id from tasks', 'zebra') })).toBeUndefined();
    expect(await faultOf('select t.tenant, z.id from tasks t join zebra z on z.id = t.id', { zebra: viewOf('select tenant, id from tasks', 'zebra') })).toContain('"zebra" as "z" is not bound');
  });
});

describe('a view that mixes tenants', () => {
  it.each([
    ['select p.tenant, t.id from projects p join tasks t on t.project = p.id', '"tasks" as "t" is not bound to the tenant'],
    ['select p.tenant, t.id from projects p left join tasks t on t.project = p.id and (t.tenant = p.tenant or t.id = 1)', 'an OR weakens the comparison'],
    ['select t.tenant, t.id from projects p left join tasks t on t.project = p.id', '"projects" as "p" is not bound'],
    ['select tenant, (select count(*) from tasks t where t.project = p.id) as n from projects p', '"tasks" as "t" is not bound'],
    ['select tenant, id from tasks order by id limit 10', 'LIMIT and OFFSET count the rows of every tenant'],
    ['select tenant, id from tasks offset 1', 'LIMIT and OFFSET'],
    ['select distinct on (project) tenant, id from tasks', 'DISTINCT ON chooses among the rows of every tenant'],
    ['select tenant, rank() over (order by id) as r from tasks', 'a window reaches over the rows of every tenant'],
    ['select tenant, rank() over (partition by project order by id) as r from tasks', 'a window reaches'],
    ['select tenant, count(*) over w as n from tasks window w as (order by id)', 'a window reaches'],
    ['select tenant, id from tasks order by count(*) over ()', 'a window reaches'],
    ['select tenant, project, count(*) from tasks group by rollup (tenant, project)', 'GROUP BY puts rows of several tenants together'],
    ['select * from tasks union all select * from tasks', 'a star stands in a set operation'],
    ['select s.* from (select tenant, id, project, title from tasks union all select * from tasks) s', 'a star stands in a set operation'],
    ["select 'a' as x, max(tenant::text) as m, tenant from tasks group by project, tenant, id order by 1 limit 1", 'LIMIT'],
    ['select tenant, id from tasks union all select null, id from projects', 'is an expression'],
    ['(select tenant, id from tasks limit 1) union all select tenant, id from projects', 'LIMIT'],
    ['select s.tenant, s.r from (select tenant, rank() over (order by id) as r from tasks) s', 'a window reaches'],
    ['select s.tenant, s.id from (select tenant, id from tasks limit 1) s', 'LIMIT'],
    ['select t.tenant, s.n from tasks t, (select count(*) as n from projects) s', '"projects" is not bound'],
    ['with c as (select tenant, id from tasks) select tenant, id from c', '"tasks" is not bound'],
    ['select t.tenant, plain.id from tasks t, plain', 'the table "plain" is not declared'],
    ['select tenant, pg_sleep(1) from tasks', 'pg_sleep'],
  ])('%s', async (text, reason) => {
    expect(await faultOf(text)).toContain(reason);
  });
});
