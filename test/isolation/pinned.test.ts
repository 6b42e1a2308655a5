/** The SQL of each kind of statement, once, for a reader: where the tenant stands in it. */
import { and, eq, exists, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alias, withTenancy } from '../../src/index.js';
import { a, b, c } from '../support/rows.js';
import { countries, labels, notes, openTasks, projects, relations, tasks } from '../support/schema.js';

// Nothing is sent.
const client = postgres('postgres://nowhere', { max: 1 });
afterAll(() => client.end());
const db = withTenancy(drizzle({ client }), { relations }) as any;
beforeAll(() => db.ready);
const tdb = db.forTenant(a);
const onProject = eq(tasks.projectId, projects.id);
const p = { p: projects.id };
const t = { t: tasks.id };

/** The statement, with the tenants' ids by their letter where all parameters are tenants' ids. */
const letters: Record<string, string> = {
  [`{"${a}","${b}"}`]: ':ab',
  [`{"${a}","${b}","${c}"}`]: ':abc',
  [a]: ':a',
  [b]: ':b',
  [c]: ':c',
};
const textOf = (query: any): string => {
  const { sql: text, params } = query.toSQL();
  return text.replace(/\$(\d+)/g, (_: string, n: number) => letters[params[n - 1]] ?? JSON.stringify(params[n - 1]));
};

const pinned: [name: string, query: () => any, text: string][] = [
  [
    'select',
    () => tdb.select(t).from(tasks).where(sql`true or false`),
    'select "id" from "tasks" where "tasks"."accountId" = :a and (true or false)',
  ],
  [
    'alias',
    () => {
      const x = alias(tasks, 'x');
      return tdb.select({ id: x.id }).from(x);
    },
    'select "id" from "tasks" "x" where "x"."accountId" = :a',
  ],
  [
    'schema',
    () => tdb.select({ id: notes.id }).from(notes),
    'select "id" from "crm"."notes" where "crm"."notes"."account_id" = :a',
  ],
  [
    'view',
    () => tdb.select({ id: openTasks.id }).from(openTasks),
    'select "id" from "open_tasks" where "open_tasks"."accountId" = :a',
  ],
  ['reference table', () => tdb.select({ id: countries.id }).from(countries), 'select "id" from "countries"'],
  [
    'inner join',
    () => tdb.select(p).from(projects).innerJoin(tasks, onProject),
    'select "projects"."id" from "projects" inner join "tasks" on "tasks"."accountId" = :a ' +
      'and ("tasks"."projectId" = "projects"."id") where "projects"."accountId" = :a',
  ],
  [
    'left join',
    () => tdb.select(p).from(projects).leftJoin(tasks, onProject),
    'select "projects"."id" from "projects" left join "tasks" on "tasks"."accountId" = :a ' +
      'and ("tasks"."projectId" = "projects"."id") where "projects"."accountId" = :a',
  ],
  [
    'right join',
    () => tdb.select(p).from(projects).rightJoin(tasks, onProject),
    'select "projects"."id" from "projects" right join "tasks" on "projects"."accountId" = :a ' +
      'and ("tasks"."projectId" = "projects"."id") where "tasks"."accountId" = :a',
  ],
  [
    'full join',
    () => tdb.select(p).from(projects).fullJoin(tasks, onProject),
    'select "projects"."id" from ("projects" join (select) as "_1" on "projects"."accountId" = :a) full ' +
      'join ("tasks" join (select) as "_2" on "tasks"."accountId" = :a) ' +
      'on "tasks"."projectId" = "projects"."id"',
  ],
  [
    'cross join',
    () => tdb.select(p).from(projects).crossJoin(tasks),
    'select "projects"."id" from "projects" cross join "tasks" where "projects"."accountId" = :a ' +
      'and "tasks"."accountId" = :a',
  ],
  [
    'join of a reference table',
    () => tdb.select(p).from(projects).leftJoin(countries, eq(projects.countryId, countries.id)),
    'select "projects"."id" from "projects" left join "countries" ' +
      'on "projects"."countryId" = "countries"."id" where "projects"."accountId" = :a',
  ],
  [
    'lateral',
    () => {
      const x = tdb.select(t).from(tasks).where(onProject).as('x');
      return tdb.select(p).from(projects).leftJoinLateral(x, sql`true`);
    },
    'select "projects"."id" from "projects" left join lateral (select "id" from "tasks" ' +
      'where "tasks"."accountId" = :a and ("tasks"."projectId" = "projects"."id")) "x" on true ' +
      'where "projects"."accountId" = :a',
  ],
  [
    'subquery',
    () => {
      const x = tdb.select(t).from(tasks).as('x');
      return tdb.select({ t: x.t }).from(x);
    },
    'select "id" from (select "id" from "tasks" where "tasks"."accountId" = :a) "x"',
  ],
  [
    'exists',
    () =>
      tdb
        .select(p)
        .from(projects)
        .where(exists(tdb.select(t).from(tasks).where(onProject))),
    'select "id" from "projects" where "projects"."accountId" = :a and (exists (select "id" from "tasks" ' +
      'where "tasks"."accountId" = :a and ("tasks"."projectId" = "projects"."id")))',
  ],
  [
    'CTE',
    () => {
      const x = tdb.$with('x').as(tdb.select(t).from(tasks));
      return tdb.with(x).select({ t: x.t }).from(x);
    },
    'with "x" as (select "id" from "tasks" where "tasks"."accountId" = :a) select "id" from "x"',
  ],
  [
    'union',
    () =>
      tdb
        .select({ id: tasks.id })
        .from(tasks)
        .union(tdb.select({ id: projects.id }).from(projects)),
    'select "id" from ((select "id" from "tasks" where "tasks"."accountId" = :a) union (select "id" ' +
      'from "projects" where "projects"."accountId" = :a)) "drizzle_union"',
  ],
  [
    'group by the key',
    () => tdb.select({ id: projects.id, name: projects.name }).from(projects).groupBy(projects.id),
    'select "id", "name" from "projects" where "projects"."accountId" = :a ' +
      'group by "projects"."accountId", "projects"."id"',
  ],
  [
    'template',
    () => tdb.select({ n: sql`(select count(*) from ${tasks} where ${onProject})` }).from(projects),
    'select (select count(*) from "tasks" where "tasks"."accountId" = :a ' +
      'and ("tasks"."projectId" = "projects"."id")) from "projects" where "projects"."accountId" = :a',
  ],
  [
    'insert',
    () => tdb.insert(labels).values({ id: 1, name: 'x' }),
    'insert into "x_labels" ("accountId", "id", "taskId", "name") values (:a, 1, default, "x")',
  ],
  [
    'insert from a select',
    () => tdb.insert(labels).select(tdb.select({ id: tasks.id, name: tasks.title }).from(tasks)),
    'insert into "x_labels" ("id", "name", "accountId") select "id", "title", :a::uuid from "tasks" ' +
      'where "tasks"."accountId" = :a',
  ],
  [
    'upsert',
    () =>
      tdb
        .insert(labels)
        .values({ id: 1, name: 'x' })
        .onConflictDoUpdate({ target: labels.id, set: { name: 'y' } }),
    'insert into "x_labels" ("accountId", "id", "taskId", "name") values (:a, 1, default, "x") ' +
      'on conflict ("accountId", "id") do update set "name" = "y"',
  ],
  [
    'update',
    () => tdb.update(labels).set({ name: 'x' }).where(eq(labels.id, 1)),
    'update "x_labels" set "name" = "x" where "x_labels"."accountId" = :a and ("x_labels"."id" = 1)',
  ],
  [
    'update from',
    () => tdb.update(tasks).set({ points: 1, touched: 1 }).from(projects).where(and(onProject)),
    'update "tasks" set "points" = 1, "touched" = 1 from "projects" where "tasks"."accountId" = :a ' +
      'and "projects"."accountId" = :a and ("tasks"."projectId" = "projects"."id")',
  ],
  ['delete', () => tdb.delete(labels), 'delete from "x_labels" where "x_labels"."accountId" = :a'],
  [
    'relational',
    () =>
      tdb.query.projects.findMany({
        columns: { id: true },
        where: { tasks: { done: true } },
        with: { members: { columns: { id: true } } },
      }),
    'select "d0"."id" as "id", "members"."r" as "members" from (select "d0".* from "projects" as "d0" ' +
      'where "d0"."accountId" = :a and (exists (select * from "tasks" as "f0" where "f0"."accountId" = :a ' +
      'and (((("d0"."id" = "f0"."projectId") and ("d0"."accountId" = "f0"."accountId"))) ' +
      'and ("f0"."done" = true))))) as "d0" left join lateral(select coalesce(json_agg(row_to_json("t".*)), ' +
      '\'[]\') as "r" from (select "d1"."id" as "id" from "users" as "d1" inner join "project_users" ' +
      'as "tr0" on "tr0"."accountId" = :a and (("tr0"."userId" = "d1"."id") ' +
      'and ("tr0"."accountId" = "d1"."accountId")) where "d1"."accountId" = :a ' +
      'and (("d0"."id" = "tr0"."projectId") and ("d0"."accountId" = "tr0"."accountId"))) as "t") ' +
      'as "members" on true',
  ],
  [
    'several tenants',
    () => db.forTenants([a, b]).select(p).from(projects).leftJoin(tasks, onProject),
    'select "projects"."id" from "projects" left join "tasks" on "tasks"."accountId" = any(:ab) ' +
      'and "tasks"."accountId" = "projects"."accountId" and ("tasks"."projectId" = "projects"."id") ' +
      'where "projects"."accountId" = any(:ab)',
  ],
  [
    'many tenants',
    () => db.forTenants([a, b, c]).select(p).from(projects),
    'select "id" from "projects" where "projects"."accountId" = any(:abc)',
  ],
  [
    'every tenant',
    () => db.acrossTenants({ reason: 'report' }).select(p).from(projects).leftJoin(tasks, onProject),
    'select "projects"."id" from "projects" left join "tasks" ' +
      'on "tasks"."accountId" = "projects"."accountId" and ("tasks"."projectId" = "projects"."id") ' +
      '/* report */',
  ],
];

describe('SQL', () => {
  for (const [name, query, text] of pinned) {
    test(name, () => {
      expect(textOf(query())).toBe(text);
    });
  }
});
