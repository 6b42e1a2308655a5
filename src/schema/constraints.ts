/**
 * Constraints of a tenant table are constraints within the tenant. A primary key, unique constraint or unique
 * index that lacks the tenant column gets it as its first column, and a foreign key to another table of the
 * same tenancy becomes composite. Citus demands it (a key without the distribution column is refused), and on
 * any PostgreSQL it keeps one tenant's rows from being told of, or pointed at, by another's.
 *
 * Two kinds stay as written: what `unscoped` keeps, and the unique constraints and indexes of a table whose whole key
 * is the tenant column, such as the root: a tenant has one row in it, which is always unique, and found by that key.
 */
import { Column, is, SQL, StringChunk } from 'drizzle-orm';
import {
  ForeignKeyBuilder,
  IndexBuilder,
  IndexedColumn,
  primaryKey,
  PrimaryKeyBuilder,
  unique,
  UniqueConstraintBuilder,
  type ForeignKey,
  type PgColumnBuilder,
  type PgTable,
  type PgTableExtraConfigValue,
} from 'drizzle-orm/pg-core';
import { declaredTables, nameOf } from './classify.js';
import { isEverybodys, refuseInPrimaryKey, refuseUniqueIndex } from './everybody.js';
import { bindForeignKey, inlineKeysOf, type Columns } from './foreign-keys.js';
import { foreignKeyIndexes, leadIndex } from './indexes.js';
import { isKept } from './kept.js';

type Extra = ((self: Columns) => PgTableExtraConfigValue[] | Record<string, PgTableExtraConfigValue>) | undefined;

/** The inline keys of a table's columns: what `.primaryKey()` and `.unique()` said before they were taken off. */
export interface InlineKeys {
  /** Whether the tenant column is the primary key, by itself. */
  readonly isWholeKey: boolean;
  /** Whether the tenant column may be NULL: the primary key then stays as written. */
  readonly everybody: boolean;
  readonly primary: readonly string[];
  readonly unique: readonly { readonly key: string; readonly name?: string; readonly nullsNotDistinct: boolean }[];
}

/**
 * Takes the inline keys off the column builders that cannot keep them. The builders are copied: an application
 * may use one in several tables.
 */
export function takeInlineKeys(builders: Record<string, PgColumnBuilder>, tenantKey: string, table: string) {
  const everybody = isEverybodys(builders[tenantKey]!);
  const primary = Object.keys(builders).filter((key) => configOf(builders[key]!).primaryKey);
  if (everybody)
    refuseInPrimaryKey(
      table,
      primary.map((name) => ({ name })),
      tenantKey,
    );
  const isWholeKey = primary.length === 1 && primary[0] === tenantKey;
  const uniqueKeys: { key: string; name?: string; nullsNotDistinct: boolean }[] = [];
  const columns: Record<string, PgColumnBuilder> = {};
  for (const [key, builder] of Object.entries(builders)) {
    const config = { ...configOf(builder) };
    if (config.primaryKey && !isWholeKey && !everybody) config.primaryKey = false;
    if (config.isUnique && key !== tenantKey && !isWholeKey) {
      config.isUnique = false;
      uniqueKeys.push({ key, name: config.uniqueName, nullsNotDistinct: config.uniqueType === 'not distinct' });
    }
    columns[key] = Object.assign(Object.create(Object.getPrototypeOf(builder)), builder, { config });
  }
  return {
    columns,
    inline: {
      isWholeKey,
      everybody,
      primary: isWholeKey || everybody ? [] : primary,
      unique: uniqueKeys,
    } satisfies InlineKeys,
  };
}

const configOf = (builder: PgColumnBuilder) => (builder as any).config;

const givenBy = new WeakMap<PgTable, () => any[]>();

/** What a tenant table's `extra` becomes: what the user gave, and the inline keys, each with the tenant column. */
export function tenantExtra(
  given: (self: Columns) => any[],
  inline: InlineKeys,
  tenantKey: string,
  table: () => PgTable,
) {
  return (self: Columns): PgTableExtraConfigValue[] => {
    const tenant = self[tenantKey]!;
    const lacksTenant = (columns: readonly { name: string }[]) =>
      !columns.some((column) => column.name === tenant.name);
    const values = given(self);
    const isWholeKey =
      inline.isWholeKey ||
      values.some((it) => is(it, PrimaryKeyBuilder) && isSameSet(namesOf((it as any).columns), [tenant.name]));
    for (const value of values) {
      if (is(value, PrimaryKeyBuilder) && inline.everybody) {
        refuseInPrimaryKey(nameOf(table()), (value as any).columns, tenant.name);
        continue;
      }
      if (isKept(value)) continue;
      if (is(value, PrimaryKeyBuilder) && lacksTenant((value as any).columns)) {
        (value as any).columns = [tenant, ...(value as any).columns];
      } else if (is(value, UniqueConstraintBuilder) && !isWholeKey && lacksTenant((value as any).columns)) {
        (value as any).columns = [tenant, ...(value as any).columns];
      } else if (is(value, IndexBuilder) && !isWholeKey) {
        if (inline.everybody && (value as any).config.unique) refuseUniqueIndex(nameOf(table()), tenant.name);
        leadIndex(table(), value, tenant);
      }
      if (inline.everybody && is(value, UniqueConstraintBuilder)) value.nullsNotDistinct();
    }
    if (inline.primary.length > 0) {
      const keys = inline.primary.filter((key) => key !== tenantKey).map((key) => self[key]!);
      values.push(primaryKey({ columns: [tenant, ...keys] as any }));
    }
    for (const { key, name, nullsNotDistinct } of inline.unique) {
      const constraint = isWholeKey ? unique(name).on(self[key]!) : unique(name).on(tenant, self[key]!);
      values.push(nullsNotDistinct || inline.everybody ? constraint.nullsNotDistinct() : constraint);
    }
    for (const names of referencedUniques(table(), values, tenant.name)) {
      const columns = Object.values(self);
      values.push(unique().on(...(names.map((name) => columns.find((it) => it.name === name)!) as [any, ...any[]])));
    }
    values.push(...foreignKeyIndexes(table(), values, self, tenant.name));
    return values;
  };
}

/**
 * What the user gave in the `extra` of a table, with its foreign keys bound. Each call gives fresh values, as Drizzle's
 * does.
 *
 * @returns a function that reads it; the tables that this one points at ask too
 */
export function giveExtra(extra: Extra, table: () => PgTable): (self: Columns) => any[] {
  return (self) => {
    const found = extra?.(self) ?? [];
    const values = (Array.isArray(found) ? found.flat(1) : Object.values(found)) as any[];
    for (const value of values) if (is(value, ForeignKeyBuilder)) bindForeignKey(table, value);
    return values;
  };
}

/** Lets the tables that this one points at ask for its foreign keys. */
export function tellForeignKeys(table: PgTable, given: (self: Columns) => any[]): void {
  givenBy.set(table, () => given((table as any)[Symbol.for('drizzle:ExtraConfigColumns')]));
}

/**
 * A foreign key to columns that are unique over all tenants needs a unique constraint that has the tenant column too.
 *
 * @returns the columns of each that is missing
 */
function referencedUniques(table: PgTable, values: readonly any[], tenant: string): string[][] {
  const keys = keysOf(table, values);
  const global = keys.filter((key) => !key.includes(tenant));
  if (global.length === 0) return [];
  const missing: string[][] = [];
  for (const other of declaredTables()) {
    for (const columns of columnsPointedAt(other, table)) {
      const rest = columns.filter((name) => name !== tenant);
      const isNeeded = columns.includes(tenant) && global.some((key) => isSameSet(key, rest));
      if (isNeeded && ![...keys, ...missing].some((key) => isSameSet(key, columns))) missing.push(columns);
    }
  }
  return missing.sort((a, b) => (a.join('\0') < b.join('\0') ? -1 : 1));
}

/** The columns of `table` that foreign keys of another table point at. */
function columnsPointedAt(other: PgTable, table: PgTable): string[][] {
  const given = givenBy.get(other)?.() ?? [];
  const keys = [...inlineKeysOf(other), ...given.filter((it) => is(it, ForeignKeyBuilder))] as Pick<
    ForeignKey,
    'reference'
  >[];
  return keys.flatMap((key) => {
    try {
      const { foreignTable, foreignColumns } = key.reference();
      return foreignTable === table ? [namesOf(foreignColumns)] : [];
    } catch {
      return []; // A definition that can never work is reported where its own table is read.
    }
  });
}

/** The unique keys of a table, each as the names of its columns; of an expression, those in it, in parentheses. */
function keysOf(table: PgTable, values: readonly any[], withPartial = false): string[][] {
  const columns = Object.values<any>((table as any)[Symbol.for('drizzle:Columns')]);
  const columnNames = namesOf(columns);
  const inline = columns.filter((it) => it.primary || it.isUnique).map((it) => [it.name as string]);
  const others = values.flatMap((it) => {
    if (is(it, PrimaryKeyBuilder) || is(it, UniqueConstraintBuilder)) return [namesOf((it as any).columns)];
    if (!is(it, IndexBuilder)) return [];
    const { unique, where, columns } = (it as any).config;
    if (!unique || (where && !withPartial)) return [];
    return [columns.map((it: any) => (is(it, IndexedColumn) ? it.name : nameOfExpression(it, columnNames)))];
  });
  return [...inline, ...others];
}

/** An expression of an index, told by the columns in it: what else it says is PostgreSQL's to compare. */
const nameOfExpression = (expression: SQL, columns: readonly string[]): string =>
  expressionOf(wordsOf(expression).filter((it) => columns.includes(it)));

/** What stands for an expression among the names of a key's columns. */
export const expressionOf = (columns: readonly string[]): string => `(${[...new Set(columns)].sort().join(', ')})`;

const wordsOf = (chunk: unknown): string[] => {
  if (is(chunk, SQL)) return chunk.queryChunks.flatMap(wordsOf);
  if (is(chunk, StringChunk)) return [chunk.value].flat().join('').match(/\w+/g) ?? [];
  return is(chunk, Column) ? [chunk.name] : [];
};

const namesOf = (columns: readonly { name: string }[]) => columns.map((it) => it.name);

export const isSameSet = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((it) => b.includes(it));

/**
 * What is unique over all tenants in a tenant table.
 *
 * @param table the table
 * @param tenant its tenant column's name in the database
 * @returns the columns of each unique key that lacks the tenant column; an expression is `(its columns)`
 */
export function uniqueOverAll(table: PgTable, tenant: string): string[][] {
  const values = (table as any)[Symbol.for('drizzle:ExtraConfigBuilder')](
    (table as any)[Symbol.for('drizzle:ExtraConfigColumns')],
  );
  return keysOf(table, values, true).filter((key) => !key.includes(tenant));
}
