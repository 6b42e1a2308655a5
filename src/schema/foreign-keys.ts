/**
 * A foreign key to another table of the same tenancy becomes composite, so that a row cannot point at another
 * tenant's. What can never work is said with its remedy, whichever way the key was declared.
 */
import {
  getTableConfig,
  type ForeignKey,
  type ForeignKeyBuilder,
  type PgColumn,
  type PgTable,
} from 'drizzle-orm/pg-core';
import { declaredTwice } from '../copies.js';
import { TenantDefinitionError } from '../errors.js';
import { classOf, nameOf } from './classify.js';

export type Columns = Record<string, PgColumn>;
export type Reference = ReturnType<ForeignKey['reference']>;

const inlineForeignKeys = Symbol.for('drizzle:PgInlineForeignKeys');

/** The foreign keys that `.references()` declared. */
export const inlineKeysOf = (table: PgTable) => (table as any)[inlineForeignKeys] as ForeignKey[];

/** Makes the inline foreign keys of a tenant or reference table what they have to be, when they are first read. */
export function bindInlineForeignKeys(table: PgTable): void {
  for (const key of inlineKeysOf(table)) bind(table, key as any);
}

/** Does the same to a foreign key of `extra`. */
export const bindForeignKey = (table: () => PgTable, key: ForeignKeyBuilder): void => bind(table, key as any);

function bind(table: PgTable | (() => PgTable), key: Actions & { reference: () => Reference }): void {
  const reference = key.reference;
  key.reference = () => tenantReference(typeof table === 'function' ? table() : table, reference(), key);
}

/** Reads every constraint of a table once, so that what can never work is said before it is used. */
export function validateConstraints(table: PgTable): void {
  for (const key of getTableConfig(table).foreignKeys) key.reference();
}

/** What `reference` becomes: itself, or itself with the tenant columns first, or the error that it deserves. */
function tenantReference(table: PgTable, reference: Reference, actions: Actions): Reference {
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
    if (from.tenancy.name === to.tenancy.name) throw fault(declaredTwice(from.tenancy.name));
    throw fault(
      `Drop the reference to "${nameOf(foreignTable)}", or link the two through a column without a foreign key: ` +
        `a row of the tenancy "${from.tenancy.name}" cannot point at one of the tenancy "${to.tenancy.name}"`,
    );
  }
  if (to.everybody) {
    throw fault(
      `Drop the reference to "${nameOf(foreignTable)}", and keep the id in a column without a foreign key: ` +
        'a key that holds the tenant column cannot point at a row of everybody, which has none',
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
  const composite = {
    ...reference,
    columns: [columnsOf(table)[from.key]!, ...columns],
    foreignColumns: [columnsOf(foreignTable as PgTable)[to.key]!, ...foreignColumns],
  };
  return checkActions(composite, actions, from.name, fault);
}

const columnsOf = (table: PgTable) => (table as any)[Symbol.for('drizzle:Columns')] as Columns;

/** Of a foreign key, or of its builder, whose `onDelete` and `onUpdate` are methods. */
interface Actions {
  readonly onDelete?: unknown;
  readonly onUpdate?: unknown;
  readonly _onDelete?: unknown;
  readonly _onUpdate?: unknown;
}

/**
 * ON DELETE SET NULL can name the columns that it clears, and the kit names those besides the tenant's. Nothing else
 * can.
 */
function checkActions(
  reference: Reference,
  actions: Actions,
  tenant: string,
  fault: (remedy: string) => Error,
): Reference {
  const refused = (when: string, action: unknown) => {
    if (action !== 'set null' && action !== 'set default') return;
    if (when === 'onDelete' && action === 'set null' && reference.columns.length > 1) return;
    throw fault(
      `Use ${when}: 'cascade' or 'restrict' and clear the column in the transaction that deletes the row: ` +
        `'${action}' would also clear the tenant column "${tenant}"`,
    );
  };
  refused('onDelete', actions._onDelete ?? actions.onDelete);
  refused('onUpdate', actions._onUpdate ?? actions.onUpdate);
  return reference;
}
