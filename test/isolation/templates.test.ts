/** Tables inside `sql` templates, in any clause; text written by hand. */
import { eq, Param, SQL, sql } from 'drizzle-orm';
import { customType, pgTable, text } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { alias } from '../../src/index.js';
import { comparison, type Run } from '../support/comparison.js';
import { countries, projects, tasks } from '../support/schema.js';

const pair = comparison();
/** What PostgreSQL runs as a query, given as text: it would show other tenants' titles. */
const leaking = sql.raw(`('select title from tasks', true, false, '')::text`);
/** The same, as the one argument of `ts_stat`. */
const titles = `' || (select string_agg(title, ',') from tasks) || '`;
const reading = 'select to_tsvector(title) from tasks';
const refusals: Record<string, Run> = {
  'a number inlined into a predicate that hides its end': (tdb) =>
    tdb
      .select({ title: tasks.title })
      .from(tasks)
      .where(sql`2 = 1 -${-1} and (true\n) or (true or 2 = 1 -${-1} and (true)\n)`.inlineParams()),
  'a parenthesis that closes the predicate': (tdb) => tdb.select().from(tasks).where(sql`true) or (true`),
  'text beside a built query': (tdb) => tdb.execute(sql`${tdb.select().from(tasks).getSQL()} or true`),
  'text beside a built query, within parentheses': (tdb) =>
    tdb.execute(sql`(${tdb.select().from(tasks).getSQL()} or true)`),

  // Functions that run text, however they are named.
  'a function': (tdb) => tdb.execute(sql`select query_to_xml${leaking}`),
  'a function in quotes': (tdb) => tdb.execute(sql`select "query_to_xml"${leaking}`),
  'a function behind a schema': (tdb) => tdb.execute(sql`select pg_catalog.query_to_xml${leaking}`),
  'a function behind DISTINCT ON': (tdb) => tdb.execute(sql`select distinct on (1) query_to_xml${leaking}`),
  'a function in quotes behind DISTINCT ON': (tdb) => tdb.execute(sql`select distinct on (1) "query_to_xml"${leaking}`),
  'a function as an identifier': (tdb) =>
    tdb.select({ x: sql`${sql.identifier('query_to_xml')}${leaking}` }).from(countries),
  'a function as an alias': (tdb) => tdb.select({ x: sql`${sql`1`.as('query_to_xml')}${leaking}` }).from(countries),
  'a function as the alias of a table': (tdb) =>
    tdb.select({ x: sql`${alias(projects, 'query_to_xml')}${leaking}` }).from(countries),
  'a function as an enum': (tdb) =>
    tdb.select({ x: sql`${Object.assign(() => {}, { enumName: 'query_to_xml' })}${leaking}` }).from(countries),
  'a function as a CTE': (tdb) => {
    const cte = tdb.$with('query_to_xml').as(tdb.select().from(countries));
    return tdb
      .with(cte)
      .select({ x: sql`${cte}${leaking}` })
      .from(countries);
  },
  'a function in FROM': (tdb) => tdb.execute(sql`select * from query_to_xml${leaking}`),
  'a function behind LATERAL': (tdb) => tdb.execute(sql`select * from ${countries}, lateral query_to_xml${leaking} x`),
  'a sequence': (tdb) => tdb.execute(sql`select nextval('s')`),
  'a function in the notation of a column, in a relational query': (tdb) =>
    tdb.query.projects.findMany({
      extras: {
        n: () =>
          sql`(select count(*) from (select g.${sql.identifier('ts_stat')}
            from unnest(array[${sql.raw(`'${reading}'`)}]) g) x)`,
      },
    }),
  'an offset that ends the query, in a relational query': (tdb) =>
    tdb.query.projects.findMany({ offset: sql.raw(`0) as x, tasks as (y`) as any }),
  'a filter that ends the query, in a relational query': (tdb) =>
    tdb.query.projects.findMany({
      where: { RAW: () => sql.raw(`true)) union all (select id from tasks where ((true`) },
    }),
  'a catalog table': (tdb) => tdb.execute(sql`select * from pg_stats`),
  'ROWS FROM': (tdb) => tdb.execute(sql`select * from rows from (query_to_xml${leaking})`),
  'a function in the notation of a column': (tdb) =>
    tdb.execute(sql`select g.ts_stat from unnest(array['select to_tsvector(title) from tasks']) g`),
  'a function in the notation of a column, in quotes': (tdb) =>
    tdb.execute(sql`select g."ts_stat" from unnest(array[${reading}]) g`),
  'a function in the notation of a column, as an identifier': (tdb) =>
    tdb.execute(sql`select g.${sql.identifier('ts_stat')} from unnest(array[${reading}]) g`),
  'a function in the notation of a field': (tdb) => tdb.execute(sql`select (${reading}::text)."ts_stat"`),
  'a function in the notation of a field, as a column with an alias': (tdb) =>
    tdb.execute(sql`select (${reading}::text).${tasks.title.as('ts_stat')}`),
  'a function in the notation of a field, as an alias': (tdb) =>
    tdb.execute(sql`select (${reading}::text).${sql`1`.as('ts_stat')}`),
  'a function in the notation of a field, as the alias of a table': (tdb) =>
    tdb.execute(sql`select (${reading}::text).${alias(countries, 'ts_stat')}`),
  'a function in the notation of a field, in a condition': (tdb) =>
    tdb
      .select({ id: countries.id })
      .from(countries)
      .where(sql`(${reading}).${tasks.title.as('ts_stat')} is not null`),
  'a function as the column to order by': (tdb) =>
    tdb
      .select({ x: sql`1` })
      .from(sql`unnest(array[${reading}]) g`)
      .orderBy(pgTable('g', { ts_stat: text() }).ts_stat),
  'a function as the column to group by': (tdb) =>
    tdb
      .select({ x: sql`1` })
      .from(sql`unnest(array[${reading}]) g`)
      .groupBy(pgTable('g', { ts_stat: text() }).ts_stat),
  'a function as the field of a subquery': (tdb) =>
    tdb
      .select({
        x: tdb
          .select({ ts_stat: sql`1`.as('ts_stat') })
          .from(countries)
          .as('g').ts_stat,
      } as any)
      .from(sql`unnest(array[${reading}]) g`)
      .crossJoin(countries),
  'a function as the field of a subquery, in a template': (tdb) =>
    tdb
      .select({
        x: sql`to_jsonb(${
          tdb
            .select({ ts_stat: sql`1`.as('ts_stat') })
            .from(countries)
            .as('g').ts_stat
        })`,
      } as any)
      .from(sql`unnest(array[${reading}]) g`),
  'a function as the column of a function': (tdb) =>
    tdb.execute(sql`select ts_stat.ts_stat from unnest(array[${reading}]) as ts_stat(x)`),
  'a name that escapes itself': (tdb) =>
    tdb
      .select({
        x: sql`1`.as({ replace: () => `id"::text || (select string_agg(title, ',') from tasks) as "x` } as any),
      })
      .from(countries),
  'a number of a parameter': (tdb) => tdb.execute(sql`select $1 from ${tasks}`),
  'an escape string': (tdb) => tdb.select().from(tasks).where(sql`'' = E'\\'' or true) or ('' = E'\\''`),
  'a backslash in a string': (tdb) => tdb.select().from(tasks).where(sql`'a\\' = 'b'`),
  'a second statement': (tdb) => tdb.execute(sql`select 1; select * from tasks`),
  'a string that runs into a parameter': (tdb) =>
    tdb.select().from(tasks).where(sql`E'a'\n${"\\' or true) --"} = ''`.inlineParams()),
  'a word that runs into a number': (tdb) => tdb.execute(sql`select 1from tasks`),
  'a quote that does not close': (tdb) => tdb.select().from(tasks).where(sql`'a`),
  COPY: (tdb) => tdb.execute(sql`copy ${tasks} to stdout`),
  'SELECT INTO': (tdb) => tdb.execute(sql`select * into stolen from ${tasks}`),
  'a cursor': (tdb) => tdb.execute(sql`declare c cursor for select * from ${tasks}`),
  SET: (tdb) => tdb.execute(sql`set row_security = off`),
  EXPLAIN: (tdb) => tdb.execute(sql`explain analyze select * from ${tasks}`),
};
/** Refused until texts were confined on PostgreSQL's grammar: they give what the tenant alone gives. */
const confined: Record<string, Run> = {
  'TABLE as a subquery': (tdb) => tdb.select({ x: sql`(table ${tasks} limit 1)` }).from(countries),
  'a recursive CTE that starts from a table by hand': (tdb) =>
    tdb.execute(sql`with recursive r as (select id from tasks union all select 1 from r) select * from r limit 9`),
  // Clauses that would take in what Drizzle writes next, the tenant's WHERE among it.
  'a UNION behind ON': (tdb) =>
    tdb
      .select({ id: projects.id })
      .from(projects)
      .innerJoin(countries, sql`true union all select projects.id from ${projects}`),
  'a UNION behind ON of a subquery': (tdb) =>
    tdb
      .select({ id: projects.id })
      .from(projects)
      .innerJoin(tdb.select().from(countries).as('s'), sql`true union all select projects.id from ${projects}`),
  'a UNION in a source': (tdb) =>
    tdb
      .select({ id: projects.id })
      .from(projects)
      .crossJoin(sql`${countries} union all select projects.id from ${projects}`),
  'a WHERE in a source': (tdb) =>
    tdb.select({ id: projects.id }).from(projects).crossJoin(sql`${countries} where true`),
  'a FULL JOIN in a joined source': (tdb) =>
    tdb.select({ id: projects.id }).from(projects).crossJoin(sql`${countries} c full join ${tasks} t on t.id = c.id`),
  'a RIGHT JOIN in a joined source': (tdb) =>
    tdb.select({ id: projects.id }).from(projects).crossJoin(sql`${countries} c right join ${tasks} t on t.id = c.id`),
  'FROM in a selected expression': (tdb) => tdb.select({ n: sql`1 from ${tasks} union all select 2` }).from(projects),
  // Words that are names where they stand.
  'a column called is, before a label': (tdb) =>
    tdb.execute(sql`select x.is distinct from tasks u, lateral (select u.title as "is") x`),
  'a column called where, in ON': (tdb) =>
    tdb.execute(sql`select u.title from (select 1 as "where") x join (select 1) y on x.where = 1, tasks u`),
  'a column called as, before FROM': (tdb) =>
    tdb.execute(sql`select x.as from tasks u, lateral (select u.title as "as") x`),
  'a label called as, before FROM': (tdb) => tdb.execute(sql`select 1 as as from tasks`),
  'a label called from': (tdb) => tdb.execute(sql`select 1 as from from tasks`),
  'an alias called values': (tdb) => tdb.execute(sql`select t.title from ${countries} values, tasks t`),
  'a CTE called like a schema': (tdb) => tdb.execute(sql`with public as (select 1) select * from public.tasks`),
  'a Drizzle CTE called like a schema': (tdb) => {
    const cte = tdb.$with('public').as(tdb.select().from(countries));
    return tdb.with(cte).select({ title: sql`tasks.title` }).from(sql`${cte}.tasks`);
  },
  'an alias called like a schema': (tdb) =>
    tdb.select({ title: sql`tasks.title` }).from(sql`${alias(countries, 'public')}.tasks`),
  // Text that says other than it seems.
  'a table by hand': (tdb) => tdb.execute(sql`select * from tasks`),
  'a table in quotes': (tdb) => tdb.execute(sql`select * from "tasks"`),
  'a table as an identifier': (tdb) => tdb.execute(sql`select * from ${sql.identifier('tasks')}`),
  'a table in two pieces': (tdb) => tdb.execute(sql.join([sql.raw('select * from ta'), sql.raw('sks')])),
  'FROM in two pieces': (tdb) => tdb.execute(sql`select title fr${sql.raw('om tasks')}`),
  'a table through sql.raw': (tdb) => tdb.execute(sql.raw('select * from tasks')),
  'a table as a string': (tdb) => tdb.execute('select * from tasks'),
  'a table in a comma list': (tdb) => tdb.execute(sql`select * from ${countries}, tasks`),
  'a table behind an ON with a list': (tdb) =>
    tdb.execute(sql`select t.title from ${countries} c join ${projects} p on p.id in (1, 2), tasks t`),
  'a table behind an ON with an array': (tdb) =>
    tdb.execute(sql`select t.title from ${countries} c join ${projects} p on p.tags = array['x', 'y'], tasks t`),
  'a table within parentheses': (tdb) => tdb.execute(sql`select * from (tasks cross join ${countries})`),
  'a table in quotes, in the extras of a relational query': (tdb) =>
    tdb.query.projects.findMany({ extras: { n: () => sql`(select count(*) from "tasks")` } }),
  'a table in quotes, in a filter of a relational query': (tdb) =>
    tdb.query.projects.findMany({
      where: { RAW: () => sql`exists (select 1 from "tasks" as t where t.title = 'hidden')` },
    }),
  'a table in quotes, in the order of a relational query': (tdb) =>
    tdb.query.projects.findMany({ orderBy: () => sql`(select count(*) from "tasks")` }),
  'a table in quotes in a schema, in a relational query': (tdb) =>
    tdb.query.projects.findMany({ extras: { n: () => sql`(select count(*) from "crm"."notes")` } }),
  'a table in a schema in quotes, in a relational query': (tdb) =>
    tdb.query.projects.findMany({ extras: { n: () => sql`(select count(*) from "crm".${sql.identifier('notes')})` } }),
  'a limit that reads a table, in a relational query': (tdb) =>
    tdb.query.projects.findMany({ limit: sql`(select count(*) from "tasks")` as any }),
  'a table behind an ON with an aggregate of the outer query': (tdb) =>
    tdb.execute(
      sql`select (select string_agg(t.title, ',') from ${countries} c
        join ${countries} d on count(o.id) filter (where true) > 0, tasks t) from ${tasks} o`,
    ),
  'a table behind USING': (tdb) =>
    tdb.execute(sql`select t.title from ${countries} c join ${countries} d using (id), tasks t`),
  'a table behind an alias called like a function with FROM': (tdb) =>
    tdb.execute(sql`select x.title from (select 1) extract (a) join tasks x on true`),
  'a table within a function with FROM': (tdb) =>
    tdb.execute(sql`select trim(both 'x' from (select string_agg(title, '') from tasks))`),
  'a table behind WITH ORDINALITY': (tdb) => tdb.execute(sql`select * from unnest(array[1]) with ordinality, tasks`),
  'a table behind a time with its zone': (tdb) =>
    tdb.execute(
      sql`select t.title from ${countries} c join ${countries} d on now() > timestamp with time zone '2020-01-01',
        tasks t`,
    ),
  TABLE: (tdb) => tdb.execute(sql`table tasks`),
  'TABLE of an interpolated table': (tdb) => tdb.execute(sql`table ${tasks}`),
  'FROM ONLY': (tdb) => tdb.execute(sql`select * from only ${tasks}`),
  'a line comment': (tdb) => tdb.select().from(tasks).where(sql`true -- )`),
  'a function as the column of a table that is none': (tdb) =>
    tdb
      .select({ x: pgTable('g', { ts_stat: text() }).ts_stat } as any)
      .from(sql`unnest(array[${reading}]) g`)
      .crossJoin(countries),
  // An aggregate in ON that is the outer query's: its GROUP ends no FROM.
  'a table behind WITHIN GROUP': (tdb) =>
    tdb.execute(
      sql`select (select string_agg(t.title, ',') from ${countries} c
        join ${countries} d on percentile_cont(0.5) within group (order by o.points) is not null, tasks t)
        from ${tasks} o`,
    ),
  'a value that escapes itself': (tdb) =>
    tdb.select({ x: sql`${{ toString: () => ({ replace: () => titles }) }}`.inlineParams() }).from(countries),
  'a dollar quote': (tdb) => tdb.execute(sql`select $$ from $$, title from ${tasks}`),
  'a Unicode name': (tdb) => tdb.execute(sql`select * from U&"t\\0061sks"`),
  'a word that a parameter runs into': (tdb) => tdb.execute(sql`select ${true}x from ${tasks}`.inlineParams()),
  'an insert': (tdb) => tdb.execute(sql`insert into ${tasks} (id) values (1)`),
  'an update': (tdb) => tdb.execute(sql`update ${tasks} set title = 'x'`),
  'a delete': (tdb) => tdb.execute(sql`delete from ${tasks}`),
  'a delete in a CTE': (tdb) => tdb.execute(sql`with x as (delete from ${tasks} returning *) select * from x`),
  'a MERGE': (tdb) => tdb.execute(sql`merge into ${tasks} t using ${projects} p on true when matched then delete`),
  'a CTE that names itself without RECURSIVE': (tdb) =>
    tdb.execute(sql`with tasks as (select * from tasks) select * from tasks`),
  'a CTE of an inner query, used outside': (tdb) =>
    tdb.execute(sql`select * from (with tasks as (select 1) select * from tasks) x, tasks`),
};

describe('refused before anything is sent', () => {
  for (const [name, run] of Object.entries(refusals)) test(name, () => pair.refused(run));
  for (const [name, run] of Object.entries(confined)) test(name, () => pair.confined(run));
});

/** Text as odd as it comes that says what it seems to say: PostgreSQL decides, and no row of another tenant shows. */
const allowed: Record<string, Run> = {
  'a function of the catalog': (tdb) => tdb.execute(sql`select pg_catalog.lower(t.title) as x from ${tasks} t`),
  'columns called like keywords': (tdb, { notes }) =>
    tdb.execute(sql`select n.order, n.from from ${notes} n where n.order > 0`),
  'labels called like keywords': (tdb) => tdb.execute(sql`select 1 as where, t.id as select from ${tasks} t`),
  'names of columns behind an alias': (tdb) =>
    tdb.execute(sql`select x.k from (select id from ${tasks}) x(k), generate_series(1, 2) as g(n)`),
  'names of columns behind the alias of a table': (tdb) => tdb.execute(sql`select x.n from ${countries} x(k, n, c)`),
  'a list of values': (tdb) =>
    tdb.execute(sql`select v.x, t.title from (values (1, 'a'), (2, 'b')) as v(x, y) join ${tasks} t on t.id = v.x`),
  'an array in ON': (tdb) =>
    tdb.execute(sql`select p.id from ${projects} p join ${tasks} t on t.id = p.id and p.tags && array['a', 'y']`),
  'DISTINCT FROM': (tdb) =>
    tdb.execute(
      sql`select t.id from ${tasks} t where t.points is not distinct from 1 and t.title is distinct from 'x'`,
    ),
  'FROM in functions': (tdb) =>
    tdb.execute(
      sql`select extract(year from p."createdAt") as y, substring(p.name from 1 for 2) as s, trim(both 'n'
        from p.name) as t from ${projects} p`,
    ),
  'a comment': (tdb) => tdb.execute(sql`select /* all of them */ t.id from ${tasks} t`),
  'a string with words in it': (tdb) => tdb.execute(sql`select 'it''s from tasks; -- no' as x from ${tasks}`),
  'a recursive CTE': (tdb) =>
    tdb.execute(sql`with recursive r as (select id, 0 as depth from ${tasks} where "parentId" is null union all
      select t.id, r.depth + 1 from ${tasks} t join r on t."parentId" = r.id) select * from r`),
  'two CTEs': (tdb) =>
    tdb.execute(
      sql`with x as materialized (select id from ${tasks}), y(k) as not materialized (select id from x)
        select x.id, y.k from x join y on x.id = y.k`,
    ),
  UNION: (tdb) =>
    tdb.execute(sql`(select id from ${tasks}) union all (select id from ${projects}) order by id limit 3`),
  'a window': (tdb) =>
    tdb.execute(
      sql`select t.id, sum(t.points) over w as s from ${tasks} t window w as (partition by t."projectId"
        order by t.id)`,
    ),
  'an ordered set': (tdb) =>
    tdb.select({ m: sql`percentile_cont(0.5) within group (order by ${tasks.points})` }).from(tasks),
  'a row of a table': (tdb) => tdb.select({ row: sql`to_jsonb(${tasks})` }).from(tasks),
  'a foreign query within parentheses': (tdb) =>
    tdb.execute(sql`select (${tdb.select({ n: sql`count(*)` }).from(tasks).getSQL()}) as n`),
  'a custom type that writes SQL': (tdb) => {
    const titles = customType<{ data: string }>({
      dataType: () => 'text',
      toDriver: () => sql`(select string_agg(title, ',' order by title) from ${tasks})`,
    });
    return tdb.select({ x: sql`${new Param('v', pgTable('x', { y: titles() }).y)}` }).from(countries);
  },
  'a custom type that writes SQL the second time': (tdb) => {
    let times = 0;
    const fickle = customType<{ data: string }>({
      dataType: () => 'text',
      toDriver: (value) => (times++ === 0 ? value : sql.raw(`(select string_agg(title, ',') from tasks)`)),
    });
    return tdb.select({ x: sql`${new Param('v', pgTable('x', { y: fickle() }).y)}` }).from(countries);
  },
  'an encoder that does nothing the first times': (tdb) => {
    let looks = 0;
    const mapToDriverValue = () => sql.raw(`(select string_agg(title, ',') from tasks)`);
    Object.defineProperty(mapToDriverValue, 'isNoop', { get: () => looks++ === 0 });
    return tdb.select({ x: sql`lower(${new Param('v', { mapToDriverValue } as any)})` }).from(countries);
  },
  // The number would begin a comment that hides the parenthesis behind it.
  'a negative number behind a minus, inlined': (tdb) =>
    tdb
      .select({ title: tasks.title })
      .from(tasks)
      .where(sql`2 = 1 -${-1}\n and (${tasks.id} > 0 or 2 = 1 -${-1}\n)`.inlineParams()),
  'a value with a quote, inlined': (tdb) =>
    tdb.select().from(tasks).where(sql`${tasks.title} = ${"x') or ('1' = '1"}`.inlineParams()),
  'an aggregate with FILTER': (tdb) => tdb.select({ n: sql`count(*) filter (where ${tasks.done})` }).from(tasks),
  'a wrapper': (tdb) =>
    tdb
      .select()
      .from(tasks)
      .where(eq(tasks.id, { getSQL: () => sql`(select max(id) from ${tasks})` } as unknown as SQL)),
};

describe('runs, and sees nothing of others', () => {
  for (const [name, run] of Object.entries(allowed)) {
    test(name, async () => {
      const { error } = await pair.isolated(run);
      expect(error).toBeUndefined();
    });
  }
});
