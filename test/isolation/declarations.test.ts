/** A second declaration of a table's name, as another kind of table, opens nothing. */
import { drizzle } from 'drizzle-orm/postgres-js';
import { PgSchema, pgView, integer, text } from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { alias, referenceTable, tenantSchema, tenantTable, withTenancy } from '../../src/index.js';
import { comparison, outcomeOf, type Run } from '../support/comparison.js';
import { a } from '../support/rows.js';
import { account, countries, relations, tasks } from '../support/schema.js';

const pair = comparison();
const stolen: any = {
  reference: () => referenceTable('tasks', { id: integer().primaryKey(), title: text() }),
  'reference in public': () =>
    tenantSchema(new (PgSchema as any)('public')).referenceTable('tasks', {
      id: integer().primaryKey(),
      title: text(),
    }),
  'tenant table by another column': () => tenantTable('tasks', { owner: account.id('assigneeId'), title: text() }),
  'view by another column': () => pgView('users', { owner: account.id('managerId'), name: text() }).existing(),
};

/**
 * The name is what counts, and the relations say what it is: whatever else is declared by it, the tenant's rows are
 * what shows.
 */
describe('changes nothing', () => {
  for (const [name, declare] of Object.entries<() => any>(stolen)) {
    const tries: Record<string, (table: any) => Run> = {
      'selected from': (table) => (tdb) => tdb.select().from(table),
      'selected from by an alias': (table) => (tdb) => tdb.select().from(alias(table, 't') as any),
      joined: (table) => (tdb) => tdb.select({ x: sql`1` }).from(countries).crossJoin(table),
      'in a template': (table) => (tdb) => tdb.execute(sql`select * from ${table}`),
      counted: (table) => (tdb) => tdb.$count(table),
    };
    for (const [use, run] of Object.entries(tries)) test(`a ${name}, ${use}`, () => pair.confined(run(declare())));
  }
});

test('what the relations say of a name holds', async () => {
  stolen.reference();
  expect((await pair.isolated((tdb) => tdb.select({ id: tasks.id }).from(tasks))).error).toBeUndefined();
  const db = withTenancy(drizzle({ client: (pair.many.plain as any).$client }), { relations });
  expect(await db.forTenant(a).$count(tasks)).toBe(4);
});

test('a handle without relations reads neither', async () => {
  stolen.reference();
  const db = withTenancy(drizzle({ client: (pair.many.plain as any).$client }));
  expect(await outcomeOf(() => db.forTenant(a).select().from(tasks))).toMatchObject({
    error: { tag: 'UnscopedTableError' },
  });
});
