/** A scoped statement names the parts that it hands on: none that this version of Drizzle reads may be missing. */
import { eq } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { a } from '../support/rows.js';
import { projects, tasks } from '../support/schema.js';

// Nothing is sent.
const client = postgres('postgres://nowhere', { max: 1 });
afterAll(() => client.end());

/** The parts that a method takes out of its first argument. */
function readBy(method: string): string[] {
  const source = (PgDialect.prototype as any)[method].toString() as string;
  const [, list] = /^\w+\(\{([^}]*)\}/.exec(source) ?? [];
  if (list === undefined) throw new Error(`${method} reads its parts in another way now.`);
  return list.split(',').map((it) => it.split(':')[0]!.trim());
}

const run = (tdb: any): Record<string, () => unknown> => ({
  buildSelectQuery: () => tdb.select().from(projects).leftJoin(tasks, eq(tasks.projectId, projects.id)).where(eq(projects.id, 1)),
  buildUpdateQuery: () => tdb.update(tasks).set({ title: 'x' }).from(projects).where(eq(tasks.id, 1)).returning(),
  buildDeleteQuery: () => tdb.delete(tasks).where(eq(tasks.id, 1)).returning(),
  buildInsertQuery: () => tdb.insert(tasks).values({ id: 1, projectId: 1, title: 'x' }).returning(),
});

test.each(Object.keys(run(undefined)))('%s', (method) => {
  const handle = drizzle({ client }) as any;
  let parts: Record<string, any> = {};
  handle.dialect[method] = (config: Record<string, any>) => {
    parts = config;
    return (PgDialect.prototype as any)[method].call(handle.dialect, config);
  };
  (run(withTenancy(handle).forTenant(a))[method]!() as any).toSQL();
  expect(Object.keys(parts).sort()).toEqual(readBy(method).sort());
  for (const join of parts.joins ?? []) expect(Object.keys(join).sort()).toEqual(['alias', 'joinType', 'lateral', 'on', 'table']);
});
