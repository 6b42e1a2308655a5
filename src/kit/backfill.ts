/**
 * Rows that are older than their tenant column. A foreign key to a table that has one tells the tenant; where none
 * does, the migration stops with a message, before it changes the keys.
 */
import { earlierName, isAdopted, type Migrated, type TableChange } from './changes.js';
import { ident, keyOf, literal, plain, quoted, type TableName } from './names.js';
import type { Row } from './snapshot.js';
import type { TableState } from './state.js';
import { match } from './statements.js';

/** Rewrites `statements` so that tenant columns are filled in; `untouched` are the rest. */
export function backfill(statements: readonly string[], changes: readonly TableChange[], migrated: Migrated): string[] {
  const adopted = changes.filter((it) => isAdopted(it, migrated.after));
  const open = adopted.filter((it) => !isFilled(it, migrated));
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
  const at = lastAdded >= 0 ? lastAdded + 1 : firstKey >= 0 ? firstKey : firstForeignKey >= 0 ? firstForeignKey : rewritten.length;
  const filled = fill(open, changes, migrated);
  const notNull = open.filter((it) => added.has(quoted(it.table)) || migrated.prev.writeOnly?.tables.includes(keyOf(it.table)));
  const already = new Set(rewritten.map((it) => match('setNotNull', it)).map((it) => it && `${it.table}\0${it.name}`));
  return [
    ...rewritten.slice(0, at),
    ...filled,
    ...notNull
      .filter((it) => !already.has(`${quoted(it.table)}\0${it.is!.column}`))
      .map((it) => `ALTER TABLE ${quoted(it.table)} ALTER COLUMN ${ident(it.is!.column!)} SET NOT NULL;`),
    ...rewritten.slice(at),
  ];
}

/** Whether every row has a tenant already: the column was there, and NOT NULL; or it is added with a default. */
export function isFilled({ table, is }: TableChange, { before, after, prev }: Omit<Migrated, 'next'>): boolean {
  if (prev.writeOnly?.tables.includes(keyOf(table))) return false;
  const column = after.column(table, is!.column!);
  const old = earlierName(after, table);
  const oldColumn = old && before.column(old, after.renamedColumns.get(`${keyOf(table)}\0${is!.column}`) ?? is!.column!);
  return oldColumn ? oldColumn.notNull === true || isInPrimaryKey(before, old!, oldColumn.name) : column?.default != null;
}

const isInPrimaryKey = (before: Migrated['before'], table: TableName, column: string) =>
  before.of('pks', table).some((key) => key.columns.includes(column));

/**
 * For each table its updates, and the stop behind them: parents before children, so that what a person writes for a
 * table without a parent is carried on to its children.
 */
function fill(open: readonly TableChange[], changes: readonly TableChange[], migrated: Pick<Migrated, 'before' | 'after'>): string[] {
  const tenantOf = new Map(changes.filter((it) => it.is?.kind === 'tenant').map((it) => [keyOf(it.table), it.is!]));
  const parents = (change: TableChange) =>
    foreignKeys(change.table, migrated).flatMap((fk) => {
      const parent = tenantOf.get(keyOf({ schema: fk.schemaTo, name: fk.tableTo }));
      const isOther = parent && parent.tenancy === change.is!.tenancy && keyOf(parent) !== keyOf(change.table);
      const pairs = (fk.columns as string[]).map((column, i) => [column, fk.columnsTo[i] as string] as const).filter(([column]) => column !== change.is!.column);
      return isOther && pairs.length > 0 ? [{ parent, pairs }] : [];
    });
  const statements: string[] = [];
  const waiting = new Set(open);
  const isWaiting = (table: TableName) => [...waiting].some((it) => keyOf(it.table) === keyOf(table));
  while (waiting.size > 0) {
    const all = [...waiting];
    const next = all.find((it) => parents(it).some(({ parent }) => !isWaiting(parent))) ?? all.find((it) => parents(it).length === 0) ?? all[0]!;
    const updates = new Set(parents(next).filter(({ parent }) => !isWaiting(parent)).map(({ parent, pairs }) => update(next, parent, pairs)));
    const title = `-- Fill in the tenant of the rows of ${plain(next.table)} from the rows that they point at.\n`;
    statements.push(...[...updates].map((it, i) => (i === 0 ? title + it : it)), stop(next));
    waiting.delete(next);
  }
  return statements;
}

function update({ table, is }: TableChange, parent: TableState, pairs: readonly (readonly [string, string])[]): string {
  const joins = pairs.map(([column, to]) => `${quoted(parent)}.${ident(to)} = ${quoted(table)}.${ident(column)}`);
  return (
    `UPDATE ${quoted(table)} SET ${ident(is!.column!)} = ${quoted(parent)}.${ident(parent.column!)} FROM ${quoted(parent)} ` +
    `WHERE ${quoted(table)}.${ident(is!.column!)} IS NULL AND ${joins.join(' AND ')};`
  );
}

/** Old and new foreign keys of a table, in the names that hold after the renames. */
function foreignKeys(table: TableName, { before, after }: Pick<Migrated, 'before' | 'after'>): Row[] {
  const old = earlierName(after, table);
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

/** Stops with words that a person can act on, instead of PostgreSQL's own at the next statement. */
function stop({ table, is }: TableChange): string {
  const message =
    `Fill in the tenant of every row of ${plain(table)}: write the UPDATE that sets its column ${is!.column} ` +
    'above this statement in the migration, then run it again. Nothing was changed.';
  return [
    `-- Stops when rows of ${plain(table)} have no tenant yet. Write their UPDATE above this line.`,
    'DO $tenant$',
    'BEGIN',
    `\tIF EXISTS (SELECT FROM ${quoted(table)} WHERE ${ident(is!.column!)} IS NULL) THEN`,
    `\t\tRAISE EXCEPTION USING MESSAGE = ${literal(message)};`,
    '\tEND IF;',
    'END',
    '$tenant$;',
  ].join('\n');
}
