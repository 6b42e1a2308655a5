/**
 * Adoption narrows what is unique: two tenants may have a value that only one could have before. That is asked, not
 * done in silence.
 */
import { changesOf, nameBefore, isAdopted, renamedColumn, type Migrated } from '../changes.js';
import { plain, type TableName } from '../names.js';
import type { Entities, Row } from '../snapshot.js';

/** A unique key that held over all rows, and holds within each tenant after the migration. */
export interface NarrowedUnique {
  readonly table: TableName;
  readonly columns: readonly string[];
  /** As it is written in `tenancy.uniquePerTenant`. */
  readonly name: string;
}

/**
 * @param migrated the tables before and after, with the state that the schema asks for
 * @returns each unique key that an adoption narrows, but primary keys whose values are made to be unique
 */
export function narrowedUniques(migrated: Migrated): NarrowedUnique[] {
  const { before, after } = migrated;
  return changesOf(migrated)
    .filter((it) => isAdopted(it, after))
    .flatMap(({ table, is }) => {
      const old = nameBefore(table, after);
      if (!old) return [];
      const tenant = is!.column!;
      const now = keysOf(after, table);
      return keysOf(before, old)
        .filter((key) => !(key.isPrimary && isGenerated(before, old, key.columns)))
        .map((key) => key.columns.map((it) => renamedColumn(after, table, it)))
        .filter(
          (columns) =>
            !columns.includes(tenant) &&
            !now.some((it) => isSame(it.columns, columns)) &&
            now.some((it) => isSame(it.columns, [tenant, ...columns])),
        )
        .map((columns) => ({ table, columns, name: `${plain(table)}(${columns.join(', ')})` }));
    });
}

/** Whether `tenancy.uniquePerTenant` names it: by its table, or as `*(id)` in every table. */
export const isNamed = ({ name, columns }: NarrowedUnique, names: readonly string[]): boolean =>
  [name, `*(${columns.join(', ')})`].some((it) =>
    names.some((given) => given.replaceAll(' ', '') === it.replaceAll(' ', '')),
  );

const isSame = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((it) => b.includes(it));

function keysOf(entities: Entities, table: TableName): { columns: string[]; isPrimary: boolean }[] {
  const indexes = entities.of('indexes', table).filter((it) => it.isUnique);
  return [
    ...entities.of('pks', table).map((it) => ({ columns: it.columns as string[], isPrimary: true })),
    ...entities.of('uniques', table).map((it) => ({ columns: it.columns as string[], isPrimary: false })),
    ...indexes.map((it) => ({ columns: it.columns.map((column: Row) => column.value as string), isPrimary: false })),
  ];
}

/** A uuid, a serial or an identity: no two rows get one value, in whichever tenant. */
function isGenerated(entities: Entities, table: TableName, columns: readonly string[]): boolean {
  return columns.some((name) => {
    const column = entities.column(table, name);
    return column !== undefined && (column.identity || /^(?:uuid|(?:small|big)?serial)$/.test(column.type));
  });
}
