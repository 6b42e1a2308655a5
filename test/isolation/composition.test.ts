/** Subqueries, CTEs and set operands of other handles, and parts that change after they were built. */
import { eq, exists, inArray, Param, sql } from 'drizzle-orm';
import { QueryBuilder, unionAll } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { comparison, type Run } from '../support/comparison.js';
import { a, b, w } from '../support/rows.js';
import { boards, countries, projects, relations, tasks, unscopedTasks } from '../support/schema.js';

const pair = comparison();
const columns = { id: tasks.id, title: tasks.title };

describe('a CTE that the query does not have would name a table', () => {
  const refusals: Record<string, Run> = {
    'renamed after it was built': (tdb) => {
      const cte = tdb.$with('c').as(tdb.select(columns).from(tasks));
      const query = tdb.select({ title: sql`title` }).from(projects).innerJoin(cte, sql`true`);
      (cte as any)._.alias = 'tasks';
      return query;
    },
  };
  /** Refused until texts were confined on PostgreSQL's grammar: they give what the tenant alone gives. */
  const confined: Record<string, Run> = {
    'without WITH': (tdb) => tdb.select().from(tdb.$with('tasks').as(tdb.select(columns).from(tasks))),
    'in a joined source': (tdb) => {
      const cte = tdb.$with('tasks').as(tdb.select(columns).from(tasks));
      return tdb.select({ title: cte.title }).from(projects).innerJoin(cte, sql`true`);
    },
    'in a set operand, where the WITH of the left side does not reach': (tdb) => {
      const cte = tdb.$with('tasks').as(tdb.select(columns).from(tasks));
      return tdb.with(cte).select().from(cte).union(tdb.select().from(cte));
    },
    'in the order of a set operation': (tdb) => {
      const cte = tdb.$with('tasks').as(tdb.select(columns).from(tasks));
      return tdb
        .with(cte)
        .select({ id: cte.id })
        .from(cte)
        .union(tdb.select({ id: projects.id }).from(projects))
        .orderBy(sql`(select max(id) from ${cte})`);
    },
    'in a CTE written by hand': (tdb) => {
      const cte = tdb.$with('tasks').as(tdb.select(columns).from(tasks));
      const other = tdb.$with('other', { title: sql`title`.as('title') }).as(sql`select title from ${cte}`);
      return tdb.with(other).select().from(other);
    },
    'in a CTE before it': (tdb) => {
      const cte = tdb.$with('tasks').as(tdb.select(columns).from(tasks));
      const other = tdb.$with('other').as(tdb.select().from(cte));
      return tdb.with(other, cte).select().from(other);
    },
    'in a CTE of its own name': (tdb) => {
      const cte = tdb.$with('tasks').as(tdb.select(columns).from(tasks));
      const same = tdb.$with('tasks').as(tdb.select().from(cte));
      return tdb.with(same).select().from(same);
    },
    'in a template': (tdb) => tdb.execute(sql`select * from ${tdb.$with('tasks').as(tdb.select(columns).from(tasks))}`),
    'in a count': (tdb) => tdb.$count(tdb.$with('tasks').as(tdb.select(columns).from(tasks))),
    'in a subquery of a delete': (tdb) => {
      const cte = tdb.$with('tasks').as(tdb.select(columns).from(tasks));
      return tdb.delete(tasks).where(inArray(tasks.id, tdb.select({ id: cte.id }).from(cte)));
    },
  };
  for (const [name, run] of Object.entries(refusals)) test(name, () => pair.refused(run));
  for (const [name, run] of Object.entries(confined)) test(name, () => pair.confined(run));

  test('renamed after the query around it was built', async () => {
    await pair.isolated((tdb) => {
      const cte = tdb.$with('c').as(tdb.select(columns).from(tasks));
      const query = tdb.with(cte).select().from(cte).as('q');
      (cte as any)._.alias = 'tasks';
      return tdb.select().from(query);
    });
  });
});

describe('a part that a handle built, in a query of plain Drizzle, which would send it for every tenant', () => {
  const queries: Record<string, (plain: any, tdb: any) => PromiseLike<unknown>> = {
    'a source': (plain, tdb) => plain.select().from(tdb.select(columns).from(tasks).as('x')),
    'a joined source': (plain, tdb) =>
      plain.select().from(countries).leftJoin(tdb.select(columns).from(tasks).as('x'), sql`true`),
    'a CTE': (plain, tdb) => {
      const cte = tdb.$with('x').as(tdb.select(columns).from(tasks));
      return plain.with(cte).select().from(cte);
    },
    'a CTE that writes': (plain, tdb) => {
      const cte = tdb.$with('x').as(tdb.update(tasks).set({ title: 'x' }).returning(columns));
      return plain.with(cte).select().from(cte);
    },
    'a set operand': (plain, tdb) =>
      plain
        .select({ id: countries.id })
        .from(countries)
        .union(tdb.select({ id: tasks.id }).from(tasks)),
    EXISTS: (plain, tdb) =>
      plain
        .select()
        .from(countries)
        .where(exists(tdb.select().from(tasks))),
    IN: (plain, tdb) => plain.delete(countries).where(inArray(countries.id, tdb.select({ id: tasks.id }).from(tasks))),
    'a column': (plain, tdb) => plain.select({ n: tdb.$count(tasks) }).from(countries),
    'an insert': (plain, tdb) =>
      plain.insert(countries).select(tdb.select({ id: tasks.id, name: tasks.title }).from(tasks)),
    'a template': (plain, tdb) => plain.execute(sql`select * from ${tdb.select(columns).from(tasks)} x`),
    'a relational query': (plain, tdb) => plain.execute(sql`select * from ${tdb.query.tasks.findMany()} x`),
    'a statement, executed': (plain, tdb) => plain.execute(tdb.delete(tasks)),
    'a statement by hand, executed': (plain, tdb) => plain.execute(tdb.execute(sql`select * from ${tasks}`)),
  };
  for (const [name, query] of Object.entries(queries)) {
    test(name, async () => {
      const { plain, db } = pair.many as any;
      const handles = [db.forTenant(a), db.forTenants([a, b]), db.acrossTenants({ reason: 'x' })];
      for (const tdb of handles) {
        const failed = await (async () => query(plain, tdb))().then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(failed).toMatchObject({ _tag: 'TenantMismatchError' });
        expect((failed as Error).message).toMatch(/^Run it with the handle that built it/);
      }
    });
  }

  test('a part of `db.shared` holds no tenant, and is read there as it is', async () => {
    const { plain, db } = pair.many as any;
    const own = db.shared.select({ id: countries.id }).from(countries);
    await expect(plain.select().from(countries).where(inArray(countries.id, own))).resolves.not.toEqual([]);
  });
});

describe('built for another scope', () => {
  const refusals: Record<string, Run> = {
    'a subquery of another tenant': (tdb, _schema, db) =>
      tdb.select().from(db.forTenant(b).select().from(tasks).as('x')),
    'a CTE of another tenant': (tdb, _schema, db) => {
      const cte = db.forTenant(b).$with('x').as(db.forTenant(b).select().from(tasks));
      return tdb.with(cte).select().from(cte);
    },
    'a set operand of another tenant': (tdb, _schema, db) =>
      tdb.select(columns).from(tasks).union(db.forTenant(b).select(columns).from(tasks)),
    'the left operand of another tenant': (tdb, _schema, db) =>
      tdb
        .select()
        .from((unionAll as any)(db.forTenant(b).select(columns).from(tasks), tdb.select(columns).from(tasks)).as('u')),
    'EXISTS over another tenant': (tdb, _schema, db) =>
      tdb
        .select()
        .from(projects)
        .where(exists(db.forTenant(b).select().from(tasks))),
    'a count of another tenant, in a template': (tdb, _schema, db) =>
      tdb.select({ n: sql`${db.forTenant(b).select({ n: sql`count(*)` }).from(tasks)}` }).from(projects),
    'a relational query of another tenant': (tdb, _schema, db) =>
      tdb.execute(sql`select * from ${db.forTenant(b).query.tasks.findMany()} x`),
    'several tenants within one': (tdb, _schema, db) =>
      tdb.select().from(db.forTenants([a, b]).select().from(tasks).as('x')),
    'every tenant within one': (tdb, _schema, db) =>
      tdb.select().from(db.acrossTenants({ reason: 'x' }).select().from(tasks).as('x') as any),
    'an insert from another tenant': (tdb, _schema, db) =>
      tdb.insert(tasks).select(
        db
          .forTenant(b)
          .select({ id: sql`99`.as('id'), projectId: tasks.projectId, title: tasks.title })
          .from(tasks),
      ),
    'a statement of another tenant, executed': (tdb, _schema, db) =>
      tdb.execute(db.forTenant(b).select().from(tasks).getSQL()),
    'a table of another tenancy': (tdb) =>
      tdb
        .select()
        .from(tasks)
        .leftJoin(boards as any, sql`true`),
    'a table of another tenancy, when the handle has met its own': (tdb) => {
      tdb.select().from(tasks).toSQL();
      return tdb.select().from(boards as any);
    },
    'a subquery of another tenancy': (tdb, _schema, db) =>
      tdb.select().from(db.forTenant(w).select().from(boards).as('x') as any),
    // The rollout of write-only mode in one part of an application filters nothing there.
    'a subquery of a handle that does not filter': (tdb) => {
      const open = withTenancy(pair.many.plain, { relations, mode: 'write-only' } as any);
      return tdb.select().from(open.forTenant(a).select().from(tasks).as('x'));
    },
  };
  for (const [name, run] of Object.entries(refusals)) test(name, () => pair.refused(run));

  const scoped: Record<string, Run> = {
    // The compiler knows whose id it is. At run time it is a value, and the rows are those of the tenant that it names.
    'a table of another tenancy with ids of the same type, first': (tdb) => tdb.select().from(boards as any),
    'a subquery of a plain QueryBuilder': (tdb) =>
      tdb.select().from(new QueryBuilder().select().from(unscopedTasks).as('x') as any),
    'a full join of a plain QueryBuilder': (tdb) =>
      tdb.select().from(
        new QueryBuilder()
          .select({ id: unscopedTasks.id, name: projects.name })
          .from(unscopedTasks)
          .fullJoin(projects as any, eq(tasks.projectId, projects.id))
          .as('x') as any,
      ),
    'a subquery of a plain handle': (tdb) => tdb.select().from(pair.many.plain.select().from(unscopedTasks).as('x')),
    'EXISTS of a plain handle': (tdb) =>
      tdb
        .select()
        .from(projects)
        .where(exists(pair.many.plain.select().from(unscopedTasks).where(eq(tasks.title, 'hidden')))),
    'a count of a plain handle': (tdb) => tdb.select({ n: pair.many.plain.$count(unscopedTasks) }).from(countries),
    'a set operand of a plain handle': (tdb) =>
      tdb.select(columns).from(tasks).unionAll(pair.many.plain.select(columns).from(unscopedTasks)),
  };
  for (const [name, run] of Object.entries(scoped)) {
    test(name, async () => {
      expect((await pair.isolated(run)).error).toBeUndefined();
    });
  }
});

describe('what changes after it was built', () => {
  const programs: Record<string, Run> = {
    'SQL that is appended to': (tdb) => {
      const condition = sql`1 = 1`;
      const query = tdb.select(columns).from(tasks).where(condition).as('q');
      condition.append(sql`) or (true`);
      return tdb.select().from(query);
    },
    text: (tdb) => {
      const condition = sql`1 = 1`;
      const query = tdb.select(columns).from(tasks).where(condition).as('q');
      (condition.queryChunks[0] as any).value = ['1 = 1) or (true'];
      return tdb.select().from(query);
    },
    'a list': (tdb) => {
      const ids: any[] = [1];
      const query = tdb.select(columns).from(tasks).where(sql`${tasks.id} in ${ids}`).as('q');
      ids[0] = sql.raw('1)) or (true or 1 in (1');
      return tdb.select().from(query);
    },
    'a parameter': (tdb) => {
      const parameter = new Param<any, any>(1);
      const query = tdb.select(columns).from(tasks).where(sql`${tasks.id} = ${parameter}`).as('q');
      (parameter as any).value = sql.raw('1) or (true');
      return tdb.select().from(query);
    },
    'a label': (tdb) => {
      const label = sql`(select string_agg(title, ',') from tasks)`.as('name');
      const query = tdb
        .select({ n: sql`upper(${label})`.as('n') })
        .from(countries)
        .as('q');
      (label as any).fieldAlias = undefined;
      return tdb.select().from(query);
    },
    'what a wrapper returns': (tdb) => {
      let text = '1 = 1';
      const wrapper = { getSQL: () => sql.raw(text) };
      const query = tdb.select(columns).from(tasks).where(sql`true and ${wrapper}`).as('q');
      text = '1 = 1) or (true';
      return tdb.select().from(query);
    },
  };
  for (const [name, run] of Object.entries(programs)) {
    test(name, async () => {
      // What is rendered is what is proved: a change from behind is confined with it, or refused.
      expect([undefined, 'RawSqlNotScopedError']).toContain((await pair.isolated(run)).error?.tag);
    });
  }

  test('the application may go on with its own SQL', async () => {
    const condition = sql`${tasks.id} > 0`;
    const { result } = await pair.isolated((tdb) => tdb.select({ id: tasks.id }).from(tasks).where(condition));
    condition.append(sql` and ${tasks.id} < 3`);
    const { result: fewer } = await pair.isolated((tdb) => tdb.select({ id: tasks.id }).from(tasks).where(condition));
    expect([result, fewer]).toEqual([[1, 2, 3, 4].map((id) => ({ id })), [1, 2].map((id) => ({ id }))]);
  });

  test('a builder may be changed and run again', async () => {
    const { result } = await pair.isolated(async (tdb) => {
      const query = tdb.select({ id: tasks.id }).from(tasks).orderBy(tasks.id).$dynamic();
      const all = await query;
      return [all, await query.where(eq(tasks.id, 1)), await query.limit(0)];
    }, true);
    expect(result).toEqual([[1, 2, 3, 4].map((id) => ({ id })), [{ id: 1 }], []]);
  });
});
