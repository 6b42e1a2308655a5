/**
 * What a seeder has to know of tables: their columns, unique keys and foreign keys, and in which order they are filled.
 */
import { is, Table } from 'drizzle-orm';
import { getTableConfig, type PgColumn, type PgTable } from 'drizzle-orm/pg-core';
import { UnsupportedTenantOperationError } from '../errors.js';
import { classOf } from '../schema/classify.js';
import { relationsConfig } from '../schema/relations.js';

/** A foreign key: which columns get which of another table's, without the tenant: none, in one to the root. */
export interface Key {
  readonly to: PgTable;
  readonly columns: readonly (readonly [own: PgColumn, foreign: string])[];
  /** Whether it leads to rows of the same tenant, and not of any. */
  readonly isWithin: boolean;
}

export interface Seeded {
  readonly title: string;
  readonly table: PgTable;
  readonly found: NonNullable<ReturnType<typeof classOf>>;
  readonly columns: readonly (readonly [key: string, column: PgColumn])[];
  readonly keys: readonly Key[];
  /** The columns of each unique key, by their names in the database, without the tenant. */
  readonly uniques: readonly (readonly string[])[];
  readonly uniqueOverAll: ReadonlySet<string>;
  /** Whether a tenant has one row in it. */
  readonly isRoot: boolean;
}

export const keyOf = (columns: Seeded['columns'], column: PgColumn) =>
  columns.find(([, it]) => it.name === column.name)![0];

/** @returns the error for columns of which nothing is known: all of them at once, as they are to be written */
export const unknown = (...found: readonly (readonly [Seeded, PgColumn])[]) => {
  const named = found.map(([{ title }, column]) => `"${title}"."${column.name}"`).join(', ');
  const tables = [...new Set(found.map(([it]) => it))].map(({ title, columns }) => {
    const own = found.filter(([it]) => it.title === title).map(([, column]) => keyOf(columns, column));
    return `${title}: { ${own.map((key) => `${key}: ({ index }) => value`).join(', ')} }`;
  });
  const [holds, type] = found.length === 1 ? ['holds', 'its type'] : ['hold', 'their types'];
  return new UnsupportedTenantOperationError(
    `Say what ${named} ${holds}, as in seedTenants(db, { columns: { ${tables.join(', ')} } }): ` +
      `nothing is known of ${type}, or no row that it could lead to.`,
  );
};

export function tablesOf(relations: object): Seeded[] {
  return Object.entries<any>(relationsConfig(relations as never)).flatMap(([title, { table }]) => {
    const found = is(table, Table) ? classOf(table) : undefined;
    if (!found) return [];
    const config = getTableConfig(table);
    const columns = Object.entries((table as any)[Symbol.for('drizzle:Columns')]) as [string, PgColumn][];
    const tenant = found.kind === 'tenant' ? found.column.name : undefined;
    const keys = config.foreignKeys.map((it): Key => {
      const { columns: own, foreignTable, foreignColumns } = it.reference();
      const foreign = Object.entries((foreignTable as any)[Symbol.for('drizzle:Columns')]) as [string, PgColumn][];
      const pairs = own.map((column, i) => [column, keyOf(foreign, foreignColumns[i]!)] as const);
      return {
        to: foreignTable,
        columns: pairs.filter(([column]) => column.name !== tenant),
        isWithin: own.some((column) => column.name === tenant),
      };
    });
    const uniques = [
      ...columns.filter(([, it]) => it.primary || it.isUnique).map(([, it]) => [it.name]),
      ...config.primaryKeys.map((it) => it.columns.map((column) => column.name)),
      ...config.uniqueConstraints.map((it) => it.columns.map((column) => column.name)),
      ...config.indexes
        .filter((it) => it.config.unique)
        .map((it) => it.config.columns.flatMap((column) => namesIn(column))),
    ];
    return {
      title,
      table,
      found,
      columns,
      keys,
      uniques: uniques.map((unique) => unique.filter((name) => name !== tenant)).filter((unique) => unique.length > 0),
      isRoot: uniques.some((unique) => unique.length === 1 && unique[0] === tenant),
      uniqueOverAll: new Set(tenant === undefined ? [] : uniques.filter((unique) => !unique.includes(tenant)).flat()),
    };
  });
}

/** The columns in a column of an index, which may be an expression. */
const namesIn = (it: any): string[] =>
  typeof it.name === 'string' && !it.queryChunks
    ? [it.name]
    : (it.queryChunks ?? []).flatMap((chunk: any) => (typeof chunk === 'object' && chunk ? namesIn(chunk) : []));

/** Each table behind those that its foreign keys lead to; a circle begins where a key may be null. */
export function inOrder(tables: readonly Seeded[]): Seeded[] {
  const order: Seeded[] = [];
  let left = [...tables];
  while (left.length > 0) {
    const waits = (it: Seeded, onlyNotNull: boolean) =>
      it.keys.some(
        (key) =>
          key.to !== it.table &&
          left.some((other) => other.table === key.to) &&
          (!onlyNotNull || key.columns.length === 0 || key.columns.some(([column]) => column.notNull)),
      );
    const next = left.filter((it) => !waits(it, false));
    const chosen = next.length > 0 ? next : left.filter((it) => !waits(it, true)).slice(0, 1);
    if (chosen.length === 0) throw unknown([left[0]!, left[0]!.keys[0]!.columns[0]![0]]);
    order.push(...chosen);
    left = left.filter((it) => !chosen.includes(it));
  }
  return order;
}
