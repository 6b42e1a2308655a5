/**
 * Drift of keys and indexes: what the schema and its migrations have, and a live database has not, or has otherwise.
 */
import { asideName, indexIn, readCreateIndex } from '../generate/indexes.js';
import type { LiveKey } from './keys.js';
import type { LiveTable } from './read.js';
import type { PlanStep } from './step.js';
import { ident, keyOf, plain, quoted, type TableName } from '../names.js';
import type { Entities, Row } from '../snapshot.js';
import type { TenancyState } from '../state.js';

export interface KeyInput {
  readonly tables: ReadonlyMap<string, LiveTable>;
  readonly state: TenancyState;
  /** The keys that are due: those of the schema that a migration made. */
  readonly due: Entities;
  /** drizzle-kit's own CREATE INDEX statements of the schema. */
  readonly createIndexes: readonly string[];
  /** Indexes of every table, and no keys: those are steps of their own. */
  readonly online?: boolean;
}

/** @returns the steps, keys before indexes */
export function keySteps({ tables, state, due, createIndexes, online }: KeyInput): PlanStep[] {
  const statements = new Map(
    createIndexes.map((it) => [`${readCreateIndex(it)?.table}\0${readCreateIndex(it)?.name}`, it]),
  );
  const keys: PlanStep[] = [];
  const indexes: PlanStep[] = [];
  const declaredTables: readonly TableName[] = online
    ? due.list('tables').map((it) => ({ schema: it.schema, name: it.name }))
    : Object.values(state.tables);
  for (const declared of declaredTables) {
    const live = tables.get(keyOf(declared));
    if (!live) continue;
    for (const kind of online ? [] : (['pks', 'uniques'] as const))
      for (const it of due.of(kind, declared)) keys.push(...constraint(live, it, kind));
    for (const it of due.of('indexes', declared))
      indexes.push(...index(live, it, statements.get(`${quoted(declared)}\0${it.name}`)));
  }
  return [...keys, ...indexes];
}

/** PostgreSQL keeps 63 bytes of a name. */
const cut = (name: string) => Buffer.from(name).subarray(0, 63).toString();
const named = (live: LiveTable, name: string) => live.keys.find((it) => it.name === cut(name));
export const sameColumns = (found: LiveKey, names: readonly (string | null)[]) =>
  JSON.stringify(found.columns) === JSON.stringify(names.map((it) => it && cut(it)));
/** Writes to a table with partitions wait while its index is built. */
export const concurrently = (live: LiveTable) => (live.isPartitioned ? '' : ' CONCURRENTLY');

const sizeOf = ({ rows, bytes }: LiveTable) => ({ rows, bytes });

const say = (live: TableName, what: string, sql: string[], more: Partial<PlanStep> = {}): PlanStep => ({
  table: plain(live),
  what: `${plain(live)}: ${what}`,
  sql,
  ...more,
});

/** A key that is not there, or is otherwise; undefined where it is as it should be. */
export function lackingConstraint(
  live: LiveTable,
  row: Row,
  kind: 'pks' | 'uniques',
): { word: string; what: string; rival?: LiveKey; alike: NonNullable<PlanStep['precondition']> } | undefined {
  const found = named(live, row.name);
  const like = kind === 'pks' ? 'primary' : 'unique';
  const isRight =
    found !== undefined &&
    found.kind === like &&
    sameColumns(found, row.columns) &&
    found.valid &&
    found.nullsNotDistinct === Boolean(row.nullsNotDistinct);
  const isOnShards = !live.lackingOnShards.includes(cut(row.name));
  // The same key under another name is what a rename in the question of drizzle-kit left, or a person.
  const other = live.keys.find((it) => it.kind === like && sameColumns(it, row.columns) && it.name !== cut(row.name));
  if ((isRight && isOnShards) || (!found && other)) return undefined;
  const columns = row.columns.map(ident).join(', ');
  const word = like === 'primary' ? 'primary key' : 'unique constraint';
  const rival = like === 'primary' ? live.keys.find((it) => it.kind === 'primary') : found;
  const query =
    `SELECT ${columns}, count(*) FROM ${quoted(live)} WHERE (${columns}) IS NOT NULL GROUP BY ${columns} ` +
    'HAVING count(*) > 1';
  return {
    word,
    what: `with the ${word} ${row.name}${found && !isOnShards ? ' on its shards too' : ''}`,
    ...(rival && { rival }),
    alike: { query, remedy: `Make the rows of ${quoted(live)} differ in ${row.columns.join(', ')}` },
  };
}

export function constraint(live: LiveTable, row: Row, kind: 'pks' | 'uniques'): PlanStep[] {
  const lack = lackingConstraint(live, row, kind);
  if (!lack) return [];
  const key = kind === 'pks' ? 'PRIMARY KEY' : `UNIQUE${row.nullsNotDistinct ? ' NULLS NOT DISTINCT' : ''}`;
  return [
    say(
      live,
      lack.what,
      [
        ...(lack.rival ? [`ALTER TABLE ${quoted(live)} DROP CONSTRAINT IF EXISTS ${ident(lack.rival.name)};`] : []),
        `ALTER TABLE ${quoted(live)} ADD CONSTRAINT ${ident(row.name)} ${key} (${row.columns.map(ident).join(', ')});`,
      ],
      { precondition: lack.alike },
    ),
  ];
}

/** A column of a snapshot's index as the catalog has it. */
export const optionOf = (column: Row): number => (column.asc === false ? 1 : 0) + (column.nullsFirst === true ? 2 : 0);

function index(live: LiveTable, row: Row, statement: string | undefined): PlanStep[] {
  const leftOver = (['old', 'new'] as const)
    .map((it) => named(live, asideName(row.name, it)))
    .filter((it) => it !== undefined);
  const clear = leftOver.map((it) => `DROP INDEX${concurrently(live)} IF EXISTS ${indexIn(live, it.name)};`);
  const found = named(live, row.name);
  const columns = row.columns.map((it: Row) => (it.isExpression ? null : it.value));
  const isLike = (it: LiveKey | undefined) =>
    it !== undefined &&
    sameColumns(it, columns) &&
    it.unique === Boolean(row.isUnique) &&
    it.method === row.method &&
    it.isPartial === Boolean(row.where) &&
    (it.method !== 'btree' || JSON.stringify(it.options) === JSON.stringify(row.columns.map(optionOf)));
  const isRight = isLike(found);
  const isWhole = isRight && found!.valid && !live.lackingOnShards.includes(cut(row.name));
  if (isWhole)
    return clear.length === 0
      ? []
      : [say(live, `without what an interrupted run left of the index ${row.name}`, clear, { alone: true })];
  const it = statement === undefined ? undefined : readCreateIndex(statement);
  if (!it) return [];
  const create = (name: string) =>
    `CREATE ${it.unique ? 'UNIQUE ' : ''}INDEX${concurrently(live)} ${ident(name)} ON ${quoted(live)}${it.rest}`;
  const [aside, old] = [asideName(row.name, 'new'), asideName(row.name, 'old')];
  const rename = (from: string, to: string) => `ALTER INDEX ${indexIn(live, from)} RENAME TO ${ident(to)};`;
  const gone = (name: string) => `DROP INDEX${concurrently(live)} IF EXISTS ${indexIn(live, name)};`;
  const built = named(live, aside);
  // A run that was stopped after the build has only the names to change.
  if (isLike(built) && built!.valid && !live.lackingOnShards.includes(aside)) {
    const isKept = found !== undefined && !isRight && found.valid;
    const put = named(live, old) ? [gone(old)] : [];
    const sql = [
      ...(isKept ? [...put, rename(row.name, old)] : found ? [gone(row.name)] : []),
      rename(aside, row.name),
      ...(isKept ? [gone(old)] : put),
    ];
    return [say(live, `with the index ${row.name}, which is built`, sql, { alone: true })];
  }
  // One that is not whole is of no use to any query; one that is otherwise stands until the new one does.
  if (!found || !found.valid) {
    const before = [...(built ? [gone(aside)] : []), ...(found ? [gone(found.name)] : [])];
    return [
      say(
        live,
        `with the index ${row.name}${found ? ', which a concurrent build left invalid' : ''}`,
        [...before, create(row.name), ...(named(live, old) ? [gone(old)] : [])],
        { alone: true, ...sizeOf(live), index: { schema: live.schema, name: row.name } },
      ),
    ];
  }
  // Citus renames an index on every shard or not at all: one that a shard lacks cannot be put aside.
  const swap = isRight
    ? [gone(row.name), rename(aside, row.name)]
    : [rename(row.name, old), rename(aside, row.name), gone(old)];
  return [
    say(
      live,
      `with the index ${row.name}${isRight ? ' on its shards too' : ' as the schema has it'}`,
      [...clear, create(aside), ...swap],
      { alone: true, ...sizeOf(live), index: { schema: live.schema, name: aside } },
    ),
  ];
}
