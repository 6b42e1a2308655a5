/**
 * Every statement that moves a tenant as a whole, as fixed forms. They need the driver's own connection (COPY, cursors,
 * long transactions), so the gate of the handles does not see them, and this file has to be read in its place:
 *
 * - A table and a column are named by the database's catalog, and quoted by `ident`.
 * - The tenant is a literal made by `literalOf`, which reads the same whatever the settings of the connection say.
 * - Whatever reads, changes or deletes rows of a tenant table has `tenant column = literal` on that table itself.
 *   `rowsOf` and `isOf` write it, and nothing else writes it.
 * - What comes back is looked at again: an exported row whose tenant is another ends the export, and a batch that
 *   deleted another tenant's row is rolled back.
 */
import { literalOf } from '../rls/settings.js';
import type { Column, ForeignKey, LiveTable, Named, Sequence } from './catalog.js';

export const ident = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const nameOf = ({ schema, name }: Named): string => `${ident(schema)}.${ident(name)}`;
const list = (names: readonly string[], of = ''): string => names.map((it) => of + ident(it)).join(', ');

/** A tenant table with its tenant column. */
export interface Owned extends Named {
  readonly column: string;
}

/** The predicate that confines a range table entry to the tenant. */
const isOf = ({ column }: Owned, tenant: string, alias = 't') => `${alias}.${ident(column)} = ${literalOf(tenant)}`;
/** The rows of the tenant: FROM and WHERE. */
const rowsOf = (table: Owned, tenant: string, alias = 't') =>
  `from ${nameOf(table)} ${alias} where ${isOf(table, tenant, alias)}`;

// transactions

export const begin = {
  /** One snapshot for all tables. */
  read: 'begin isolation level repeatable read read only',
  write: 'begin isolation level read committed read write',
} as const;
export type Access = keyof typeof begin;
export const commit = 'commit';
export const rollback = 'rollback';

/** The forms in which values are written as text, the same on every server; those that pg_dump sets. */
const formats = [
  "set local datestyle = 'ISO, YMD'",
  "set local intervalstyle = 'postgres'",
  'set local extra_float_digits = 1',
  "set local bytea_output = 'hex'",
  "set local timezone = 'UTC'",
  "set local lc_monetary = 'C'",
  "set local xmloption = 'content'",
  'set local statement_timeout = 0',
  'set local idle_in_transaction_session_timeout = 0',
];

/** What follows BEGIN: formats, and whose rows the policies of row-level security may show. */
export const settings = (names: readonly string[], tenant: string): string[] => [
  ...formats,
  "set local citus.propagate_set_commands = 'local'",
  ...names.map((name) => `set local ${name} = ${literalOf(tenant)}`),
];

/** Held until the transaction ends: one import or replacement of a tenant at a time. */
export const lockTenant = (tenancy: string, tenant: string) =>
  `select pg_advisory_xact_lock(hashtextextended(${literalOf(`drizzle-tenant ${tenancy} ${tenant}`)}, 0))::text`;

/** Of a transaction that is about to be committed, to ask for later. */
export const transactionId = 'select pg_current_xact_id()::text';
export const statusOf = (xid: string) => `select pg_xact_status(${literalOf(xid)}::xid8)::text`;

export const canonical = (value: string, type: string) => `select (${literalOf(value)}::${type})::text`;

// reading

export const copyRows = (table: Owned, columns: readonly string[], tenant: string) =>
  `copy (select ${list(columns, 't.')} ${rowsOf(table, tenant)}) to stdout`;

/** The same rows through a cursor, for drivers without COPY. */
export const declareRows = (table: Owned, columns: readonly string[], tenant: string) =>
  'declare drizzle_tenant_rows no scroll cursor for ' +
  `select ${columns.map((it) => `t.${ident(it)}::text`).join(', ')} ${rowsOf(table, tenant)}`;

/** A part of a table: the rows whose key is behind `after`, up to `to`. */
export interface Range {
  readonly key: readonly Column[];
  readonly after: readonly string[] | null;
  readonly to: readonly string[] | null;
}
const within = ({ key, after, to }: Range): string => {
  const cells = `(${list(
    key.map((it) => it.name),
    't.',
  )})`;
  const values = (bound: readonly string[]) =>
    `(${bound.map((it, i) => `${literalOf(it)}::${key[i]!.type}`).join(', ')})`;
  return (after ? ` and ${cells} > ${values(after)}` : '') + (to ? ` and ${cells} <= ${values(to)}` : '');
};
export const copyPart = (table: Owned, columns: readonly string[], tenant: string, range: Range) =>
  `copy (select ${list(columns, 't.')} ${rowsOf(table, tenant)}${within(range)}) to stdout`;
export const declarePart = (table: Owned, columns: readonly string[], tenant: string, range: Range) =>
  `${declareRows(table, columns, tenant)}${within(range)}`;
/** The last key of a part of so many rows; none where there are fewer. */
export const boundOfPart = (table: Owned, tenant: string, { key, after }: Omit<Range, 'to'>, rows: number) =>
  `select ${key.map((it) => `t.${ident(it.name)}::text`).join(', ')} ` +
  `${rowsOf(table, tenant)}${within({ key, after, to: null })} ` +
  `order by ${list(
    key.map((it) => it.name),
    't.',
  )} offset ${Math.trunc(rows) - 1} limit 1`;

/**
 * How many rows, and the sum of their hashes: the same while no row was added, changed or deleted, in whatever order
 * they come.
 */
const fingerprint = (rows: string, seed: string) =>
  "select count(*)::text || ' ' || coalesce(sum(hashtextextended(row(r.*)::text, " +
  `${literalOf(seed)}::bigint)), 0)::text from (${rows}) r`;
export const fingerprintOfPart = (
  table: Owned,
  columns: readonly string[],
  tenant: string,
  range: Range,
  seed: string,
) => fingerprint(`select ${list(columns, 't.')} ${rowsOf(table, tenant)}${within(range)}`, seed);
export const fingerprintOfShared = (
  table: LiveTable,
  columns: readonly string[],
  pointers: readonly Pointer[],
  tenant: string,
  seed: string,
) => fingerprint(sharedRows(table, columns, pointers, tenant, ''), seed);

/** Ordered by the key's text, byte by byte, which is one order in every database. */
const inOrder = (key: readonly string[]) =>
  `order by ${key.map((it) => `t.${ident(it)}::text collate "C" nulls first`).join(', ')}`;
export const copyInOrder = (table: Owned, columns: readonly string[], key: readonly string[], tenant: string) =>
  `copy (select ${list(columns, 't.')} ${rowsOf(table, tenant)} ${inOrder(key)}) to stdout`;
export const declareInOrder = (table: Owned, columns: readonly string[], key: readonly string[], tenant: string) =>
  `${declareRows(table, columns, tenant)} ${inOrder(key)}`;

export const fetchRows = (rows: number) => `fetch ${Math.trunc(rows)} from drizzle_tenant_rows`;
export const closeRows = 'close drizzle_tenant_rows';

export const countRows = (table: Owned, tenant: string) => `select count(*)::text ${rowsOf(table, tenant)}`;
export const anyRow = (table: Owned, tenant: string) => `select exists (select ${rowsOf(table, tenant)})::text`;

/** A tenant table, or a table of shared rows, that points at shared rows. */
export interface Pointer {
  readonly table: Named;
  /** Undefined for a shared table: then `pointers` say which of its rows are meant. */
  readonly owned: Owned | undefined;
  readonly pointers: readonly Pointer[];
  readonly foreignKey: ForeignKey;
}

/** The shared rows that the tenant's rows point at, also by way of other shared rows. */
const isPointedAt = (pointers: readonly Pointer[], tenant: string, alias: string, depth = 0): string =>
  pointers
    .map(({ table, owned, pointers: own, foreignKey: { columns, toColumns } }) => {
      const p = `p${depth}`;
      const joined = columns.map((it, i) => `${p}.${ident(it)} = ${alias}.${ident(toColumns[i]!)}`).join(' and ');
      const whose = owned ? isOf(owned, tenant, p) : `(${isPointedAt(own, tenant, p, depth + 1)})`;
      return `exists (select from ${nameOf(table)} ${p} where ${whose} and ${joined})`;
    })
    .join(' or ');

/** With a key that points at its own table, the rows above are followed up to the top. */
function sharedRows(
  table: LiveTable,
  columns: readonly string[],
  pointers: readonly Pointer[],
  tenant: string,
  cast: string,
): string {
  const cells = columns.map((it) => `t.${ident(it)}${cast}`).join(', ');
  const direct = `from ${nameOf(table)} t where ${isPointedAt(pointers, tenant, 't')}`;
  const own = table.foreignKeys.find((it) => it.to === table.oid);
  if (!own) return `select ${cells} ${direct}`;
  const names = [...new Set([...own.columns, ...own.toColumns])];
  const above = own.columns.map((it, i) => `t.${ident(own.toColumns[i]!)} = a.${ident(it)}`).join(' and ');
  const isIn = own.toColumns.map((it) => `a.${ident(it)} = t.${ident(it)}`).join(' and ');
  return (
    `with recursive a as (select ${list(names, 't.')} ${direct} union select ${list(names, 't.')} ` +
    `from ${nameOf(table)} t join a on ${above}) ` +
    `select ${cells} from ${nameOf(table)} t where exists (select from a where ${isIn})`
  );
}
export const copyShared = (
  table: LiveTable,
  columns: readonly string[],
  pointers: readonly Pointer[],
  tenant: string,
) => `copy (${sharedRows(table, columns, pointers, tenant, '')}) to stdout`;
export const declareShared = (
  table: LiveTable,
  columns: readonly string[],
  pointers: readonly Pointer[],
  tenant: string,
) => `declare drizzle_tenant_rows no scroll cursor for ${sharedRows(table, columns, pointers, tenant, '::text')}`;

// writing: each row's tenant was written by the client, and is not taken from a file

export const copyInto = (table: Named, columns: readonly string[]) =>
  `copy ${nameOf(table)} (${list(columns)}) from stdin`;

/** A table of this connection only, which ends with the transaction. */
export const stageOf = (n: number): string => `drizzle_tenant_stage_${n}`;
export const createStage = (stage: string, columns: readonly Column[]) =>
  `create temporary table ${ident(stage)} ` +
  `(${columns.map((it) => `${ident(it.name)} ${it.type}`).join(', ')}) on commit drop`;
export const copyIntoStage = (stage: string, columns: readonly string[]) =>
  `copy pg_temp.${ident(stage)} (${list(columns)}) from stdin`;
/** For drivers without COPY: rows as one JSON text, an array of arrays of text or null. */
export const insertIntoStage = (stage: string, columns: readonly Column[]) =>
  `insert into pg_temp.${ident(stage)} (${list(columns.map((it) => it.name))}) ` +
  `select ${columns.map((it, i) => `(r.value ->> ${i})::${it.type}`).join(', ')} ` +
  'from json_array_elements($1::text::json) r';

/**
 * Each row is given its tenant here: what the stage says of it is not read.
 *
 * @param later columns that stay empty until the rows that they point at are there
 * @param key the key whose rows are changed where they are there already; undefined where there are none
 */
export function insertStaged(
  table: LiveTable & Owned,
  stage: string,
  columns: readonly Column[],
  later: readonly string[],
  key: readonly string[] | undefined,
  tenant: string,
): string {
  const cells = columns.map((it) =>
    it.name === table.column
      ? `${literalOf(tenant)}::${it.type}`
      : later.includes(it.name)
        ? `null::${it.type}`
        : `s.${ident(it.name)}`,
  );
  const changed = columns
    .filter((it) => !key?.includes(it.name))
    .map((it) => `${ident(it.name)} = excluded.${ident(it.name)}`);
  const conflict =
    key && ` on conflict (${list(key)}) do ${changed.length > 0 ? `update set ${changed.join(', ')}` : 'nothing'}`;
  return (
    `insert into ${nameOf(table)} (${list(columns.map((it) => it.name))}) overriding system value ` +
    `select ${cells.join(', ')} from pg_temp.${ident(stage)} s${conflict ?? ''}`
  );
}

export const fillLater = (
  table: LiveTable & Owned,
  stage: string,
  later: readonly string[],
  key: readonly string[],
  tenant: string,
) =>
  `update ${nameOf(table)} t set ${later.map((it) => `${ident(it)} = s.${ident(it)}`).join(', ')} ` +
  `from pg_temp.${ident(stage)} s ` +
  `where ${isOf(table, tenant)} and ${key.map((it) => `t.${ident(it)} = s.${ident(it)}`).join(' and ')} ` +
  `and (${later.map((it) => `s.${ident(it)} is not null`).join(' or ')})`;

/** Rows of the stage that the table does not hold as they are: what a trigger changed or kept out. */
export const countChanged = (table: Owned, stage: string, columns: readonly string[], tenant: string) => {
  const cells = (alias: string) => columns.map((it) => `${alias}.${ident(it)}::text`).join(', ');
  return (
    `select count(*)::text from (select ${cells('s')} from pg_temp.${ident(stage)} s except all ` +
    `select ${cells('t')} ${rowsOf(table, tenant)}) d`
  );
};

/** The tenant's rows that point at nothing: for imports that did not run the triggers, which check keys too. */
export const countOrphans = (table: Owned, { columns, toColumns }: ForeignKey, to: Named, tenant: string) =>
  `select count(*)::text ${rowsOf(table, tenant)} and ` +
  `${columns.map((it) => `t.${ident(it)} is not null`).join(' and ')} ` +
  `and not exists (select from ${nameOf(to)} p where ` +
  `${columns.map((it, i) => `p.${ident(toColumns[i]!)} = t.${ident(it)}`).join(' and ')})`;

/** That a row p points at a row t. */
const pointsAt = ({ columns, toColumns }: ForeignKey) =>
  columns.map((it, i) => `p.${ident(it)} = t.${ident(toColumns[i]!)}`).join(' and ');

/** Whether rows of a table that is not the tenant's point at rows that are. */
export const anyPointing = (from: Named, key: ForeignKey, to: Owned, tenant: string) =>
  `select exists (select ${rowsOf(to, tenant)} and exists (select from ${nameOf(from)} p ` +
  `where ${pointsAt(key)}))::text`;

/** A foreign key, and the tables at its two ends. */
export interface Step {
  readonly from: LiveTable;
  readonly key: ForeignKey;
  readonly to: LiveTable;
}

/**
 * Whether rows point at rows of the tenant, or at what points at them: of other tenants' rows, nothing but that is
 * asked.
 *
 * @param path the keys, from the rows that are asked for to the tenant's
 * @param ofOthers the tenant column of the table that is asked, where its rows of this tenant are not meant
 */
export const anyOnPath = (path: readonly Step[], to: Owned, tenant: string, ofOthers?: string) => {
  const steps = path.map(({ key: { columns, toColumns }, to: next }, i) => {
    const rows = i === path.length - 1 ? rowsOf(to, tenant) : `from ${nameOf(next)} s${i} where true`;
    const [here, there] = [i === 0 ? 'p' : `s${i - 1}`, i === path.length - 1 ? 't' : `s${i}`];
    return (
      ` and exists (select ${rows}` +
      columns.map((it, n) => ` and ${here}.${ident(it)} = ${there}.${ident(toColumns[n]!)}`).join('')
    );
  });
  const whose = ofOthers === undefined ? 'true' : `p.${ident(ofOthers)} is distinct from ${literalOf(tenant)}`;
  return (
    `select exists (select from ${nameOf(path[0]!.from)} p where ${whose}` +
    `${steps.join('')}${')'.repeat(path.length)})::text`
  );
};

/** How many rows point at rows of the tenant. */
export const countPointing = (from: Named, key: ForeignKey, to: Owned, tenant: string) =>
  `select count(*)::text from ${nameOf(from)} p where exists (select ${rowsOf(to, tenant)} and ${pointsAt(key)})`;

const sameKey = (key: readonly string[], a: string, b: string) =>
  key.map((it) => `${a}.${ident(it)} = ${b}.${ident(it)}`).join(' and ');
/** Shared rows that are there under the same key, and say something else. */
export const differingShared = (table: Named, stage: string, columns: readonly string[], key: readonly string[]) =>
  `select ${key.map((it) => `s.${ident(it)}::text`).join(` || ', ' || `)} from pg_temp.${ident(stage)} s ` +
  `join ${nameOf(table)} t on ${sameKey(key, 's', 't')} ` +
  `where (${columns.map((it) => `s.${ident(it)}::text is distinct from t.${ident(it)}::text`).join(' or ')}) limit 5`;
export const insertShared = (table: Named, stage: string, columns: readonly string[], key: readonly string[]) =>
  `with added as (insert into ${nameOf(table)} (${list(columns)}) overriding system value ` +
  `select ${list(columns, 's.')} from pg_temp.${ident(stage)} s ` +
  `where not exists (select from ${nameOf(table)} t where ${sameKey(key, 's', 't')}) returning 1) ` +
  'select count(*)::text from added';

export const deferConstraints = 'set constraints all deferred';
export const checkConstraints = 'set constraints all immediate';
export const skipTriggers = 'set local session_replication_role = replica';

/** The tenant's row that is furthest on in a sequence, and where that is itself. */
const furthest = (table: Owned, column: string, sequence: Sequence, tenant: string) =>
  `from (select ${sequence.isDescending ? 'min' : 'max'}(t.${ident(column)})::bigint ` +
  `as value ${rowsOf(table, tenant)}) m, ${nameOf(sequence)} s`;

/** Moves a sequence beyond the tenant's rows, and never back. */
export const raiseSequence = (table: Owned, column: string, sequence: Sequence, tenant: string) =>
  `select setval(${literalOf(nameOf(sequence))}::regclass, m.value)::text ` +
  `${furthest(table, column, sequence, tenant)} ` +
  `where m.value ${sequence.isDescending ? '<' : '>'} s.last_value or (m.value = s.last_value and not s.is_called)`;

/** Tells of a sequence of which moving it would use up more than remains afterwards: every tenant draws from it. */
export const isFarSequence = (table: Owned, column: string, sequence: Sequence, tenant: string) =>
  `select true::text ${furthest(table, column, sequence, tenant)} ` +
  `where m.value ${sequence.isDescending ? '<' : '>'} s.last_value ` +
  `and 2 * abs(m.value::numeric - s.last_value) > abs(${sequence.last}::numeric - s.last_value)`;

// erasing

export const deleteAll = (table: Owned, tenant: string) => `delete ${rowsOf(table, tenant)}`;
export const clearAll = (table: Owned, columns: readonly string[], tenant: string) =>
  `update ${nameOf(table)} t set ${columns.map((it) => `${ident(it)} = null`).join(', ')} ` +
  `where ${isOf(table, tenant)} and (${columns.map((it) => `t.${ident(it)} is not null`).join(' or ')})`;

/** Which rows a batch takes: by their place in the table, or by their key where rows lie in several tables. */
function batchOf(table: LiveTable & Owned, tenant: string, rows: number, more = ''): string {
  const limit = `limit ${Math.trunc(rows)}`;
  const inner = (cells: string) => `select ${cells} ${rowsOf(table, tenant, 'b')}${more} ${limit}`;
  if (!table.isSpread) return `t.ctid = any (array(${inner('b.ctid')}))`;
  return `(${list(table.key, 't.')}) in (${inner(list(table.key, 'b.'))})`;
}
/** How many rows a statement took, and how many of them were another tenant's. */
const told = (statement: string, { column }: Owned, tenant: string) =>
  `with gone as (${statement} returning t.${ident(column)} as tenant) select count(*)::text, (count(*) ` +
  `filter (where tenant is distinct from ${literalOf(tenant)}))::text from gone`;
export const deleteBatch = (table: LiveTable & Owned, tenant: string, rows: number) =>
  told(`delete ${rowsOf(table, tenant)} and ${batchOf(table, tenant, rows)}`, table, tenant);
export const deleteWhole = (table: Owned, tenant: string) => told(deleteAll(table, tenant), table, tenant);
export const clearBatch = (table: LiveTable & Owned, columns: readonly string[], tenant: string, rows: number) => {
  const more = ` and (${columns.map((it) => `b.${ident(it)} is not null`).join(' or ')})`;
  const set = columns.map((it) => `${ident(it)} = null`).join(', ');
  return told(
    `update ${nameOf(table)} t set ${set} where ${isOf(table, tenant)} and ${batchOf(table, tenant, rows, more)}`,
    table,
    tenant,
  );
};
export const refreshView = (view: Named) => `refresh materialized view ${nameOf(view)}`;

/** The keys of shared rows that the tenant's rows point at, as one JSON text. */
export const keysOfShared = (table: LiveTable, key: readonly string[], pointers: readonly Pointer[], tenant: string) =>
  `select coalesce(json_agg(json_build_array(${key.map((it) => `k.${ident(it)}`).join(', ')})), ` +
  `'[]')::text from (${sharedRows(table, key, pointers, tenant, '::text')}) k`;
const isListed = (key: readonly Column[]) =>
  key.map((it, i) => `t.${ident(it.name)} = (r.value ->> ${i})::${it.type}`).join(' and ');
/** Waits for whoever is about to point at shared rows: the statement behind it sees those who did. */
export const lockShared = (table: Named, key: readonly Column[]) =>
  `select t.${ident(key[0]!.name)}::text from ${nameOf(table)} t, json_array_elements($1::text::json) r ` +
  `where ${isListed(key)} for update of t`;
/** Deletes shared rows by key where nobody points at them any more. */
export const deleteUnused = (
  table: Named,
  key: readonly Column[],
  pointers: readonly { readonly table: Named; readonly foreignKey: ForeignKey }[],
) =>
  `with gone as (delete from ${nameOf(table)} t using json_array_elements($1::text::json) r where ${isListed(key)} ` +
  pointers
    .map(
      ({ table: from, foreignKey }) => `and not exists (select from ${nameOf(from)} p where ${pointsAt(foreignKey)}) `,
    )
    .join('') +
  'returning 1) select count(*)::text from gone';
