/**
 * Statements for `acrossTenants`, as they are sent: rows of tenant tables meet within one tenant only. Those of the
 * first list give what each tenant alone gives, put together; those of the second run over all, which is theirs to do,
 * since the outermost query does it; those of the third are refused.
 */
export const ofEach: readonly string[] = [
  `select id, name from projects`,
  `select p.name, t.title from projects p join tasks t on t."accountId" = p."accountId" and t."projectId" = p.id`,
  `select p.name, t.title from projects p, tasks t where t."accountId" = p."accountId" and t."projectId" = p.id`,
  `select p.name, t.title from projects p cross join tasks t where p."accountId" = t."accountId"`,
  `select p.name, t.title from projects p left join tasks t on t."accountId" = p."accountId" and t."projectId" = p.id`,
  `select p.name, t.title from projects p right join tasks t on t."accountId" = p."accountId" and t."projectId" = p.id`,
  `select p.name, t.title from projects p full join tasks t on t."accountId" = p."accountId" and t."projectId" = p.id`,
  'select p.name, t.title, u.name from projects p full join tasks t using ("accountId", id) full ' +
    'join users u using ("accountId", id)',
  'select p.name, t.title, u.name from projects p full join tasks t on t."accountId" = p."accountId" ' +
    'and t.id = p.id full join users u on u."accountId" = coalesce(p."accountId", t."accountId") ' +
    'and u.id = p.id',
  `select p.name, t.title from projects p natural join tasks t`,
  `select a.name, p.name from accounts a join projects p on p."accountId" = a.id`,
  'select t.title, u.name, p.name from tasks t left join users u on u."accountId" = t."accountId" ' +
    'and u.id = t."assigneeId" left join projects p on p."accountId" = t."accountId" and p.id = t."projectId"',
  'select t.title, u.name from (tasks t join projects p on p."accountId" = t."accountId" ' +
    'and p.id = t."projectId") left join users u on u."accountId" = p."accountId" and u.id = t."assigneeId"',
  'with m as (merge into x_labels l using tasks s on l."accountId" = s."accountId" and l.id = s.id ' +
    'when not matched by source then delete returning l."accountId" as a) select p.name, g.n from projects p ' +
    'full join (select a, count(*) as n from m group by a) g on g.a = p."accountId"',
  // A subquery tells its tenant, and is joined on it
  'select p.name, q.n from projects p join (select "accountId", "projectId", count(*) as n from tasks ' +
    'group by 1, 2) q on q."accountId" = p."accountId" and q."projectId" = p.id',
  'select p.name, q.n from projects p left join (select "accountId" as a, "projectId", count(*) as n ' +
    'from tasks group by "accountId", "projectId") q on q.a = p."accountId" and q."projectId" = p.id',
  'select p.name, q.n from projects p full join (select "accountId", "projectId", count(*) as n from tasks ' +
    'group by "accountId", rollup ("projectId")) q on q."accountId" = p."accountId" and q."projectId" = p.id',
  'select p.name, q.n from projects p full join (select coalesce(t."accountId", u."accountId") ' +
    'as a, count(*) as n from tasks t full join users u on u."accountId" = t."accountId" and u.id = t.id ' +
    'group by 1) q on q.a = p."accountId"',
  'select p.name, q.n from projects p full join (select u."accountId" as a, t."accountId" as b, count(*) ' +
    'as n from users u left join tasks t on t."accountId" = u."accountId" and t."assigneeId" = u.id ' +
    'group by 1, 2) q on q.b = p."accountId"',
  'select p.name, q.id from projects p full join (select t."accountId" as a, u.id from users u left ' +
    'join tasks t on t."accountId" = u."accountId" and t."assigneeId" = u.id) q on q.a = p."accountId"',
  'select p.name, q.id from projects p full join (select t."accountId" as a, u.id from users u left ' +
    'join tasks t on t."accountId" = u."accountId" and t."assigneeId" = u.id union all ' +
    'select "accountId", id from tasks) q on q.a = p."accountId"',
  'select p.name, q.title from projects p join (select distinct "accountId", "projectId", title ' +
    'from tasks) q on q."accountId" = p."accountId" and q."projectId" = p.id',
  'select p.name, q.title from projects p join (select distinct on ("accountId", "projectId") "accountId", ' +
    '"projectId", title from tasks order by "accountId", "projectId", id) q on q."accountId" = p."accountId" ' +
    'and q."projectId" = p.id',
  'select p.name, q.n from projects p join (select "accountId", "projectId", row_number() over (partition ' +
    'by "accountId" order by id) as n from tasks) q on q."accountId" = p."accountId" and q."projectId" = p.id',
  'select p.name, q.n from projects p join (select "accountId", "projectId", row_number() over w as n ' +
    'from tasks window v as (partition by "accountId"), w as (v order by id)) q ' +
    'on q."accountId" = p."accountId" and q."projectId" = p.id',
  'select p.name, q.x from projects p join (select "accountId", title as x from tasks union ' +
    'select "accountId", name from users) q on q."accountId" = p."accountId"',
  'select p.name, q.x from projects p join (select "accountId", id as x from tasks except ' +
    'select "accountId", id from users) q on q."accountId" = p."accountId"',
  'select p.name, q.x from projects p join (select "accountId", id as x from tasks intersect all ' +
    'select "accountId", id from users) q on q."accountId" = p."accountId"',
  'with q as (select "accountId", "projectId", max(points) as m from tasks ' +
    'group by "accountId", "projectId") select p.name, q.m from projects p join q ' +
    'on q."accountId" = p."accountId" and q."projectId" = p.id',
  'with q(a, b, c) as (select "accountId", "projectId", title from tasks) select p.name, q.c, r.c ' +
    'from projects p join q on q.a = p."accountId" and q.b = p.id join q r on r.a = q.a',
  'with recursive tree as (select "accountId", id, 0 as depth from tasks where "parentId" is null ' +
    'union all select t."accountId", t.id, depth + 1 from tasks t join tree ' +
    'on tree."accountId" = t."accountId" and tree.id = t."parentId") select tree.id, depth, n.body from tree ' +
    'join crm.notes n on n.account_id = tree."accountId" and n."taskId" = tree.id',
  'select p.name, x.title from projects p, lateral (select t.title from tasks t ' +
    'where t."accountId" = p."accountId" and t."projectId" = p.id order by t.id limit 1) x',
  'select p.name, x.n from projects p left join lateral (select count(*) as n from tasks t ' +
    'where t."accountId" = p."accountId" and t."projectId" = p.id) x on true',
  'select p.name, x.title, y.body from projects p, lateral (select t.title, t."accountId", t.id ' +
    'from tasks t where t."accountId" = p."accountId" limit 2) x, lateral (select n.body from crm.notes n ' +
    'where n.account_id = x."accountId" and n."taskId" = x.id) y',
  'select p.name, x.n from projects p, lateral (select (select count(*) from tasks t ' +
    'where t."accountId" = p."accountId") as n) x',
  'select p.name, n.body from projects p, lateral (select p."accountId" as a, t.id from tasks t ' +
    'where t."accountId" = p."accountId" order by t.id limit 1) x, lateral (select n.body from crm.notes n ' +
    'where n.account_id = x.a and n."taskId" = x.id) n',
  'select p.name, q.title from projects p join (select distinct on (1, 2) "accountId" as a, "projectId" ' +
    'as b, title from tasks order by 1, 2, id) q on q.a = p."accountId" and q.b = p.id',
  'select p.name, (select count(*) from tasks t where t."accountId" = p."accountId" ' +
    'and t."projectId" = p.id) from projects p',
  'select p.name, (select u.name from (select "accountId", name from users) u ' +
    'where u."accountId" = p."accountId" order by u.name limit 1) from projects p',
  'select p.name from projects p where exists (select 1 from tasks t where t."accountId" = p."accountId" ' +
    'and t."projectId" = p.id and exists (select 1 from crm.notes n where n.account_id = t."accountId" ' +
    'and n."taskId" = t.id))',
  'select p.name from projects p where exists (select 1 from tasks t where t."accountId" = p."accountId" ' +
    'and exists (select 1 from crm.notes n where n.account_id = p."accountId" and n."taskId" = t.id))',
  `select p.name from projects p where p.id in (select t."projectId" from tasks t where t."accountId" = p."accountId")`,
  'select p.name from projects p where (p."accountId", p.id) in (select t."accountId", t."projectId" ' +
    'from tasks t where t."accountId" = p."accountId")',
  'select p.name, t.title from projects p left join tasks t on t."accountId" = p."accountId" ' +
    'and exists (select 1 from crm.notes n where n.account_id = t."accountId" and n."taskId" = t.id)',
  `select p.name from projects p order by (select count(*) from tasks t where t."accountId" = p."accountId")`,
  'select p."accountId", count(*), (select count(*) from tasks t where t."accountId" = p."accountId") ' +
    'from projects p group by p."accountId"',
  `select t.title, o.shout from tasks t join open_tasks o on o."accountId" = t."accountId" and o.id = t.id`,
  'update tasks t set points = q.n from (select "accountId", count(*)::int as n from projects ' +
    'group by 1) q where q."accountId" = t."accountId" returning t.id, t.points',
  'update tasks t set points = (select count(*)::int from projects p where p."accountId" = t."accountId") ' +
    'returning id, points',
  'delete from x_labels l using tasks t where t."accountId" = l."accountId" and t.id = l."taskId" ' +
    'returning l.id, t.title',
  'with gone as (delete from x_labels returning "accountId", "taskId") select t.title from gone ' +
    'join tasks t on t."accountId" = gone."accountId" and t.id = gone."taskId"',
  `insert into x_labels ("accountId", id, name) select "accountId", id + 500, title from tasks returning id, name`,
  'merge into x_labels l using tasks t on t."accountId" = l."accountId" and t.id = l."taskId" when matched ' +
    'then update set name = t.title when not matched then insert ("accountId", id, "taskId", name) ' +
    'values (t."accountId", t.id + 700, t.id, t.title)',
];

export const overAll: readonly string[] = [
  `select count(*) from tasks`,
  `select status, count(*) from projects group by status having count(*) > 1`,
  `select id from tasks order by points limit 3`,
  `select distinct title from tasks`,
  `select title, row_number() over (order by id) from tasks`,
  `select name from projects union select title from tasks order by 1 limit 4`,
  `select name from projects except select title from tasks`,
  `select count(*) from (select distinct title from tasks) q`,
  `select q.id from (select * from tasks order by points limit 5) q order by q.id`,
  `with q as (select title from tasks limit 3) select count(*) from q`,
  'select c.name, q.n from countries c left join (select "countryId", count(*) as n from projects ' +
    'group by 1) q on q."countryId" = c.id',
  `select c.name, (select count(*) from projects p where p."countryId" = c.id) from countries c`,
  'select c.name, (select count(*) from projects p where p."countryId" = c.id), (select count(*) ' +
    'from accounts a where a."countryId" = c.id) from countries c',
  `select c.name from countries c where exists (select 1 from projects p where p."countryId" = c.id)`,
  `select (select count(*) from tasks), (select count(*) from projects)`,
  `select max(q.n) from (select "accountId", count(*) as n from tasks group by 1) q`,
  `select x.a from tasks x(z, a)`,
  `select * from tasks tablesample bernoulli (100)`,
  `explain select * from tasks`,
  `explain (costs off) delete from x_labels where id = 1`,
  `insert into x_labels ("accountId", id, name) select "accountId", id + 600, title from tasks order by id limit 2`,
  `insert into x_labels ("accountId", id, name) values ($1, 800, 'x'), ($2, 801, 'y') ` +
    'on conflict ("accountId", id) do update set name = excluded.name',
  `delete from crm.notes where id > 1`,
];

/** The remedy that the messages of most of these begin with. */
export const meeting = /group by the tenant column and join on it/;
export const refusedAcross: readonly (readonly [text: string, reason: RegExp])[] = [
  [`select p.name, t.title from projects p join tasks t on t."projectId" = p.id`, meeting],
  [`select p.name, t.title from projects p, tasks t`, meeting],
  [`select p.name, t.title from projects p natural join (select id, title from tasks) t`, meeting],
  [`select p.name, t.title from projects p join tasks t using (id)`, meeting],
  [
    `select p.name, t.title from projects p join tasks t on t."accountId" = p."accountId" or t."projectId" = p.id`,
    meeting,
  ],
  [`select p.name, t.title from projects p join tasks t on t."accountId" <> p."accountId"`, meeting],
  [`select p.name, t.title from projects p join tasks t on t."accountId" is not distinct from p."accountId"`, meeting],
  [
    'select p.name, t.title from projects p full join tasks t on t."projectId" = p.id left join users u ' +
      'on u."accountId" = p."accountId" and u."accountId" = t."accountId"',
    meeting,
  ],
  [
    'select p.name, t.title, u.name from projects p full join tasks t on t."accountId" = p."accountId" ' +
      'and t.id = p.id full join users u on u."accountId" = p."accountId" and u.id = t.id or u.id = 1',
    meeting,
  ],
  [
    'select p.name, q.n from projects p full join (select a, count(*) as n from (select t."accountId" ' +
      'as a, u.id from users u left join tasks t on t."accountId" = u."accountId" and t."assigneeId" = u.id) ' +
      's full join (select "accountId" as a, title from tasks) k using (a) group by a) q ' +
      'on q.a = p."accountId"',
    /different tenants would meet/,
  ],
  [
    'select p.name, t.title from projects p left join tasks t on t."projectId" = p.id ' +
      'where coalesce(t."accountId", p."accountId") = p."accountId"',
    /rows of "p" and "t" of different tenants would meet/,
  ],
  [
    'select p.name, t.title, u.name from projects p full join tasks t on t.id = p.id full join users u ' +
      'on u."accountId" = coalesce(p."accountId", t."accountId")',
    meeting,
  ],
  [
    'select p.name, t.title, u.name from projects p left join tasks t on t."accountId" = p."accountId" ' +
      'and t.id = p.id join users u on u.id = t.id',
    meeting,
  ],
  [
    `select p.name, b.name from projects p join boards b on b."workspaceId" = p."accountId"`,
    /belongs to another tenancy/,
  ],
  // Subqueries that do not tell their tenant, or counted before it is asked for
  [
    'select p.name, q.n from projects p join (select "projectId", count(*) as n from tasks group by 1) q ' +
      'on q."projectId" = p.id',
    meeting,
  ],
  [`select p.name, q.n from projects p, (select count(*) as n from tasks) q`, meeting],
  [
    'select p.name, q.a from projects p join (select max("accountId"::text)::uuid as a from tasks) q ' +
      'on q.a = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.title from projects p join (select "accountId", title from tasks limit 5) q ' +
      'on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.title from projects p join (select "accountId", title from tasks offset 1) q ' +
      'on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.title from projects p join (select "accountId", title from tasks ' +
      'order by id fetch first 2 rows with ties) q on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.name from projects p join (select distinct on (2) l.*, l."accountId" as a ' +
      'from x_labels l) q on q.a = p."accountId"',
    /of different tenants would meet/,
  ],
  [
    'select p.name, q.title from projects p join (select distinct on (title) "accountId", title ' +
      'from tasks) q on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select 1 from countries o where exists (select 1 from projects p join (select distinct ' +
      'on (name) o.name, "accountId" as a from users) q on q.a = p."accountId")',
    meeting,
  ],
  [
    'select p.name, q.x from projects p join (select "accountId", id as x from tasks ' +
      'union all (select "accountId", id from users) limit (select count(*) from tasks)) q ' +
      'on q."accountId" = p."accountId"',
    /LIMIT runs over/,
  ],
  [
    'select p.name, q.n from projects p join (select "accountId", row_number() over (order by id) as n ' +
      'from tasks) q on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.n from projects p join (select "accountId", count(*) over () as n from tasks) q ' +
      'on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.n from projects p join (select "accountId", rank() over w as n from tasks window w ' +
      'as (order by id)) q on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.n from projects p join (select "accountId", id as n from tasks ' +
      'order by row_number() over (order by id)) q on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.x from projects p join (select "accountId", title as x from tasks union ' +
      'select null, name from countries union select "accountId", name from users limit 3) q ' +
      'on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.x from projects p join (select "accountId", title as x from tasks union all ' +
      `select '00000000-0000-4000-8000-000000000000', name from users) q on q."accountId" = p."accountId"`,
    meeting,
  ],
  [
    'select p.name, q.x from projects p join (select a, title as x from tasks x(a, b, c, d, e, title)) q ' +
      'on q.a = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.x from projects p join (select q1."accountId", q1.title as x ' +
      'from (select "accountId", title from tasks limit 5) q1) q on q."accountId" = p."accountId"',
    /"q" \(LIMIT and OFFSET count the rows of every tenant\) of different tenants would meet/,
  ],
  [
    'with q as (select "accountId", title from tasks limit 3) select p.name from projects p join q ' +
      'on q."accountId" = p."accountId"',
    meeting,
  ],
  // A row that was not there before, or is not there after, has no tenant there
  ...['tasks', '(select "accountId", id from tasks)'].map((source): (typeof refusedAcross)[number] => [
    `with m as (merge into x_labels l using ${source} s on l."accountId" = s."accountId" and l.id = s.id ` +
      'when not matched by source then delete returning s."accountId" as a) select p.name, g.n ' +
      'from projects p full join (select a, count(*) as n from m group by a) g on g.a = p."accountId"',
    meeting,
  ]),
  [
    'with gone as (delete from x_labels returning new."accountId" as a), g as (select a, count(*) as n ' +
      'from gone group by a) select p.name, g.n from projects p full join g on g.a = p."accountId"',
    meeting,
  ],
  [
    `with made as (insert into x_labels ("accountId", id, name) select "accountId", id + 500, 'x' ` +
      'from tasks returning old."accountId" as a), g as (select distinct a from made) select p.name, g.a ' +
      'from projects p full join g on g.a = p."accountId"',
    meeting,
  ],
  [
    'with gone as (delete from x_labels returning "taskId") select t.title from gone join tasks t ' +
      'on t.id = gone."taskId"',
    meeting,
  ],
  [
    'with recursive tree as (select "accountId", id from tasks where "parentId" is null union all ' +
      'select t."accountId", t.id from tasks t join tree on tree.id = t."parentId") select * from tree',
    meeting,
  ],
  [
    'with recursive n as (select 1 as i union all select i + t.id from n join tasks t on t.id = n.i) ' +
      'select n.i, p.name from n join projects p on p.id = n.i',
    meeting,
  ],
  [
    'select p.name, x.title from projects p, lateral (select t.title from tasks t ' +
      'where t."projectId" = p.id limit 1) x',
    meeting,
  ],
  [
    'select p.name, x.n from projects p, lateral (select (select count(*) from tasks t ' +
      'where t."projectId" = p.id) as n) x',
    meeting,
  ],
  [
    'select p.name, x.title from projects p left join lateral (select t.title from tasks t, users u ' +
      'where t."accountId" = p."accountId" and u.id = t."assigneeId") x on true',
    meeting,
  ],
  [
    'select p.name, x.title from projects p, lateral (select p."accountId" as a, t.title from tasks t) x ' +
      'where x.a = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.x from projects p join (select "accountId", title as x from tasks union ' +
      'select "accountId", name from users limit 3) q on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.x from projects p join ((select "accountId", title as x from tasks limit 1) ' +
      'union all select "accountId", name from users) q on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.title from projects p join (select distinct on ("accountId") "projectId" ' +
      'as "accountId", "accountId" as a, title from tasks) q on q.a = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.n from projects p join (select "accountId", row_number() over (partition by ' +
      '"accountId") as n, count(*) over () from tasks) q on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name from projects p where exists (select 1 from (select t."accountId" ' +
      'as a, row_number() over (partition by p."accountId" order by t.id) as n from tasks t) q ' +
      'where q.a = p."accountId" and q.n = 1)',
    meeting,
  ],
  // Rows that an outer join left without a tenant, or GROUPING SETS, are put together
  [
    'select p.name, q.n from projects p full join (select "accountId", count(*) as n from tasks ' +
      'group by grouping sets (("accountId"), ())) q on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.n from projects p full join (select t."accountId", count(*) as n from users u left ' +
      'join tasks t on t."accountId" = u."accountId" and t."assigneeId" = u.id group by t."accountId", ' +
      'rollup (t.id)) q on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.n from projects p full join (select t."accountId" as a, count(*) as n from users u ' +
      'left join tasks t on t."accountId" = u."accountId" and t."assigneeId" = u.id group by 1) q ' +
      'on q.a = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.name from projects p full join (select distinct t."accountId" as a, u.name ' +
      'from users u left join tasks t on t."accountId" = u."accountId" and t."assigneeId" = u.id) q ' +
      'on q.a = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.n from projects p full join (select t."accountId" ' +
      'as a, rank() over (partition by t."accountId" order by u.id) as n from users u left join tasks t ' +
      'on t."accountId" = u."accountId" and t."assigneeId" = u.id) q on q.a = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.name from projects p full join (select t."accountId" as a, u.name from users u left ' +
      'join tasks t on t."accountId" = u."accountId" and t."assigneeId" = u.id union ' +
      'select "accountId", title from tasks) q on q.a = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.name from projects p full join (select "accountId", title as name from tasks except ' +
      'select t."accountId" as a, u.name from users u left join tasks t on t."accountId" = u."accountId" ' +
      'and t."assigneeId" = u.id) q on q."accountId" = p."accountId"',
    meeting,
  ],
  [
    'select p.name, q.n from projects p full join (select s.a, count(*) as n from (select t."accountId" ' +
      'as a from users u left join tasks t on t."accountId" = u."accountId" and t."assigneeId" = u.id) s ' +
      'group by s.a) q on q.a = p."accountId"',
    meeting,
  ],
  // Subqueries in expressions
  [`select p.name, (select count(*) from tasks t where t."projectId" = p.id) from projects p`, meeting],
  [
    'select p.name, (select count(*) from tasks t where t."accountId" = p."accountId" ' +
      'or t."projectId" = p.id) from projects p',
    meeting,
  ],
  [`select p.name from projects p where p.id in (select "projectId" from tasks)`, meeting],
  [
    `select p.name from projects p where (p."accountId", p.id) in (select "accountId", "projectId" from tasks)`,
    meeting,
  ],
  [`select p.name from projects p where not exists (select 1 from tasks t where t."projectId" = p.id)`, meeting],
  [`select p.name from projects p order by (select count(*) from tasks)`, meeting],
  [`select p.name from projects p limit (select count(*) from tasks)`, meeting],
  [`select count(*) from projects p having count(*) > (select count(*) from tasks)`, meeting],
  [
    `select name from projects union select title from tasks limit (select count(*) from users)`,
    /LIMIT runs over the rows of every tenant/,
  ],
  [
    'select p.name, t.title from projects p left join tasks t on t."accountId" = p."accountId" ' +
      'and exists (select 1 from crm.notes n where n."taskId" = t.id)',
    meeting,
  ],
  [
    'select p.name from projects p where exists (select 1 from countries c where exists (select 1 ' +
      'from tasks t where t."projectId" = p.id))',
    meeting,
  ],
  [
    'select p.name from projects p where exists (select 1 from (select "accountId" as a from tasks) t ' +
      'where exists (select 1 from users u where u."accountId" = p."accountId"))',
    meeting,
  ],
  [`select q.n from projects p, (select (select count(*) from tasks) as n) q`, meeting],
  [
    'select c.name from countries c where exists (select 1 from projects p where p."countryId" = c.id) ' +
      'and exists (select 1 from accounts a where a."countryId" = c.id)',
    meeting,
  ],
  [`select id from projects tablesample bernoulli ((select count(*) from tasks))`, meeting],
  [`select id from projects tablesample bernoulli (50) repeatable ((select count(*) from tasks))`, meeting],
  [`explain select p.id from projects p, tasks t`, meeting],
  // What is written
  [`insert into x_labels values (1, 'x')`, /not given its tenant/],
  [`insert into x_labels select * from x_labels`, /not given its tenant/],
  [`update tasks t set points = q.n from (select count(*)::int as n from projects) q returning t.id`, meeting],
  [`update tasks t set points = (select count(*)::int from projects)`, meeting],
  [`update tasks t set title = p.name from projects p where p.id = t."projectId"`, meeting],
  [`update tasks set "accountId" = $1`, /tenant of a row/],
  [`delete from x_labels l using tasks t where t.id = l."taskId"`, meeting],
  [`insert into x_labels ("accountId", id, name) select $1, id, title from tasks`, /not this handle's tenant/],
  [`insert into x_labels (id, name) select id, title from tasks`, /not given its tenant/],
  [`insert into x_labels ("accountId", id, name) select a.id, t.id, t.title from accounts a, tasks t`, meeting],
  [
    `insert into x_labels ("accountId", id, name) values ($1, 1, 'x') on conflict (id) do update set name = 'y'`,
    /could conflict/,
  ],
  [
    `insert into x_labels ("accountId", id, name) values ($1, 1, (select max(title) from tasks))`,
    /not this handle's tenant/,
  ],
  [`insert into countries (id, name, code) values (7, 'x', 'X')`, /db\.shared/],
  [`merge into x_labels l using tasks t on t.id = l."taskId" when matched then delete`, meeting],
  [
    'merge into x_labels l using tasks t on t."accountId" = l."accountId" and t.id = l."taskId" ' +
      'when not matched then insert ("accountId", id, name) values ($1, t.id, t.title)',
    /not this handle's tenant/,
  ],
];
