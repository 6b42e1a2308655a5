/**
 * Constraints of a tenant table are constraints within the tenant. A primary key, unique constraint or unique
 * index that lacks the tenant column gets it as its first column, and a foreign key to another table of the
 * same tenancy becomes composite. Citus demands it (a key without the distribution column is refused), and on
 * any PostgreSQL it keeps one tenant's rows from being told of, or pointed at, by another's.
 */
import { is } from 'drizzle-orm';
import {
  ForeignKeyBuilder,
  getTableConfig,
  IndexBuilder,
  primaryKey,
  PrimaryKeyBuilder,
  uniqueIndex,
  unique,
  UniqueConstraintBuilder,
  type ForeignKey,
  type PgColumn,
  type PgColumnBuilder,
  type PgTable,
  type PgTableExtraConfigValue,
} from 'drizzle-orm/pg-core';
import { classOf, nameOf } from './classify.js';
import { TenantDefinitionError } from '../errors.js';

type Columns = Record<string, PgColumn>;
type Extra = ((self: Columns) => PgTableExtraConfigValue[] | Record<string, PgTableExtraConfigValue>) | undefined;
type Reference = ReturnType<ForeignKey['reference']>;

/** The inline keys of a table's columns: what `.primaryKey()` and `.unique()` said before they were taken off. */
export interface InlineKeys {
  readonly primary: readonly string[];
  readonly unique: readonly { readonly key: string; readonly name?: string; readonly nullsNotDistinct: boolean }[];
}

/**
 * Takes the inline keys off the column builders that cannot keep them. The builders are copied: an application
 * may use one in several tables.
 */
export function takeInlineKeys(builders: Record<string, PgColumnBuilder>, tenantKey: string) {
  const primary = Object.keys(builders).filter((key) => configOf(builders[key]!).primaryKey);
  const keepPrimary = primary.length === 1 && primary[0] === tenantKey;
  const uniqueKeys: { key: string; name?: string; nullsNotDistinct: boolean }[] = [];
  const columns: Record<string, PgColumnBuilder> = {};
  for (const [key, builder] of Object.entries(builders)) {
    const config = { ...configOf(builder) };
    if (config.primaryKey && !keepPrimary) config.primaryKey = false;
    if (config.isUnique && key !== tenantKey) {
      config.isUnique = false;
      uniqueKeys.push({ key, name: config.uniqueName, nullsNotDistinct: config.uniqueType === 'not distinct' });
    }
    columns[key] = Object.assign(Object.create(Object.getPrototypeOf(builder)), builder, { config });
  }
  return { columns, inline: { primary: keepPrimary ? [] : primary, unique: uniqueKeys } satisfies InlineKeys };
}

const configOf = (builder: PgColumnBuilder) => (builder as any).config;

/** The `extra` of a tenant table: what the user gave, and the inline keys, each with the tenant column. */
export function tenantExtra(extra: Extra, inline: InlineKeys, tenantKey: string, table: () => PgTable) {
  return (self: Columns): PgTableExtraConfigValue[] => {
    const tenant = self[tenantKey]!;
    const lacksTenant = (columns: readonly { name: string }[]) => !columns.some((column) => column.name === tenant.name);
    const given = extra?.(self) ?? [];
    const values = (Array.isArray(given) ? given.flat(1) : Object.values(given)) as any[];
    for (const value of values) {
      if ((is(value, PrimaryKeyBuilder) || is(value, UniqueConstraintBuilder)) && lacksTenant((value as any).columns)) {
        (value as any).columns = [tenant, ...(value as any).columns];
      } else if (is(value, IndexBuilder) && (value as any).config.unique && lacksTenant((value as any).config.columns)) {
        const { columns } = (uniqueIndex().on(tenant as any) as any).config;
        (value as any).config = { ...(value as any).config, columns: [...columns, ...(value as any).config.columns] };
      } else if (is(value, ForeignKeyBuilder)) {
        const reference = (value as any).reference as () => Reference;
        (value as any).reference = () => tenantReference(table(), reference(), value as any);
      }
    }
    if (inline.primary.length > 0) {
      const keys = inline.primary.filter((key) => key !== tenantKey).map((key) => self[key]!);
      values.push(primaryKey({ columns: [tenant, ...keys] as any }));
    }
    for (const { key, name, nullsNotDistinct } of inline.unique) {
      const constraint = unique(name).on(tenant, self[key]!);
      values.push(nullsNotDistinct ? constraint.nullsNotDistinct() : constraint);
    }
    return values;
  };
}

/** Makes the inline foreign keys of a tenant or reference table what they have to be, when they are first read. */
export function bindInlineForeignKeys(table: PgTable): void {
  for (const key of (table as any)[inlineForeignKeys] as ForeignKey[]) {
    const reference = key.reference;
    (key as any).reference = () => tenantReference(table, reference(), key);
  }
}

const inlineForeignKeys = Symbol.for('drizzle:PgInlineForeignKeys');

/** What `reference` becomes: itself, or itself with the tenant columns first, or the error that it deserves. */
function tenantReference(
  table: PgTable,
  reference: Reference,
  actions: Actions,
): Reference {
  const { columns, foreignColumns, foreignTable } = reference;
  const from = classOf(table);
  const to = classOf(foreignTable);
  const named = columns.map((column) => column.name).join(', ');
  const fault = (remedy: string) => new TenantDefinitionError(nameOf(table), named, remedy);

  if (to?.kind !== 'tenant') return reference;
  if (from?.kind !== 'tenant') {
    throw fault(
      `Make "${nameOf(table)}" a tenantTable, or drop the reference to "${nameOf(foreignTable)}": ` +
        'a table shared by all tenants cannot point at the rows of one',
    );
  }
  if (from.tenancy !== to.tenancy) {
    throw fault(
      `Drop the reference to "${nameOf(foreignTable)}", or link the two through a column without a foreign key: ` +
        `a row of the tenancy "${from.tenancy.name}" cannot point at one of the tenancy "${to.tenancy.name}"`,
    );
  }
  const at = foreignColumns.findIndex((column) => column.name === to.name);
  if (at >= 0 && columns[at]!.name === from.name) return checkActions(reference, actions, from.name, fault);
  if (at >= 0 || columns.some((column) => column.name === from.name)) {
    throw fault(
      `Reference "${nameOf(foreignTable)}" from the tenant column "${from.name}" only: ` +
        'a row cannot point at another tenant',
    );
  }
  const tenantColumn = columnsOf(table)[from.key]!;
  const foreignTenantColumn = columnsOf(foreignTable as PgTable)[to.key]!;
  return checkActions(
    { ...reference, columns: [tenantColumn, ...columns], foreignColumns: [foreignTenantColumn, ...foreignColumns] },
    actions,
    from.name,
    fault,
  );
}

const columnsOf = (table: PgTable) => (table as any)[Symbol.for('drizzle:Columns')] as Columns;

/** Of a foreign key, or of its builder, whose `onDelete` and `onUpdate` are methods. */
interface Actions {
  readonly onDelete?: unknown;
  readonly onUpdate?: unknown;
  readonly _onDelete?: unknown;
  readonly _onUpdate?: unknown;
}

function checkActions(
  reference: Reference,
  actions: Actions,
  tenant: string,
  fault: (remedy: string) => Error,
): Reference {
  for (const [when, action] of [
    ['onDelete', actions._onDelete ?? actions.onDelete],
    ['onUpdate', actions._onUpdate ?? actions.onUpdate],
  ]) {
    if (action === 'set null' || action === 'set default') {
      throw fault(
        `Use ${when}: 'cascade' or 'restrict' and clear the column in the transaction that deletes the row: ` +
          `'${action}' would also clear the tenant column "${tenant}"`,
      );
    }
  }
  return reference;
}

/** Reads every constraint of a table once, so that what can never work is said before it is used. */
export function validateConstraints(table: PgTable): void {
  for (const key of getTableConfig(table).foreignKeys) key.reference();
}

