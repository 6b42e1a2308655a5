/** Columns that draw their values from a sequence, and what Citus asks of them. */
import { keyOf, type TableName } from '../names.js';
import type { Entities, Row } from '../snapshot.js';
import type { TenancyState } from '../state.js';

/** The sequences that a column's default draws from, as `nextval` names them. */
export const sequencesOf = (column: Row | undefined): string[] =>
  typeof column?.default === 'string'
    ? [...column.default.matchAll(/\bnextval\(\s*'((?:[^']|'')*)'/gi)].map((it) => it[1]!)
    : [];

/** Whether a column's default draws, as a serial's does. */
export const drawsDefault = (column: Row | undefined): boolean =>
  column !== undefined && (/serial$/.test(column.type) || sequencesOf(column).length > 0);

/** Whether a column's values come from a sequence: Citus does not change its type then. */
export const drawsNumbers = (column: Row | undefined): boolean =>
  column !== undefined && (drawsDefault(column) || Boolean(column.identity));

interface SequenceFault {
  readonly table: TableName;
  readonly column: string;
  readonly remedy: string;
  readonly reason: string;
}

/** Defaults that draw from several sequences, and sequences that columns of several types draw from. */
export function sharedSequences(entities: Entities, state: TenancyState): SequenceFault[] {
  const first = new Map<string, { type: string; place: string }>();
  return entities.list('columns').flatMap((row): SequenceFault[] => {
    const table = { schema: row.schema as string, name: row.table as string };
    if (!state.tables[keyOf(table)]) return [];
    const names = [...new Set(sequencesOf(row).map(inSchema))];
    const fault = (remedy: string, reason: string) => [{ table, column: row.name as string, remedy, reason }];
    if (sequencesOf(row).length > 1)
      return fault('Draw from one sequence in its default', 'Citus holds no table whose default draws from several');
    const [name] = names;
    if (name === undefined) return [];
    const other = first.get(name);
    if (!other) first.set(name, { type: row.type, place: `"${row.table}" (${row.name})` });
    return other && other.type !== row.type
      ? fault(
          `Make it ${other.type}, as ${other.place} is, or give it a sequence of its own`,
          'Citus gives a sequence the type of the column that draws from it, and both draw from the same',
        )
      : [];
  });
}

/** A name as `nextval` takes it, with its schema, and without quotes. */
const inSchema = (name: string) => {
  const plain = name.replaceAll('"', '');
  return plain.includes('.') ? plain : `public.${plain}`;
};
