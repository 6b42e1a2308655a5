/** Tables with rows of everybody: read beside the tenant's own, and not written or locked. */
import { integer, text, uuid } from 'drizzle-orm/pg-core';
import { tenancy, tenantTable } from '../../../../src/index.js';

const club = tenancy('club', uuid);
tenantTable('ev_kinds', { clubId: club.id('club_id', { everybody: true }), id: integer().primaryKey(), name: text() });
tenantTable('ev_prices', {
  clubId: club.id('club_id', { everybody: true }),
  id: integer().primaryKey(),
  kind: integer(),
});
tenantTable('ev_games', { clubId: club.id('club_id'), id: integer().primaryKey(), kind: integer() });

const own = 'club_id = $1';
const read = '(club_id = $1 or club_id is null)';

export const ofOne: readonly string[] = [
  `select * from ev_kinds where ${read}`,
  `select * from ev_kinds where club_id is null or $1 = club_id`,
  `select * from ev_kinds where ${own}`,
  `select * from ev_kinds k where (k.club_id = $1 or k.club_id is null) and (k.name = 'x' or k.name = 'y')`,
  'select g.id, k.name from ev_games g left join ev_kinds k on k.id = g.kind and (k.club_id = $1 ' +
    'or k.club_id is null) where g.club_id = $1',
  'select g.id, k.name from ev_games g left join ev_kinds k on k.id = g.kind and (k.club_id = g.club_id ' +
    'or k.club_id is null) where g.club_id = $1',
  'select g.id, k.name from ev_games g join ev_kinds k on k.id = g.kind where g.club_id = $1 ' +
    'and (k.club_id = g.club_id or k.club_id is null)',
  `select g.id, k.name from ev_games g full join (select * from ev_kinds where ${read}) k on k.id = g.kind ` +
    'where g.club_id = $1',
  'select id from ev_games g where g.club_id = $1 and exists (select 1 from ev_kinds k where k.id = g.kind ' +
    'and (k.club_id = g.club_id or k.club_id is null))',
  `insert into ev_kinds (club_id, id) values ($1, 1)`,
  `insert into ev_kinds (club_id, id) select v.c, 1 from (values ($1::uuid)) v(c)`,
  `insert into ev_games (club_id, id, kind) select $1::uuid, id, id from ev_kinds where ${read}`,
  `update ev_kinds set name = 'x' where ${own}`,
  `update ev_games g set kind = k.id from ev_kinds k where g.club_id = $1 and (k.club_id = $1 or k.club_id is null)`,
  `delete from ev_kinds where ${own}`,
  `select * from ev_kinds where ${own} for update`,
  'select g.id from ev_games g join ev_kinds k on k.club_id = $1 or k.club_id is null where g.club_id = $1 ' +
    'for update of g',
];

export const notOfOne: readonly (readonly [text: string, reason: RegExp])[] = [
  [`select * from ev_kinds where club_id is null`, /not bound/],
  [`select * from ev_kinds where club_id = $1 or club_id is not null`, /not bound/],
  [`select * from ev_kinds where club_id = $1 or id is null`, /not bound/],
  [`select * from ev_kinds where club_id = $1 or club_id is null or true`, /not bound/],
  [`select * from ev_kinds where club_id = $1 or club_id is null and id = 1`, /not bound/],
  [`select * from ev_kinds where not (club_id = $1 or club_id is null)`, /not bound/],
  [`select * from ev_games where club_id = $1 or club_id is null`, /not bound/],
  [
    `select k.* from ev_kinds k, ev_prices p where p.club_id = $1 and (k.club_id = $1 or p.club_id is null)`,
    /"ev_kinds" as "k" is not bound/,
  ],
  // Whether the game stands without a kind would tell whether another club has one of that number.
  [
    'select g.id, k.name from ev_games g left join ev_kinds k on k.id = g.kind where g.club_id = $1 ' +
      'and (k.club_id = $1 or k.club_id is null)',
    /"ev_kinds" as "k" is not bound/,
  ],
  [
    'select g.id from ev_games g left join (ev_prices p left join ev_kinds k on k.id = p.kind) ' +
      'on (k.club_id = $1 or k.club_id is null) and p.club_id = $1 where g.club_id = $1',
    /"ev_kinds" as "k" is not bound/,
  ],
  [
    'select g.id, k.name from ev_kinds k full join ev_games g on k.id = g.kind and (k.club_id = $1 ' +
      'or k.club_id is null) and g.club_id = $1',
    /not bound/,
  ],
  [
    'select 1 from ev_games g join ev_kinds k on k.club_id = g.club_id or k.club_id is null ' +
      'where coalesce(g.club_id, k.club_id) = $1 for update of k',
    /not bound/,
  ],
  [
    'select 1 from ev_games g join ev_kinds k on k.club_id = g.club_id or k.club_id is null ' +
      'where coalesce(k.club_id, g.club_id) = $1 and g.club_id = $1 for update of k',
    /"ev_kinds" as "k" is not bound/,
  ],
  [
    `delete from ev_kinds k using ev_games g where coalesce(k.club_id, g.club_id) = $1 and g.club_id = $1`,
    /"ev_kinds" as "k" is not bound/,
  ],
  [`select k.* from ev_kinds k full join ev_prices p using (club_id) where club_id = $1`, /not bound/],
  [
    'select k.* from (select * from ev_games where club_id = $1) g full join ev_kinds k on k.id = g.kind ' +
      'where k.club_id = $1 or k.club_id is null',
    /not bound/,
  ],
  [
    'select g.id from (ev_games g left join ev_kinds k on k.id = g.kind) join ev_prices p ' +
      'on p.club_id = $1 where g.club_id = $1 and (k.club_id = $1 or k.club_id is null)',
    /"ev_kinds" as "k" is not bound/,
  ],
  [
    'select x.id from ev_games x left join ev_prices g on x.club_id = g.club_id ' +
      'and g.club_id = $1, ev_kinds k where k.club_id = g.club_id or k.club_id is null',
    /"ev_games" as "x" is not bound/,
  ],
  // A row of everybody tells nothing of a third
  [
    'select g.id, k.name from ev_kinds k, ev_games g where (k.club_id = $1 or k.club_id is null) ' +
      'and (k.club_id = g.club_id or k.club_id is null)',
    /"ev_games" as "g" is not bound/,
  ],
  // Nor does one of a query around: the rows of a subquery would be those of every tenant.
  [
    'select (select count(*) from ev_games g where g.club_id = k.club_id or k.club_id is null) ' +
      `from ev_kinds k where ${read}`,
    /"ev_games" as "g" is not bound/,
  ],
  [
    `select k.id from ev_kinds k where ${read} and exists (select 1 from ev_games g ` +
      'where k.club_id = g.club_id or k.club_id is null)',
    /"ev_games" as "g" is not bound/,
  ],
  [
    'select g.* from ev_kinds k cross join lateral (select * from ev_games g where g.club_id = k.club_id ' +
      `or k.club_id is null) g where ${read.replaceAll('club_id', 'k.club_id')}`,
    /"ev_games" as "g" is not bound/,
  ],
  [
    'select (select count(*) from ev_prices p where p.club_id = k.club_id or p.club_id is null ' +
      `or k.club_id is null) from ev_kinds k where ${read}`,
    /"ev_prices" as "p" is not bound/,
  ],
  [`update ev_kinds set name = 'x' where ${read}`, /not bound/],
  [`delete from ev_kinds where ${read}`, /not bound/],
  [`select * from ev_kinds where ${read} for update`, /not bound/],
  [`select * from ev_kinds k where k.club_id = $1 or k.club_id is null for share of k`, /not bound/],
  [`select * from (select * from ev_kinds where ${read}) k for key share`, /not bound/],
  [`insert into ev_kinds (club_id, id) values (null, 1)`, /not this handle's tenant/],
  [`insert into ev_kinds (club_id, id) select club_id, id + 1 from ev_kinds where ${read}`, /not this handle's tenant/],
  [
    'insert into ev_kinds (club_id, id) select v.c, 1 from (values (1)) x(n) left join (values ($1::uuid)) ' +
      'v(c) on false',
    /not this handle's tenant/,
  ],
  [`insert into ev_kinds (id) values (1)`, /not given its tenant/],
  [`insert into ev_kinds (club_id, id) values ($1, 1) on conflict (id) do update set name = 'x'`, /could conflict/],
  [
    'merge into ev_kinds k using ev_games g on (k.club_id = $1 or k.club_id is null) and g.club_id = $1 ' +
      'and k.id = g.kind when matched then delete',
    /not bound/,
  ],
  [
    'merge into ev_kinds k using (select 1 as id) g on k.club_id = $1 and k.id = g.id ' +
      'when not matched by source and (k.club_id = $1 or k.club_id is null) then delete',
    /not bound/,
  ],
  [`update ev_kinds set club_id = null where ${own}`, /tenant of a row/],
];

export const ofSeveral: readonly string[] = [
  `select * from ev_kinds where club_id = any($1) or club_id is null`,
  'select g.id, k.name from ev_games g left join ev_kinds k on k.id = g.kind and (k.club_id = g.club_id ' +
    'or k.club_id is null) where g.club_id = any($1)',
  'select g.id, k.name, p.id from ev_games g join ev_kinds k on k.club_id = g.club_id or k.club_id is null ' +
    'join ev_prices p on (p.club_id = g.club_id or p.club_id is null) and (p.club_id = k.club_id ' +
    'or p.club_id is null or k.club_id is null) where g.club_id = any($1)',
];

export const notOfSeveral: readonly string[] = [
  'select g.id, h.id from ev_kinds k join ev_games g on k.club_id = g.club_id or k.club_id is null ' +
    'join ev_games h on k.club_id = h.club_id or k.club_id is null where (k.club_id = any($1) ' +
    'or k.club_id is null) and g.club_id = any($1) and h.club_id = any($1)',
  'select g.id, k.name from ev_games g left join ev_kinds k on k.id = g.kind and (k.club_id = any($1) ' +
    'or k.club_id is null) where g.club_id = any($1)',
  'select g.id, k.name, p.id from ev_games g join ev_kinds k on k.club_id = g.club_id or k.club_id is null ' +
    'join ev_prices p on p.club_id = k.club_id or p.club_id is null or k.club_id is null ' +
    'where g.club_id = any($1) and (p.club_id = any($1) or p.club_id is null)',
  'select k.id, (select count(*) from ev_games g where g.club_id = any($1) and (g.club_id = k.club_id ' +
    'or k.club_id is null)) from ev_kinds k where k.club_id = any($1) or k.club_id is null',
  'select k.id from ev_kinds k join (select club_id, count(*) as n from ev_games where club_id = any($1) ' +
    'group by rollup (club_id)) g on g.club_id = k.club_id or g.club_id is null where k.club_id = any($1) ' +
    'or k.club_id is null',
];

/** Everybody's rows are written across all tenants only. */
export const ofAll: readonly string[] = [
  `insert into ev_kinds (club_id, id) select club_id, id + 1 from ev_kinds`,
  `insert into ev_kinds (id) values (1)`,
  `update ev_kinds set name = 'x' where club_id is null`,
  `delete from ev_kinds`,
  `insert into ev_kinds (club_id, id) values (null, 1)`,
];

/** Rows of one query that are joined by the tenant of others: what is counted among them may be one tenant's only. */
const joined = (query: string) => `select * from ev_games o join (${query}) s on s.club_id = o.club_id`;
const orEverybodys = '(k.club_id = g.club_id or k.club_id is null)';

export const counted: readonly string[] = [
  joined(`select g.club_id, k.name from ev_games g left join ev_kinds k on k.id = g.kind and ${orEverybodys}`),
  joined(`select g.club_id, count(*) from ev_games g join ev_kinds k on ${orEverybodys} group by k.club_id, g.club_id`),
  joined(`select g.club_id, count(*) over (partition by g.club_id) from ev_games g join ev_kinds k on ${orEverybodys}`),
  joined('select club_id, count(*) from ev_kinds group by club_id'),
  joined('select club_id, row_number() over (partition by club_id order by id) from ev_kinds'),
  joined('select distinct club_id, name from ev_kinds'),
  joined('select club_id, name from ev_kinds union select club_id, name from ev_kinds'),
  joined(
    'select coalesce(g.club_id, h.club_id) as club_id, count(*) over (partition by coalesce(g.club_id, ' +
      'h.club_id)) from ev_games g full join ev_games h on g.club_id = h.club_id and g.id = h.kind',
  ),
  joined(
    'select coalesce(g.club_id, h.club_id) as club_id, count(*) over (partition by coalesce(g.club_id, ' +
      'h.club_id)) from (ev_games g full join ev_games h on g.club_id = h.club_id and g.id = h.kind) left ' +
      'join ev_games i on i.club_id = g.club_id',
  ),
];

export const notCounted: readonly string[] = [
  // A row that stands without a tenant says nothing by COALESCE.
  'select o.club_id, s.name from ev_games o join ev_games g on g.club_id = o.club_id ' +
    'join (select h.club_id, g.id as name from ev_games g left join ev_games h on h.club_id = g.club_id ' +
    'and h.id = g.kind) s on coalesce(s.club_id, g.club_id) = o.club_id',
  'select o.club_id, s.name from ev_games o join ((select h.club_id, g.id as name from ev_games g left ' +
    'join ev_games h on h.club_id = g.club_id and h.id = g.kind) s full join ev_games i using (club_id)) ' +
    'on club_id = o.club_id',
  // Among rows that tell no tenant, the group of NULL holds those of every tenant.
  joined(`select g.club_id, count(*) over (partition by k.club_id) from ev_games g join ev_kinds k on ${orEverybodys}`),
  joined(`select distinct on (k.club_id) g.club_id, g.id from ev_games g join ev_kinds k on ${orEverybodys}`),
  joined(
    'select g.club_id, count(*) over (partition by k.club_id) from ev_games g cross join lateral (select * ' +
      `from ev_kinds k where ${orEverybodys}) k`,
  ),
  joined(
    'select g.club_id, count(*) over (partition by k.club_id) from ev_games g cross ' +
      `join lateral (select club_id from ev_kinds k where ${orEverybodys} union all select club_id ` +
      `from ev_kinds k where ${orEverybodys}) k`,
  ),
  joined(
    'select g.club_id, count(*) over (partition by coalesce(k.club_id, p.club_id)) from ev_games g ' +
      `join ev_kinds k on ${orEverybodys} join ev_prices p on (p.club_id = g.club_id or p.club_id is null)`,
  ),
  joined(`select k.club_id, count(*) from ev_games g join ev_kinds k on ${orEverybodys} group by k.club_id`),
  joined(
    'select g.club_id, count(*) over (partition by coalesce(h.club_id, i.club_id)) from ev_games g left ' +
      'join ev_games h on h.club_id = g.club_id and h.id = g.kind left join ev_games i ' +
      'on i.club_id = g.club_id and i.id = g.kind',
  ),
  joined(
    'select g.club_id, count(*) over (partition by coalesce(h.club_id, i.club_id)) from ev_games g left ' +
      'join (ev_games h full join ev_games i on h.club_id = i.club_id and h.id = i.kind) ' +
      'on h.club_id = g.club_id and i.club_id = g.club_id',
  ),
  joined(
    'select g.club_id, count(*) over (partition by coalesce(h.club_id, i.club_id)) from (ev_games h full ' +
      'join ev_games i on h.club_id = i.club_id and h.id = i.kind) right join ev_games g ' +
      'on h.club_id = g.club_id and i.club_id = g.club_id',
  ),
  joined(
    'select j.club_id, count(*) over (partition by coalesce(h.club_id, i.club_id)) from (ev_games h full ' +
      'join ev_games i on h.club_id = i.club_id and h.id = i.kind) full join ev_games j ' +
      'on h.club_id = j.club_id and i.club_id = j.club_id',
  ),
  joined(
    'select g.club_id, count(*) over (partition by coalesce(h.club_id, i.club_id)) from ev_games g ' +
      'join ((ev_games j left join ev_games h on h.club_id = j.club_id and h.id = j.kind) full ' +
      'join ev_games i on j.club_id = i.club_id and j.id = i.kind) on coalesce(j.club_id, i.club_id) ' +
      '= g.club_id',
  ),
  'with recursive r(a, b, club_id) as (select club_id, club_id, club_id from ev_games union all ' +
    'select r.b, h.club_id, r.club_id from r left join ev_games h on h.club_id = r.club_id and h.id = 7) ' +
    'select * from ev_games o join (select club_id, count(*) over (partition by a) from r) s ' +
    'on s.club_id = o.club_id',
];

export const notOfAll: readonly string[] = [
  `insert into ev_games (club_id, id) values (null, 1)`,
  `update ev_games set club_id = null`,
];
