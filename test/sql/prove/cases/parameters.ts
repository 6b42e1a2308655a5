/**
 * The tenant's parameter, which is the one behind the statement's own; write-only mode; the reference tables' handle;
 * tenancies.
 */
import type { Given } from '../../../../src/sql/given.js';
import { account, workspace } from '../../../support/schema.js';

/** A text with `count` parameters of its own. */
export type Parametric = readonly [text: string, count: number, more?: Partial<Given>];

/** Tables of which each has the tenant of the next: what follows for the first is found last. */
const chain = (n: number) =>
  `${Array.from({ length: n }, (_, i) => `tasks t${i}`).join(', ')} where ` +
  `${Array.from({ length: n - 1 }, (_, i) => `t${n - 2 - i}."accountId" = t${n - 1 - i}."accountId"`).join(' and ')}`;

const firstOf = (n: number) => `coalesce(${Array.from({ length: n }, () => 'p."accountId"').join(', ')})`;

export const accepted: readonly Parametric[] = [
  [`select * from projects where "accountId" = $1`, 0],
  [`select * from projects where name = $1 and "accountId" = $2`, 1],
  [
    'select p.name from projects p join tasks t on t."accountId" = $2 and t."projectId" = p.id ' +
      'where p.name = $1 and p."accountId" = $2',
    1,
  ],
  [`select * from projects where "accountId" = $1::uuid and exists (select 1 from tasks where "accountId" = $1)`, 0],
  [`insert into projects ("accountId", id, name) values ($3, $1, $2), ($3, 2, 'x')`, 2],
  [
    'insert into projects ("accountId", id, name) select $2, q.* from (select id + $1, title from tasks ' +
      'where "accountId" = $2) as q',
    1,
  ],
  [`insert into projects ("accountId", id, name) values ($1, $2, $3)`, 3],
  [`select * from countries where id = $1`, 1],
  // Write-only mode: what is read is not filtered
  [`select * from projects`, 0, { filters: false }],
  [
    `select p.name, t.title from projects p join tasks t on t."projectId" = p.id`,
    0,
    { filters: false, reach: 'several' },
  ],
  [`select p.name, q.n from projects p, (select count(*) as n from tasks) q`, 0, { filters: false, reach: 'all' }],
  [`insert into projects ("accountId", id, name) values ($1, 1, 'x')`, 0, { filters: false }],
  [`insert into projects ("accountId", id, name) select $1, id, title from tasks`, 0, { filters: false }],
  [`update projects set name = 'x' where id = 1`, 0, { filters: false }],
  [`delete from tasks`, 0, { filters: false }],
  [
    'merge into projects p using tasks t on t.id = p.id when matched then delete when not matched ' +
      'then insert ("accountId", id, name) values ($1, t.id, t.title)',
    0,
    { filters: false },
  ],
  // The application's own functions
  [`select app_rows('x'), r.n from app_rows('x') as r(n)`, 0, { functions: new Set(['app_rows']) }],
  [`select app.total(1)`, 0, { functions: new Set(['app.total']) }],
  // Reference tables, which may be written
  [`select * from countries`, 0, { reach: 'shared' }],
  [
    `insert into countries (id, name, code) values ($1, $2, $3) on conflict (id) do update set name = excluded.name`,
    3,
    { reach: 'shared' },
  ],
  [`insert into countries values (7, 'x', 'X')`, 0, { reach: 'shared' }],
  [`insert into countries default values`, 0, { reach: 'shared' }],
  [`update countries c set name = d.name from countries d where d.id = c.id + 1 returning c.*`, 0, { reach: 'shared' }],
  [
    "merge into countries c using (values (1, 'x')) v(id, name) on c.id = v.id when matched then update " +
      "set name = v.name when not matched then insert values (v.id, v.name, 'C')",
    0,
    { reach: 'shared' },
  ],
  [`delete from countries where id > $1`, 1, { reach: 'shared' }],
  // A tenancy that is known, and one that the first table tells
  [`select * from projects where "accountId" = $1`, 0, { tenancy: account }],
  [`select * from boards where "workspaceId" = $1`, 0, { tenancy: workspace }],
  [`select * from boards where "workspaceId" = $1`, 0],
  [`select * from boards b join workspaces w on w.id = b."workspaceId"`, 0, { reach: 'all' }],
];

export const refused: readonly (readonly [...Parametric, RegExp])[] = [
  [`select * from projects where "accountId" = $1`, 1, {}, /not bound/],
  [`select * from projects where "accountId" = $2`, 0, {}, /not bound/],
  [`select * from projects where "accountId" = $1 and id = $2`, 0, {}, /no parameter \$2/],
  [`select * from countries where id = $1`, 0, { reach: 'shared' }, /no parameter \$1/],
  [`select * from countries where id = $1`, 0, { reach: 'all' }, /no parameter \$1/],
  // The tenant's parameter has the tenant's type, and stands nowhere else
  [`select $1, name from projects where "accountId" = $1`, 0, {}, /another type/],
  [`select * from projects where "accountId" = $1 and name = $1`, 0, {}, /another type/],
  [`select $1::text, name from projects where "accountId" = $1`, 0, {}, /another type/],
  [`select * from projects where "accountId" = $1 limit $1`, 0, {}, /another type/],
  [`select $1`, 0, {}, /another type/],
  [`select * from countries where id = $1`, 0, {}, /another type/],
  [`insert into projects ("accountId", id, name) values ($1, 1, $1)`, 0, {}, /another type/],
  [`insert into projects ("accountId", id, name) values ($1::text, 1, 'x')`, 0, {}, /not this handle's tenant/],
  [`insert into projects ("accountId", id, name) values ($1, $2, $1::text)`, 2, {}, /another type/],
  [`insert into projects ("accountId", id, name) values ($1::name, $2, $3)`, 3, {}, /not this handle's tenant/],
  [
    `insert into projects ("accountId", id, name) values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 1, 'x')`,
    0,
    {},
    /not this handle's tenant/,
  ],
  [`insert into projects ("accountId", id, name) values (coalesce($1, $2), 1, 'x')`, 2, {}, /not this handle's tenant/],
  [`select * from projects where "accountId" = any($1)`, 0, {}, /not bound/],
  // Write-only mode
  [`insert into projects (id, name) values (1, 'x')`, 0, { filters: false }, /not given its tenant/],
  [
    `insert into projects ("accountId", id, name) select "accountId", id, title from tasks`,
    0,
    { filters: false },
    /not this handle's tenant/,
  ],
  [`update projects set "accountId" = null`, 0, { filters: false }, /tenant of a row/],
  [`select * from nowhere`, 0, { filters: false }, /not declared/],
  [`select secret()`, 0, { filters: false }, /secret/],
  [`update countries set name = 'x'`, 0, { filters: false }, /db\.shared/],
  [`select * from boards b, projects p`, 0, { filters: false }, /another tenancy/],
  // Reference tables only
  [`select * from projects`, 0, { reach: 'shared' }, /db\.forTenant/],
  [`insert into countries (id, name) select id, name from projects`, 0, { reach: 'shared' }, /db\.forTenant/],
  [`delete from countries using tasks`, 0, { reach: 'shared' }, /db\.forTenant/],
  [`update countries set name = (select max(title) from tasks)`, 0, { reach: 'shared' }, /db\.forTenant/],
  [`insert into projects ("accountId", id, name) values ($1, 1, 'x')`, 1, { reach: 'shared' }, /db\.forTenant/],
  // The application's own functions: what their rows are called is not known
  [
    `select ts_stat.ts_stat from app_rows('x') as ts_stat`,
    0,
    { functions: new Set(['app_rows']) },
    /could be a function/,
  ],
  [
    `select ts_stat.ts_stat from rows from (app_rows('x'), unnest(array[1])) as ts_stat`,
    0,
    { functions: new Set(['app_rows']) },
    /could be a function/,
  ],
  [`select app.app_rows('x')`, 0, { functions: new Set(['app_rows']) }, /app\.app_rows/],
  // More than a person wrote
  [
    `select 1 from ${Array.from({ length: 101 }, (_, i) => `tasks t${i}`).join(', ')}`,
    0,
    { reach: 'all' },
    /more than 100 tenant tables/,
  ],
  [
    Array.from({ length: 13 }).reduce<string>(
      (it) => `with recursive r(x) as (select 1 union select x from r, (${it}) z) select x from r`,
      'select 1',
    ),
    0,
    {},
    /too many queries/,
  ],
  [
    Array.from({ length: 7 }).reduce<string>(
      (it) => `with recursive r(x) as (select 1 union select x from r, (${it}) z) select x from r`,
      `select 1 from ${Array.from({ length: 200 }, (_, i) => `countries c${i}`).join(', ')}`,
    ),
    0,
    {},
    /sources of rows/,
  ],
  [`select 1 from ${chain(99)}`, 0, {}, /not bound/],
  [
    'select 1 from tasks t0 ' +
      Array.from(
        { length: 45 },
        (_, i) => `full join tasks t${i + 1} on t${i}."accountId" = t${i + 1}."accountId"`,
      ).join(' '),
    0,
    { reach: 'all' },
    /sources of rows/,
  ],
  [
    `select 1 where ${Array.from({ length: 3 }, () => `exists (select 1 from ${chain(99)})`).join(' and ')}`,
    0,
    { reach: 'all' },
    /sources of rows/,
  ],
  [
    `select ${Array.from({ length: 200 }, () => firstOf(100)).join(', ')} ` +
      `from projects p where ${firstOf(1500)} = $1`,
    0,
    {},
    /sources of rows/,
  ],
  [`select ${Array.from({ length: 1_700 }, () => 'name').join(', ')} from countries`, 0, {}, /more than 1664 columns/],
  // Tenancies
  [`select * from boards where "workspaceId" = $1`, 0, { tenancy: account }, /tenancy "workspace"/],
  [`select * from projects p, boards b where p."accountId" = $1 and b."workspaceId" = $1`, 0, {}, /another tenancy/],
  [`select * from projects p join boards b on b."workspaceId" = p."accountId"`, 0, { reach: 'all' }, /another tenancy/],
];
