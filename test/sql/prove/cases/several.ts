/** Statements of several tenants, which are `$1`, an array. */
import { meeting } from './meeting.js';

export const accepted: readonly string[] = [
  `select id from projects where "accountId" = any($1)`,
  `select id from projects where "accountId" = any($1::uuid[])`,
  'select p.name, t.title from projects p join tasks t on t."accountId" = p."accountId" ' +
    'and t."projectId" = p.id where p."accountId" = any($1)',
  'select p.name, t.title from projects p join tasks t on t."accountId" = p."accountId" ' +
    'and t."projectId" = p.id where p."accountId" = any($1) and t."accountId" = any($1)',
  'select p.name, (select count(*) from tasks t where t."accountId" = p."accountId") from projects p ' +
    'where p."accountId" = any($1)',
  'select p.name, q.n from projects p join (select "accountId", count(*) as n from tasks ' +
    'where "accountId" = any($1) group by 1) q on q."accountId" = p."accountId"',
  'with q as (select "accountId", "projectId" from tasks where "accountId" = any($1)) select p.name ' +
    'from projects p join q on q."accountId" = p."accountId" and q."projectId" = p.id',
  `update tasks t set points = 1 where "accountId" = any($1)`,
  `delete from x_labels l using tasks t where t."accountId" = l."accountId" and l."accountId" = any($1)`,
  `insert into x_labels ("accountId", id, name) select "accountId", id, title from tasks where "accountId" = any($1)`,
];

export const refused: readonly (readonly [text: string, reason: RegExp])[] = [
  [`select id from projects where "accountId" = all($1)`, /not bound/],
  [`select id from projects`, /not bound/],
  [`select id from projects where "accountId" = $1`, /not bound/],
  [`select id from projects where "accountId" <> all($1)`, /not bound/],
  [`select id from projects where "accountId" = any($1) or true`, /an OR/],
  [`select id from projects where not ("accountId" = any($1))`, /a NOT/],
  [`select id from projects where id = any($1)`, /not bound/],
  [`select id from projects where "accountId" = any($1::text[])`, /not bound/],
  [`select id from projects where "accountId" = any($1) and id::text = any($1)`, /another type/],
  [
    'select p.name, t.title from projects p join tasks t on t."projectId" = p.id ' +
      'where p."accountId" = any($1) and t."accountId" = any($1)',
    meeting,
  ],
  [
    'select p.name, (select count(*) from tasks t where t."accountId" = any($1)) from projects p ' +
      'where p."accountId" = any($1)',
    meeting,
  ],
  [`select p.name from projects p where p."accountId" = any($1) and p."accountId" = any($2)`, /no parameter \$2/],
  [
    'select p.name, q.n from projects p join (select "accountId", count(*) as n from tasks group by 1) q ' +
      'on q."accountId" = p."accountId" where p."accountId" = any($1)',
    /"tasks" is not bound/,
  ],
  [`select * from projects tablesample system (1) where "accountId" = any($1)`, /TABLESAMPLE/],
  [`insert into x_labels (id, name) values (1, 'x')`, /not given its tenant/],
  [`insert into x_labels ("accountId", id, name) values (default, 1, 'x')`, /not this handle's tenant/],
  [`insert into x_labels ("accountId", id, name) select "accountId", id, title from tasks`, /not bound/],
];
