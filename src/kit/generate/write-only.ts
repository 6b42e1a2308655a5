/**
 * Write-only mode: an application with data becomes multi-tenant while it runs. A table on its way gets its tenant
 * column, which may be NULL, and nothing else; keys, NOT NULL and distribution wait until the mode ends.
 */
import { isFilled } from './backfill.js';
import { changesOf, nameBefore, type Migrated, type TableChange } from '../changes.js';
import { readCreateIndex } from './indexes.js';
import { ident, keyOf, quoted } from '../names.js';
import type { TenancyState } from '../state.js';
import { match } from '../statements.js';
import { uniqueKeys } from './unique-keys.js';

/**
 * @param drizzle drizzle-kit's statements
 * @param migrated the tables before and after, with the state that the schema asks for
 * @returns what runs now, and the state with what waits
 */
export function holdBack(drizzle: readonly string[], migrated: Migrated): { statements: string[]; next: TenancyState } {
  const { prev, next } = migrated;
  const onTheWay = changesOf(migrated).filter((it) => it.is?.kind === 'tenant' && it.was?.kind !== 'tenant');
  if (onTheWay.length === 0) return { statements: [...drizzle], next };
  const names = new Map(onTheWay.map((it) => [quoted(it.table), it]));
  const oldIndexes = namesOfIndexes(drizzle, onTheWay, migrated);
  const waits = (statement: string) => {
    // Until the new key is there, the old one keeps the rows unique. Programs that know no tenant need the others, too.
    const dropped = match('dropIndex', statement);
    if (dropped) return oldIndexes.has(dropped.table);
    const created = readCreateIndex(statement);
    if (created) return names.get(created.table)?.isNew === false;
    const foreignKey = match('addForeignKey', statement);
    if (foreignKey)
      return names.has(foreignKey.table) || [...names.keys()].some((it) => statement.includes(` REFERENCES ${it}(`));
    const key =
      match('addKey', statement) ?? match('dropConstraint', statement) ?? match('renameConstraint', statement);
    if (key) return names.get(key.table)?.isNew === false;
    const notNull = match('setNotNull', statement);
    return notNull !== undefined && names.get(notNull.table)?.is!.column === notNull.name;
  };
  const nullable = (statement: string) => {
    const added = match('addColumn', statement);
    return added && names.get(added.table)?.is!.column === added.name
      ? statement.replace(/ NOT NULL;$/, ';')
      : statement;
  };
  const tables = { ...next.tables };
  for (const it of onTheWay) delete tables[keyOf(it.table)];
  return {
    statements: drizzle.filter((it) => !waits(it)).map(nullable),
    next: {
      ...next,
      tables,
      writeOnly: {
        tables: onTheWay.filter((it) => !it.isNew && !isFilled(it, migrated)).map((it) => keyOf(it.table)),
        statements: inOrder([...(prev.writeOnly?.statements ?? []), ...withoutRenames(drizzle.filter(waits))]),
        keys: {
          ...Object.fromEntries(
            onTheWay.filter((it) => !it.isNew).map((it) => [keyOf(it.table), uniqueKeys(it.table, migrated)]),
          ),
          ...prev.writeOnly?.keys,
        },
      },
    },
  };
}

/**
 * The indexes of the tables, as quoted in statements, with the names that drizzle-kit gives them before it drops them.
 */
function namesOfIndexes(
  drizzle: readonly string[],
  tables: readonly TableChange[],
  { before, after }: Migrated,
): Set<string> {
  const names = new Set<string>();
  for (const it of tables) {
    const old = nameBefore(it.table, after);
    for (const index of old ? before.of('indexes', old) : []) {
      for (const at of [old!, it.table]) names.add(quoted({ schema: at.schema, name: index.name }));
    }
  }
  for (const statement of drizzle) {
    const renamed = match('renameIndex', statement);
    if (renamed && names.has(renamed.table))
      names.add(renamed.table.replace(/"(?:[^"]|"")*"$/, () => ident(renamed.name)));
  }
  return names;
}

/**
 * drizzle-kit renames a key before it changes it. Both wait, for a place where keys that change go first and come back
 * as new: so the old one is dropped by its old name, and nothing is renamed.
 */
function withoutRenames(waiting: readonly string[]): string[] {
  const renames = new Map(
    waiting.flatMap((it) =>
      match('renameConstraint', it) ? [[placeOf(match('renameConstraint', it)!, 'to'), it] as const] : [],
    ),
  );
  const obsolete = new Set<string>();
  // Foreign keys go first: a primary key is not dropped under one.
  const freed: string[] = [];
  const statements = waiting.flatMap((statement) => {
    const dropped =
      match('dropConstraint', statement) ??
      (statement.includes(' DROP CONSTRAINT ') ? match('addForeignKey', statement) : undefined);
    const rename = dropped && renames.get(placeOf(dropped, 'name'));
    if (!rename) return [statement];
    obsolete.add(rename);
    const drop = `ALTER TABLE ${dropped.table} DROP CONSTRAINT ${ident(match('renameConstraint', rename)!.name)};`;
    if (!match('addForeignKey', statement)) return [drop];
    freed.push(drop);
    return [statement.replace(/ DROP CONSTRAINT "(?:[^"]|"")*",/, '')];
  });
  return [...freed, ...statements].filter((it) => !obsolete.has(it));
}

const placeOf = (found: { table: string; name: string; to?: string }, part: 'name' | 'to') =>
  `${found.table}\0${found[part]}`;

/** drizzle-kit's statements with those that waited for the mode to end, each at its place in drizzle-kit's order. */
export function release(drizzle: readonly string[], waited: readonly string[]): string[] {
  if (waited.length === 0) return [...drizzle];
  const at = drizzle.findIndex((it) => match('addKey', it) || match('addForeignKey', it) || match('afterTables', it));
  const cut = at < 0 ? drizzle.length : at;
  const ordered = inOrder([...waited, ...drizzle.slice(cut).filter((it) => !match('afterTables', it))]);
  return [...drizzle.slice(0, cut), ...ordered, ...drizzle.slice(cut).filter((it) => match('afterTables', it))];
}

const rank = (statement: string) =>
  match('dropConstraint', statement)
    ? 0
    : match('dropIndex', statement)
      ? 1
      : match('addForeignKey', statement)
        ? 3
        : 2;

const inOrder = (statements: readonly string[]) => [...statements].sort((a, b) => rank(a) - rank(b));
