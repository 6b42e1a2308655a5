/** The name of a column without an alias, compared with PostgreSQL's: behind any other name stands a function. */
import postgres from 'postgres';
import { afterAll, expect, inject, test } from 'vitest';
import { nameOf } from '../../../src/sql/prove/names.js';
import { parse } from './prove-text.js';

const values = [
  ...['1', "'x'", 'true', 'null', 't.a', 't.*', '(t).a', '(array[1])[1]', '(row(1)).f1', "('{}'::jsonb)['a']"],
  ...['abs(1)', 'pg_catalog.abs(1)', 'nullif(1, 2)', '1 + 1', 'not true', 'current_date', 'current_user'],
  ...['1::int', '(1 + 1)::int8', "'x'::varchar(3)", 'cast(null as tests)', 'interval (3) $$1 day$$', "'{1}'::int[]"],
  ...['case when true then 1 end', 'case when true then 1 else t.a end', 'case when true then 1 else 2::int end'],
  ...['coalesce(1, 2)', 'greatest(1, 2)', 'least(1, 2)', 'array[1]', 'row(1)', 'exists (select 1)', 'array(select 1)'],
  ...[
    '(select 1)',
    '(select t.a)',
    '(select 1 as z)',
    '(select t.*)',
    '(select z.* from (select 1 as y) z)',
    '(select * from (select 1) z)',
    '(values (1))',
  ],
  ...[
    '(select 1 union select 2)',
    '(select 1 as y union select 2)',
    '(table t)',
    '1 in (select 1)',
    '(select (select t.a))',
  ],
  ...[
    'extract(year from now())',
    "substring('x' from 1)",
    "trim('x')",
    "position('x' in 'y')",
    "overlay('x' placing 'y' from 1)",
  ],
  ...["'x' is normalized", "now() at time zone 'utc'", 'current_timestamp', 'localtime', 'collation for (t.b)'],
  ...[
    'count(*)',
    'rank() over ()',
    'mode() within group (order by 1)',
    'grouping(t.a)',
    't.a is null',
    't.a between 1 and 2',
  ],
  ...[
    'xmlelement(name foo)',
    "xmlconcat('<a/>', '<b/>')",
    'xmlforest(t.a as b)',
    "xmlserialize(content '<a/>' as text)",
  ],
  ...["json_object('a': 1)", 'json_array(1, 2)', 'json_array(select 1)', 'json_objectagg(t.b: 1)', 'json_arrayagg(1)'],
  ...[
    "json_value('1', '$')",
    "json_exists('1', '$')",
    "json_query('1', '$')",
    "json('1')",
    'json_scalar(1)',
    "'1' is json",
  ],
];
/** What gives the name to what is around it, if it has one. */
const around = [
  (it: string) => it,
  (it: string) => `(${it})::text`,
  (it: string) => `(${it})::text::tests`,
  (it: string) => `((${it})::text collate "C")::name`,
  (it: string) => `case when true then null else ${it} end`,
  (it: string) => `(case when true then null else (${it})::text end)::name`,
  (it: string) => `(array[${it}])[1]`,
  (it: string) => `(select ${it})`,
  (it: string) => `(select ${it})::text`,
];

const sql = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
afterAll(() => sql.end());

test('a name that is known is the one that PostgreSQL gives', async () => {
  await sql`create temporary table t as select 1 as a, 'x' as b`;
  await sql`create domain tests as text`;
  const wrong: string[] = [];
  let known = 0;
  for (const wrap of around)
    for (const value of values.map(wrap)) {
      const text = `select ${value} from t`;
      const columns = await sql
        .unsafe(text)
        .describe()
        .then(
          (it) => it.columns,
          () => undefined,
        );
      const said = nameOf(parse(text).stmts![0]!.stmt.SelectStmt.targetList[0].ResTarget.val);
      if (said === '?column?' || columns?.length !== 1) continue;
      known++;
      if (said !== columns[0]!.name) wrong.push(`${value}: ${said}, and not ${columns[0]!.name}`);
    }
  await sql`drop domain tests`;
  expect(wrong).toEqual([]);
  expect(known).toBeGreaterThan(200);
});
