/** The list of functions, compared with the catalog of PostgreSQL. */
import postgres from 'postgres';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { builtin, doing, isSafeFunction, ofExtensions, ofTheMoment } from '../../../src/sql/prove/functions.js';
import { proveText, refusalOf } from './prove-text.js';

interface Proc {
  readonly name: string;
  readonly volatility: 'i' | 's' | 'v';
  readonly language: string;
  readonly types: readonly string[];
  readonly returns: string;
}

let procs: Map<string, Proc[]>;
beforeAll(async () => {
  const sql = postgres(inject('databaseUrl'), { max: 1 });
  const rows = await sql<Proc[]>`
    select p.proname as name, p.provolatile as volatility, l.lanname as language,
           array(select format_type(t, null) from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) t) as types,
           format_type(p.prorettype, null) as returns
    from pg_proc p join pg_language l on l.oid = p.prolang where p.pronamespace = 'pg_catalog'::regnamespace`;
  procs = new Map();
  for (const it of rows) procs.set(it.name, [...(procs.get(it.name) ?? []), it]);
  await sql.end();
});

/**
 * Looked at one by one: the session's time, time zone and formats, the encoding of the database, and the declared types
 * of arguments.
 */
const stable = new Set(
  `age array_to_json array_to_string concat concat_ws convert convert_from convert_to date date_add date_part
    date_subtract date_trunc enum_first enum_last
  enum_range extract format generate_series json_agg json_build_array json_build_object json_object_agg
    json_populate_record
  json_populate_recordset json_to_record json_to_recordset json_to_tsvector jsonb_agg jsonb_build_array
    jsonb_build_object
  jsonb_object_agg jsonb_path_exists_tz jsonb_path_match_tz jsonb_path_query_array_tz jsonb_path_query_first_tz
    jsonb_path_query_tz
  jsonb_populate_record jsonb_populate_record_valid jsonb_populate_recordset jsonb_to_record jsonb_to_recordset
    jsonb_to_tsvector
  length make_timestamptz money now numeric overlaps pg_column_size phraseto_tsquery plainto_tsquery quote_literal
    quote_nullable
  row_to_json statement_timestamp time timestamp timestamptz timetz timezone to_char to_date to_json to_jsonb to_number
  to_timestamp to_tsquery to_tsvector transaction_timestamp ts_headline websearch_to_tsquery xml
    xml_is_well_formed`.split(/\s+/),
);

/** Types of arguments through which a function could look at the catalogs, at transactions or at the places of rows. */
const types = [
  'oid|reg.*|xid8?|cid|tid|pg_lsn|pg_snapshot|txid_snapshot',
  'name|internal|cstring|refcursor|aclitem.*|pg_node_tree',
];
const telling = new RegExp(`^(?:${types.join('|')})(?:\\[\\])?$`);
/**
 * The configuration of a text search, by which a text is read; the name of an encoding; numbers; and age(xid), whose
 * argument no statement can make.
 */
const harmless: Record<string, RegExp> = {
  regconfig: /^(?:(?:json_|jsonb_)?to_ts(?:vector|query)|(?:plain|phrase|websearch_)to_tsquery|ts_headline)$/,
  name: /^(?:convert|convert_from|convert_to|length|to_ascii|text|varchar|bpchar)$/,
  oid: /^(?:min|max|int8)$/,
  xid: /^age$/,
  xid8: /^(?:min|max)$/,
  tid: /^(?:min|max)$/,
  pg_lsn: /^(?:min|max)$/,
};

describe("PostgreSQL's own", () => {
  test.each(builtin)('%s computes from its arguments alone', (name) => {
    const found = procs.get(name) ?? [];
    expect(found.length).toBeGreaterThan(0);
    for (const { volatility, language, types } of found) {
      expect(['internal', 'sql']).toContain(language);
      expect(volatility === 'i' || (volatility === 's' && stable.has(name))).toBe(true);
      for (const type of types.filter((it) => telling.test(it)))
        expect(harmless[type]?.test(name) ?? false, `${name}(${types.join()})`).toBe(true);
    }
  });

  test('none returns a type that a literal beside it would be converted to', () => {
    const found = [...builtin, ...ofTheMoment, ...doing].flatMap((name) =>
      (procs.get(name) ?? []).filter((it) => telling.test(it.returns) && !harmless[it.returns]?.test(name)),
    );
    expect(found).toEqual([]);
  });

  test('those of the moment, and those that do something, are the volatile ones', () => {
    for (const name of [...ofTheMoment, ...doing]) {
      if (/^uuidv|^array_s/.test(name) && !procs.has(name)) continue;
      expect(
        procs.get(name)?.some((it) => it.volatility === 'v'),
        name,
      ).toBe(true);
    }
    for (const name of builtin)
      expect(
        procs.get(name)!.every((it) => it.volatility !== 'v'),
        name,
      ).toBe(true);
  });

  test('the list says nothing twice', () => {
    const all = [...builtin, ...ofTheMoment, ...doing, ...ofExtensions];
    expect(all.length).toBe(new Set(all).size);
  });
});

test('no function of an extension is called like one of the catalog', () => {
  expect(ofExtensions.filter((it) => procs.has(it))).toEqual([]);
});

const dangerous = (
  'query_to_xml query_to_xmlschema query_to_xml_and_xmlschema table_to_xml schema_to_xml database_to_xml ' +
  'cursor_to_xml nextval currval lastval setval pg_sleep ' +
  'set_config current_setting txid_current pg_current_xact_id pg_current_snapshot pg_relation_size ' +
  'pg_table_size pg_total_relation_size pg_database_size ts_stat ' +
  'ts_rewrite dblink dblink_exec lo_import lo_export lo_get lo_put loread lo_create pg_read_file ' +
  'pg_read_binary_file pg_ls_dir pg_stat_file pg_stat_get_live_tuples ' +
  'pg_stat_get_activity pg_terminate_backend pg_cancel_backend pg_advisory_lock pg_try_advisory_xact_lock ' +
  'pg_advisory_unlock_all obj_description pg_get_viewdef ' +
  'to_regclass pg_input_is_valid has_table_privilege pg_get_serial_sequence pg_export_snapshot ' +
  'pg_logical_emit_message pg_notification_queue_usage crosstab ' +
  'pg_partition_root pg_describe_object format_type current_query pg_backend_pid ' +
  'binary_upgrade_set_next_pg_type_oid gin_clean_pending_list brin_summarize_new_values ' +
  'citus_table_size run_command_on_workers master_get_table_metadata pgstattuple pg_buffercache_pages ' +
  'st_estimatedextent st_findextent updategeometrysrid find_srid pg_xact_status age_xid'
).split(' ');
test.each(dangerous)('%s is not called', (name) => {
  expect(isSafeFunction(name)).toBe(false);
  for (const written of [name, `pg_catalog.${name}`, `"${name}"`]) {
    expect(refusalOf(() => proveText(`select ${written}('x')`, 'one', 0))).toMatch(
      /not known to read its arguments only/,
    );
    expect(refusalOf(() => proveText(`select * from ${written}('x')`, 'all', 0))).toMatch(
      /not known to read its arguments only/,
    );
  }
});

test.each([
  `'a=>1'::hstore #= 'a=>2', %% 'a=>1'::hstore, %# 'a=>1'::hstore`,
  `cube(1) ~> 1, point(1, 2) <@> point(3, 4), earth_box(ll_to_earth(1, 2), 9) @> ll_to_earth(1, 2)`,
  `array['a.b']::ltree[] ?~ 'a.*', array['a.b']::ltree[] ?@ 'a', 'a.b'::ltree ^<@ 'a'`,
])('of extensions: %s', (selected) => void proveText(`select ${selected}`, 'one', 0));

test.each([
  ['nextval', /column's default draw it/],
  ['currval', /RETURNING/],
  ['pg_typeof', /pg_typeof\(x\)::text/],
  ['set_config', /SET LOCAL/],
  ['slugify', /withTenancy\(db, \{ functions/],
])('%s is refused with what to do instead', (name, remedy) => {
  expect(refusalOf(() => proveText(`select ${name}('x')`, 'one', 0))).toMatch(remedy);
});

test("the application's own functions, as they were given", () => {
  const functions = new Set(['slugify', 'app.total', 'nextval']);
  for (const text of [
    `select slugify('x'), app.total(1)`,
    `select nextval('s')`,
    `select t.n from app.total(1) as t(n)`,
  ])
    proveText(text, 'one', 0, { functions });
  for (const text of [
    `select app.slugify('x')`,
    `select total(1)`,
    `select other.total(1)`,
    `select pg_catalog.slugify('x')`,
    `select slugify.slugify from unnest(array[1]) as slugify(n)`,
  ]) {
    expect(
      refusalOf(() => proveText(text, 'one', 0, { functions })),
      text,
    ).toBeDefined();
  }
});
