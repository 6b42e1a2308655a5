/** What an attacker with the public API found, or did not. Each is a way to another tenant's row, or to know of one. */
import { eq, Param, SQL, sql, StringChunk, Table } from 'drizzle-orm';
import { customType, integer, pgSchema, QueryBuilder, text } from 'drizzle-orm/pg-core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { referenceTable, tenantSchema, tenantTable, tenantTableCreator } from '../../src/index.js';
import { comparison, type Run } from '../support/comparison.js';
import { a, b } from '../support/rows.js';
import { account, countries, labels, projects, tasks, unscopedTasks } from '../support/schema.js';

const pair = comparison();
// With statistics, tables as small as these are read as a whole: each row meets the conditions.
beforeAll(() => Promise.all([pair.many, pair.alone].map((it) => it.run('analyze'))));

describe('the system columns tell where a row lies among those of all tenants', () => {
  const fake = (name: string) => Object.create(tasks.id, { name: { value: name } });
  const refusals: Record<string, Run> = {
    'in a field': (tdb) => tdb.select({ x: sql`ctid` }).from(tasks),
    'in a field, in capitals': (tdb) => tdb.select({ x: sql`CTID` }).from(tasks),
    'in quotes': (tdb) => tdb.select({ x: sql`"ctid"` }).from(tasks),
    'by a name': (tdb) => tdb.select({ x: sql`${sql.identifier('ctid')}` }).from(tasks),
    'of a table': (tdb) => tdb.select({ x: sql`${tasks}.xmin` }).from(tasks),
    'in a condition': (tdb) => tdb.select({ id: tasks.id }).from(tasks).where(sql`ctid > '(0,5)'`),
    'in ORDER BY': (tdb) => tdb.select({ id: tasks.id }).from(tasks).orderBy(sql`xmin`),
    'in RETURNING': (tdb) => tdb.update(tasks).set({ points: 3 }).returning({ x: sql`ctid` }),
    'of a conflict': (tdb) =>
      tdb
        .insert(labels)
        .values({ id: 1, name: 'x' })
        .onConflictDoUpdate({ target: labels.id, set: { name: sql`x_labels.ctid::text` } }),
    'of an upsert, as a number': (tdb) =>
      tdb.insert(labels).values({ id: 90, name: 'x' }).returning({ x: sql`xmax::text::bigint` }),
    'by a column that is none': (tdb) => tdb.select({ x: fake('ctid') }).from(tasks),
    'by a column that is none, in a template': (tdb) => tdb.select({ x: sql`${fake('xmin')}` }).from(tasks),
    'by a label': (tdb) =>
      tdb
        .select({ id: tasks.id })
        .from(tasks)
        .where(sql`${sql`1`.as('ctid')} > '(0,5)'::tid`),
    'in a relational query': (tdb: any) => tdb.query.tasks.findMany({ where: { RAW: sql`ctid > '(0,5)'` } }),
    'the table that a row is from': (tdb) => tdb.select({ x: sql`tableoid` }).from(tasks),
    'in text by hand': (tdb) => tdb.execute(sql`select ctid from tasks where "accountId" = ${a}`),
  };
  for (const [name, run] of Object.entries(refusals)) test(name, () => pair.refused(run));

  const allowed: Record<string, Run> = {
    'whether an upsert inserted': (tdb) =>
      tdb
        .insert(labels)
        .values([
          { id: 1, name: 'x' },
          { id: 90, name: 'x' },
        ])
        .onConflictDoUpdate({ target: labels.id, set: { name: 'y' } })
        .returning({ isNew: sql`(xmax = 0)`, isOld: sql`xmax <> 0` }),
    'a name of our own': (tdb) => tdb.execute(sql`select t.id as ctid from ${tasks} t`),
  };
  for (const [name, run] of Object.entries(allowed)) {
    test(name, async () => {
      expect((await pair.isolated(run)).error).toBeUndefined();
    });
  }
});

describe('an expression that raises an error on rows of tenants that a handle of many does not reach', () => {
  const few = (n: number) => [
    a,
    ...Array.from({ length: n - 1 }, (_, i) => account.parse(`aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaa${i}`)),
  ];
  const conditions = {
    division: sql`1 / (${tasks.points} - 60) > -5`,
    'a regular expression': sql`${tasks.title} !~ case ${tasks.title} when 'hidden' then '(' else 'x' end`,
    'the end of a pattern': sql`not (${tasks.title} || 'x' like ${'secret b\\'})`,
    'a cast': sql`case ${tasks.title} when 'hidden' then ${tasks.title} else '0' end::int = 0`,
  };
  for (const [name, condition] of Object.entries(conditions)) {
    for (const n of [2, 3, 5, 8, 9, 10]) {
      test(`${name}, ${n} tenants`, async () => {
        const { error } = await pair.isolated((_tdb, _schema, db) =>
          (db.forTenants(few(n) as any) as any).select({ id: tasks.id }).from(tasks).where(condition),
        );
        expect(error).toBeUndefined();
      });
    }
  }
});

describe('what programs at random do not reach', () => {
  const plain = () => new QueryBuilder().select({ n: sql`count(*)::int`.as('n') }).from(unscopedTasks);
  const programs: Record<string, Run> = {
    'a subquery of nobody among the fields': (tdb) => tdb.select({ n: plain().as('n') as any }).from(countries),
    'a subquery of nobody in a template': (tdb) => tdb.execute(sql`select * from ${plain().as('n')}`),
    'a limit of a set operation that reads': (tdb) =>
      tdb
        .select({ id: tasks.id })
        .from(tasks)
        .union(tdb.select({ id: projects.id }).from(projects))
        .limit(sql`(select count(*) - 2 from ${tasks})` as any),
    'an offset of a set operation that reads': (tdb) =>
      tdb
        .select({ id: tasks.id })
        .from(tasks)
        .union(tdb.select({ id: projects.id }).from(projects))
        .offset(sql`(select count(*) - 2 from ${tasks})` as any),
    'an offset that reads': (tdb) =>
      tdb
        .select({ id: tasks.id })
        .from(tasks)
        .orderBy(tasks.id)
        .offset(sql`(select count(*) - 2 from ${tasks})` as any),
  };
  for (const [name, run] of Object.entries(programs)) {
    test(name, async () => {
      expect((await pair.isolated(run)).error).toBeUndefined();
    });
  }
  test('a selection for a reference table', () =>
    pair.refused((_tdb, _schema, db) =>
      (db.shared as any).insert(countries).select(sql`select id + 100, title, null from ${tasks}`),
    ));
  test('an update of several tenants takes each its own rows', async () => {
    const { db } = pair.many;
    await db
      .forTenants([a, b])
      .transaction(async (tx: any) => {
        const rows = await tx
          .update(tasks)
          .set({ points: projects.id })
          .from(projects)
          .where(eq(tasks.projectId, projects.id))
          .returning({ own: tasks.accountId, from: projects.accountId });
        expect(rows).toHaveLength(10);
        for (const { own, from } of rows) expect(from).toBe(own);
        tx.rollback();
      })
      .catch((error: Error) => expect(error.message).toMatch(/rollback/i));
  });
});

describe('a value that becomes SQL after it was read', () => {
  const stealing = () => [new StringChunk("(select to_jsonb(string_agg(title, ',' order by title)) from tasks)")];
  /** A query with a value in it, whose prototype is exchanged before the query around it runs. */
  const exchanging =
    (value: () => any, queryOf: (tdb: any, value: any) => any): Run =>
    (tdb: any) => {
      const it = value();
      const query = queryOf(tdb, it);
      Object.setPrototypeOf(it, SQL.prototype);
      it.queryChunks = stealing();
      return tdb.select({ x: sql`x` }).from(query);
    };
  const field = (it: (value: any) => unknown) => (tdb: any, value: any) =>
    tdb
      .select({ x: sql`${it(value)}::text`.as('x') })
      .from(countries)
      .as('q');
  class Own {}
  const programs: Record<string, Run> = {
    'an object': exchanging(
      () => ({}),
      field((it) => it),
    ),
    'a list': exchanging(
      () => [],
      field((it) => new Param(it, projects.tags)),
    ),
    'a value of a column': exchanging(
      () => ({}),
      field((it) => new Param(it, projects.meta)),
    ),
    'a date': exchanging(
      () => new Date(0),
      field((it) => it),
    ),
    'an instance of a class': exchanging(
      () => new Own(),
      field((it) => it),
    ),
    'a value that is inlined': exchanging(
      () => new Date(0),
      (tdb, value) =>
        tdb
          .select({ x: sql`${value}::text`.inlineParams().as('x') })
          .from(countries)
          .as('q'),
    ),
    'a value of a row': (tdb: any) => {
      const it: any = { level: 1 };
      const cte = tdb
        .$with('c')
        .as(tdb.insert(projects).values({ id: 90, name: 'q', meta: it }).returning({ meta: projects.meta }));
      Object.setPrototypeOf(it, SQL.prototype);
      it.queryChunks = stealing();
      return tdb.with(cte).select().from(cte);
    },
    'a placeholder': (tdb: any) => {
      const it: any = sql.placeholder('x');
      const query = tdb
        .select({ x: sql`${it}::text`.as('x') })
        .from(countries)
        .as('q');
      Object.setPrototypeOf(it, SQL.prototype);
      it.queryChunks = stealing();
      return tdb.select({ x: sql`x` }).from(query).prepare('exchanged').execute({ x: 'y' });
    },
  };
  for (const [name, run] of Object.entries(programs)) {
    // The text of a statement is kept from its second time on.
    test(name, async () => {
      for (let times = 0; times < 4; times++) expect((await pair.isolated(run)).error).toBeUndefined();
    });
  }
});

describe('what a declaration computes is asked for once', () => {
  const labelsWith = (name: any): any =>
    (tenantTableCreator((it) => `x_${it}`) as any).table('labels', {
      accountId: account.id(),
      id: integer().primaryKey(),
      taskId: integer(),
      name,
    });
  /** Gives a harmless answer, and text at the n-th time. */
  const turning = (n: number, first: unknown) => {
    let times = 0;
    return (value?: unknown): any =>
      times++ === n ? sql.raw(`(select string_agg(title, ',') from tasks)`) : (first ?? value);
  };
  const encoding = (n: number) =>
    customType<{ data: string }>({ dataType: () => 'text', toDriver: turning(n, undefined) })();
  for (const n of [1, 2, 3]) {
    const programs: Record<string, Run> = {
      'a custom type, in a row': (tdb) =>
        tdb
          .insert(labelsWith(encoding(n)))
          .values({ id: 90, name: 'x' })
          .returning({ name: labels.name }),
      'a custom type, in SET': (tdb) =>
        tdb
          .update(labelsWith(encoding(n)))
          .set({ name: 'x' })
          .returning({ name: labels.name }),
      'a custom type, in a condition': (tdb) =>
        tdb
          .select({ id: tasks.id })
          .from(tasks)
          .where(eq(labelsWith(encoding(n)).name, 'x')),
      'a default': (tdb) =>
        tdb
          .insert(labelsWith(text().$defaultFn(turning(n, undefined))))
          .values({ id: 90 } as any)
          .returning({ name: labels.name }),
      'a default that is there': (tdb) =>
        tdb
          .insert(labelsWith(text().$defaultFn(turning(n, 'y'))))
          .values({ id: 90 } as any)
          .returning({ name: labels.name }),
      'an $onUpdate': (tdb) =>
        tdb
          .update(labelsWith(text().$onUpdate(turning(n, undefined))))
          .set({ taskId: 1 })
          .returning({ name: labels.name }),
      'an $onUpdate, in a row': (tdb) =>
        tdb
          .insert(labelsWith(text().$onUpdate(turning(n, undefined))))
          .values({ id: 90 } as any)
          .returning({ name: labels.name }),
      'an $onUpdate, of a conflict': (tdb) => {
        const table = labelsWith(text().$onUpdate(turning(n, undefined)));
        return tdb
          .insert(table)
          .values({ id: 1, name: 'x' })
          .onConflictDoUpdate({ target: table.id, set: { taskId: 1 } })
          .returning({ name: labels.name });
      },
    };
    for (const [name, run] of Object.entries(programs)) test(`${name}, after ${n}`, () => pair.isolated(run));
  }
});

describe('the system catalogs hold values of every tenant, and are no tables of a schema', () => {
  const columns = { name: text('attname'), values: text('most_common_vals') };
  const declarations: Record<string, () => unknown> = {
    'by their name': () => referenceTable('pg_stats', columns),
    'by the name of their schema': () => tenantSchema(pgSchema('pg_catalog')).referenceTable('pg_stats', columns),
    'of the standard': () =>
      tenantSchema(pgSchema('information_schema')).referenceTable('tables', { name: text('table_name') }),
    "Citus's own": () => referenceTable('citus_stat_statements', { query: text() }),
    'by a name that is made': () => tenantTableCreator((name) => `pg_${name}`).referenceTable('stats', columns),
    'as a table of tenants': () => tenantTable('pg_stats', { ...columns, tenant: account.id('tablename') }),
  };
  for (const [name, declare] of Object.entries(declarations))
    test(name, () => expect(declare).toThrow(/Leave the system catalogs out/));
  test('a table of such a name, in a schema that is named', () => {
    expect(() => tenantSchema(pgSchema('app')).referenceTable('pg_boats', { id: integer() })).not.toThrow();
  });
});

describe('a statement whose text is kept', () => {
  const titles = (tdb: any) => tdb.select({ title: tasks.title }).from(tasks).where(eq(tasks.id, 2));
  test('belongs to the tenant that it was built for', async () => {
    const { db } = pair.many;
    for (let times = 0; times < 4; times++) {
      expect(await titles(db.forTenant(a))).toEqual([{ title: 'Build a' }]);
      expect(await titles(db.forTenant(b))).toEqual([{ title: 'Build b' }]);
      await expect((async () => db.forTenant(a).execute(titles(db.forTenant(b)).getSQL()))()).rejects.toThrow(
        /built for another tenant/,
      );
      await expect(
        (async () =>
          db
            .forTenant(a)
            .select()
            .from(titles(db.forTenant(b)).as('q')))(),
      ).rejects.toThrow(/built for another tenant/);
    }
  });
});

describe('a function that runs text is called without parentheses', () => {
  for (const name of [
    'crosstab2',
    'citus_table_size',
    'run_command_on_workers',
    'master_get_table_ddl_events',
    'query_to_xml',
    'ts_stat',
  ]) {
    test(name, () =>
      pair.refused((tdb) =>
        tdb.select({ x: sql`x.${sql.identifier(name)}` }).from(sql`unnest(array['select title from tasks']) as x`),
      ),
    );
  }
  for (const name of ['ts_stat', 'crosstab', 'pg_read_file']) {
    test(`${name}, of the value that the row of a function in FROM is`, () =>
      pair.refused((tdb) =>
        tdb
          .select({ x: sql`(f).${sql.identifier(name)}` })
          .from(sql`unnest(array['select to_tsvector(title) from tasks']) as f(${sql.identifier(name)})`),
      ));
  }
  test('of a table', () => pair.refused((tdb) => tdb.select({ x: sql`${projects}.crosstab3` }).from(projects)));
  test('of the rows of an array, which have no column that is called as the alias is', async () => {
    const leak =
      'create function leak(t tasks) returns text language sql as $$ select string_agg(title, null) from tasks $$';
    for (const it of [pair.many, pair.alone]) await it.run(leak);
    const text = 'select leak.leak from tasks t, unnest(array[t]) as leak';
    await pair.refused((tdb) => tdb.execute(sql.raw(text)));
    for (const it of [pair.many, pair.alone]) await it.run('drop function leak');
  });
});

describe('a message to those who listen says nothing of rows of other tenants', () => {
  const send = sql`pg_notify('said', ${tasks.title})`;
  const heard = async (run: Run) => {
    const sides = [pair.many, pair.alone].map((it) => ({ it, said: [] as string[] }));
    const subscribed = await Promise.all(
      sides.map(({ it, said }) => it.plain.$client.listen('said', (title: string) => void said.push(title))),
    );
    const outcome = await pair.isolated(run);
    await Promise.all(
      sides.map(async ({ it, said }) => {
        await it.run(`notify said, 'end'`);
        await vi.waitFor(() => expect(said).toContain('end'));
      }),
    );
    await Promise.all(subscribed.map((it) => it.unlisten()));
    expect(sides[0]!.said).toEqual(sides[1]!.said);
    return { outcome, said: sides[0]!.said };
  };
  const refusals: Record<string, Run> = {
    'in WHERE': (tdb) => tdb.select({ id: tasks.id }).from(tasks).where(sql`${send} is null`),
    'in ON': (tdb) => tdb.select({ id: tasks.id }).from(tasks).innerJoin(countries, sql`${send} is null`),
    'of several tenants': (_tdb, _schema, db) =>
      (db.forTenants([a, b] as any) as any).select({ id: tasks.id }).from(tasks).where(sql`${send} is null`),
  };
  for (const [name, run] of Object.entries(refusals))
    test(name, async () => {
      const { outcome } = await heard(run);
      expect(outcome.error?.tag).toBe('RawSqlNotScopedError');
    });
  test('in what is selected', async () => {
    const { said } = await heard((tdb) => tdb.select({ said: send }).from(tasks));
    expect(said).toEqual(['plan', 'Build a', 'ship', 'rest', 'end']);
  });
});

describe('a table that says another name after some looks', () => {
  const { Name, OriginalName, BaseName } = (Table as any).Symbol;
  /** The countries, which all tenants share, until it was asked for its name `looks` times; then the tasks of all. */
  const changing = (looks: number) => {
    let left = looks;
    return new Proxy(countries, {
      get: (table: any, key) => ([Name, OriginalName, BaseName].includes(key) && left-- <= 0 ? 'tasks' : table[key]),
    }) as any;
  };
  const programs: Record<string, (table: any) => Run> = {
    count: (table) => (tdb) => tdb.$count(table),
    select: (table) => (tdb) => tdb.select({ n: sql`count(*)` }).from(table),
    join: (table) => (tdb) => tdb.select({ n: sql`count(*)` }).from(labels).leftJoin(table, sql`true`),
    'full join': (table) => (tdb) => tdb.select({ n: sql`count(*)` }).from(labels).fullJoin(table, sql`true`),
    template: (table) => (tdb) => tdb.execute(sql`select count(*) from ${table}`),
    'template, as a row': (table) => (tdb) => tdb.execute(sql`select ${table}.title from ${table}`),
  };
  for (const [name, program] of Object.entries(programs)) {
    test(name, async () => {
      // Each side looks at one of its own.
      for (let looks = 0; looks < 40; looks++)
        await pair.isolated((tdb, schema, db) => program(changing(looks))(tdb, schema, db));
    });
  }
});

describe('a star among the values of a row, behind which each stands in another place', () => {
  const programs: Record<string, Run> = {
    'of an insert': (tdb) =>
      tdb.execute(
        sql`insert into x_labels (id, "accountId", name) values ((row(950, ${sql.raw(`'${b}'`)}::uuid)).*, ${a})`,
      ),
    'of values that are inserted': (tdb) =>
      tdb.execute(
        sql`insert into x_labels (id, "accountId", name) select *
          from (values ((row(950, ${sql.raw(`'${b}'`)}::uuid)).*, ${a})) v`,
      ),
    'of values by their names': (tdb) =>
      tdb.execute(
        sql`insert into x_labels (id, "accountId", name) select column1, column2, 'x'
          from (values ((row(950, ${sql.raw(`'${b}'`)}::uuid)).*, ${a}::uuid)) v`,
      ),
    'of MERGE': (tdb) =>
      tdb.execute(
        sql`merge into x_labels l using countries c on l.id = c.id + 950
          when not matched then insert (id, "accountId", name)
            values ((row(950 + c.id, ${sql.raw(`'${b}'`)}::uuid)).*, ${a})`,
      ),
  };
  for (const [name, run] of Object.entries(programs)) test(name, () => pair.refused(run));
  test('behind the tenant', () =>
    pair.confined((tdb) =>
      tdb.execute(sql`insert into x_labels (id, name) values ((row(950, 'x')).*) returning id, name`),
    ));
});

describe('what has no alias in FROM hides a table around by the name that PostgreSQL gives it', () => {
  const row = `'(${b},1,1,,,x,f,,,)'`;
  const sources: Record<string, readonly [name: string, source: string]> = {
    'a cast': ['tasks', `cast(${row} as tasks)`],
    COALESCE: ['"coalesce"', `coalesce(${row}::tasks)`],
    'the first of ROWS FROM': ['"coalesce"', `rows from (coalesce(${row}::tasks), abs(1))`],
  };
  for (const [title, [name, source]] of Object.entries(sources)) {
    const text = sql.raw(`select (select count(*) from projects p, ${source}) from tasks as ${name}`);
    test(`${title}, of several tenants`, () =>
      pair.refused((_tdb, _schema, db) => (db.forTenants([a, b] as any) as any).execute(text)));
    test(`${title}, across tenants`, () =>
      pair.refused((_tdb, _schema, db) => (db.acrossTenants({ reason: 'test' }) as any).execute(text)));
  }
});
