/** The tables that an adoption looks at, as plain data, from drizzle-kit's snapshot of them. */
import { keyOf, plain, type TableName } from '../names.js';
import type { Entities, Row } from '../snapshot.js';

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  /** Whether each row gets a value of its own by itself: a uuid, a sequence, an identity, a function of the schema. */
  readonly generated: boolean;
}

export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  readonly to: string;
  readonly columnsTo: readonly string[];
  readonly onDelete: string;
  readonly onUpdate: string;
}

export interface UniqueKey {
  readonly name: string;
  readonly kind: 'primary key' | 'unique' | 'unique index';
  /** Names of columns, and the text of expressions. */
  readonly columns: readonly string[];
}

export interface AdoptedTable extends TableName {
  readonly key: string;
  /** As a person writes it. */
  readonly plain: string;
  readonly columns: ReadonlyMap<string, Column>;
  readonly primaryKey: readonly string[];
  readonly uniques: readonly UniqueKey[];
  readonly foreignKeys: readonly ForeignKey[];
  /** How Citus holds it, where it is distributed already. */
  readonly held?: { readonly kind: 'reference' | 'tenant'; readonly column: string | null };
  /** Columns that hold a NULL in a live database. */
  readonly nulls?: ReadonlySet<string>;
}

export type Model = ReadonlyMap<string, AdoptedTable>;

/**
 * @param entities the snapshot
 * @param isMade tells of a column whether the schema gives it a value by a function
 */
export function modelOf(
  entities: Entities,
  isMade: (table: TableName, column: string) => boolean = () => false,
): Model {
  const model = new Map<string, AdoptedTable>();
  for (const row of entities.list('tables')) {
    const table = { schema: row.schema as string, name: row.name as string };
    const columns = entities.of('columns', table).map(
      (it): Column => ({
        name: it.name,
        type: it.type,
        notNull: it.notNull,
        generated:
          Boolean(it.identity) ||
          /^(?:uuid|(?:small|big)?serial)$/.test(it.type) ||
          /nextval|uuid|random/.test(String(it.default ?? '')) ||
          isMade(table, it.name),
      }),
    );
    const primaryKey: string[] = entities.of('pks', table)[0]?.columns ?? [];
    const named = (it: Row) =>
      it.columns.map((column: any) => (typeof column === 'string' ? column : column.value)) as string[];
    model.set(keyOf(table), {
      ...table,
      key: keyOf(table),
      plain: plain(table),
      columns: new Map(columns.map((it) => [it.name, it])),
      primaryKey,
      uniques: [
        ...entities
          .of('pks', table)
          .map((it): UniqueKey => ({ name: it.name, kind: 'primary key', columns: named(it) })),
        ...entities
          .of('uniques', table)
          .map((it): UniqueKey => ({ name: it.name, kind: 'unique', columns: named(it) })),
        ...entities
          .of('indexes', table)
          .filter((it) => it.isUnique)
          .map((it): UniqueKey => ({ name: it.name, kind: 'unique index', columns: named(it) })),
      ],
      foreignKeys: entities.of('fks', table).map(
        (it): ForeignKey => ({
          name: it.name,
          columns: it.columns,
          to: keyOf({ schema: it.schemaTo, name: it.tableTo }),
          columnsTo: it.columnsTo,
          onDelete: it.onDelete ?? 'NO ACTION',
          onUpdate: it.onUpdate ?? 'NO ACTION',
        }),
      ),
    });
  }
  return model;
}

/** `companies` is company, `teams` is team; a name that is no plural stays. */
export function singular(name: string): string {
  if (/ies$/i.test(name)) return name.replace(/ies$/i, 'y');
  if (/(?:ss|us|is)$/i.test(name)) return name;
  if (/(?:ses|xes|ches|shes)$/i.test(name)) return name.replace(/es$/i, '');
  return name.replace(/s$/i, '');
}
