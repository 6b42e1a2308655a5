/**
 * Indexes of a tenant table are indexes within the tenant: a btree index that lacks the tenant column gets it as its
 * first column, so that what one tenant asks costs the same however many other tenants there are. A foreign key gets
 * an index on its referencing side, which PostgreSQL does not make by itself.
 */
import { is, SQL } from 'drizzle-orm';
import {
  ForeignKeyBuilder,
  index,
  IndexBuilder,
  PrimaryKeyBuilder,
  UniqueConstraintBuilder,
  type ForeignKey,
  type PgTable,
} from 'drizzle-orm/pg-core';
import { TenantDefinitionError } from '../errors.js';
import { nameOf } from './classify.js';
import { inlineKeysOf, type Columns } from './foreign-keys.js';
import { isKept } from './kept.js';
import { namesOfTable } from './names.js';

/** PostgreSQL's own limits. */
const longestName = 63;
const mostColumns = 32;

/** Gives a btree index the tenant column as its first, unless it has it, or is kept as it was written. */
export function leadIndex(table: PgTable, builder: IndexBuilder, tenant: Columns[string]): void {
  const { config } = builder as any;
  if (isKept(builder) || config.method !== 'btree' || config.columns.some((it: any) => it.name === tenant.name)) return;
  if (config.columns.length >= mostColumns) {
    throw new TenantDefinitionError(
      nameOf(table),
      tenant.name,
      `Take a column out of the index${config.name ? ` "${config.name}"` : ''}, or keep it as it is with unscoped(): ` +
        `with the tenant column it would have more than ${mostColumns}`,
    );
  }
  const { columns } = (index().on(tenant as any) as any).config;
  (builder as any).config = { ...config, columns: [...columns, ...config.columns] };
  shorten(table, builder);
}

/** Of names that are too long PostgreSQL keeps the beginning, which two indexes may share. */
function shorten(table: PgTable, builder: IndexBuilder): void {
  const { config } = builder as any;
  if (config.name !== undefined || config.columns.some((it: any) => is(it, SQL))) return;
  const [, , name] = namesOfTable(table);
  const made = `${name}_${config.columns.map((it: any) => it.name).join('_')}_index`;
  if (bytesOf(made) <= longestName) return;
  const end = `_${hashOf(made)}_index`;
  (builder as any).config = { ...config, name: `${cut(name, longestName - end.length)}${end}` };
}

const bytesOf = (text: string) => new TextEncoder().encode(text).length;

function cut(text: string, bytes: number): string {
  let end = text.length;
  while (bytesOf(text.slice(0, end)) > bytes || /[\ud800-\udbff]$/.test(text.slice(0, end))) end--;
  return text.slice(0, end);
}

/** FNV-1a with 64 bits, as 13 characters: a name has to be the same in every process. */
function hashOf(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(36).padStart(13, '0');
}

/**
 * drizzle-tenant/kit sets it from `tenancy.foreignKeyIndexes`; it may be another copy of this package than the
 * schema's.
 */
const switchedOff = () =>
  (globalThis as Record<symbol, unknown>)[Symbol.for('drizzle-tenant:foreign-key-indexes')] === false;

/**
 * The indexes that the foreign keys of a table lack. A key that points at what all tenants share begins with its own
 * columns, so that a row there can be deleted without reading every tenant's rows; the tenant column follows.
 *
 * @param values what stands in `extra`, with the tenant column where it belongs
 */
export function foreignKeyIndexes(
  table: PgTable,
  values: readonly any[],
  self: Columns,
  tenant: string,
): IndexBuilder[] {
  if (switchedOff()) return [];
  const existing = leadingColumns(table, values);
  const added: IndexBuilder[] = [];
  const keys = [...inlineKeysOf(table), ...values.filter((it) => is(it, ForeignKeyBuilder))] as Pick<
    ForeignKey,
    'reference'
  >[];
  for (const key of keys) {
    const columns = referencing(key);
    if (!columns) continue;
    const begins = (names: readonly string[]) =>
      existing.some(
        (it) => it.length >= names.length && names.every((name) => it.slice(0, names.length).includes(name)),
      );
    const both = columns.includes(tenant) ? columns : [...columns, tenant];
    if (begins(columns) || begins(both)) continue;
    const inTable = Object.values(self);
    const builder = index().on(...(both.map((name) => inTable.find((it) => it.name === name)!) as [any, ...any[]]));
    shorten(table, builder);
    added.push(builder);
    existing.push(both);
  }
  return added;
}

/** The names of a foreign key's own columns; undefined where it can never work, which its own table reports. */
function referencing(key: Pick<ForeignKey, 'reference'>): string[] | undefined {
  try {
    return key.reference().columns.map((it) => it.name);
  } catch {
    return undefined;
  }
}

/** The columns by which each index of the table can be searched. One with a condition does not hold every row. */
function leadingColumns(table: PgTable, values: readonly any[]): string[][] {
  const columns = Object.values<any>((table as any)[Symbol.for('drizzle:Columns')]);
  const inline = columns.filter((it) => it.primary || it.isUnique).map((it) => [it.name as string]);
  const others = values.flatMap((it) => {
    if (is(it, PrimaryKeyBuilder) || is(it, UniqueConstraintBuilder))
      return [(it as any).columns.map((column: any) => column.name)];
    if (!is(it, IndexBuilder) || (it as any).config.where || (it as any).config.method !== 'btree') return [];
    const names = (it as any).config.columns.map((column: any) => (is(column, SQL) ? undefined : column.name));
    return [names.slice(0, [...names, undefined].indexOf(undefined))];
  });
  return [...inline, ...others];
}
