/** A schema of what is hard to move: types, keys, triggers, made by hand in SQL where Drizzle has no word for it. */
import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  customType,
  foreignKey,
  integer,
  pgSchema,
  primaryKey,
  serial,
  text,
} from 'drizzle-orm/pg-core';
import { defineTenantRelations, referenceTable, tenancy, tenantSchema, tenantTable } from '../../src/index.js';

export const firm = tenancy('firm', () => bigint({ mode: 'number' }));
const any = (type: string) => customType<{ data: unknown }>({ dataType: () => type })();

export const continents = referenceTable('continents', {
  id: integer().primaryKey(),
  name: text().notNull(),
  within: integer(),
});
export const lands = referenceTable('lands', {
  code: text().primaryKey(),
  continentId: integer().references(() => continents.id),
  name: text(),
});
export const firms = tenantTable('firms', {
  id: firm.id().primaryKey(),
  name: text().notNull(),
  landCode: text().references(() => lands.code),
  headId: integer(),
});
export const people = tenantTable(
  'people',
  {
    firmId: firm.id().references(() => firms.id),
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    bossId: integer(),
    deskId: integer(),
    name: text(),
  },
  (t) => [foreignKey({ columns: [t.bossId], foreignColumns: [t.id] })],
);
export const desks = tenantTable('desks', {
  firmId: firm.id(),
  id: serial().primaryKey(),
  ownerId: integer().references(() => people.id),
  label: text(),
});
/** Points at itself, always. */
export const rings = tenantTable(
  'rings',
  { firmId: firm.id(), id: integer().primaryKey(), nextId: integer().notNull() },
  (t) => [foreignKey({ columns: [t.nextId], foreignColumns: [t.id] })],
);
export const odd = pgSchema('Odd "schema"');
export const kinds = tenantSchema(odd).table('All, "kinds"', {
  firmId: firm.id('Firm.t.id'),
  id: bigserial({ mode: 'number' }).primaryKey(),
  words: any('text'),
  bytes: any('bytea'),
  amount: any('numeric'),
  whole: any('numeric(30,10)'),
  float: any('double precision'),
  real: any('real'),
  span: any('int4range'),
  spans: any('tstzmultirange'),
  list: any('text[]'),
  table: any('integer[][]'),
  mood: any('mood'),
  moods: any('mood[]'),
  day: any('date'),
  at: any('timestamptz'),
  local: any('timestamp'),
  clock: any('timetz'),
  lasts: any('interval'),
  json: any('json'),
  jsonb: any('jsonb'),
  place: any('point'),
  net: any('inet'),
  bits: any('bit varying'),
  money: any('money'),
  xml: any('xml'),
  search: any('tsvector'),
  pair: any('pair'),
  fixed: any('character(5)'),
  short: any('short_text'),
  upper: text().generatedAlwaysAs(sql`upper(words)`),
});
/** Without a primary key. */
export const events = tenantTable('events', { firmId: firm.id(), what: text(), at: integer(), about: firm.ref() });
export const parts = tenantTable('parts', { firmId: firm.id(), id: integer(), size: integer() }, (t) => [
  primaryKey({ columns: [t.firmId, t.id] }),
]);

export const relations = defineTenantRelations({
  continents,
  lands,
  firms,
  people,
  desks,
  rings,
  kinds,
  events,
  parts,
});

const kindsDdl = `create table "Odd ""schema"""."All, ""kinds""" ("Firm.t.id" bigint not null, id bigserial,
  words text, bytes bytea, amount numeric, whole numeric(30,10), float double precision, real real,
  span int4range, spans tstzmultirange, list text[], "table" integer[][], mood mood, moods mood[], day date,
    at timestamptz, local timestamp, clock timetz, lasts interval, json json, jsonb jsonb,
  place point, net inet, bits bit varying, money money, xml xml, search tsvector, pair pair, fixed character(5),
    short short_text, upper text generated always as (upper(words)) stored, primary key ("Firm.t.id", id))`;

export const ddl = `
create type mood as enum ('glad', 'so, "so"', 'sad');
create type pair as (a integer, b text);
create domain short_text as text check (length(value) < 10);
create schema "Odd ""schema""";
create table continents (id integer primary key, name text not null, within integer references continents(id));
create table lands (code text primary key, "continentId" integer references continents(id), name text);
create table firms (id bigint primary key, name text not null, "landCode" text references lands(code),
  "headId" integer);
create table people ("firmId" bigint not null references firms(id), id integer generated always as identity,
  "bossId" integer, "deskId" integer, name text, primary key ("firmId", id),
  foreign key ("firmId", "bossId") references people ("firmId", id));
create table desks ("firmId" bigint not null, id serial, "ownerId" integer, label text, primary key ("firmId", id),
  foreign key ("firmId", "ownerId") references people("firmId", id));
alter table people add foreign key ("firmId", "deskId") references desks ("firmId", id);
alter table firms add constraint head foreign key (id, "headId") references people ("firmId", id) deferrable;
create table rings ("firmId" bigint not null, id integer not null, "nextId" integer not null, primary key ("firmId",
  id), foreign key ("firmId", "nextId") references rings ("firmId", id));
${kindsDdl};
create table events ("firmId" bigint not null, what text, at integer, about bigint);
create table parts ("firmId" bigint not null, id integer not null, size integer, primary key ("firmId",
  id)) partition by range (id);
create table parts_low partition of parts for values from (0) to (100);
create table parts_high partition of parts for values from (100) to (1000);
`;

export const sharedRows = `insert into continents values (1, 'World', null), (2, 'Asia', 1), (3, 'Africa', 1), (9,
  'Nowhere', null);
insert into lands values ('JP', 2, 'Japan'), ('GH', 3, 'Ghana'), ('XX', 9, 'none');`;

const q = (text: string) => `'${text.replaceAll("'", "''")}'`;
const nasty = 'tab\there\nline\r\nback\\slash \\N \\. "quoted", \u2028 \u{1f600} \x01 end ';

/** One firm's rows: keys are the same for each. */
export const firmRows = (id: number, land = 'JP') => `
begin; set constraints all deferred;
insert into firms values (${id}, 'Firm ${id}', '${land}', 1);
insert into people overriding system value values (${id}, 1, null, null, 'ann'), (${id}, 2, 3, null, 'ben'), (${id},
  3, 1, null, null), (${id}, 700, 2, null, '');
insert into desks values (${id}, 5, 1, 'a'), (${id}, 6, 2, null), (${id}, 900, 3, 'c');
update people set "deskId" = 6 where "firmId" = ${id} and id = 1; update people set "deskId" = 900
  where "firmId" = ${id} and id = 700;
insert into rings values (${id}, 1, 2), (${id}, 2, 3), (${id}, 3, 1);
insert into "Odd ""schema"""."All, ""kinds""" ("Firm.t.id", id, words, bytes, amount, whole, float, real, span,
  spans, list, "table", mood, moods, day, at, local, clock, lasts, json, jsonb, place, net, bits, money, xml,
    search, pair, fixed, short) values
  (${id}, 1, ${q(nasty)}, '\\x00ff0a5c', 'NaN', 12345678901234567890.0123456789, 0.1, 1e-30, '[1,5)',
    '{[2020-01-01,infinity)}', array['a', null, 'NULL', '', 'c,"d\\'], array[[1,2],[3,null]], 'so, "so"',
      '{glad,"so, \\"so\\""}',
   'infinity', '-infinity', 'infinity', '12:00:00.123456+05:30', '1 year -3 days 04:05:06.789',
     '{"a" :  1, "a": 2}', 'null', '(1.5,-2)', '10.0.0.0/8', '10110', '-12.50', '<a>&lt;</a>', 'cat:3A & dog',
       '(1,"x,\\"y")', 'ab', 'ok'),
  (${id}, 2, '', '', 1e400::numeric, -0.0000000001, 'Infinity', 'NaN', 'empty', '{}', '{}', '{}', null, null,
    '4713-01-01 BC', '294276-12-31 23:59:59.999999+00', '0044-03-15 BC', null, '-178000000 years', 'null', '"null"',
      null, null, '', null, null, null, '(,)', '', null),
  (${id}, 40, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
    null, null, null, null, null, null, null, null, null, null, null);
insert into events values (${id}, 'same', 1, null), (${id}, 'same', 1, 77), (${id}, null, null, null), (${id},
  'own ${id}', ${id}, ${id});
insert into parts select ${id}, n, n * ${id} from generate_series(95, 105) n;
commit;`;

export const tenantTables = [
  ['firms', 'id'],
  ['people', 'firmId'],
  ['desks', 'firmId'],
  ['rings', 'firmId'],
  ['"Odd ""schema"""."All, ""kinds"""', 'Firm.t.id'],
  ['events', 'firmId'],
  ['parts', 'firmId'],
] as const;
