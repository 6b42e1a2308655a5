/**
 * Indexes that change. drizzle-kit drops an index and then creates it anew, so that every query goes without it
 * meanwhile. Here the old one is renamed aside, or keeps its name where the new one has another, and is dropped when
 * the new one stands. `drizzle-tenant indexes` may have built the new one before: then the migration finds it.
 */
import { createHash } from 'node:crypto';
import { nameBefore, renamedColumn, type Migrated } from '../changes.js';
import { ident, keyOf, literal, quoted, type TableName } from '../names.js';
import { comment, doBlock, unquote } from '../quotes.js';
import type { Entities, Row } from '../snapshot.js';

/** A statement that creates an index, taken apart. */
export interface CreateIndex {
  readonly unique: boolean;
  readonly concurrently: boolean;
  readonly name: string;
  /** As it is quoted there. */
  readonly table: string;
  /** What follows the table. */
  readonly rest: string;
}

const quotedName = `"(?:[^"]|"")*"`;
const create = new RegExp(
  `^CREATE (UNIQUE )?INDEX (CONCURRENTLY )?(?:IF NOT EXISTS )?(${quotedName}) ` +
    `ON ((?:${quotedName}\\.)?${quotedName})([\\s\\S]*)$`,
);
const drop = new RegExp(`^DROP INDEX ((?:${quotedName}\\.)?(${quotedName}));$`);

export function readCreateIndex(statement: string): CreateIndex | undefined {
  const found = create.exec(statement);
  return found
    ? {
        unique: found[1] !== undefined,
        concurrently: found[2] !== undefined,
        name: unquote(found[3]!),
        table: found[4]!,
        rest: found[5]!,
      }
    : undefined;
}

/** The index that a statement drops, as it is quoted there. */
export const droppedIndex = (statement: string): string | undefined => drop.exec(statement)?.[1];

/** An index's name with its table's schema, which PostgreSQL puts it into. */
export const indexIn = (table: TableName, name: string): string => quoted({ schema: table.schema, name });

/** The name of an index while another takes its place; PostgreSQL keeps 63 bytes of a name. */
export function asideName(name: string, what: 'old' | 'new'): string {
  const end = `_${what}`;
  if (Buffer.byteLength(name) + end.length <= 63) return name + end;
  let start = name;
  while (Buffer.byteLength(start) > 63 - 9 - end.length) start = start.slice(0, -1);
  return `${start}_${createHash('sha256').update(name).digest('hex').slice(0, 8)}${end}`;
}

/** Rewrites what changes indexes of tables that belong to tenants, or are shared; other statements stay. */
export function swapIndexes(statements: readonly string[], migrated: Migrated): string[] {
  const { before, after, prev, next } = migrated;
  const existing = new Map<string, TableName>();
  const isNew = new Set<string>();
  for (const row of after.list('tables')) {
    const table = { schema: row.schema, name: row.name } as TableName;
    const old = nameBefore(table, after);
    if (!next.tables[keyOf(table)] && !(old && prev.tables[keyOf(old)])) continue;
    if (old) existing.set(quoted(table), table);
    else isNew.add(quoted(table));
  }
  const drops = new Set(statements.map(droppedIndex).filter((it) => it !== undefined));
  const moved = new Set<string>();
  const checked: (readonly [string, string])[] = [];
  const rewritten = statements.map((statement): string[] => {
    const it = readCreateIndex(statement);
    if (it && isNew.has(it.table)) return [createSql(it, false)];
    const table = it && existing.get(it.table);
    if (!it || !table) return [statement];
    checked.push([indexIn(table, it.name), indexIn(table, asideName(it.name, 'new'))]);
    if (drops.has(indexIn(table, it.name))) {
      moved.add(indexIn(table, it.name));
      return swap(table, it);
    }
    const replaced = replacedBy(table, it.name, before, after).filter((name) => drops.has(indexIn(table, name)));
    for (const name of replaced) moved.add(indexIn(table, name));
    return [createSql(it, true), ...replaced.map((name) => `DROP INDEX ${indexIn(table, name)};`)];
  });
  const rest = rewritten.map((group, i) => (moved.has(droppedIndex(statements[i]!) ?? '') ? [] : group));
  const first = rest.findIndex((group, i) => group.length > 0 && readCreateIndex(statements[i]!) && checked.length > 0);
  return rest.flatMap((group, i) => (i === first ? [stopAtInvalid(checked), ...group] : group));
}

const createSql = (it: CreateIndex, ifNotExists: boolean) =>
  `CREATE ${it.unique ? 'UNIQUE ' : ''}INDEX ${ifNotExists ? 'IF NOT EXISTS ' : ''}${ident(it.name)} ` +
  `ON ${it.table}${it.rest}`;

function swap(table: TableName, it: CreateIndex): string[] {
  const old = indexIn(table, asideName(it.name, 'old'));
  return [
    [
      comment(
        `Keeps ${ident(it.name)} under another name until the new one stands. ` +
          'Does nothing where "drizzle-tenant indexes" did it.',
      ),
      doBlock('index', [
        'BEGIN',
        `\tIF to_regclass(${literal(old)}) IS NULL THEN`,
        `\t\tALTER INDEX ${indexIn(table, it.name)} RENAME TO ${ident(asideName(it.name, 'old'))};`,
        '\tEND IF;',
        'END',
      ]),
    ].join('\n'),
    createSql(it, true),
    `DROP INDEX ${old};`,
  ];
}

/** The indexes that go with this migration, and differ from the new one in the tenant column only. */
function replacedBy(table: TableName, name: string, before: Entities, after: Entities): string[] {
  const old = nameBefore(table, after)!;
  const now = after.of('indexes', table).find((it) => it.name === name);
  if (!now) return [];
  const text = (columns: readonly Row[]) =>
    columns.map((it) => JSON.stringify([it.value, it.isExpression, it.asc, it.nullsFirst, it.opclass?.name]));
  const renamed = (it: Row) => (it.isExpression ? it : { ...it, value: renamedColumn(after, table, it.value) }) as Row;
  const columns = text(now.columns);
  return before
    .of('indexes', old)
    .filter((it) => {
      const was = text(it.columns.map(renamed));
      const isLed = columns.length === was.length + 1 && columns.slice(1).join() === was.join();
      const wasLed = was.length === columns.length + 1 && was.slice(1).join() === columns.join();
      return it.method === now.method && it.isUnique === now.isUnique && (isLed || wasLed);
    })
    .map((it) => it.name as string);
}

/** A concurrent build that was interrupted leaves an index that is there, and is not used. */
function stopAtInvalid(names: readonly (readonly [name: string, aside: string])[]): string {
  const message =
    'Run "npx drizzle-tenant indexes", which finishes it, and then the migration again. ' +
    'Nothing was changed: a concurrent build was interrupted, and left ';
  const list = (part: 0 | 1) => names.map((it) => `to_regclass(${literal(it[part])})`).join(', ');
  return [
    '-- Stops where a concurrent build was interrupted: it leaves an index that is invalid.',
    doBlock('index', [
      'DECLARE',
      '\tleft_over text;',
      'BEGIN',
      "\tSELECT string_agg(indexrelid::regclass::text, ', ') INTO left_over FROM pg_index",
      `\t\tWHERE NOT indisvalid AND indexrelid IN (${list(0)})`,
      `\t\tOR indexrelid IN (${list(1)});`,
      `\tIF left_over IS NOT NULL THEN RAISE EXCEPTION USING MESSAGE = ${literal(message)} || left_over || ` +
        "'.'; END IF;",
      'END',
    ]),
  ].join('\n');
}
