import { ImmutableTenantError, UnscopedTableError } from '../../../../src/index.js';

/**
 * Statements and what the prover says of them. `@a` stands for a parameter that carries the tenant, `@b` for one
 * with another tenant's id, `'@a'` and `'@b'` for literals of them.
 */
export const accepted: readonly string[] = [
  // Predicates, and how they may be written
  `select * from projects where "accountId" = @a`,
  `select * from projects where @a = "accountId"`,
  `select * from projects where projects."accountId" = @a`,
  `select * from projects where public.projects."accountId" = @a`,
  `select x.day, p.id from projects p, cast('2024-01-01' as date) as x(day) where p."accountId" = @a`,
  "select json_table.n, xmltable.m, p.id from projects p, json_table('[1]', '$[*]' columns (n int path " +
    `'$')), xmltable('/r' passing xml '<r/>' columns m text path '.') where p."accountId" = @a`,
  'select (select count(*) from tasks t where t."accountId" = public.projects."accountId") from projects ' +
    'where "accountId" = @a',
  `insert into x_labels ("accountId", id, name) values (@a, (row(77, 'x')).*)`,
  `select * from projects p where p."accountId" = @a`,
  `select * from "projects" as "P" where "P"."accountId" = @a`,
  `select * from PROJECTS where "accountId" = @a`,
  `select * from projects where "accountId" = @a::uuid`,
  `select * from projects where "accountId" = cast(@a as uuid)`,
  `select * from projects where "accountId" = '@a'`,
  `select * from projects where "accountId" = '@a'::uuid`,
  `select * from projects where "accountId" = uuid '@a'`,
  `select * from projects where "accountId" in (@a)`,
  `select * from projects where "accountId" in (@a, '@a')`,
  `select * from projects where "accountId" = any(array[@a]::uuid[])`,
  `select * from projects where "accountId" = any(array[@a::uuid])`,
  `select * from projects where "accountId" is not distinct from @a`,
  `select * from projects where "accountId" operator(pg_catalog.=) @a`,
  `select * from projects where ("accountId" = @a) and (name = 'x' or name = 'y')`,
  `select * from projects where name like 'n%' and (status = 'open' and "accountId" = @a)`,
  `select * from projects where not (name = 'x') and "accountId" = @a`,
  `select * from projects where "accountId" = @a and "accountId" = @b`,
  `select * from projects where "accountId" = $$@a$$`,
  `select * from projects where "accountId" = E'@a'`,
  `select * from projects /* where true or */ where "accountId" = @a -- or true`,
  `select * from U&"pr\\006fjects" where "accountId" = @a`,
  `select * from only projects where "accountId" = @a`,
  `table countries`,
  `select 1`,
  `values (1, 'x')`,
  `select * from countries`,
  `select * from open_tasks where "accountId" = @a`,
  `select * from accounts where id = @a`,
  `select * from crm.notes where account_id = @a`,
  `select * from public.projects where "accountId" = @a`,
  `select * from crm.notes where notes.account_id = @a`,
  `select * from crm.notes where crm.notes.account_id = @a`,
  `select * from crm.notes n where n.account_id = @a`,
  `select * from x_labels where "accountId" = @a;`,
  // Joins
  'select p.name, t.title from projects p join tasks t on t."accountId" = @a and t."projectId" = p.id ' +
    'where p."accountId" = @a',
  'select p.name, t.title from projects p join tasks t on t."accountId" = p."accountId" ' +
    'and t."projectId" = p.id where p."accountId" = @a',
  'select p.name, t.title from projects p join tasks t on p."accountId" = t."accountId" ' +
    'and t."projectId" = p.id where t."accountId" = @a',
  'select p.name, t.title from projects p, tasks t where p."accountId" = @a ' +
    'and t."accountId" = p."accountId" and t."projectId" = p.id',
  `select p.name from projects p cross join countries c where p."accountId" = @a`,
  'select p.name, t.title from projects p left join tasks t on t."accountId" = @a and t."projectId" = p.id ' +
    'where p."accountId" = @a',
  'select p.name, t.title from projects p left join tasks t on t."accountId" = p."accountId" ' +
    'and t."projectId" = p.id where p."accountId" = @a',
  'select p.name, t.title from projects p left join tasks t on t."projectId" = p.id ' +
    'where p."accountId" = @a and t."accountId" = @a',
  `select c.name, p.name from countries c left join projects p on p."countryId" = c.id and p."accountId" = @a`,
  `select c.name, p.name from projects p right join countries c on p."countryId" = c.id and p."accountId" = @a`,
  'select p.name, t.title from projects p right join tasks t on p."accountId" = @a ' +
    'and t."projectId" = p.id where t."accountId" = @a',
  'select p.name, t.title from projects p right join tasks t on p."accountId" = t."accountId" ' +
    'and t."projectId" = p.id where t."accountId" = @a',
  'select p.name, t.title from (select * from projects where "accountId" = @a) p full join (select * ' +
    'from tasks where "accountId" = @a) t on t."projectId" = p.id',
  `select p.name, c.name from projects p full join countries c on c.id = p."countryId" where p."accountId" = @a`,
  'select p.name, t.title from projects p full join tasks t on t."projectId" = p.id ' +
    'where p."accountId" = @a and t."accountId" = @a',
  `select p.name, t.title from projects p join tasks t using ("accountId") where p."accountId" = @a`,
  `select p.name, t.title from projects p join tasks t using ("accountId") where "accountId" = @a`,
  'select p.name, t.title from projects p join tasks t using ("accountId") join users u ' +
    'using ("accountId") where "accountId" = @a',
  `select p.name, t.title from projects p left join tasks t using ("accountId") where p."accountId" = @a`,
  `select p.name, t.title from projects p join tasks t using (id) where p."accountId" = @a and t."accountId" = @a`,
  'select p.name, t.title, u.name from projects p left join (tasks t join users u ' +
    'on u."accountId" = t."accountId" and u.id = t."assigneeId") on t."projectId" = p.id ' +
    'and t."accountId" = p."accountId" where p."accountId" = @a',
  'select c.name, t.title from countries c left join (projects p left join tasks t ' +
    'on t."accountId" = p."accountId" and t."projectId" = p.id) on p."countryId" = c.id ' +
    'and p."accountId" = @a',
  'select a.title, b.title from tasks a join tasks b on b."parentId" = a.id ' +
    'and b."accountId" = a."accountId" where a."accountId" = @a',
  `select a.name from accounts a join projects p on p."accountId" = a.id where a.id = @a`,
  'select t.title, n.body from tasks t join crm.notes n on n.account_id = t."accountId" ' +
    'and n."taskId" = t.id where t."accountId" = @a',
  // What a later condition says of an entry that must stand
  `select * from countries c(x)`,
  `select * from projects p left join tasks t on p."accountId" = @a where t."accountId" = @a`,
  `select * from projects p right join tasks t on t."accountId" = p."accountId" where p."accountId" = @a`,
  `select * from projects p full join tasks t on t."accountId" = p."accountId" where p."accountId" = @a`,
  `select * from projects p left join tasks t using ("accountId") where t."accountId" = @a`,
  `select * from projects p full join tasks t using ("accountId") where "accountId" = @a`,
  `select * from projects p left join tasks t using ("accountId") where "accountId" = @a`,
  `select * from projects natural join tasks where "accountId" = @a`,
  `select * from projects join tasks using ("accountId") as j where projects."accountId" = @a`,
  `select json_object('a': 1 returning text)`,
  'with recursive t(x) as (select 1 union all select x + 1 from t where x < 3) search depth first by x ' +
    'set y select x, y is not null from t',
  `select xmlelement(name x, 1)`,
  `select * from json_table('{}', '$' columns (x int path '$')) t`,
  `select * from xmltable('/a/b' passing '<a><b>1</b></a>' columns x int path '.') t`,
  // Subqueries
  `select * from (select * from projects where "accountId" = @a) p`,
  `select * from (select name from projects where "accountId" = @a) p where p.name like 's%'`,
  'select p.name, t.title from (select * from projects where "accountId" = @a) p join tasks t ' +
    'on t."accountId" = p."accountId" and t."projectId" = p.id',
  'select p.owner, t.title from (select "accountId" as owner, id from projects where "accountId" = @a) p ' +
    'join tasks t on t."accountId" = p.owner and t."projectId" = p.id',
  'select x.a, t.title from (select "accountId", id from projects where "accountId" = @a) as x(a, b) ' +
    'join tasks t on t."accountId" = x.a and t."projectId" = x.b',
  'select name from projects p where p."accountId" = @a and exists (select 1 from tasks t ' +
    'where t."accountId" = @a and t."projectId" = p.id)',
  'select name from projects p where p."accountId" = @a and exists (select 1 from tasks t ' +
    'where t."accountId" = p."accountId" and t."projectId" = p.id)',
  'select name from projects p where p."accountId" = @a and not exists (select 1 from tasks t ' +
    'where t."accountId" = p."accountId" and t."projectId" = p.id)',
  'select name from projects p where p."accountId" = @a and id in (select "projectId" from tasks ' +
    'where "accountId" = @a)',
  'select name from projects p where p."accountId" = @a and (id not in (select "projectId" from tasks ' +
    `where "accountId" = @a) or name = 'x')`,
  'select name from projects p where p."accountId" = @a and id = any(select "projectId" from tasks ' +
    'where "accountId" = @a)',
  'select name from projects p where p."accountId" = @a and id >= all(select "projectId" from tasks ' +
    'where "accountId" = @a)',
  'select name, (select count(*) from tasks t where t."accountId" = @a and t."projectId" = p.id) ' +
    'from projects p where p."accountId" = @a',
  'select name, (select count(*) from tasks t where t."accountId" = p."accountId" ' +
    'and t."projectId" = p.id) as n from projects p where p."accountId" = @a order by n',
  'select name, array(select title from tasks t where t."accountId" = p."accountId" order by 1) ' +
    'from projects p where p."accountId" = @a',
  'select name, case when exists (select 1 from tasks where "accountId" = @a) then 1 else 0 end ' +
    'from projects where "accountId" = @a',
  'select p.name, s.n from projects p, lateral (select count(*) as n from tasks t ' +
    'where t."accountId" = p."accountId" and t."projectId" = p.id) s where p."accountId" = @a',
  'select p.name, s.title from projects p left join lateral (select title from tasks t ' +
    'where t."accountId" = p."accountId" and t."projectId" = p.id order by t.id limit 1) s on true ' +
    'where p."accountId" = @a',
  'select p.name, s.title from projects p left join lateral (select * from tasks t ' +
    'where t."accountId" = @a and t."projectId" = p.id) s on true where p."accountId" = @a',
  `select 1 where exists (select 1 from projects where "accountId" = @a)`,
  `select coalesce((select max(points) from tasks where "accountId" = @a), 0)`,
  'select name from countries c where (select count(*) from projects p where p."accountId" = @a ' +
    'and p."countryId" = c.id) > 0',
  `select (select (select (select max(id) from projects where "accountId" = @a)))`,
  `select name from projects order by (select count(*) from tasks where "accountId" = @a), name limit 3`.replace(
    'order by',
    'where "accountId" = @a order by',
  ),
  'select count(*) from projects p where p."accountId" = @a group by p.status ' +
    'having count(*) > (select count(*) - 5 from tasks where "accountId" = @a)',
  // Set operations
  `select name from projects where "accountId" = @a union all select title from tasks where "accountId" = @a`,
  `select name from projects where "accountId" = @a union select name from countries order by 1 limit 5`,
  `(select name from projects where "accountId" = @a) except (select title from tasks where "accountId" = @a)`,
  `select name from projects where "accountId" = @a intersect select name from users where "accountId" = @a`,
  `select u.x from (select name as x from projects where "accountId" = @a union all values ('y')) u`,
  // CTEs
  `with p as (select * from projects where "accountId" = @a) select * from p`,
  'with p as (select * from projects where "accountId" = @a) select p.name, t.title from p join tasks t ' +
    'on t."accountId" = p."accountId" and t."projectId" = p.id',
  'with p as materialized (select * from projects where "accountId" = @a), q as not materialized (select * ' +
    'from p) select count(*) from q',
  'with p(tenant, key) as (select "accountId", id from projects where "accountId" = @a) select t.title ' +
    'from p join tasks t on t."accountId" = p.tenant and t."projectId" = p.key',
  `with projects as (select * from projects where "accountId" = @a) select * from projects`,
  `with projects as (select 1 as x) select * from projects`,
  `with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select n.i from n`,
  'with recursive tree as (select "accountId", id, "parentId", title from tasks where "accountId" = @a ' +
    'and "parentId" is null union all select c."accountId", c.id, c."parentId", c.title from tasks c ' +
    'join tree on c."parentId" = tree.id and c."accountId" = @a) select * from tree',
  'with recursive tree as (select "accountId", id, "parentId", title from tasks where "accountId" = @a ' +
    'and "parentId" is null union all select c."accountId", c.id, c."parentId", c.title from tasks c ' +
    'join tree on c."parentId" = tree.id and c."accountId" = tree."accountId") select * from tree',
  'with recursive tree(tenant, key) as (select "accountId", id from tasks where "accountId" = @a ' +
    'and "parentId" is null union select c."accountId", c.id from tasks c join tree ' +
    'on c."parentId" = tree.key and c."accountId" = tree.tenant) select u.name from tree join users u ' +
    'on u."accountId" = tree.tenant',
  `with x as (insert into tasks ("accountId", id, "projectId", title) values (@a, 90, 1, 't') returning *) ` +
    'select x.title from x',
  `with x as (update projects set name = 'z' where "accountId" = @a and id = 1 returning id, "accountId") ` +
    'select t.title from x join tasks t on t."accountId" = x."accountId" and t."projectId" = x.id',
  `with gone as (delete from crm.notes where account_id = @a returning "taskId") select count(*) from gone`,
  `select (with c as (select * from projects where "accountId" = @a) select count(*) from c)`,
  // Expressions and functions
  `select count(*), sum(points) filter (where done), max(title) from tasks where "accountId" = @a`,
  `select title, row_number() over (partition by "projectId" order by id) from tasks where "accountId" = @a`,
  'select title, rank() over w from tasks where "accountId" = @a window w as (partition by "projectId" ' +
    'order by points desc nulls last rows between 1 preceding and current row)',
  'select "projectId", done, count(*), grouping(done) from tasks where "accountId" = @a ' +
    'group by grouping sets (("projectId"), (done), ())',
  `select distinct on ("projectId") title from tasks where "accountId" = @a order by "projectId", id`,
  `select distinct status from projects where "accountId" = @a`,
  "select coalesce(points, 0) + 1, nullif(title, ''), greatest(points, 2), least(1, points) from tasks " +
    'where "accountId" = @a',
  `select lower(title) || '!', title ~* 'b.*', title like 'b\\%' escape '!', title collate "C" from tasks ` +
    'where "accountId" = @a',
  `select extract(year from "createdAt"), "createdAt" at time zone 'utc', date_trunc('day', "createdAt") ` +
    'from projects where "accountId" = @a',
  `select tags[1], meta ->> 'level', meta @> '{"level": 1}', json_build_object('a', name), (array[1, ` +
    '2])[1] from projects where "accountId" = @a',
  `select row_to_json(p) from projects p where p."accountId" = @a`,
  `select p, p.* from projects p where p."accountId" = @a`,
  "select string_agg(title, ',' order by title desc), array_agg(distinct points), percentile_cont(0.5) " +
    'within group (order by points) from tasks where "accountId" = @a',
  `select g, g.g from generate_series(1, 3) g`,
  `select u.id from unnest(array[1, 2]) as u(id)`,
  `select u.u from unnest(array[1, null]) as u`,
  `select u.u from unnest('{1}'::int[]) as u`,
  `select s.text, s.case, s.x, s.z from (select 1::int::text, case when true then 1 else 2::int end, (row(1)).f1 as x,
    (select 1 as z)) s`,
  `select pg_notify('x', t.title), pg_advisory_xact_lock(t.id) from tasks t where t."accountId" = @a`,
  'with d as (delete from tasks t where t."accountId" = @a returning id) ' +
    "select count(pg_notify('x', d.id::text)) from d",
  `select u.x, u.ordinality from unnest(array['a']) with ordinality as u(x, ordinality)`,
  `select e.key, e.value from jsonb_each('{"a": 1}') e`,
  `select r.a from json_to_record('{"a": 1}') as r(a int, b text)`,
  `select v.id, p.name from (values (1), (2)) as v(id) join projects p on p.id = v.id and p."accountId" = @a`,
  `select t from projects p, unnest(p.tags) as t where p."accountId" = @a`,
  `select now() > '2000-01-01', current_timestamp = now(), pg_catalog.lower('X')`,
  "select make_interval(days => 3), trim(both 'x' from 'xax'), substring('abc' " +
    "from 2), position('b' in 'abc'), overlay('abc' placing 'x' from 1)",
  `select id from tasks where "accountId" = @a and (id, "projectId") in ((1, 1), (2, 1))`,
  `select id from tasks where "accountId" = @a and id between 1 and 3 and points is not null and done is true`,
  `select 'x'::text, '{1,2}'::int[], 1::numeric(10, 2), status::text from projects where "accountId" = @a`,
  `select 1 from projects where "accountId" = @a for update skip locked`,
  `select 1 from projects p join countries c on true where p."accountId" = @a for share of p nowait`,
  `select 1 from projects where "accountId" = @a offset 1 rows fetch first 2 rows only`,
  // Writes
  `insert into projects ("accountId", id, name) values (@a, 91, 'x')`,
  `insert into projects ("accountId", id, name) values (@a, 91, 'x'), ('@a', 92, 'y') returning *`,
  `insert into projects (id, name, "accountId") values (91, 'x', @a::uuid)`,
  `insert into projects as p ("accountId", id, name) values (@a, 1, 'north') on conflict ("accountId", id) ` +
    'do update set name = excluded.name || p.name returning p.name',
  `insert into projects ("accountId", id, name) values (@a, 1, 'north') on conflict do nothing`,
  `insert into projects ("accountId", id, name) values (@a, 1, 'north') on conflict ("accountId", id) do nothing`,
  `insert into tasks ("accountId", id, "projectId", title) select @a, 93, 1, 'x'`,
  'insert into tasks ("accountId", id, "projectId", title) select p."accountId", p.id + 200, p.id, p.name ' +
    'from projects p where p."accountId" = @a',
  'insert into tasks ("accountId", id, "projectId", title) select @a::uuid, p.id + 200, p.id, p.name ' +
    'from projects p where p."accountId" = @a',
  `insert into tasks ("accountId", id, "projectId", title) select '@a'::uuid, 94, 1, 'x' union all ` +
    "select @a::uuid, 95, 1, 'y'",
  'with p as (select * from projects where "accountId" = @a) insert into tasks ("accountId", id, ' +
    '"projectId", title) select p."accountId", p.id + 300, p.id, p.name from p',
  "insert into accounts (id, name) values (@a, 'x') on conflict (id) do update set name = 'y' " +
    "where accounts.name <> 'z'",
  `update projects set name = 'q' where "accountId" = @a and id = 1`,
  `update projects p set name = 'q' || p.name, budget = default where p."accountId" = @a ` +
    'returning p.id, old.name, new.name',
  `update projects p set (name, budget) = ('r', 1) where p."accountId" = @a and id = 2`,
  'update projects p set name = t.title from tasks t where t."accountId" = p."accountId" ' +
    'and t."projectId" = p.id and p."accountId" = @a and t.id = 3',
  `update tasks set title = (select name from projects where "accountId" = @a and id = 1) || id where "accountId" = @a`,
  `update projects set "accountId" = @a where "accountId" = @a`,
  `update projects set tags[1] = 'x' where "accountId" = @a`,
  'with c as (select id from projects where "accountId" = @a) update tasks set points = 1 from c ' +
    'where tasks."accountId" = @a and tasks."projectId" = c.id',
  `delete from crm.notes where account_id = @a`,
  'delete from x_labels l using tasks t where t."accountId" = @a and l."accountId" = t."accountId" ' +
    'and l."taskId" = t.id returning l.id',
  // MERGE
  'merge into x_labels l using (select * from tasks where "accountId" = @a) t on l."accountId" = @a ' +
    'and l."taskId" = t.id when matched then update set name = t.title when not matched ' +
    'then insert ("accountId", id, name) values (t."accountId", t.id + 50, t.title)',
  'merge into x_labels l using (select * from tasks where "accountId" = @a) t ' +
    'on l."accountId" = t."accountId" and l."taskId" = t.id when matched and l.id > 1 then delete ' +
    'when matched then do nothing when not matched by source and l."accountId" = @a then delete ' +
    'when not matched then insert ("accountId", id, name) values (@a, t.id + 50, t.title)',
  'merge into x_labels l using tasks t on l."accountId" = t."accountId" and t."accountId" = @a ' +
    'and l."taskId" = t.id when matched then delete',
  `merge into x_labels l using (values (1, 'x'), (9, 'y')) v(id, name) on l."accountId" = @a ` +
    'and l.id = v.id when matched then update set name = v.name when not matched by target ' +
    'then insert ("accountId", id, name) values (@a, v.id, v.name)',
  'merge into x_labels l using (values (@a::uuid, 1), (@a::uuid, 9)) v(tenant, id) on l."accountId" = @a ' +
    `and l.id = v.id when not matched then insert ("accountId", id, name) values (v.tenant, v.id, 'z')`,
  'merge into x_labels using countries c on x_labels."accountId" = @a and x_labels.id = c.id when matched ' +
    'then update set name = c.name returning merge_action(), x_labels.id, old.name, new.name',
  `select "größe"."名" from (select name as "名" from projects where "accountId" = @a) "größe"`,
  `select name as "${'É'.repeat(40)}" from projects "${'a'.repeat(59)}" where "accountId" = @a`,
  `select title like 'x\\\\' or title <> E'\\\\' or title = 'c:\\\\\\\\' from tasks where "accountId" = @a`,
  // RETURNING, upserts and columns of rows
  'update tasks t set points = 5 where t."accountId" = @a returning t, old.points, new.points, old, ' +
    '(t).title, (new).points',
  `update tasks t set points = 5 where t."accountId" = @a returning with (old as o, new as n) o.points, n.points`,
  `insert into x_labels ("accountId", id, name) values (@a, 70, 'n') on conflict ("accountId", id) ` +
    'do update set name = excluded.name where x_labels.name <> excluded.name returning id, xmax = 0 ' +
    'as inserted',
  `insert into x_labels as l ("accountId", id, name) overriding system value values (@a, 70, 'n') ` +
    'on conflict ("accountId", id) do update set name = (select max(t.title) from tasks t ' +
    'where t."accountId" = l."accountId")',
  `insert into x_labels ("accountId", id, name) select q.a, q.i, q.n from (values (@a::uuid, 71, 'x')) q(a, i, n)`,
  `insert into x_labels ("accountId", id, name) select @a, id + 80, name from countries`,
  `update tasks set (points, done) = (select 1, true), title = 'x' || id where "accountId" = @a returning id, points`,
  "select (t).title, to_jsonb(t) - 'accountId', t.tags from (select *, array[1] as tags from tasks " +
    'where "accountId" = @a) t',
  `select (p).tags[1], (p.tags)[1], (row(1, p.id)).f2 from projects p where p."accountId" = @a`,
  'select coalesce(p."accountId", t."accountId") = @a, p.name, t.title from (select * from projects ' +
    'where "accountId" = @a) p full join (select * from tasks where "accountId" = @a) t using (id)',
  // FROM
  'select j.called from (projects p join countries c on c.id = p."countryId" and p."accountId" = @a) ' +
    'as j(a, b, called)',
  `select j."accountId", j.title from (projects p join tasks t using ("accountId")) as j where j."accountId" = @a`,
  `select j."accountId" from projects p join tasks t using ("accountId") as j where j."accountId" = @a`,
  `select x.a from (select * from tasks where "accountId" = @a) x(z, a)`,
  'select t.id, p.name, u.name from tasks t left join (projects p left join users u on u.id = p."ownerId" ' +
    'and u."accountId" = @a) on p.id = t."projectId" and p."accountId" = @a where t."accountId" = @a',
  'select t.id, p.name, u.name from tasks t right join projects p on t."accountId" = p."accountId" full ' +
    'join users u on u."accountId" = p."accountId" where u."accountId" = @a',
  "select t.title, x.c from tasks t, json_table(to_json(t.title::text), '$' columns (c text path '$')) x " +
    'where t."accountId" = @a',
  `select t.title, jsonb_object_keys(to_jsonb(t)) from tasks t where t."accountId" = @a`,
  'with recursive tree as (select id, "parentId" from tasks where "accountId" = @a union ' +
    'select t.id, t."parentId" from tasks t join tree on t.id = tree."parentId" and t."accountId" = @a) ' +
    'search depth first by id set o cycle id set c using p select id, c, p is not null from tree order by o',
  'select "projectId", done, count(*) from tasks where "accountId" = @a ' +
    'group by grouping sets (rollup ("projectId"), cube (done), ())',
  `select id from tasks where "accountId" = @a order by points nulls first fetch first 2 rows with ties`,
  'select t.id from tasks t join projects p on p."accountId" = t."accountId" where t."accountId" = @a ' +
    'for no key update of t skip locked',
  'select count(*) filter (where done), percentile_cont(0.5) within group (order by points) from tasks ' +
    'where "accountId" = @a group by "projectId"',
  'select json_arrayagg(t.title order by t.id), json_objectagg(t.id: t.title), json_array(select title ' +
    'from tasks where "accountId" = @a order by id) from tasks t where t."accountId" = @a',
];

/** Refused, with words of the reason. */
export const refused: readonly (readonly [
  text: string,
  reason: RegExp,
  type?: abstract new (...args: any[]) => Error,
])[] = [
  // A tenant column that is an identity column would be drawn
  [
    `insert into x_labels ("accountId", id, name) overriding user value values (@a, 70, 'n')`,
    /another value than its tenant/,
  ],
  [
    'merge into x_labels l using countries c on l."accountId" = @a and l.id = c.id when not matched ' +
      `then insert ("accountId", id, name) overriding user value values (@a, c.id, 'z')`,
    /another value than its tenant/,
  ],
  // Names that a database in another encoding than UTF8 would read as others
  ...['a'.repeat(63), `${'a'.repeat(62)}é`, 'é'.repeat(30), '名'.repeat(20), 'É'].flatMap((name) =>
    [
      `select 1 from countries "${name}"`,
      `select 1 from (select 1 as x) "${name}"`,
      `select 1 from unnest(array[1]) "${name}"`,
      `select 1 from (countries a cross join countries b) "${name}"`,
      `select 1 from countries a join countries b using (id) as "${name}"`,
      `select 1 from json_table('1', '$' columns (x int path '$')) "${name}"`,
      `with "${name}" as (select 1) select 1`,
      `delete from projects "${name}" where "${name}"."accountId" = @a`,
      `update tasks t set points = 5 where t."accountId" = @a returning with (old as "${name}") 1`,
    ].map((text): [string, RegExp] => [text, /another one in some databases/]),
  ),
  // No predicate, or none that confines
  [`select * from projects`, /"projects" is not bound/],
  [`table projects`, /not bound/],
  [`select count(*) from projects`, /not bound/],
  [`select * from projects where "accountId" = @b`, /something else/],
  [`select * from projects where "accountId" = '@b'`, /something else/],
  [`select * from projects where "accountId" = "accountId"`, /not bound/],
  [`select * from projects where "accountId" <> @b`, /not bound/],
  [`select * from projects where "accountId" > @b and "accountId" < @b`, /not bound/],
  [`select * from projects where "accountId" between @a and @a`, /not bound/],
  [`select * from projects where "accountId" = @a or true`, /an OR weakens/],
  [`select * from projects where ("accountId" = @a and name = 'x') or name = 'y'`, /an OR weakens/],
  [`select * from projects where name = 'x' or ("accountId" = @a)`, /an OR weakens/],
  [`select * from projects where not "accountId" = @a`, /a NOT weakens/],
  [`select * from projects where not ("accountId" <> @a)`, /a NOT weakens/],
  [`select * from projects where case when true then "accountId" = @a else true end`, /a CASE weakens/],
  [`select * from projects where ("accountId" = @a) is not false`, /not bound/],
  [`select * from projects where coalesce("accountId" = @a, true)`, /not bound/],
  [`select * from projects where ("accountId" = @a) = true`, /not bound/],
  [`select * from projects where ("accountId", id) = (@a, 1)`, /not bound/],
  [`select * from projects where row("accountId") = row(@a)`, /not bound/],
  [`select * from projects where "accountId" in (@a, @b)`, /something else/],
  [`select * from projects where "accountId" not in (@a)`, /not bound/],
  [`select * from projects where "accountId" = any(@a)`, /none that confines/],
  [`select * from projects where "accountId" = any(array[@a, @b]::uuid[])`, /something else/],
  [`select * from projects where "accountId" = all(array[]::uuid[])`, /none that confines/],
  [`select * from projects where "accountId" is distinct from @a`, /none that confines/],
  [`select * from projects where "accountId" in (select @a::uuid)`, /not bound/],
  [`select * from projects where "accountId" = (select @a::uuid)`, /something else/],
  [`select * from projects where "accountId" = coalesce(null, @a)`, /something else/],
  [`select * from projects where "accountId"::text = @a`, /not bound/],
  [`select * from projects where upper("accountId"::text) = upper(@a)`, /not bound/],
  [`select * from projects where "accountId" = @a::text::uuid`, /something else/],
  [`select * from projects where "accountId"::text = left(@a, 1)`, /not bound/],
  [`select * from projects where "accountId" = @a::text`, /something else/],
  [`select * from projects where "accountId" = @a::varchar(36)`, /something else/],
  [`select * from projects where "accountId" = '@a'::name`, /something else/],
  [`select * from projects where "accountId" operator(evil.=) @a`, /not bound/],
  [`select * from projects where "accountId" like @a`, /not bound/],
  [`select * from projects where "accountId" = @a collate "C"`, /something else/],
  [`select * from projects where "accountId" = $9`, /something else/],
  [`select * from projects where "accountId" = null`, /something else/],
  [`select * from projects where id = @a`, /not bound/],
  [`select * from projects where name = @a`, /not bound/],
  [`select * from projects where exists (select 1 where "accountId" = @a)`, /not bound/],
  [`select * from projects having "accountId" = @a`, /not bound/],
  [`select "accountId", count(*) from projects group by "accountId" having "accountId" = @a`, /not bound/],
  [`select "accountId" = @a from projects`, /not bound/],
  [`select * from projects order by "accountId" = @a desc limit 1`, /not bound/],
  [`select count(*) filter (where "accountId" = @a) from projects`, /not bound/],
  [`select * from projects -- where "accountId" = @a`, /not bound/],
  [`select * from projects /* where "accountId" = @a */`, /not bound/],
  [`select * from projects where 'x' = 'where "accountId" = @a'`, /not bound/],
  [`select * from open_tasks`, /"open_tasks" is not bound/],
  [`select * from crm.notes where "accountId" = @a`, /not bound/],
  [`select * from projects p where projects."accountId" = @a`, /not bound/],
  [`select * from projects p(x, "accountId") where p."accountId" = @a`, /other names for its columns/],
  // Parameters that could get another type
  [`select $1 from projects where "accountId" = $1`, /another type/],
  [`select * from projects where "accountId" = $1 and name = $1`, /another type/],
  [`select $1::name from projects where "accountId" = $1`, /another type/],
  [`select * from projects where "accountId" = $1 limit length($1)`, /another type/],
  // Joins
  [
    `select * from projects p join tasks t on t."projectId" = p.id where p."accountId" = @a`,
    /"tasks" as "t" is not bound/,
  ],
  [`select * from projects p, tasks t where p."accountId" = @a`, /"tasks" as "t"/],
  [
    `select * from projects p, tasks t where p."accountId" = @a and (t."accountId" = p."accountId" or p.id = 1)`,
    /an OR weakens/,
  ],
  [`select * from projects p join tasks t on t."accountId" = p."accountId"`, /not bound/],
  [`select * from projects p left join tasks t on t."accountId" = @a and p."accountId" = @a`, /outer join keeps/],
  [
    'select * from projects p left join tasks t on t."accountId" = p."accountId" ' +
      'where t."accountId" is null or p."accountId" = @a',
    /not bound/,
  ],
  [
    `select * from projects p right join tasks t on p."accountId" = @a and t."accountId" = @a`,
    /"tasks" as "t".*outer join keeps/,
  ],
  [`select * from projects p full join tasks t on t."accountId" = @a and p."accountId" = @a`, /not bound/],
  [
    'select * from (projects p full join tasks t on true) left join users u on u."accountId" = @a ' +
      'and p."accountId" = @a',
    /not bound/,
  ],
  [`select * from (projects p join tasks t on true) as j where p."accountId" = @a and t."accountId" = @a`, /not bound/],
  [`select * from projects p, projects p where p."accountId" = @a`, /not bound/],
  [`select * from tasks t1 join tasks t2 on t1."accountId" = @a`, /"t2"/],
  [`select * from countries c join projects p on c.id = p."countryId" and c.id = @a`, /not bound/],
  [
    'select * from projects p where p."accountId" = @a and exists (select 1 from (users u join countries c ' +
      'on t."accountId" = @a), tasks t where u."accountId" = @a)',
    /./,
  ],
  // Subqueries
  [`select * from (select * from projects) p where p."accountId" = @a`, /not bound/],
  [`select name from projects p where p."accountId" = @a and exists (select 1 from tasks)`, /"tasks" is not bound/],
  [
    'select name from projects p where p."accountId" = @a and exists (select 1 from tasks t ' +
      'where t."projectId" = p.id)',
    /"tasks" as "t"/,
  ],
  [
    `select name from projects p where p."accountId" = @a and exists (select 1 from tasks t where p."accountId" = @a)`,
    /"tasks" as "t"/,
  ],
  [
    `select name from projects p where exists (select 1 from tasks t where t."accountId" = @a and p."accountId" = @a)`,
    /"projects" as "p"/,
  ],
  [
    'select name from projects p where exists (select 1 from tasks t where t."accountId" = p."accountId" ' +
      'and t."accountId" = @a)',
    /"projects" as "p"/,
  ],
  [`select (select count(*) from tasks)`, /not bound/],
  [`select 1 order by (select count(*) from tasks)`, /not bound/],
  [`select 1 limit (select count(*) from tasks)`, /not bound/],
  [`select 1 offset (select count(*) from tasks)`, /not bound/],
  [`select 1 group by (select count(*) from tasks)`, /not bound/],
  [`select 1 having (select count(*) from tasks) > 1`, /not bound/],
  [`select sum(1) over (order by (select count(*) from tasks))`, /not bound/],
  [`select array(select title from tasks)`, /not bound/],
  [`select 1 in (select id from tasks)`, /not bound/],
  [`select (select x from (select count(*) as x from (select * from tasks) a) b)`, /not bound/],
  [`select case when (select true from tasks limit 1) then 1 end`, /not bound/],
  [`select coalesce((select max(id) from tasks), 0)`, /not bound/],
  [`select row((select max(id) from tasks))`, /not bound/],
  [`select (array[(select max(id) from tasks)])[1]`, /not bound/],
  [`select (array[1])[(select max(id) from tasks)]`, /not bound/],
  [`select count(*) filter (where exists (select 1 from tasks))`, /not bound/],
  [`select g from generate_series(1, (select count(*) from tasks)) g`, /not bound/],
  [`values ((select max(id) from tasks))`, /not bound/],
  [
    `select s.n from projects p, lateral (select count(*) as n from tasks t) s where p."accountId" = @a`,
    /"tasks" as "t"/,
  ],
  [
    `select 1 from projects t where t."accountId" = @a and exists (select 1 from (select 'x' ` +
      'as "accountId") t, lateral (select 1 from tasks k where k."accountId" = t."accountId") z)',
    /"tasks" as "k"/,
  ],
  [
    `select d.x from (select 'x' as x) d where exists (select 1 from projects p where p."accountId" = d.x::uuid)`,
    /not bound/,
  ],
  [`select 1 from (select '@b'::uuid as "accountId") d join projects p on p."accountId" = d."accountId"`, /not bound/],
  [
    'select 1 from (select "accountId"::text as t from projects where "accountId" = @a) d join projects p ' +
      'on p."accountId"::text = d.t',
    /"projects" as "p"/,
  ],
  [
    'select 1 from (select * from projects where "accountId" = @a) d("accountId", id), tasks t ' +
      'where t."accountId" = d."accountId"',
    /./,
  ],
  [`select name from projects p where p."accountId" = @a union all select title from tasks`, /not bound/],
  [`select name from projects union all select title from tasks where "accountId" = @a`, /"projects" is not bound/],
  [
    'select d.x from (select "accountId" as x from projects where "accountId" = @a union all ' +
      `select '@b'::uuid) d join tasks t on t."accountId" = d.x`,
    /"tasks" as "t"/,
  ],
  // A name that PostgreSQL finds elsewhere than it seems: what stands before an item, or in the ON beside it, sees the
  // level around
  [
    `select x.n from (select '@b'::uuid as "accountId") t, lateral (select z.n ` +
      'from lateral (select count(*) as n from users k where k."accountId" = t."accountId") z, tasks t ' +
      'where t."accountId" = @a) x',
    /"users" as "k"/,
  ],
  [
    `select x.n from (select '@b'::uuid as "accountId") t, lateral (select count(*) as n from (users u ` +
      'join countries c on u."accountId" = t."accountId"), tasks t where t."accountId" = @a) x',
    /"users" as "u"/,
  ],
  [
    'select t.title from countries c left join projects p on p."accountId" = @a and p.id = -1 join tasks t ' +
      'on t."accountId" is not distinct from p."accountId"',
    /"tasks" as "t"/,
  ],
  [`select 1 window w as (order by (select count(*) from tasks))`, /not bound/],
  // CTEs
  [`with notes as (select 1 as x) select * from crm.notes`, /"notes" is not bound/],
  [`with p as (select * from projects) select * from p where p."accountId" = @a`, /not bound/],
  [`with p as (select * from projects) select 1`, /not bound/],
  [`with p as (select * from p) select * from p`, /"p" is not declared/, UnscopedTableError],
  [`with countries as (select * from projects) select * from countries`, /not bound/],
  [`with projects as (select 1) select * from tasks, projects`, /"tasks" is not bound/],
  [`with projects as (select 1 as x) delete from projects`, /"projects" is not bound/],
  [`with projects as (select 1 as x) update projects set name = 'x'`, /not bound/],
  [`with x as (delete from tasks returning *) select * from x`, /not bound/],
  [`with x as (update tasks set title = 'x' returning *) select * from x where x."accountId" = @a`, /not bound/],
  [
    `with x as (insert into tasks ("accountId", id, "projectId", title) values (@b, 1, 1, 'x')) select 1`,
    /not this handle's tenant/,
  ],
  [
    'with recursive t as (select * from tasks where "accountId" = @a union all select tasks.* ' +
      'from tasks, t) select * from t',
    /"tasks" is not bound/,
  ],
  [
    `with recursive t as (select * from tasks union all select * from t) select * from t where "accountId" = @a`,
    /not bound/,
  ],
  [
    'with recursive t("accountId", id) as (select "accountId", id from tasks where "accountId" = @a ' +
      `union all select '@b'::uuid, k.id from tasks k join t on k."accountId" = t."accountId") select * ` +
      'from t',
    /"tasks" as "k"/,
  ],
  [`with recursive a as (select * from b), b as (select 1) select * from a`, /before it is read/],
  [`select (with c as (select * from projects) select count(*) from c)`, /not bound/],
  [`with a as (select 1 from projects where "accountId" = @a) select * from a, tasks`, /"tasks"/],
  [`with x as (truncate projects) select 1`, /./],
  // Names
  [`select * from nowhere`, /"nowhere" is not declared/, UnscopedTableError],
  [`select * from notes where account_id = @a`, /is not declared|several schemas/, UnscopedTableError],
  [`select * from other.projects where "accountId" = @a`, /is not declared/, UnscopedTableError],
  [`select * from db.public.projects where "accountId" = @a`, /name of a database/],
  [`select * from pg_class`, /system catalogs/],
  [`select * from pg_catalog.pg_class`, /system catalogs/],
  [`select * from information_schema.tables`, /system catalogs/],
  [`select * from pg_temp.projects where "accountId" = @a`, /system catalogs/],
  [`select * from pg_stat_activity`, /system catalogs/],
  [`select * from U&"pr\\006fjects"`, /not bound/],
  [`select * from "Projects" where "accountId" = @a`, /is not declared/, UnscopedTableError],
  [`select * from "projects "`, /is not declared/, UnscopedTableError],
  [`select * from рrojects where "accountId" = @a`, /is not declared/, UnscopedTableError],
  [`select ctid from projects where "accountId" = @a`, /system column/],
  [`select p.ctid from projects p where p."accountId" = @a`, /the system column ctid/],
  [`select tableoid from projects where "accountId" = @a`, /system column/],
  [`select p.xmin from projects p where p."accountId" = @a`, /the system column xmin/],
  // Functions and operators
  [`select query_to_xml('select * from projects', true, true, '')`, /query_to_xml/],
  [`select * from dblink('', 'select * from projects') as t(x text)`, /dblink/],
  [`select secret_rows()`, /secret_rows/],
  [`select app.lower('x')`, /app\.lower/],
  [`select * from secret_rows()`, /secret_rows/],
  [`select * from rows from (secret_rows(), unnest(array[1])) x`, /secret_rows/],
  [`select g.pg_read_file from unnest(array['/etc/passwd']) g`, /could be a function/],
  [`select ts_stat.ts_stat from unnest(array['x']) as ts_stat(x)`, /could be a function/],
  [`select ts_stat.ts_stat from jsonb_array_elements_text('["x"]') as ts_stat`, /could be a function/],
  [`select ts_stat.ts_stat from rows from (unnest(array['x']), unnest(array['x'])) as ts_stat`, /could be a function/],
  [`select e.key from unnest(array['x']) e`, /could be a function/],
  // Of an array of rows, unnest() gives their columns, and the alias is none
  [`select f.f from tasks t, unnest(array[t]) as f where t."accountId" = @a`, /could be a function/],
  [`select f.f from unnest(null::tasks[]) as f`, /could be a function/],
  [`select f.f from unnest((select array_agg(t) from tasks t where t."accountId" = @a)) as f`, /could be a function/],
  [`select f.f from unnest(array['x'], array['y']) as f`, /could be a function/],
  [`select f.f from unnest('a'::tsvector) as f`, /could be a function/],
  [`select s.f from tasks t, lateral (select * from unnest(array[t]) as f) s where t."accountId" = @a`, /could be/],
  [`select f.value from rows from (json_each('{}'), row_to_json(row(1))) as f(a, b)`, /could be a function/],
  // The row of a function in FROM may be its value, on which a field is a function
  ...[
    "ts_stat from unnest(array['select to_tsvector(title) from tasks']) as f(ts_stat)",
    "pg_read_file from string_to_table('/etc/passwd', ',') as f(pg_read_file)",
    "value from json_array_elements('[1]') as f",
    "crosstab from lower('select 1') as f(crosstab)",
    'x from (select 1) s, lateral generate_series(1, 2) as f(x)',
  ].map((it): [string, RegExp] => [`select (f).${it}`, /behind an expression is a field or a function/]),
  [
    `select (select (f).ts_stat) from unnest(array['select to_tsvector(title) from tasks']) as f(ts_stat)`,
    /behind an expression is a field or a function/,
  ],
  // A column is called as PostgreSQL calls it
  ...[
    'f from (select (select f.* from (select 1 as x) f))',
    'int4 from (select 1::int::text)',
    'text from (select nullif(1, 2)::text)',
    'text from (select (select 1)::text)',
    'int4 from (select case when true then 1 else 2::int end)',
    'json_value from (select case when true then 1 else f end from (select 1 as f) f)',
  ].map((it): [string, RegExp] => [`select s.${it} s`, /could be a function/]),
  // A condition is looked at on rows of other tenants, too
  ...[
    `select 1 from tasks t where pg_notify('x', t.title) is null and t."accountId" = @a`,
    `select 1 from tasks t join countries c on pg_catalog.pg_notify('x', t.title) is null where t."accountId" = @a`,
    'select 1 from tasks t where t."accountId" = @a and exists (select pg_advisory_xact_lock(t.id))',
    'select 1 from tasks t where t."accountId" = @a and (with c as (select pg_notify(t.title, c.name) as n ' +
      'from countries c) select count(n) from c) > 0',
    `delete from tasks t where t."accountId" = @a and pg_notify('x', t.title) is null`,
    'merge into x_labels l using countries c on l."accountId" = @a and l.id = c.id ' +
      "when matched and pg_notify('x', l.name) is null then delete",
  ].map((text): [string, RegExp] => [text, /does something, and a condition is looked at on rows of other/]),
  [`select e.ordinality from unnest(array['x']) e`, /could be a function/],
  [`select d.secret from (select name from projects where "accountId" = @a) d`, /could be a function/],
  [`select p.secret_rows from projects p where p."accountId" = @a`, /could be a function/],
  [
    'select 1 from (select 1 as secret_rows) t where exists (select t.secret_rows from tasks t ' +
      'where t."accountId" = @a)',
    /could be a function/,
  ],
  [
    'select 1 from (select 1 as secret_rows) t, lateral (select g ' +
      'from tasks t, unnest(array[t.secret_rows]) g where t."accountId" = @a) x',
    /could be a function/,
  ],
  [`select (p).secret_rows from projects p where p."accountId" = @a`, /a field or a function/],
  [`select ((select p from projects p where p."accountId" = @a limit 1)).secret_rows`, /a field or a function/],
  [`select nextval('projects_id_seq')`, /nextval/],
  [`select set_config('search_path', 'x', false)`, /set_config/],
  [`select current_setting('app.tenant')`, /current_setting/],
  [`select pg_sleep(10)`, /pg_sleep/],
  [`select pg_advisory_lock(1)`, /pg_advisory_lock/],
  [`select lo_export(1, '/tmp/x')`, /lo_export/],
  [`select 1 <<<>>> 2`, /operator/],
  [`select 1 operator(app.+) 2`, /app\.\+/],
  [`select 'projects'::regclass`, /type regclass/],
  [`select 'projects'::pg_catalog.regclass`, /type regclass/],
  [`select * from projects tablesample system (10) where "accountId" = @a`, /TABLESAMPLE/],
  // INSERT
  [`insert into projects ("accountId", id, name) values (@b, 1, 'x')`, /not this handle's tenant/],
  [`insert into projects ("accountId", id, name) values (@a, 1, 'x'), (@b, 2, 'y')`, /not this handle's tenant/],
  [`insert into projects (id, name) values (1, 'x')`, /not given its tenant/],
  [`insert into projects values (@a, 1, 'x')`, /not given its tenant/],
  [`insert into projects default values`, /not given its tenant/],
  [`insert into projects ("accountId", id, name) values (default, 1, 'x')`, /not this handle's tenant/],
  [`insert into projects ("accountId", id, name) values ((select @b::uuid), 1, 'x')`, /not this handle's tenant/],
  [`insert into projects (id, "accountId", name) values (@a, 1, 'x')`, /not this handle's tenant/],
  [`insert into projects ("accountId", id, name) select * from projects where "accountId" = @a`, /behind a star/],
  [`insert into projects ("accountId", id, name) select @b, 1, 'x'`, /not this handle's tenant/],
  [
    `insert into projects ("accountId", id, name) select @a, 1, 'x' union all select @b, 2, 'y'`,
    /not this handle's tenant/,
  ],
  [`insert into projects ("accountId", id, name) select p."accountId", 1, 'x' from projects p`, /not bound/],
  [
    `insert into projects ("accountId", id, name) select d.x, 1, 'x' from (select '@b'::uuid as x) d`,
    /not this handle's tenant/,
  ],
  [`insert into projects ("accountId", id, name) values (@a, (select max(id) from projects), 'x')`, /not bound/],
  [
    `insert into projects ("accountId", id, name) values (@a, 1, 'x') returning (select count(*) from tasks)`,
    /not bound/,
  ],
  [
    `insert into projects ("accountId", id, name) values (@a, 1, 'x') on conflict (id) do update set name = 'x'`,
    /row of another tenant could conflict/,
  ],
  [
    `insert into projects ("accountId", id, name) values (@a, 1, 'x') on conflict ` +
      "on constraint projects_pkey do update set name = 'x'",
    /could conflict/,
  ],
  [
    `insert into projects ("accountId", id, name) values (@a, 1, 'x') on conflict ("accountId", id) ` +
      'do update set "accountId" = @b',
    /the tenant of a row/,
    ImmutableTenantError,
  ],
  [
    `insert into projects ("accountId", id, name) values (@a, 1, 'x') on conflict ("accountId", id) ` +
      'do update set name = (select title from tasks limit 1)',
    /not bound/,
  ],
  [`insert into countries (id, name, code) values (9, 'x', 'x')`, /db\.shared/, UnscopedTableError],
  [`insert into open_tasks ("accountId", id) values (@a, 1)`, /is a view/],
  [`insert into nowhere values (1)`, /is not declared/, UnscopedTableError],
  // UPDATE and DELETE
  [`update projects set name = 'x'`, /not bound/],
  [`update projects set name = 'x' where id = 1`, /not bound/],
  [`update projects set name = 'x' where "accountId" = @b`, /something else/],
  [`update projects set name = 'x' where "accountId" = @a or id = 1`, /an OR weakens/],
  [`update projects set "accountId" = @b where "accountId" = @a`, /the tenant of a row/, ImmutableTenantError],
  [
    `update projects set (name, "accountId") = ('x', @b) where "accountId" = @a`,
    /the tenant of a row/,
    ImmutableTenantError,
  ],
  [
    `update projects set (name, "accountId") = (select 'x', @b) where "accountId" = @a`,
    /the tenant of a row/,
    ImmutableTenantError,
  ],
  [`update accounts set id = @b where id = @a`, /the tenant of a row/, ImmutableTenantError],
  [`update projects p set name = t.title from tasks t where p."accountId" = @a`, /"tasks" as "t"/],
  [
    `update projects p set name = t.title from tasks t where t."accountId" = @a and t."projectId" = p.id`,
    /"projects" as "p"/,
  ],
  [
    `update projects p set name = 'x' from tasks t join users u on u."accountId" = @a ` +
      'and p."accountId" = @a where t."accountId" = @a',
    /"projects" as "p"/,
  ],
  [`update projects set name = (select title from tasks limit 1) where "accountId" = @a`, /not bound/],
  [`update projects set name = 'x' where "accountId" = @a returning (select count(*) from tasks)`, /not bound/],
  [`update projects set name = 'x' where current of c`, /not bound/],
  [`update countries set name = 'x'`, /db\.shared/, UnscopedTableError],
  [`update open_tasks set title = 'x' where "accountId" = @a`, /is a view/],
  [`delete from projects`, /not bound/],
  [`delete from projects where "accountId" = @b`, /something else/],
  [`delete from projects p using tasks t where t."accountId" = @a and t."projectId" = p.id`, /"projects" as "p"/],
  [`delete from projects using tasks where projects."accountId" = @a`, /"tasks" is not bound/],
  [`delete from countries`, /db\.shared/, UnscopedTableError],
  [
    `merge into projects p using tasks t on p.id = t.id and p."accountId" = @a when matched then delete`,
    /"tasks" as "t" is not bound/,
  ],
  // MERGE: an arm for rows of the target without a match, and one for rows of the source without one
  [
    'merge into x_labels l using (select * from tasks where "accountId" = @a) t on l."accountId" = @a ' +
      'and l."taskId" = t.id when not matched by source then delete',
    /"x_labels" as "l" is not bound/,
  ],
  [
    'merge into x_labels l using (select * from tasks where "accountId" = @a) t on l."accountId" = @a ' +
      'and l."taskId" = t.id when not matched by source and l.id > 0 then delete',
    /"x_labels" as "l" is not bound/,
  ],
  [
    'merge into x_labels l using (select * from tasks where "accountId" = @a) t on l."accountId" = @a ' +
      'and l."taskId" = t.id when not matched by source and (l."accountId" = @a or true) then delete',
    /an OR weakens/,
  ],
  [
    'merge into x_labels l using (select * from tasks where "accountId" = @a) t on l."accountId" = @a ' +
      'when not matched by source and l."accountId" = @a then delete when not matched by source then update ' +
      "set name = 'x'",
    /not bound/,
  ],
  [
    'merge into x_labels l using (select * from tasks where "accountId" = @a) t on l."taskId" = t.id ' +
      'when matched then delete',
    /"x_labels" as "l" is not bound/,
  ],
  [
    `merge into x_labels l using tasks t on l."accountId" = @a and l."taskId" = t.id when matched then delete`,
    /"tasks" as "t" is not bound/,
  ],
  [
    'merge into x_labels l using tasks t on l."accountId" = @a and t."accountId" = @a ' +
      'and l."taskId" = t.id when not matched then insert ("accountId", id, name) values (@a, t.id, t.title)',
    /"tasks" as "t" is not bound/,
  ],
  [
    'merge into x_labels l using countries c on l."accountId" = @a and l.id = c.id when not matched ' +
      'then insert (id, name) values (c.id, c.name)',
    /not given its tenant/,
  ],
  [
    'merge into x_labels l using countries c on l."accountId" = @a and l.id = c.id when not matched ' +
      'then insert ("accountId", id, name) values (@b, c.id, c.name)',
    /not this handle's tenant/,
  ],
  [
    'merge into x_labels l using countries c on l."accountId" = @a and l.id = c.id when not matched ' +
      'then insert ("accountId", id, name) values (default, c.id, c.name)',
    /not this handle's tenant/,
  ],
  [
    'merge into x_labels l using countries c on l."accountId" = @a and l.id = c.id when not matched ' +
      'then insert values (@a, c.id, c.name)',
    /not given its tenant/,
  ],
  [
    'merge into x_labels l using countries c on l."accountId" = @a and l.id = c.id when not matched ' +
      'then insert default values',
    /not given its tenant/,
  ],
  [
    'merge into x_labels l using (values (@a::uuid, 1), (@b::uuid, 2)) v(tenant, id) on l."accountId" = @a ' +
      `and l.id = v.id when not matched then insert ("accountId", id, name) values (v.tenant, v.id, 'z')`,
    /not this handle's tenant/,
  ],
  [
    'merge into x_labels l using countries c on l."accountId" = @a and l.id = c.id when matched ' +
      'then update set "accountId" = @b',
    /tenant of a row/,
    ImmutableTenantError,
  ],
  [
    'merge into x_labels l using countries c on l."accountId" = @a and l.id = c.id when matched ' +
      'and exists (select 1 from tasks) then delete',
    /"tasks" is not bound/,
  ],
  [
    'merge into x_labels l using countries c on l."accountId" = @a and l.id = c.id when matched ' +
      'then update set name = (select max(title) from tasks)',
    /"tasks" is not bound/,
  ],
  [
    'merge into x_labels l using countries c on l."accountId" = @a and l.id = c.id when matched ' +
      'then delete returning (select count(*) from tasks)',
    /"tasks" is not bound/,
  ],
  [
    `merge into countries c using tasks t on t."accountId" = @a and c.id = t.id when matched then delete`,
    /db\.shared/,
    UnscopedTableError,
  ],
  [
    `merge into open_tasks o using countries c on o."accountId" = @a and o.id = c.id when matched then delete`,
    /is a view/,
  ],
  [`with x as (merge into x_labels l using countries c on l.id = c.id when matched then delete) select 1`, /not bound/],
  // What hides or confuses a name
  [
    `select j.name from (projects p join countries c on c.id = p."countryId") as j where p."accountId" = @a`,
    /not bound/,
  ],
  [
    `select * from (projects p join tasks t on t."accountId" = @a) as j where j."accountId" = @a`,
    /"projects" as "p" is not bound/,
  ],
  [
    `select * from projects p full join tasks t on t.id = p.id where coalesce(p."accountId", t."accountId") = @a`,
    /not bound/,
  ],
  [
    `select * from projects p left join tasks t using ("accountId") where coalesce(t."accountId", @a) = @a`,
    /not bound/,
  ],
  [`select (t).secret from tasks t where t."accountId" = @a`, /a field or a function/],
  [`select (t).title.secret from tasks t where t."accountId" = @a`, /could be a function/],
  [`select (row(1, 2)).f3`, /a field or a function/],
  [`select (title).title from tasks where "accountId" = @a`, /a field or a function/],
  [`select (t).title from (select 1 as t) x, tasks t where t."accountId" = @a`, /a field or a function/],
  [`select (old).secret from tasks t where t."accountId" = @a`, /a field or a function/],
  [`update tasks t set points = 1 where t."accountId" = @a returning old.secret`, /could be a function/],
  [
    `select p.name from projects p, lateral (select t.title from tasks t where t."accountId" = p."accountId") x`,
    /"projects" as "p" is not bound/,
  ],
  [
    'select p.name from projects p, lateral (select t."accountId" from tasks t ' +
      'where t."accountId" = p."accountId") x where x."accountId" = p."accountId"',
    /"projects" as "p" is not bound/,
  ],
  [
    'select p.name from projects p, users u, lateral (select t."accountId" from tasks t, crm.notes n ' +
      'where t."accountId" = p."accountId" and n.account_id = u."accountId") x where u."accountId" = @a ' +
      'and x."accountId" = u."accountId"',
    /"projects" as "p" is not bound/,
  ],
  [
    `insert into x_labels ("accountId", id, name) values (@a, 1, 'x') on conflict ("accountId", id) ` +
      'do update set name = (select max(title) from tasks where tasks."accountId" <> excluded."accountId")',
    /"tasks" is not bound/,
  ],
  // COALESCE is not strict: without a match a row stays, and another tenant's match drops it
  ...['p."accountId"', '@a'].map((it): (typeof refused)[number] => [
    'select p.name from projects p left join tasks t on t."projectId" = p.id where p."accountId" = @a ' +
      `and coalesce(t."accountId", p."accountId") = ${it}`,
    /"tasks" as "t" is not bound/,
  ]),
  [
    'select p.name from projects p left join (users u left join tasks t on t."assigneeId" = u.id) ' +
      'on u."accountId" = @a and coalesce(t."accountId", u."accountId") = u."accountId" ' +
      'where p."accountId" = @a',
    /"tasks" as "t" is not bound/,
  ],
  [
    'select t.title from tasks t full join projects p on p.id = t."projectId", users u ' +
      'where p."accountId" = @a and u."accountId" = @a and coalesce(t."accountId", p."accountId") ' +
      '= p."accountId"',
    /"tasks" as "t" is not bound/,
  ],
  // What only seems to say whose rows they are
  [`select * from tasks where coalesce("accountId", @a) = @a`, /not bound/],
  [`select * from projects where "accountId" = any(array[@a]::text[])`, /not bound/],
  [
    'select t.title from (projects p join countries c on p."accountId" = @a) full join tasks t ' +
      'on t."accountId" = p."accountId" left join users u on u."accountId" = coalesce(p."accountId", ' +
      't."accountId") and u."accountId" = @a',
    /"tasks" as "t" is not bound/,
  ],
  [
    'select p.name from projects p, lateral (select u."accountId" from tasks t, users u ' +
      'where t."accountId" = @a and u."accountId" = p."accountId") x where x."accountId" = p."accountId"',
    /"projects" as "p" is not bound/,
  ],
  [
    'select p.name from projects p, lateral (select t."accountId" from tasks t where t."accountId" = @a ' +
      'union all select u."accountId" from users u where u."accountId" = p."accountId") x ' +
      'where x."accountId" = p."accountId"',
    /"projects" as "p" is not bound/,
  ],
  [
    `select 1 from (select '@b'::uuid as "accountId") t where exists (select 1 ` +
      'from tasks t, (select k.name from users k where k."accountId" = t."accountId") z ' +
      'where t."accountId" = @a)',
    /"users" as "k" is not bound/,
  ],
  [
    `select x.n from (select '@b'::uuid as "accountId") t, lateral (select count(*) as n ` +
      'from tasks t, (users u join countries c on u."accountId" = t."accountId") where t."accountId" = @a) x',
    /"users" as "u" is not bound/,
  ],
  [
    `select * from (select 1.5::float8 as "accountId") d join projects p using ("accountId") where "accountId" = @a`,
    /not bound/,
  ],
  [
    'select a.name from (projects p join countries c on p."accountId" = @a) right join tasks t ' +
      'using ("accountId") join accounts a on a.id = "accountId"',
    /not bound/,
  ],
  [
    'select a.name from (projects p join countries c on p."accountId" = @a) full join tasks t ' +
      'using ("accountId") join accounts a on a.id = "accountId"',
    /not bound/,
  ],
  [
    `select p.name from projects p left join (tasks t join countries c on t."accountId" = @a) using ("accountId")`,
    /"projects" as "p" is not bound/,
  ],
  [
    'select p.name from projects p left join (select "accountId" from tasks where "accountId" = @a) d ' +
      'on d."accountId" = p."accountId"',
    /"projects" as "p" is not bound/,
  ],
  [
    `select t.title from (select '@b'::uuid as "accountId", "accountId" from projects ` +
      'where "accountId" = @a) d join tasks t on t."accountId" = d."accountId"',
    /"tasks" as "t" is not bound/,
  ],
  [`select 1 from projects p, tasks t where "accountId" = @a and t."accountId" = p."accountId"`, /not bound/],
  // Another column that is not declared could be merged, or be meant
  [`select * from projects p natural full join countries c where "accountId" = @a`, /not bound/],
  [
    `select 1 from projects p where p."accountId" = @a and exists (select 1 from accounts a where a.id = "accountId")`,
    /"accounts" as "a" is not bound/,
  ],
  [
    `select (t).title from json_populate_record(null::app.some, '{}') x, tasks t where t."accountId" = @a`,
    /a field or a function/,
  ],
  [`select * from crm.notes where other.notes.account_id = @a`, /not bound/],
  [`select * from tasks p, countries p where p."accountId" = @a`, /not bound/],
  [`select p.name from projects p, countries p where p."accountId" = @a`, /not bound/],
  [
    `insert into x_labels ("accountId", id, name) select coalesce('@b'::uuid, p."accountId"), 1, 'x' ` +
      'from projects p where p."accountId" = @a',
    /not this handle's tenant/,
  ],
  [
    `insert into x_labels ("accountId", id, name) select s.a, 1, 'x' from (values (@a::uuid)) v(a), ` +
      'lateral (select v.a) s',
    /not this handle's tenant/,
  ],
  [
    'select p.name from projects p, users u, lateral (select t."accountId" as a, n.account_id as b ' +
      'from tasks t, crm.notes n where t."accountId" = p."accountId" and n.account_id = u."accountId") x ' +
      'where u."accountId" = @a and x.a = p."accountId" and x.b = u."accountId"',
    /"projects" as "p" is not bound/,
  ],
  [`select x.name from projects p where p."accountId" = @a`, /no source of rows/],
  [`select projects.name from projects p where p."accountId" = @a`, /no source of rows/],
  [`insert into x_labels (id, name, "accountId") values (1, 'x', @a), (2, 'y')`, /place behind a star/],
  [`insert into x_labels ("accountId", id, name) values (@a, 1, 'x'), (@a, 2)`, /place behind a star/],
  [`insert into x_labels (id, "accountId", name) values ((row(1, '@b'::uuid)).*, @a)`, /place behind a star/],
  [
    `insert into x_labels (id, "accountId", name) values (2, @a, 'x'), ((row(1, '@b'::uuid)).*, @a)`,
    /place behind a star/,
  ],
  [
    'insert into x_labels (id, "accountId", name) select v.column1, v.column2, v.column3 ' +
      "from (values ((row(1, '@b'::uuid)).*, @a)) v",
    /not this handle's tenant|not known to be a column/,
  ],
  [
    `insert into x_labels (id, "accountId", name) select column1, column2, 'x' ` +
      "from (values ((row(1, '@b'::uuid)).*, @a)) v",
    /not this handle's tenant/,
  ],
  [
    `insert into x_labels (id, "accountId", name) select v.i, v.a, 'x' ` +
      "from (values ((row(1, '@b'::uuid)).*, @a)) v(i, a, n)",
    /not this handle's tenant/,
  ],
  [
    'insert into x_labels (id, "accountId", name) select u.* from countries c, lateral (values (c.*, @a)) ' +
      'u(i, a, n, x)',
    /place behind a star/,
  ],
  [
    'merge into x_labels l using countries c on l."accountId" = @a and l.id = c.id when not matched ' +
      `then insert (id, "accountId", name) values ((row(1, '@b'::uuid)).*, @a)`,
    /not given its tenant/,
  ],
  // Behind a schema, the nearest table without an alias is meant
  [
    'select p.name, (select count(*) from tasks where tasks."accountId" = public.tasks."accountId") ' +
      'from projects p join public.tasks on tasks."projectId" = p.id where p."accountId" = @a ' +
      'and tasks."accountId" = p."accountId"',
    /"tasks" is not bound/,
  ],
  // The names that PostgreSQL gives to what has no alias
  [
    "select (select count(*) from projects p, cast('(@b,1,1,,,x,f,,,)' as tasks) " +
      'where p."accountId" = tasks."accountId") from tasks where tasks."accountId" = @a',
    /no name that is known/,
  ],
  [
    "select (select count(*) from projects p, coalesce('(@b,1,1,,,x,f,,,)'::tasks) " +
      'where p."accountId" = "coalesce"."accountId") from tasks as "coalesce" ' +
      'where "coalesce"."accountId" = @a',
    /no name that is known/,
  ],
  [
    "select (select count(*) from projects p, rows from (coalesce('(@b,1,1,,,x,f,,,)'::tasks), abs(1)) " +
      'where p."accountId" = "coalesce"."accountId") from tasks as "coalesce" ' +
      'where "coalesce"."accountId" = @a',
    /no name that is known/,
  ],
  [
    `select (select count(*) from projects p, json_table('["@b"]', '$[*]' columns ("accountId" uuid path ` +
      `'$')) where p."accountId" = json_table."accountId") from tasks as json_table ` +
      'where json_table."accountId" = @a',
    /"projects" as "p" is not bound/,
  ],
  [
    `select (select count(*) from projects p, xmltable('/r' passing xml '<r>@b</r>' columns "accountId" ` +
      `uuid path '.') where p."accountId" = xmltable."accountId") from tasks as xmltable ` +
      'where xmltable."accountId" = @a',
    /"projects" as "p" is not bound/,
  ],
  // Subqueries at the ends of a statement
  [
    `insert into x_labels ("accountId", id, name) values (@a, 1, 'x') on conflict ("accountId", id) ` +
      "where (select count(*) from tasks) > 0 do update set name = 'y'",
    /not bound/,
  ],
  [
    `insert into x_labels ("accountId", id, name) values (@a, 1, 'x') on conflict ("accountId", id) ` +
      "do update set name = 'y' where exists (select 1 from tasks)",
    /not bound/,
  ],
  [
    'merge into x_labels l using countries c on l."accountId" = @a and l.id = c.id when not matched ' +
      'then insert ("accountId", id, name) values (@a, c.id, (select max(title) from tasks))',
    /not bound/,
  ],
  [`select (select count(*) from tasks) in (select 1)`, /not bound/],
  [`update projects set tags.x = 1 where "accountId" = @a`, /field of a column/],
  [`insert into projects ("accountId", tags.x) values (@a, 1)`, /field of a column/],
  [`update projects set "accountId" = '@a' where "accountId" = @a`, /tenant of a row/, ImmutableTenantError],
  [
    `select j.x from json_table((select json_agg(t.title) from tasks t), '$[*]' columns (x text path '$')) j`,
    /not bound/,
  ],
  [
    "select j.x from json_table('[]', '$[*]' passing (select max(t.title) from tasks t) " +
      "as p columns (x text path '$')) j",
    /not bound/,
  ],
  [
    "select j.x from json_table('[]', '$[*]' columns (x text path '$' default (select max(t.title) " +
      'from tasks t) on empty)) j',
    /not bound/,
  ],
  [
    `select j.x from xmltable('/a' passing (select max(t.title)::xml from tasks t) columns x text path 'b') j`,
    /not bound/,
  ],
  [
    "select j.x from xmltable('/a' passing '<a/>' columns x text path 'b' default (select max(t.title) " +
      'from tasks t)) j',
    /not bound/,
  ],
  // Other statements
  [`select * into copied from projects where "accountId" = @a`, /SELECT INTO/],
  [`create table x as select * from projects where "accountId" = @a`, /is no query/],
  [`select 1; select * from projects`, /second statement/],
  [`select 1;; delete from projects`, /second statement/],
  [``, /./],
  [`;`, /no statement/],
  [`select 1 --\0`, /NUL/],
  [`select '\ud800'`, /well-formed/],
  [`select 'x\\' or true --'`, /backslash/],
  [`select 'x\\\\\\' or true --'`, /backslash/],
  [`select * from tasks where title like 'x' escape '\\' and "accountId" = @a`, /backslash/],
  [`selec 1`, /syntax error/],
  [`set search_path = x`, /outlasts/],
  [`set local role postgres`, /which rows are seen/],
  [`reset all`, /outlasts/],
  [`show search_path`, /is no query/],
  [`begin`, /is no query/],
  [`commit`, /is no query/],
  [`copy projects to stdout`, /is no query/],
  [`copy (select * from projects) to program 'x'`, /is no query/],
  [`do $$ begin delete from projects; end $$`, /is no query/],
  [`prepare x as select * from projects`, /is no query/],
  [`execute x`, /is no query/],
  [`deallocate all`, /is no query/],
  [`declare c cursor for select * from projects`, /is no query/],
  [`fetch all from c`, /is no query/],
  [`explain select * from projects where "accountId" = @a`, /others have/],
  [`explain analyze delete from projects where "accountId" = @a`, /others have/],
  [`listen x`, /is no query/],
  [`notify x`, /is no query/],
  [`lock table projects`, /is no query/],
  [`truncate projects`, /is no query/],
  [`call x()`, /is no query/],
  [`vacuum projects`, /is no query/],
  [`analyze projects`, /is no query/],
  [`drop table projects`, /is no query/],
  [`alter table projects disable row level security`, /is no query/],
  [`create view v as select * from projects`, /is no query/],
  [`create function f() returns int language sql as 'select 1'`, /is no query/],
  [`grant all on projects to public`, /is no query/],
  [`refresh materialized view project_sizes`, /is no query/],
  [`select ${'('.repeat(20_000)}1${')'.repeat(20_000)}`, /./],
  [`select ${'1+'.repeat(20_000)}1`, /./],
  [`select ${'1'.repeat(1_000_000)}`, /longer than/],
  [`select 1 ${'/*'.repeat(110)}${'*/'.repeat(110)}`, /signs of operators follow/],
  [`select 1 ${'/* '.repeat(150_000)}`, /longer than|unterminated/],
  [`select ${'1,'.repeat(110_000)}1`, /longer than/],
  // Each of them is three nodes of the tree, which take longer than commas.
  [`select ${'1+1,'.repeat(24_000)}1`, /longer than/],
];
