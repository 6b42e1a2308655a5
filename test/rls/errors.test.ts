/**
 * What an expression raises on a row. PostgreSQL looks first at the conditions that cost least, so that one of a user's
 * may meet a row before the handle's filter does, and its error tells of it. Policies come first, whatever the others
 * cost.
 */
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { beforeAll, describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { comparison, type Run, type Side } from '../support/comparison.js';
import { freshDatabase, type Contents } from '../support/databases.js';
import { a, b } from '../support/rows.js';
import { asRole, rlsStatements } from '../support/rls.js';
import { labels, projects, relations, tasks } from '../support/schema.js';

async function openWithPolicies(contents: Contents): Promise<Side> {
  const { url } = await freshDatabase(contents);
  const admin = postgres(url, { max: 2, onnotice: () => {} });
  for (const statement of rlsStatements()) await admin.unsafe(statement);
  const client = postgres(asRole(url), { max: 4, onnotice: () => {} });
  const db = withTenancy(drizzle({ client }), { relations, rls: true });
  return {
    db,
    plain: undefined,
    run: (text) => admin.unsafe(text) as any,
    close: () => Promise.all([client.end(), admin.end()]),
  };
}

const pair = comparison(openWithPolicies);
// With statistics, tables as small as these are read as a whole: each row meets the conditions.
beforeAll(() => Promise.all([pair.many, pair.alone].map((it) => it.run('analyze'))));

describe("an expression that raises an error on another tenant's row only", () => {
  const programs: Record<string, Run> = {
    'a key that is there twice': (tdb) =>
      tdb
        .select({ id: tasks.id })
        .from(tasks)
        .where(sql`json_object(${tasks.title}: 1, 'hidden': 2 with unique keys) is not null`),
    'a value of another type': (tdb) =>
      tdb
        .select({ id: projects.id })
        .from(projects)
        .where(
          sql`json_value(${projects.meta}, '$?(@.level > 1).level'
            returning boolean null on empty error on error) is null`,
        ),
    'a division': (tdb) => tdb.select({ id: tasks.id }).from(tasks).where(sql`1 / (${tasks.points} - 60) > -5`),
    'in text by hand': (tdb) =>
      tdb.execute(
        sql`select id from tasks where json_object(title: 1, 'hidden': 2 with unique keys) is not null
          and "accountId" = ${a}`,
      ),
  };
  for (const [name, run] of Object.entries(programs)) {
    test(name, async () => {
      expect((await pair.isolated(run)).error).toBeUndefined();
    });
  }
});

test('a trigger that would move a row to another tenant fails', async () => {
  const moving = `
    create function move() returns trigger language plpgsql as $$ begin new."accountId" = '${b}'; return new; end $$;
    create trigger move before insert or update on x_labels for each row execute function move();`;
  await Promise.all([pair.many, pair.alone].map((it) => it.run(moving)));
  try {
    const writes: Run[] = [
      (tdb) => tdb.update(labels).set({ name: 'moved' }),
      (tdb) => tdb.insert(labels).values({ id: 91, name: 'moved' }),
    ];
    for (const run of writes) expect((await pair.isolated(run)).error).toMatchObject({ code: '42501' });
  } finally {
    await Promise.all([pair.many, pair.alone].map((it) => it.run('drop trigger move on x_labels; drop function move')));
  }
});
