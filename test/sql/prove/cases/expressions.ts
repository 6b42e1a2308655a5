/** Settings, types and system columns, which every reach judges alike. */

const own = (text: string) => `${text} from tasks t where t."accountId" = $1`;

export const settings: readonly string[] = [
  `set local statement_timeout = 1000`,
  `set local lock_timeout to '3s'`,
  `set local work_mem = '64MB'`,
  `set local pg_trgm.similarity_threshold = 0.5`,
  `set local hnsw.ef_search = 100`,
  `set local ivfflat.probes = 10`,
  `set local enable_seqscan = off`,
  `set local random_page_cost = 1.1`,
  `set local time zone 'UTC'`,
  `set local timezone to default`,
  `set local application_name = 'x'`,
];

export const notSettings: readonly string[] = [
  `set statement_timeout = 1000`,
  `set session work_mem = '1MB'`,
  `reset all`,
  `reset statement_timeout`,
  `set local search_path = x`,
  `set local role x`,
  `set role x`,
  `set session authorization x`,
  `set local row_security = off`,
  `set local session_replication_role = replica`,
  `set local standard_conforming_strings = off`,
  `set local citus.max_adaptive_executor_pool_size = 1`,
  `set local app.tenant = 'x'`,
  `set local drizzle_tenant.id = 'x'`,
  `set local "enable_seqscan" from current`,
  `set transaction isolation level serializable`,
  `set local default_transaction_read_only = on`,
  `set local xmloption = document`,
  `set local backslash_quote = on`,
  `set local escape_string_warning = off`,
  `set local client_encoding = 'SQL_ASCII'`,
  `set local lc_messages = 'C'`,
  `set constraints all deferred`,
  `set local debug_print_plan = on`,
  `set local log_statement = 'all'`,
  `set local temp_tablespaces = x`,
  `set local transform_null_equals = on`,
];

export const types: readonly string[] = [
  `select to_tsvector(coalesce(nullif('', ''), 'simple')::regconfig, 'x')`,
  `select 'x'::regional`,
  `select 'x'::register_state`,
  `select 'x'::app.regclass`,
  `select '{1}'::int[]`,
  `select '{1}'::_int4`,
  `select '0/0'::pg_lsn`,
  `select null::app.pg_class`,
  `select pg_typeof(1)::text, cast(pg_typeof(null) as pg_catalog.text)`,
];

export const notTypes: readonly string[] = [
  `select '16400'::regclass`,
  `select '16400'::pg_catalog.regclass::text`,
  `select cast('x' as regtype)`,
  `select age('3'::xid)`,
  `select '3'::xid8`,
  `select '(0,1)'::tid`,
  `select '{3}'::xid[]`,
  `select age(('{3}'::_xid)[1])`,
  `select '{16400}'::pg_catalog._regclass`,
  `select x from json_to_record('{}') as r(x _regrole)`,
  `select age(relfrozenxid) from jsonb_populate_record(null::pg_class, '{"relfrozenxid": "3"}')`,
  `select null::_pg_class`,
  `select 'x=r/x'::aclitem`,
  `select x from json_to_record('{}') as r(x regclass)`,
  `select * from json_table('{}', '$' columns (x regclass path '$')) t`,
  `select json_value('1', '$' returning regclass)`,
  `select xmlserialize(content x as regclass)`,
  `select regclass '16400'`,
  ...[`to regclass '1' default ''`, `to '' default regclass '1'`].map(
    (marks) =>
      `with recursive r as (select 1 as x union select x from r) cycle x set m ${marks} using p select m::text from r`,
  ),
  `select 'x'::pg_toast.x`,
  `select null::information_schema.sql_identifier`,
  `select pg_typeof('16400'::regclass)::text`,
  `select pg_typeof(variadic array['16400'::regclass])::text`,
];

export const notCastAtOnce: readonly string[] = [
  // Beside a value of type regtype, a literal or a parameter is one, too.
  `select (case when false then pg_typeof(1) else '16400' end)::text`,
  `select coalesce(null, pg_typeof(1), '16400')`,
  `select pg_typeof(1) union all select '16400'`,
  `select (array[pg_typeof(1), '16400'])::text`,
  `select lag(pg_catalog.pg_typeof(1), 1, '16400') over ()`,
  `select pg_typeof(1)::varchar`,
  `select pg_typeof(1)::text[]`,
  `select * from pg_typeof(1) as t`,
];

export const systemColumns: readonly string[] = [
  'insert into tasks ("accountId", id) values ($1, 1) on conflict ("accountId", id) do update ' +
    "set title = 'x' returning (xmax = 0) as inserted",
  'insert into tasks as t ("accountId", id) values ($1, 1) on conflict ("accountId", id) do update ' +
    "set title = 'x' returning t.xmax = 0, t.xmax <> 0",
  own('select xmax = 0'),
];

export const notSystemColumns: readonly string[] = [
  'ctid',
  'xmin',
  'xmax',
  'cmin',
  'cmax',
  'tableoid',
  'oid',
  't.ctid',
  't.xmin',
  't.tableoid',
  '(t).ctid',
  'xmax = 1',
  'xmax = 00.0',
  'xmax > 0',
  'xmax = $1',
  'xmax::text',
  'xmin = 0',
  '0 = xmax',
  'xmax = 0::xid',
  'u.xmax = 0',
  'age(xmin)',
  'xmax operator(app.=) 0',
]
  .map((it) => own(`select ${it}`))
  .concat([
    // Who refers to a row that all tenants have is told by the lock of its key.
    `select xmax = 0 from countries`,
    `select c.xmax = 0 from countries c`,
    `select c.xmax = 0 from tasks t, countries c where t."accountId" = $1`,
  ]);
