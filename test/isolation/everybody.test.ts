/**
 * Rows of everybody: over many tenants, a program reads and leaves what it would over one tenant's rows and
 * everybody's; with the filters, and with the policies alone.
 */
import { and, count, eq, getTableName, inArray, isNull, or, sql } from 'drizzle-orm';
import { integer, text, unique, uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  alias,
  assertRowLevelSecurity,
  defineTenantRelations,
  tenancy,
  tenantTable,
  unscoped,
  withTenancy,
} from '../../src/index.js';
import { createDatabase, onServer, type Database } from '../kit/database.js';
import { statementsOf } from '../schema/support.js';
import { admin, asRole, createAdmin, createRole, grants } from '../support/rls.js';
import { withoutFilters } from '../support/without-filters.js';
import { drawn } from './everybody-drawn.js';

const firm = tenancy('firm', uuid);
const firms = tenantTable('eb_firms', { id: firm.id().primaryKey(), name: text().notNull() });
const templates = tenantTable(
  'eb_templates',
  {
    firmId: firm.id('firm_id', { everybody: true }).references(() => firms.id),
    id: integer().primaryKey(),
    name: text().notNull().unique(),
    size: integer(),
    code: text().notNull(),
  },
  (t) => [unscoped(unique().on(t.code))],
);
const kinds = tenantTable('eb_kinds', {
  firmId: firm.id('firm_id', { everybody: true }),
  id: integer().primaryKey(),
  label: text().notNull(),
});
const jobs = tenantTable('eb_jobs', {
  firmId: firm.id('firm_id'),
  id: integer().primaryKey(),
  templateId: integer('template_id'),
  kindId: integer('kind_id'),
  title: text().notNull(),
  n: integer(),
});
const schema = { firms, templates, kinds, jobs };
const relations = defineTenantRelations(schema, (r) => ({
  jobs: {
    template: r.one.templates({ from: r.jobs.templateId, to: r.templates.id }),
    kind: r.one.kinds({ from: r.jobs.kindId, to: r.kinds.id }),
  },
  templates: { jobs: r.many.jobs({ from: r.templates.id, to: r.jobs.templateId }) },
}));

const [a, b, c] = ['a', 'b', 'c'].map((it) =>
  firm.parse(`${it.repeat(8)}-${it.repeat(4)}-4${it.repeat(3)}-8${it.repeat(3)}-${it.repeat(12)}`),
) as any[];
const everybodys = `insert into eb_templates values (null, 1, 'letter', 10, 'c1'), (null, 2, 'invoice', null, 'c2'),
  (null, 3, 'report', 0, 'c3');
  insert into eb_kinds values (null, 1, 'small'), (null, 2, 'large');`;
const rowsOf = (id: string, n: number) => `insert into eb_firms values ('${id}', 'firm ${n}');
  insert into eb_templates values ('${id}', ${n}1, 'own ${n}', ${n}, 'c${n}1'), ('${id}', ${n}2, 'letter', ${n}0,
    'c${n}2');
  insert into eb_kinds values ('${id}', ${n}1, 'odd');
  insert into eb_jobs values ('${id}', 1, 1, 1, 'one', ${n}), ('${id}', 2, ${n}1, ${n}1, 'two of ${n}', null),
    ('${id}', 3, ${n === 1 ? 21 : 11}, 2, 'three', 3), ('${id}', 4, null, null, 'four',
      ${n}${n})${n === 1 ? '' : `, ('${id}', 5, 3, ${n}1, 'secret', 7), ('${id}', 6, 2, 2, 'secret', 0)`};`;
const contents = {
  many: `${everybodys}${rowsOf(a, 1)}${rowsOf(b, 2)}${rowsOf(c, 3)}`,
  alone: `${everybodys}${rowsOf(a, 1)}`,
};
const emptied = 'truncate eb_firms, eb_templates, eb_kinds, eb_jobs;';

type Contents = keyof typeof contents;
const state = `select json_build_object(${Object.values(schema)
  .map(
    (it) =>
      `'${getTableName(unscoped(it as any) as any)}', (select json_agg(t order by t) ` +
      `from ${getTableName(unscoped(it as any) as any)} t %)`,
  )
  .join(', ')}) as s`;
const stateText = (where: string) =>
  state.replaceAll(
    /from eb_(\w+) t %/g,
    (_, name) => `from eb_${name} t where ${where.replaceAll('tenant', name === 'firms' ? 't.id' : 't.firm_id')}`,
  );

class Side {
  sql!: postgres.Sql;
  db!: any;
  rls!: any;
  #database!: Database;
  #before: string | undefined;
  #clients: postgres.Sql[] = [];

  constructor(readonly contents: Contents) {}

  async open() {
    this.#database = await createDatabase();
    const client = (url: string) => (
      this.#clients.push(postgres(url, { max: 3, onnotice: () => {} })), this.#clients.at(-1)!
    );
    this.sql = client(this.#database.url());
    for (const statement of [...(await statementsOf(schema, { citus: false, rls: true })), ...grants('public')])
      await this.sql.unsafe(statement);
    await this.sql.unsafe(
      `grant select, insert, update, delete on all tables in schema public to ${admin}; ${contents[this.contents]}`,
    );
    this.db = withTenancy(drizzle({ client: this.sql }), { relations });
    this.rls = withTenancy(drizzle({ client: client(asRole(this.#database.url())) }), {
      relations,
      rls: true,
      across: { role: admin },
    });
    await this.db.ready;
  }

  async close() {
    await Promise.all(this.#clients.map((it) => it.end()));
    await this.#database?.drop();
  }

  async run(program: Program, db = this.db) {
    let outcome: unknown;
    try {
      outcome = { result: sorted(await program(db.forTenant(a), db)) };
    } catch (error: any) {
      const cause = error.cause ?? error;
      outcome = {
        error: error._tag ?? cause.code ?? cause.constructor.name,
        message: error._tag || !cause.code ? error.message : undefined,
      };
    }
    const [left] = await this.sql.unsafe(
      `select (${stateText(`(tenant = '${a}' or tenant is null)`)}) ` +
        `as own, (${stateText(`tenant <> '${a}'`)}) as others`,
    );
    this.#before ??= JSON.stringify(left);
    if (this.#before !== JSON.stringify(left)) await this.sql.unsafe(emptied + contents[this.contents]);
    return { outcome, own: left!.own, others: left!.others };
  }
}

type Program = (tdb: any, db: any) => PromiseLike<unknown>;
const sorted = (it: unknown) => (Array.isArray(it) ? it.map((row) => JSON.stringify(row)).sort() : it);
const [many, alone] = [new Side('many'), new Side('alone')];
let untouched: unknown;

beforeAll(async () => {
  await onServer(createRole, createAdmin);
  await Promise.all([many.open(), alone.open()]);
  untouched = (await many.run(async () => 1)).others;
}, 60_000);
afterAll(() => Promise.all([many.close(), alone.close()]));
afterEach(() => void vi.restoreAllMocks());

/** Whether two runs agree, with nothing of the others changed. */
async function same(program: Program, pick: (side: Side) => any = (it) => it.db) {
  const [ours, plain] = await Promise.all([many.run(program, pick(many)), alone.run(program, pick(alone))]);
  expect({ outcome: ours.outcome, own: ours.own }).toEqual({ outcome: plain.outcome, own: plain.own });
  expect(ours.others).toEqual(untouched);
  return ours.outcome as { result?: unknown; error?: string; message?: string };
}

const other = alias(templates, 'other');
const reads: Record<string, Program> = {
  'a table': (tdb) => tdb.select().from(templates),
  'two of them': (tdb) => tdb.select().from(templates).innerJoin(kinds, eq(templates.id, kinds.id)),
  'an inner join': (tdb) => tdb.select().from(jobs).innerJoin(templates, eq(jobs.templateId, templates.id)),
  'a left join': (tdb) => tdb.select().from(jobs).leftJoin(templates, eq(jobs.templateId, templates.id)),
  'a left join from them': (tdb) => tdb.select().from(templates).leftJoin(jobs, eq(jobs.templateId, templates.id)),
  'a right join': (tdb) => tdb.select().from(templates).rightJoin(jobs, eq(jobs.templateId, templates.id)),
  'a full join': (tdb) => tdb.select().from(templates).fullJoin(jobs, eq(jobs.templateId, templates.id)),
  'joins in a row': (tdb) =>
    tdb
      .select()
      .from(jobs)
      .leftJoin(templates, eq(jobs.templateId, templates.id))
      .leftJoin(kinds, eq(jobs.kindId, kinds.id))
      .rightJoin(other, eq(other.name, templates.name)),
  'a join on the tenant column': (tdb) => tdb.execute(sql`select * from ${jobs} join ${templates} using (firm_id)`),
  aggregates: (tdb) =>
    tdb
      .select({ id: templates.id, n: count(jobs.id) })
      .from(templates)
      .leftJoin(jobs, eq(jobs.templateId, templates.id))
      .groupBy(templates.id),
  'a group by the key, with other columns': (tdb) =>
    tdb.select({ name: templates.name, n: count() }).from(templates).groupBy(templates.id),
  'a count': (tdb) => tdb.$count(templates, eq(templates.name, 'letter')),
  'a condition by hand': (tdb) =>
    tdb.execute(sql`select id from eb_templates t where 10 / nullif(size, 0) > 0 or t.firm_id is not null`),
  'only those of everybody': (tdb) => tdb.select().from(templates).where(isNull(templates.firmId)),
  'only its own': (tdb) => tdb.select().from(templates).where(eq(templates.firmId, a)),
  'those of another': (tdb) => tdb.select().from(templates).where(eq(templates.firmId, b)),
  'a condition that is always true': (tdb) =>
    tdb
      .select()
      .from(templates)
      .where(or(sql`true`, eq(templates.id, 1))),
  'a subquery': (tdb) =>
    tdb
      .select()
      .from(jobs)
      .where(inArray(jobs.templateId, tdb.select({ id: templates.id }).from(templates))),
  'a correlated one': (tdb) =>
    tdb.execute(sql`select t.id, (select count(*) from eb_jobs j where j.template_id = t.id) as n from eb_templates t`),
  'a correlated one that says what the library says': (tdb) =>
    tdb.execute(
      sql`select t.id, (select count(*) from eb_jobs j where j.firm_id = t.firm_id or t.firm_id is null) as n
        from eb_templates t`,
    ),
  'a lateral one': (tdb) =>
    tdb.execute(
      sql`select t.id, j.title from eb_templates t left join lateral (select * from eb_jobs j
        where j.template_id = t.id order by j.id limit 1) j on true`,
    ),
  'a common table expression': (tdb) =>
    tdb.execute(
      sql`with x as (select * from eb_templates) select x.name, count(*) from x
        left join eb_jobs j on j.template_id = x.id group by x.name`,
    ),
  'a union': (tdb) =>
    tdb.execute(
      sql`select name from eb_templates union all select label from eb_kinds union all select title from eb_jobs`,
    ),
  'a relation to them': (tdb) =>
    tdb.query.jobs.findMany({ with: { template: true, kind: { columns: { label: true } } }, orderBy: { id: 'asc' } }),
  'a relation from them': (tdb) =>
    tdb.query.templates.findMany({ with: { jobs: { orderBy: { id: 'asc' } } }, orderBy: { id: 'asc' } }),
  'a filter on a relation': (tdb) =>
    tdb.query.jobs.findMany({ where: { template: { name: 'letter' } }, orderBy: { id: 'asc' } }),
  'a filter on a relation from them': (tdb) => tdb.query.templates.findMany({ where: { jobs: { title: 'secret' } } }),
  'a window': (tdb) =>
    tdb.execute(sql`select name, row_number() over (order by id) as r, sum(size) over () as s from eb_templates`),
  'own rows, locked': (tdb) => tdb.select().from(templates).where(eq(templates.firmId, a)).for('update'),
  'locked beside them': (tdb) =>
    tdb.select().from(jobs).leftJoin(templates, eq(jobs.templateId, templates.id)).for('update', { of: jobs }),
};

const writes: Record<string, Program> = {
  'an insert': (tdb) => tdb.insert(templates).values({ id: 90, name: 'new', code: 'n' }).returning(),
  'an insert of a name that everybody has': (tdb) =>
    tdb.insert(templates).values({ id: 90, name: 'report', code: 'n' }).returning(),
  'an insert that conflicts within the tenant': (tdb) =>
    tdb
      .insert(templates)
      .values({ id: 90, name: 'letter', code: 'n' })
      .onConflictDoUpdate({ target: templates.name, set: { size: 99 } })
      .returning(),
  'one of a name of everybody': (tdb) =>
    tdb
      .insert(templates)
      .values({ id: 90, name: 'report', code: 'n' })
      .onConflictDoUpdate({ target: templates.name, set: { size: 99 } })
      .returning(),
  'a key of everybody, left alone': (tdb) =>
    tdb
      .insert(templates)
      .values({ id: 1, name: 'new', code: 'n' })
      .onConflictDoNothing({ target: templates.id })
      .returning(),
  'rows made of them': (tdb) =>
    tdb
      .insert(jobs)
      .select(tdb.select({ id: sql<number>`${templates.id} + 100`.as('id'), title: templates.name }).from(templates))
      .returning(),
  'own ones made of them': (tdb) =>
    tdb.execute(
      sql`insert into eb_templates (id, name, code) select id + 100, 'copy of ' || name || id, 'copy ' || id
        from eb_templates returning firm_id, id`,
    ),
  'a delete by what they say': (tdb) =>
    tdb.execute(
      sql`delete from eb_jobs using eb_templates t where t.id = template_id and t.name = 'letter' returning eb_jobs.id`,
    ),
  'an update from them': (tdb) =>
    tdb
      .update(jobs)
      .set({ title: sql`${templates.name}` })
      .from(templates)
      .where(eq(templates.id, jobs.templateId))
      .returning({ id: jobs.id, title: jobs.title }),
  'a merge into them': (tdb) =>
    tdb.execute(
      sql`merge into eb_kinds k using eb_jobs j on k.id = j.kind_id when matched then update set label = j.title
        when not matched then insert (id, label) values (j.id + 200, j.title)`,
    ),
  'a merge from them': (tdb) =>
    tdb.execute(
      sql`merge into eb_jobs j using eb_templates t on t.id = j.template_id when matched then update
        set title = t.name when not matched then insert (id, title) values (t.id + 200, t.name)`,
    ),
};

describe.each([
  ['with the filters', (it: Side) => it.db],
  ['with the policies too', (it: Side) => it.rls],
] as const)('%s, over many tenants as over one', (_, pick) => {
  test.each(Object.entries({ ...reads, ...writes }))('%s', async (_, program) => {
    const { message } = await same(program, pick);
    expect(message).toBeUndefined();
  });
});

describe('with the policies alone', () => {
  test.each(Object.entries(reads))('%s', async (_, program) => {
    withoutFilters();
    await same(program, (it) => it.rls);
  });

  test.each([
    ['update', sql`update eb_templates set size = 1`],
    ['delete', sql`delete from eb_templates`],
    ['insert', sql`insert into eb_templates (firm_id, id, name, code) values (null, 90, 'x', 'x')`],
    ['take', sql`update eb_templates set firm_id = ${a} where firm_id is null`],
    ['give', sql`update eb_templates set firm_id = null where id = 11`],
    ['lock', sql`select id from eb_templates for share`],
  ])("%s: everybody's rows stay", async (_, statement) => {
    const { Gate } = await import('../../src/scope/gate.js');
    vi.spyOn(Gate.prototype, 'pass').mockImplementation(
      (_parse, scope, given, n) => (
        scope.learn(firm as any),
        {
          text: given,
          count: n,
          usesTenant: false,
          guards: [],
          orEverybody: [],
          assigned: [],
          tenancy: firm as any,
          bytes: 0,
        }
      ),
    );
    const { outcome, own, others } = await many.run((tdb) => tdb.execute(statement), many.rls);
    expect(others).toEqual(untouched);
    expect(own.eb_templates.filter((it: any) => it.firm_id === null).map((it: any) => it.size)).toEqual([10, null, 0]);
    expect(JSON.stringify((outcome as any).result ?? [])).not.toMatch(/[123]\D*\bnull|"id":[123]\b/);
  });

  test('hold for a role that the start-up check looks at', async () => {
    await assertRowLevelSecurity(many.rls);
    for (const [change, back] of [
      [
        'alter policy tenant_isolation_delete on eb_templates using (true)',
        'alter policy tenant_isolation_delete on eb_templates ' +
          "using (firm_id = nullif(current_setting('app.tenant_id', true), '')::uuid)",
      ],
      [
        'alter policy tenant_isolation on eb_jobs using (firm_id is null ' +
          "or firm_id = nullif(current_setting('app.tenant_id', true), '')::uuid)",
        "alter policy tenant_isolation on eb_jobs using (firm_id = nullif(current_setting('app.tenant_id', " +
          "true), '')::uuid)",
      ],
    ]) {
      await many.sql.unsafe(change!);
      // The permissive one holds by itself on reads; on writes it would open everybody's rows.
      await many.sql.unsafe(
        'create policy open on eb_templates using (true); create policy open on eb_jobs using (true)',
      );
      await expect(assertRowLevelSecurity(many.rls)).rejects.toThrow('lets rows through');
      await many.sql.unsafe('drop policy open on eb_templates; drop policy open on eb_jobs');
      await many.sql.unsafe(back!);
    }
    await assertRowLevelSecurity(many.rls);
  });
});

describe('not written, and not locked', () => {
  const own = (it: any) => it.result.map((row: string) => JSON.parse(row).id).sort();
  test.each<[string, Program, number[]]>([
    ['update', (tdb) => tdb.update(templates).set({ size: 1 }).returning(), [11, 12]],
    ['delete', (tdb) => tdb.delete(templates).where(isNull(templates.firmId)).returning(), []],
    ['for update', (tdb) => tdb.select().from(templates).for('update'), [11, 12]],
    ['for share of an alias', (tdb) => tdb.select({ id: other.id }).from(other).for('share', { of: other }), [11, 12]],
    [
      'for update of a subquery',
      (tdb) => tdb.execute(sql`select * from (select id from (select * from eb_templates) x) y for update`),
      [11, 12],
    ],
    [
      'a common table expression that deletes',
      (tdb) => tdb.execute(sql`with x as (delete from eb_templates returning id) select id from x`),
      [11, 12],
    ],
    [
      'merge',
      (tdb) =>
        tdb.execute(
          sql`merge into eb_templates t using (select 1 as id) x on true when matched then update set size = 1
            returning t.id`,
        ),
      [11, 12],
    ],
    [
      'merge by source',
      (tdb) =>
        tdb.execute(
          sql`merge into eb_templates t using (select 0 as id) x on x.id = t.id
            when not matched by source then delete returning t.id`,
        ),
      [11, 12],
    ],
  ])('%s', async (_, program, ids) => {
    const outcome = await same(program);
    if (outcome.error === '42601') return; // RETURNING of MERGE came with PostgreSQL 17.
    expect(own(outcome)).toEqual(ids);
  });

  test.each<[string, Program, string]>([
    [
      'a row of everybody, as a value',
      (tdb) => tdb.insert(templates).values({ firmId: null, id: 90, name: 'x', code: 'x' }),
      'TenantMismatchError',
    ],
    [
      'as SQL',
      (tdb) => tdb.insert(templates).values({ firmId: sql`null`, id: 90, name: 'x', code: 'x' }),
      'RawSqlNotScopedError',
    ],
    [
      'as a placeholder',
      (tdb) =>
        tdb
          .insert(templates)
          .values({ firmId: sql.placeholder('t'), id: 90, name: 'x', code: 'x' })
          .prepare('p')
          .execute({ t: null }),
      'TenantMismatchError',
    ],
    [
      'as a cast',
      (tdb) => tdb.insert(templates).values({ firmId: sql`null::uuid`, id: 90, name: 'x', code: 'x' }),
      'RawSqlNotScopedError',
    ],
    [
      'as a subquery',
      (tdb) =>
        tdb
          .insert(templates)
          .values({ firmId: sql`(select firm_id from eb_templates where id = 1)`, id: 90, name: 'x', code: 'x' }),
      'RawSqlNotScopedError',
    ],
    [
      'made of one',
      (tdb) =>
        tdb.execute(
          sql`insert into eb_templates (firm_id, id, name, code) select firm_id, id + 90, name, code || 'x'
            from eb_templates`,
        ),
      'RawSqlNotScopedError',
    ],
    [
      'in one row of many',
      (tdb) =>
        tdb.insert(templates).values(
          Array.from({ length: 60 }, (_, i) => ({
            firmId: i === 40 ? null : a,
            id: 90 + i,
            name: `x${i}`,
            code: `x${i}`,
          })),
        ),
      'TenantMismatchError',
    ],
    [
      'of several tenants',
      (_, db) => db.forTenants([a]).insert(templates).values({ firmId: null, id: 90, name: 'x', code: 'x' }),
      'TenantMismatchError',
    ],
    ['an own row, given to everybody', (tdb) => tdb.update(templates).set({ firmId: null }), 'ImmutableTenantError'],
    ['given by SQL', (tdb) => tdb.update(templates).set({ firmId: sql`null` }), 'ImmutableTenantError'],
    [
      'a row of everybody, taken',
      (tdb) =>
        tdb.execute(
          sql`insert into eb_templates (id, name, code) values (1, 'x', 'x') on conflict (id) do update
            set firm_id = excluded.firm_id`,
        ),
      'ImmutableTenantError',
    ],
    [
      'overwritten by its key',
      (tdb) =>
        tdb
          .insert(templates)
          .values({ id: 1, name: 'x', code: 'x' })
          .onConflictDoUpdate({ target: templates.id, set: { name: 'x' } }),
      'RawSqlNotScopedError',
    ],
    [
      'overwritten by a value that is unique over all',
      (tdb) =>
        tdb
          .insert(templates)
          .values({ id: 90, name: 'x', code: 'c21' })
          .onConflictDoUpdate({ target: templates.code, set: { name: 'x' } }),
      'RawSqlNotScopedError',
    ],
    [
      'overwritten by the name of the constraint',
      (tdb) =>
        tdb.execute(
          sql`insert into eb_templates (id, name, code) values (1, 'x', 'x')
            on conflict on constraint eb_templates_pkey do update set name = 'x'`,
        ),
      'RawSqlNotScopedError',
    ],
  ])('refused: %s', async (_, program, tag) => {
    const { error } = await same(program);
    expect(error).toBe(tag);
  });

  test('a value that is unique over all tenants: skipped, whoever has it', async () => {
    const { outcome } = await many.run((tdb) =>
      tdb
        .insert(templates)
        .values([
          { id: 90, name: 'x', code: 'c21' },
          { id: 91, name: 'y', code: 'free' },
        ])
        .onConflictDoNothing({ target: templates.code })
        .returning({ id: templates.id }),
    );
    expect(outcome).toEqual({ result: ['{"id":91}'] });
    const refused: any = await many.run((tdb) =>
      tdb
        .insert(templates)
        .values({ id: 90, name: 'x', code: 'c21' })
        .onConflictDoUpdate({ target: templates.code, set: { size: 1 } }),
    );
    expect(refused.outcome.message).toContain('Use onConflictDoNothing() on that target');
  });
});

describe('across tenants', () => {
  const across = (db: any) => db.acrossTenants({ reason: 'the product ships a template' });
  test.each([
    ['with the filters', (it: Side) => it.db],
    ['with the policies', (it: Side) => it.rls],
  ] as const)('they are written, %s', async (_, pick) => {
    const { outcome } = await many.run(async (_, db) => {
      await across(db).insert(templates).values({ firmId: null, id: 90, name: 'new', code: 'n' });
      await across(db)
        .insert(templates)
        .values({ firmId: sql.placeholder('t'), id: 91, name: 'newer', code: 'm' })
        .prepare('p')
        .execute({ t: null });
      await across(db)
        .insert(templates)
        .values(
          Array.from({ length: 60 }, (_, i) => ({
            firmId: i === 40 ? b : null,
            id: 100 + i,
            name: `x${i}`,
            code: `x${i}`,
          })),
        );
      await across(db)
        .update(templates)
        .set({ size: 5 })
        .where(and(isNull(templates.firmId), eq(templates.name, 'letter')));
      await across(db)
        .delete(templates)
        .where(isNull(templates.firmId) && eq(templates.id, 2));
      const seen = (id: unknown) =>
        db
          .forTenant(id)
          .select({ id: templates.id, size: templates.size })
          .from(templates)
          .where(inArray(templates.id, [1, 2, 90, 91, 140]));
      return [await seen(a), await seen(b)];
    }, pick(many));
    expect(outcome).toEqual({
      result: [
        '[{"id":1,"size":5},{"id":90,"size":null},{"id":91,"size":null}]',
        '[{"id":1,"size":5},{"id":90,"size":null},{"id":91,"size":null},{"id":140,"size":null}]',
      ].sort(),
    });
  });

  test.each<[string, Program, string]>([
    [
      'a row that names nobody',
      (_, db) => across(db).insert(templates).values({ id: 90, name: 'x', code: 'x' }),
      'or null for a row of everybody',
    ],
    [
      'null in another table',
      (_, db) => across(db).insert(jobs).values({ firmId: null, id: 90, title: 'x' }),
      'Name the tenant of each row',
    ],
    [
      'null beside another table',
      (_, db) =>
        across(db).execute(
          sql`with x as (insert into eb_templates (firm_id, id, name, code)
            values (${null}, 90, 'x', 'x')) insert into eb_jobs (firm_id, id, title) values (${null}, 90, 'x')`,
        ),
      'Name the tenant of each row',
    ],
    [
      'what is no id',
      (_, db) => across(db).insert(templates).values({ firmId: 'x', id: 90, name: 'x', code: 'x' }),
      'Name the tenant of each row',
    ],
    [
      'a key that is unique over all',
      (_, db) =>
        across(db)
          .insert(templates)
          .values({ firmId: b, id: 11, name: 'x', code: 'x' })
          .onConflictDoUpdate({ target: templates.id, set: { name: 'x' } }),
      'Use onConflictDoNothing()',
    ],
  ])('refused: %s', async (_, program, message) => {
    const { outcome, own, others } = await many.run(program);
    expect(outcome).toMatchObject({ message: expect.stringContaining(message) });
    expect({ own, others }).toEqual(await many.run(async () => 1).then(({ own, others }) => ({ own, others })));
  });
});

describe('several tenants', () => {
  /** What each tenant's handle gives, together, each row of everybody once. */
  async function union(program: (tdb: any) => PromiseLike<unknown>, reach = (db: any) => db.forTenants([a, b])) {
    const together = ((await many.run((_, db) => program(reach(db)))).outcome as any).result;
    const each = await Promise.all([a, b].map((id) => program(many.db.forTenant(id)) as Promise<unknown[]>));
    expect([...new Set(together)]).toEqual([...new Set(sorted(each.flat()) as string[])]);
    return together;
  }

  test.each<[string, (tdb: any) => PromiseLike<unknown>]>([
    ['a table', (tdb) => tdb.select().from(templates)],
    ['a left join', (tdb) => tdb.select().from(jobs).leftJoin(templates, eq(jobs.templateId, templates.id))],
    [
      'an inner join from them',
      (tdb) => tdb.select().from(templates).innerJoin(jobs, eq(jobs.templateId, templates.id)),
    ],
    [
      'two of them, and then a tenant table',
      (tdb) =>
        tdb
          .select()
          .from(templates)
          .innerJoin(kinds, eq(kinds.id, templates.id))
          .innerJoin(jobs, eq(jobs.kindId, kinds.id)),
    ],
    ['three of them', (tdb) => tdb.select().from(templates).innerJoin(kinds, sql`true`).innerJoin(other, sql`true`)],
    [
      'a subquery',
      (tdb) =>
        tdb
          .select()
          .from(jobs)
          .where(inArray(jobs.templateId, tdb.select({ id: templates.id }).from(templates))),
    ],
    ['a relation', (tdb) => tdb.query.jobs.findMany({ with: { template: true } })],
    [
      'a subquery in FROM',
      (tdb) =>
        tdb.execute(
          sql`select j.id, j.firm_id, t.n from eb_jobs j join (select count(*) as n from eb_templates) t on true`,
        ),
    ],
    ['a condition that can raise', (tdb) => tdb.execute(sql`select id from eb_templates where 100 / (id - 31) <> 0`)],
  ])('%s', async (_, program) => {
    expect((await union(program)).length).toBeGreaterThan(0);
  });

  test.each<[string, (tdb: any) => PromiseLike<unknown>]>([
    ['a left join from them', (tdb) => tdb.select().from(templates).leftJoin(jobs, eq(jobs.templateId, templates.id))],
    [
      'a subquery within',
      (tdb) =>
        tdb.execute(sql`select id, (select count(*) from eb_jobs j where j.template_id = t.id) from eb_templates t`),
    ],
    [
      'a lateral one',
      (tdb) =>
        tdb.execute(
          sql`select id, n from eb_templates t, lateral (select count(*) as n from eb_jobs j
            where j.template_id = t.id) x`,
        ),
    ],
    ['a relation from them', (tdb) => tdb.query.templates.findMany({ with: { jobs: true } })],
  ])('refused: %s', async (_, program) => {
    for (const reach of [(db: any) => db.forTenants([a, b]), (db: any) => db.acrossTenants({ reason: 'test' })]) {
      expect((await many.run((_, db) => program(reach(db)))).outcome).toMatchObject({
        message: expect.stringContaining('begin with a table whose rows are all of tenants'),
      });
    }
  });

  test('they are neither written nor locked', async () => {
    const ids = async (program: (tdb: any) => PromiseLike<unknown>) =>
      ((await many.run((_, db) => program(db.forTenants([a, b])))).outcome as any).result.map(
        (it: string) => JSON.parse(it).id,
      );
    expect(await ids((tdb) => tdb.update(templates).set({ size: 1 }).returning())).toEqual([11, 12, 21, 22]);
    expect(await ids((tdb) => tdb.delete(templates).returning())).toEqual([11, 12, 21, 22]);
    expect(await ids((tdb) => tdb.select().from(templates).for('update'))).toEqual([11, 12, 21, 22]);
  });
});

test('one index look-up for the own rows, and one for those of everybody', async () => {
  await many.sql.unsafe(
    `create index on eb_templates (firm_id, size); insert into eb_templates select '${b}', i, 'n' || i, i, ` +
      "'k' || i from generate_series(1000, 20000) i; analyze eb_templates",
  );
  const { sql: sent, params } = many.db
    .forTenant(a)
    .select({ id: templates.id })
    .from(templates)
    .where(eq(templates.size, 10))
    .toSQL();
  const plan = (await many.sql.unsafe(`explain ${sent}`, params)).map((it) => it['QUERY PLAN']).join('\n');
  await many.sql.unsafe(emptied + contents.many);
  expect(plan).toContain('BitmapOr');
  expect(plan).not.toContain('Seq Scan');
});

test('programs at random', async () => {
  let results = 0;
  for (const text of drawn(150)) {
    const { result } = await same((tdb) => tdb.execute(sql.raw(text)));
    if (Array.isArray(result) && result.length > 0) results++;
  }
  expect(results).toBeGreaterThan(75);
});
