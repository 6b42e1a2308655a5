/**
 * Rows that are older than their tenant column. A foreign key to a table that has one tells the tenant, where its
 * columns named one row before the migration: by a key that does not hold the tenant column itself. Where none does,
 * or where two tell different tenants, the migration stops with a message, before it changes the keys.
 */
import { isAdopted, nameBefore, type Migrated, type TableChange } from '../changes.js';
import { ident, keyOf, literal, plain, quoted, type TableName } from '../names.js';
import type { Row } from '../snapshot.js';
import { namesOneRow, uniqueKeys } from './unique-keys.js';
import type { TableState } from '../state.js';
import { match, tablePattern } from '../statements.js';
import { comment, doBlock, namesIn } from '../quotes.js';

/** Rewrites `statements` so that tenant columns are filled in; `untouched` are the rest. */
export function backfill(statements: readonly string[], changes: readonly TableChange[], migrated: Migrated): string[] {
  const adopted = changes.filter((it) => isAdopted(it, migrated.after));
  const open = unfilled(changes, migrated);
  if (open.length === 0) return [...statements];

  const columnOf = new Map(open.map((it) => [quoted(it.table), it.is!.column!]));
  const added = new Set<string>();
  const rewritten = statements.map((statement) => {
    const add = match('addColumn', statement);
    if (!add || columnOf.get(add.table) !== add.name || !/ NOT NULL;$/.test(statement)) return statement;
    added.add(add.table);
    return statement.replace(/ NOT NULL;$/, ';');
  });
  const isKeyOfOpen = (statement: string) => {
    const key = match('addKey', statement) ?? match('setNotNull', statement);
    return key !== undefined && columnOf.has(key.table);
  };
  const lastAdded = rewritten.findLastIndex((statement) => {
    const add = match('addColumn', statement);
    return add !== undefined && columnOf.get(add.table) === add.name;
  });
  const firstKey = rewritten.findIndex(isKeyOfOpen);
  const firstForeignKey = rewritten.findIndex((it) => match('addForeignKey', it));
  const at =
    lastAdded >= 0
      ? lastAdded + 1
      : firstKey >= 0
        ? firstKey
        : firstForeignKey >= 0
          ? firstForeignKey
          : rewritten.length;
  const filled = tenantFills(open, changes, migrated).flatMap(fillStatements);
  const notNull = open.filter(
    (it) =>
      !it.is!.everybody && (added.has(quoted(it.table)) || migrated.prev.writeOnly?.tables.includes(keyOf(it.table))),
  );
  const already = new Set(rewritten.map((it) => match('setNotNull', it)).map((it) => it && `${it.table}\0${it.name}`));
  return [
    ...rewritten.slice(0, at),
    ...filled,
    ...notNull
      .filter((it) => !already.has(`${quoted(it.table)}\0${it.is!.column}`))
      .map((it) => `ALTER TABLE ${quoted(it.table)} ALTER COLUMN ${ident(it.is!.column!)} SET NOT NULL;`),
    ...rewritten.slice(at).flatMap((it) => [...duplicates(it, adopted, migrated), it]),
  ];
}

/** Whether every row has a tenant already: the column was there, and NOT NULL; or it is added with a default. */
export function isFilled({ table, is }: TableChange, { before, after, prev }: Omit<Migrated, 'next'>): boolean {
  if (prev.writeOnly?.tables.includes(keyOf(table))) return false;
  const column = after.column(table, is!.column!);
  const old = nameBefore(table, after);
  const oldColumn =
    old && before.column(old, after.renamedColumns.get(`${keyOf(table)}\0${is!.column}`) ?? is!.column!);
  return oldColumn
    ? oldColumn.notNull === true || isInPrimaryKey(before, old!, oldColumn.name)
    : column?.default != null;
}

const isInPrimaryKey = (before: Migrated['before'], table: TableName, column: string) =>
  before.of('pks', table).some((key) => key.columns.includes(column));

/** What fills in the tenant of one table's rows. */
export interface TenantFill {
  readonly change: TableChange;
  readonly updates: readonly string[];
  /** PL/pgSQL that stops at rows of which it cannot be told whose they are. */
  readonly disputes: readonly string[];
}

/** The tables that get a tenant column whose rows have to be given one. */
export const unfilled = (changes: readonly TableChange[], migrated: Migrated): TableChange[] =>
  changes.filter((it) => isAdopted(it, migrated.after) && !isFilled(it, migrated));

/**
 * For each table its updates: parents before children, so that what a person writes for a table without a parent is
 * carried on to its children.
 */
export function tenantFills(
  open: readonly TableChange[],
  changes: readonly TableChange[],
  migrated: Migrated,
): TenantFill[] {
  const tenantOf = new Map(changes.filter((it) => it.is?.kind === 'tenant').map((it) => [keyOf(it.table), it.is!]));
  const parents = (change: TableChange) =>
    foreignKeys(change.table, migrated).flatMap((fk) => {
      const parent = tenantOf.get(keyOf({ schema: fk.schemaTo, name: fk.tableTo }));
      const isOther = parent && parent.tenancy === change.is!.tenancy && keyOf(parent) !== keyOf(change.table);
      const pairs = (fk.columns as string[])
        .map((column, i) => [column, fk.columnsTo[i] as string] as const)
        .filter(([column]) => column !== change.is!.column);
      return isOther &&
        namesOneRow(
          parent,
          pairs.map(([, to]) => to),
          migrated,
        )
        ? [{ parent, pairs }]
        : [];
    });
  const fills: TenantFill[] = [];
  const waiting = new Set(open);
  const isWaiting = (table: TableName) => [...waiting].some((it) => keyOf(it.table) === keyOf(table));
  while (waiting.size > 0) {
    const all = [...waiting];
    const next =
      all.find((it) => parents(it).some(({ parent }) => !isWaiting(parent))) ??
      all.find((it) => parents(it).length === 0) ??
      all[0]!;
    const told = parents(next).filter(({ parent }) => !isWaiting(parent));
    const updates = new Set(told.map(({ parent, pairs }) => update(next, parent, pairs)));
    const disputes = new Set(told.map(({ parent, pairs }) => dispute(next, parent, pairs)));
    fills.push({ change: next, updates: [...updates], disputes: [...disputes] });
    waiting.delete(next);
  }
  return fills;
}

/** The updates of a table, and the stop behind them. */
export function fillStatements({ change, updates, disputes }: TenantFill): string[] {
  const title = comment(`Fill in the tenant of the rows of ${plain(change.table)} from the rows that they point at.`);
  return [...updates.map((it, i) => (i === 0 ? `${title}\n${it}` : it)), stop(change, disputes)];
}

type Pairs = readonly (readonly [string, string])[];

const joinsOf = (table: TableName, parent: TableName, pairs: Pairs) =>
  pairs.map(([column, to]) => `${quoted(parent)}.${ident(to)} = ${quoted(table)}.${ident(column)}`);

/** Rows that point at a row of another tenant: it cannot be told which of the two is theirs. */
function dispute({ table, is }: TableChange, parent: TableState, pairs: Pairs): string {
  const differ = `${quoted(table)}.${ident(is!.column!)} <> ${quoted(parent)}.${ident(parent.column!)}`;
  const find =
    `FROM ${quoted(table)} JOIN ${quoted(parent)} ON ${joinsOf(table, parent, pairs).join(' AND ')} WHERE ` +
    `${differ}`;
  const message =
    `Decide the tenant of the rows of ${plain(table)} that point at rows of ${plain(parent)} of another ` +
    'tenant, and write their UPDATE above this statement in the migration. ' +
    `They are found by: SELECT ${quoted(table)}.* ${find}. Nothing was changed.`;
  return [
    `\tIF EXISTS (SELECT ${find}) THEN`,
    `\t\tRAISE EXCEPTION USING MESSAGE = ${literal(message)};`,
    '\tEND IF;',
  ].join('\n');
}

function update({ table, is }: TableChange, parent: TableState, pairs: Pairs): string {
  const joins = joinsOf(table, parent, pairs);
  return (
    `UPDATE ${quoted(table)} SET ${ident(is!.column!)} = ${quoted(parent)}.${ident(parent.column!)} ` +
    `FROM ${quoted(parent)} ` +
    `WHERE ${quoted(table)}.${ident(is!.column!)} IS NULL AND ${joins.join(' AND ')};`
  );
}

/** Old and new foreign keys of a table, in the names that hold after the renames. */
function foreignKeys(table: TableName, { before, after }: Pick<Migrated, 'before' | 'after'>): Row[] {
  const old = nameBefore(table, after);
  const now = (at: TableName, column: string) => {
    for (const [key, firstName] of after.renamedColumns) {
      const [where, name] = key.split('\0') as [string, string];
      if (where === keyOf(at) && firstName === column) return name;
    }
    return column;
  };
  const earlier = (old ? before.of('fks', old) : []).flatMap((fk) => {
    const parent = after.moved.get(keyOf({ schema: fk.schemaTo, name: fk.tableTo }));
    if (!parent) return [];
    return [
      {
        ...fk,
        columns: fk.columns.map((it: string) => now(table, it)),
        columnsTo: fk.columnsTo.map((it: string) => now(parent, it)),
        schemaTo: parent.schema,
        tableTo: parent.name,
      },
    ];
  });
  return [...earlier, ...after.of('fks', table)];
}

const newKey = new RegExp(
  `^(?:ALTER TABLE ${tablePattern} ADD (?:CONSTRAINT "(?:[^"]|"")*" )?(?:PRIMARY KEY|UNIQUE)|CREATE ` +
    `UNIQUE INDEX .*? ON ${tablePattern}) ?(?:USING \\w+ )?\\(((?:"(?:[^"]|"")*"(?:, ?)?)+)\\);?$`,
);

/**
 * Before a key that no older key implies: rows that are alike, which came before it, are named with the query that
 * finds them.
 */
function duplicates(statement: string, adopted: readonly TableChange[], migrated: Migrated): string[] {
  const key = match('addKey', statement);
  const change = key && adopted.find((it) => quoted(it.table) === key.table);
  const list = change && newKey.exec(statement)?.[1];
  if (!list) return [];
  const columns = namesIn(list);
  if (uniqueKeys(change.table, migrated).some((it) => it.every((column) => columns.includes(column)))) return [];
  const names = columns.map(ident).join(', ');
  const find = `FROM ${quoted(change.table)} WHERE (${names}) IS NOT NULL GROUP BY ${names} HAVING count(*) > 1`;
  const message =
    `Make the rows of ${plain(change.table)} differ in ${columns.join(', ')}, and run the migration again: ` +
    'they get a unique key. ' +
    `Those that are alike are found by: SELECT ${names}, count(*) ${find}. Nothing was changed.`;
  return [
    [
      comment(`Stops when rows of ${plain(change.table)} are alike in their new key.`),
      doBlock('tenant', [
        'BEGIN',
        `\tIF EXISTS (SELECT ${find}) THEN`,
        `\t\tRAISE EXCEPTION USING MESSAGE = ${literal(message)};`,
        '\tEND IF;',
        'END',
      ]),
    ].join('\n'),
  ];
}

/** Stops with words that a person can act on, instead of PostgreSQL's own at the next statement. */
function stop({ table, is }: TableChange, disputes: readonly string[]): string {
  const message =
    `Fill in the tenant of every row of ${plain(table)}: write the UPDATE that sets its column ${is!.column} ` +
    'above this statement in the migration, then run it again. Nothing was changed.' +
    (is!.everybody
      ? " Rows without a tenant would be everybody's, and read by all: if they are to be, write AND false " +
        'behind IS NULL in this statement.'
      : '');
  return [
    comment(`Stops when rows of ${plain(table)} have no tenant yet. Write their UPDATE above this line.`),
    doBlock('tenant', [
      'BEGIN',
      `\tIF EXISTS (SELECT FROM ${quoted(table)} WHERE ${ident(is!.column!)} IS NULL) THEN`,
      `\t\tRAISE EXCEPTION USING MESSAGE = ${literal(message)};`,
      '\tEND IF;',
      ...disputes,
      'END',
    ]),
  ].join('\n');
}
