/** A condition on tasks "t" that only rows of the third tenant make fail. */
const one = `(case t.title when 'secret c' then t.title else '1' end)::int`;
export const raising: readonly string[] = [
  `select t.id from tasks t where ${one} = 1 and t.id > 0`,
  `select t.id from tasks t where (t.id > 0 and ${one} = 1) and t.points between 0 and 100 or t.id = 3`,
  `select t.id from tasks t where not (${one} = 2)`,
  `select t.id, p.name from projects p left join tasks t on t."projectId" = p.id and ${one} = 1`,
  `select t.id, p.name from projects p left join tasks t on t."projectId" = p.id where ${one} = 1 or t.id is null`,
  `select t.id, p.name from tasks t full join projects p on p.id = t.id where ${one} = 1`,
  `select t.id, p.name from tasks t right join projects p on p.id = t.id and ${one} = 1`,
  `select t.n from (select ${one} as n, "accountId" from tasks t) t where t.n = 1`,
  `select t.x from (select title as x from tasks) t where t.x = 'plan'`,
  `with c as (select ${one} as n, "accountId" from tasks t) select n from c where n = 1`,
  `select x.n from tasks t, lateral (select ${one} as n) x where x.n = 1`,
  `select t.id from tasks t where exists (select 1 from projects p where ${one} = 1)`,
  `select t.id from tasks t where t.id in (select "projectId" from tasks x where x.title like 'plan%')`,
  `select t.id from tasks t where ${one} = (select min(c.id) from countries c)`,
  `select t."accountId", t.title from tasks t group by t."accountId", t.title having ${one} = 1 and count(*) > 0`,
  `update tasks t set points = 5 where ${one} = 1 returning t.id`,
  `delete from crm.notes n using tasks t where t.id = n."taskId" and ${one} = 1 returning n.id`,
  `select t.id from tasks t where t.title || 'x' like 'secret c' || chr(92)`,
];

/** Statements over several tenants at once: each gives what each tenant's handle gives, together. */
export const together: readonly string[] = [
  `select * from tasks`,
  `select t.id, p.name from tasks t join projects p on p.id = t."projectId"`,
  `select t.id, p.name from tasks t left join projects p on p.id = t."projectId" and p.status = 'open'`,
  `select t.id, p.name from tasks t right join projects p on p.id = t."projectId"`,
  `select t.id, p.name from tasks t full join projects p on p.id = t.id`,
  `select t.id, p.name, u.name from tasks t full join projects p on p.id = t.id full join users u on u.id = t.id`,
  `select t.id, p.name from tasks t, projects p where p.id = t."projectId"`,
  `select t.id, p.name from tasks t cross join projects p`,
  'select t.id, p.name, u.name from tasks t left join (projects p left join users u on u.id = p."ownerId") ' +
    'on p.id = t."projectId"',
  `select t.id, p.name from tasks t natural join projects p`,
  `select id, p.name from tasks t join projects p using (id)`,
  `select id, p.name from tasks t join projects p using (id, "accountId")`,
  `select id, p.name from tasks t left join projects p using (id)`,
  `select id, p.name from tasks t full join projects p using (id, "accountId")`,
  'select p.name, s.n from projects p join (select "projectId", count(*) as n from tasks ' +
    'group by "projectId") s on s."projectId" = p.id',
  'select p.name, s.n from projects p left join (select "projectId", count(*) as n from tasks ' +
    'group by "projectId") s on s."projectId" = p.id',
  `select p.name, s.n from projects p, (select count(*) as n from tasks) as s`,
  'select p.name, s.title from projects p left join (select title, "projectId" from tasks order by id ' +
    'limit 2) s on s."projectId" = p.id',
  'select p.name, s.n from projects p join (select "accountId", "projectId", count(*) as n from tasks ' +
    'group by 1, 2) s on s."projectId" = p.id',
  'select p.name, s.n from (select "accountId", "projectId", count(*) as n from tasks ' +
    'group by 1, 2) s right join projects p on s."projectId" = p.id',
  'select p.name, s.n from (select "accountId" as x, "projectId" as y, count(*) as n from tasks ' +
    'group by 1, 2) s(a, b) join projects p on s.b = p.id',
  'select p.name, l.title from projects p left join lateral (select title from tasks t ' +
    'where t."projectId" = p.id order by id limit 1) l on true',
  `select p.name, (select count(*) from tasks t where t."projectId" = p.id) from projects p`,
  `select p.name, (select count(*) from tasks) from projects p`,
  `select p.name from projects p where exists (select 1 from tasks t where t."projectId" = p.id)`,
  `select p.name from projects p where p.id in (select "projectId" from tasks where done)`,
  `select p.name from projects p where p.id not in (select "projectId" from tasks where done)`,
  `select p.name from projects p where p.id > all (select "projectId" from tasks)`,
  `select p.name, array(select title from tasks t where t."projectId" = p.id order by 1) from projects p`,
  'select p.name from projects p where exists (select 1 from tasks t where t."projectId" = p.id ' +
    'and exists (select 1 from users u where u.id = t."assigneeId"))',
  'select p.name from projects p where exists (select 1 from countries c where c.id = p."countryId" ' +
    'and exists (select 1 from users u where u.id = c.id))',
  'with c as (select "accountId", "projectId", count(*) as n from tasks group by 1, 2) select p.name, c.n ' +
    'from projects p join c on c."projectId" = p.id',
  `with c as (select * from tasks) select p.name, c.title from projects p join c on c."projectId" = p.id`,
  `with c as (select * from tasks) select c.title, (select count(*) from c d where d.id < c.id) from c`,
  `with c as (select id, title from tasks) select * from c`,
  'with recursive tree as (select "accountId", id, "parentId", 0 as d from tasks where "parentId" is null ' +
    'union all select t."accountId", t.id, t."parentId", d + 1 from tasks t join tree ' +
    'on t."parentId" = tree.id) select * from tree',
  'with recursive tree as (select "accountId", id, "parentId" from tasks where "parentId" is null union ' +
    'select t."accountId", t.id, t."parentId" from tasks t join tree on t."parentId" = tree.id) ' +
    'select u.name from tree join users u on u.id = tree.id',
  'select x.id from (select "accountId", id from tasks union select "accountId", id from projects) x ' +
    'join users u on u.id = x.id',
  `select x.id from (select id from tasks union all select id from projects) x`,
  `select p.id, x.id from projects p join (select id from tasks union select id from users) x on x.id = p.id`,
  `select t.id, row_number() over (partition by t."accountId" order by t.id) from tasks t`,
  'select * from (select t.*, row_number() over (partition by t."accountId", "projectId" order by t.id) ' +
    'as n from tasks t) x where n = 1',
  'select * from (select t.*, row_number() over w as n from tasks t window w ' +
    'as (partition by t."accountId" order by t.id)) x where n = 1',
  `select t.id from tasks t where t.points = (select max(x.points) from tasks x)`,
  `select t.id, g from tasks t, generate_series(1, (select count(*) from projects p where p.id = t."projectId")) g`,
  `select n.body, t.title from crm.notes n join tasks t on t.id = n."taskId"`,
  `select n.body from crm.notes n where exists (select 1 from tasks t where t.id = n."taskId")`,
  `select crm.notes.body from crm.notes where exists (select 1 from tasks t where t.id = crm.notes."taskId")`,
  `select x.z from tasks x(z, a) where x.a > 1`,
  `select p.id, x.b from projects p join tasks x(z, b) on x.b = p.id`,
  `select a.name, p.name from accounts a join projects p on true`,
  `update tasks set points = 5 where id = 1 returning id, points`,
  `update tasks t set points = s.id from projects s where s.id = t."projectId" returning t.id, t.points`,
  'update tasks t set points = s.n from (select "accountId", "projectId", count(*)::int as n from tasks ' +
    'group by 1, 2) s where s."projectId" = t."projectId" returning t.id, t.points',
  `update tasks t set points = (select count(*)::int from projects p where p.id >= t.id) returning t.id, t.points`,
  'delete from tasks where exists (select 1 from projects p where p.id = tasks."projectId" ' +
    "and p.status = 'closed') returning id",
  `delete from crm.notes n using tasks t where t.id = n."taskId" and t.done returning n.id`,
  `with m as (update projects set name = name || '!' returning id, "accountId", name) select t.id, m.name ` +
    'from m join tasks t on t."projectId" = m.id',
  'merge into x_labels l using tasks t on l.id = t.id when matched then update set name = t.title ' +
    'returning l.id, l.name',
  'merge into x_labels l using tasks t on l.id = t.id when not matched by source then delete ' +
    'when not matched then insert ("accountId", id, name) values (t."accountId", t.id, t.title) ' +
    'returning l.id, l.name',
  `select open_tasks.title, p.name from open_tasks join projects p on p.id = open_tasks."projectId"`,
  `select t.id from tasks t for update of t`,
  `table tasks`,
  `select t.id from tasks t where exists (select 1 from projects t where t.id = 1)`,
  `select id, (select max(points) from tasks) from tasks`,
  `select id from tasks where points = (select max(points) from tasks)`,
  'select id from tasks where id in (select tasks.id from tasks left join projects ' +
    `on projects.id = tasks."projectId" where projects.status = 'closed' or projects.id is null)`,
  'select id from tasks where exists (select 1 from projects right join tasks ' +
    'on projects.id = tasks."projectId" and tasks.done where projects.id is null)',
  `select id from tasks where exists (select 1 from projects full join tasks using (id) where tasks.done)`,
  `select id from tasks t where "projectId" in (select t.id from projects t order by t.id desc limit 1)`,
  `select id from tasks where id in (with c as (select * from tasks) select tasks.id from c tasks)`,
  'update tasks set points = 7 where id in (select tasks.id from tasks inner join projects ' +
    `on projects.id = tasks."projectId" where projects.status = 'closed') returning id, points`,
  'update tasks set points = (select count(*)::int from tasks) where id in (select tasks.id from tasks ' +
    'where tasks.done) returning id, points',
  'delete from tasks where id in (select tasks.id from tasks order by tasks.points desc, tasks.id limit 1) ' +
    'returning id',
  `delete from tasks where not exists (select 1 from tasks where tasks.done) returning id`,
  "select (select string_agg(p.name, ',' order by p.id) " +
    `from projects p, json_table('["bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"]', '$[*]' columns ("accountId" ` +
    "uuid path '$'))) from tasks as json_table",
  "select (select string_agg(p.name, ',' order by p.id) from projects p, xmltable('/r' passing xml " +
    `'<r>bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb</r>' columns "accountId" uuid path '.')) from tasks as xmltable`,
];

const group = 'Group by the tenant column and join on it';
const on = 'Join them with ON';
const alias = 'Give each table an alias of its own';
const tenantNamed = 'TenantMismatchError: Name the tenant of each row';

/** Refused: what each tenant's handle gives is something else than what comes of all of them. */
export const apart: readonly (readonly [text: string, remedy: string])[] = [
  [`with c as (select count(*) as n from tasks) select p.name, c.n from projects p join c on true`, group],
  [
    'with c as (select "projectId", count(*) as n from tasks group by 1) select p.name, c.n ' +
      'from projects p join c on c."projectId" = p.id',
    group,
  ],
  [`with c as (select id from tasks) select p.name from projects p join c on c.id = p.id`, group],
  [`with c as (select id from tasks) select p.name from projects p where p.id in (select id from c)`, group],
  [`select s.n, p.name from (select count(*) as n from tasks) s join projects p on true`, group],
  [`select s.id, p.name from (select id from tasks) s join projects p on true`, group],
  [`select s.id, p.name from projects p right join (select id from tasks) s on s.id = p.id`, group],
  [`select * from (select count(*) from tasks) x`, group],
  [`select * from (select distinct title from tasks) x`, group],
  [`select * from (select * from tasks order by id limit 3) x`, group],
  [`select (select max(id) from tasks), (select max(id) from projects)`, group],
  [`select id from tasks t full join projects p using (id)`, on],
  [`select id from tasks t right join projects p using (id)`, on],
  [
    'select id from tasks where exists (select 1 from tasks where exists (select 1 from projects p ' +
      'where p.id = tasks."projectId"))',
    alias,
  ],
  [`select body from crm.notes where exists (select 1 from crm.notes where crm.notes."taskId" = 1)`, alias],
  [
    'with recursive tree as (select id, "parentId" from tasks union all select t.id, t."parentId" ' +
      'from tasks t join tree on t."parentId" = tree.id) select * from tree',
    group,
  ],
  [`select * from (select t.*, row_number() over (order by t.id) as n from tasks t) x where n = 1`, group],
  [`insert into x_labels (id, name) values (70, 'z')`, tenantNamed],
  [`insert into x_labels ("accountId", id, name) values (default, 70, 'z')`, tenantNamed],
  [`insert into x_labels default values`, tenantNamed],
  [`insert into x_labels (id, name) select id, title from tasks`, tenantNamed],
];
