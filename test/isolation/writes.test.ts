/** Rows of another tenant are not written, moved, pointed at, or told of. */
import { eq, Param, sql } from 'drizzle-orm';
import { StringChunk } from 'drizzle-orm';
import { pgTable, integer, text } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { alias } from '../../src/index.js';
import { comparison, outcomeOf, type Run } from '../support/comparison.js';
import { stateOf } from '../support/state.js';
import { a, b } from '../support/rows.js';
import { accounts, boards, countries, labels, openTasks, projects, tasks } from '../support/schema.js';

const pair = comparison();
const row = { id: 90, name: 'x' };
const tenants: Record<string, unknown> = {
  'as a value': b,
  'as a parameter': new Param(b),
  'as SQL': sql`${b}`,
  'as raw SQL': sql.raw(`'${b}'`),
  'as a placeholder': sql.placeholder('tenant'),
  'as null': null,
  'as an empty string': '',
  'as a list': [b],
  'as an object': { toString: () => b },
};

describe('refused before anything is sent', () => {
  for (const [name, tenant] of Object.entries(tenants)) {
    const given = { accountId: tenant } as any;
    test(`insert, another tenant ${name}`, () =>
      pair.refused((tdb) => tdb.insert(labels).values({ ...row, ...given })));
    test(`insert, another tenant in one row of many, ${name}`, () =>
      pair.refused((tdb) => tdb.insert(labels).values([row, { ...row, id: 91, ...given }])));
    test(`update, another tenant ${name}`, () =>
      pair.refused((tdb) => tdb.update(labels).set({ name: 'x', ...given })));
    test(`upsert, another tenant ${name}`, () =>
      pair.refused((tdb) =>
        tdb
          .insert(labels)
          .values(row)
          .onConflictDoUpdate({ target: labels.id, set: { name: 'x', ...given } }),
      ));
  }

  test('DEFAULT is the tenant itself', () =>
    pair.confined((tdb) => tdb.insert(labels).values([row, { ...row, id: 91, accountId: sql`default` } as any])));

  const refusals: Record<string, Run> = {
    'a row whose prototype names another tenant': (tdb) =>
      tdb.insert(labels).values(Object.create({ accountId: b, ...row })),
    'a row with an accessor that names another tenant': (tdb) =>
      tdb.insert(labels).values(
        new (class {
          id = 90;
          name = 'x';
          get accountId() {
            return b;
          }
        })() as any,
      ),
    'the root with another id': (tdb) => tdb.insert(accounts).values({ id: b, name: 'x' } as any),
    "the root's id changed": (tdb) => tdb.update(accounts).set({ id: b } as any),
    'a value that sets another column': (tdb) => tdb.update(labels).set({ name: sql`'x', "accountId" = ${b}` }),
    'a conflict that sets another column': (tdb) =>
      tdb
        .insert(labels)
        .values(row)
        .onConflictDoUpdate({ target: labels.id, set: { name: sql`'x', "accountId" = ${b}` } }),
    'a value that adds a row': (tdb) =>
      tdb.insert(labels).values({ id: 90, name: sql`'x'), ('${sql.raw(b as any)}', 91, 1, 'y'` }),
    'a targetWhere that begins another action': (tdb) =>
      tdb
        .insert(labels)
        .values(row)
        .onConflictDoUpdate({
          target: labels.id,
          targetWhere: sql`true do update set "accountId" = ${b} where true returning`,
          set: { name: 'x' },
        }),
    'a reference table, inserted into': (tdb) => tdb.insert(countries as any).values({ id: 9, name: 'x', code: 'x' }),
    'a reference table, updated': (tdb) => tdb.update(countries as any).set({ name: 'x' }),
    'a reference table, deleted from': (tdb) => tdb.delete(countries as any),
    'a reference table, in a CTE': (tdb) => {
      const cte = tdb.$with('c').as((tdb as any).delete(countries).returning());
      return tdb.with(cte).select().from(cte);
    },
    'a view': (tdb) => tdb.delete(openTasks as any),
    'a reference table called like a tenant table, inserted into': (_tdb, _schema, db) =>
      db.shared.insert(alias(countries, 'x_labels')).values({ id: 9, name: 'x', code: 'c' }),
    'INSERT ... SELECT by hand': (tdb) => tdb.insert(labels).select(sql`select * from ${labels}` as any),
  };
  /** Refused until texts were confined on PostgreSQL's grammar: they give what the tenant alone gives. */
  const confined: Record<string, Run> = {
    'a value that adds a cell': (tdb) => tdb.insert(labels).values({ id: 90, name: sql`'x', 'y'` }),
    'a value that is a piece of text': (tdb) =>
      tdb.insert(labels).values({ id: 90, name: new StringChunk(`(select string_agg(title, ',') from tasks)`) } as any),
    'a value with a table by hand': (tdb) =>
      tdb.insert(labels).values({ id: 90, name: sql`(select string_agg(title, ',') from tasks)` }),
    'a setWhere with a table by hand': (tdb) =>
      tdb
        .insert(labels)
        .values(row)
        .onConflictDoUpdate({ target: labels.id, set: { name: 'x' }, setWhere: sql`exists (select from tasks)` }),
    'returning with a table by hand': (tdb) => tdb.delete(labels).returning({ n: sql`(select count(*) from tasks)` }),
    'a table of another tenancy': (tdb) => tdb.delete(boards as any),
    'a plain table': (tdb) => tdb.delete(pgTable('x_labels', { id: integer(), name: text() }) as any),
    'an alias, deleted from': (tdb) => tdb.delete(alias(labels, 'tasks')),
    'an alias, inserted into': (tdb) => tdb.insert(alias(labels, 'tasks')).values(row),
    'a reference table called like a tenant table, deleted from': (_tdb, _schema, db) =>
      db.shared.delete(alias(countries, 'x_labels')),
    'INSERT ... SELECT of a plain handle': (tdb) =>
      tdb.insert(labels).select(pair.many.plain.select().from(labels as any) as any),
    'an update of nothing but the tenant': (tdb) => tdb.update(labels).set({ accountId: a } as any),
  };
  for (const [name, run] of Object.entries(refusals)) test(name, () => pair.refused(run));
  for (const [name, run] of Object.entries(confined)) test(name, () => pair.confined(run));
});

describe('the same tenant again is fine', () => {
  const programs: Record<string, Run> = {
    insert: (tdb) =>
      tdb
        .insert(labels)
        .values({ ...row, accountId: a } as any)
        .returning(),
    'insert a row that was read': async (tdb) => {
      const [read] = await tdb.select().from(labels).where(eq(labels.id, 1));
      return tdb
        .insert(labels)
        .values({ ...read, id: 92 } as any)
        .returning();
    },
    update: (tdb) =>
      tdb
        .update(labels)
        .set({ accountId: a, name: 'same' } as any)
        .where(eq(labels.id, 1))
        .returning(),
    upsert: (tdb) =>
      tdb
        .insert(labels)
        .values({ id: 1, name: 'x' })
        .onConflictDoUpdate({ target: [labels.accountId, labels.id], set: { accountId: a, name: 'same' } as any })
        .returning(),
    'insert a selection with it': (tdb) =>
      tdb
        .insert(labels)
        .select(
          tdb
            .select({
              accountId: labels.accountId,
              id: sql<number>`${labels.id} + 500`.as('id'),
              taskId: labels.taskId,
              name: labels.name,
            })
            .from(labels) as any,
        )
        .returning(),
  };
  for (const [name, run] of Object.entries(programs)) {
    test(name, async () => {
      expect((await pair.isolated(run)).error).toBeUndefined();
    });
  }
});

test('an insert from a selection that names another tenant is refused, as one of values is', async () => {
  const { error } = await pair.isolated((tdb) =>
    tdb
      .insert(labels)
      .select(
        tdb
          .select({
            accountId: sql`${b}::uuid`.as('accountId'),
            id: sql<number>`900`.as('id'),
            name: sql`'x'`.as('name'),
          } as any)
          .from(countries)
          .limit(1) as any,
      )
      .returning({ tenant: labels.accountId }),
  );
  expect(error?.tag).toBe('TenantMismatchError');
});

test('a foreign key tells of a row of another tenant no more than of one that does not exist', async () => {
  const violation = (projectId: number) =>
    pair.isolated((tdb) => tdb.insert(tasks).values({ id: 90, projectId, title: 'x' }));
  const [foreign, none] = [await violation(5), await violation(77)];
  expect(foreign.error!.code).toBe('23503');
  expect(JSON.stringify(foreign).replaceAll('5)', '77)')).toBe(JSON.stringify(none));
});

test('the comparison would see a foreign row that was changed', async () => {
  const before = await stateOf(pair.many.run);
  const outcome = await outcomeOf(() =>
    pair.isolated((_tdb, _schema, db) =>
      db
        .acrossTenants({ reason: 'test' })
        .update(projects)
        .set({ name: sql`${projects.name} || '!'` }),
    ),
  );
  expect(outcome.error).toBeDefined();
  await pair.restore();
  expect(await stateOf(pair.many.run)).toEqual(before);
});
