/** drizzle-kit puts names between double quotes, and does not double those that they have. */
import type { Migrated } from '../changes.js';
import type { TableName } from '../names.js';

const named = [
  'schemas',
  'enums',
  'sequences',
  'roles',
  'tables',
  'columns',
  'pks',
  'uniques',
  'fks',
  'checks',
  'indexes',
  'policies',
  'views',
];

/** The names of which a statement would end too early. */
export function endedNames(
  drizzle: readonly string[],
  { before, after }: Migrated,
): { table: TableName; column: string; name: string }[] {
  const found = new Map<string, { table: TableName; column: string; name: string }>();
  for (const row of named.flatMap((type) => [...before.list(type), ...after.list(type)])) {
    const name: string = row['name'];
    if (!name.includes('"') || !drizzle.some((it) => it.includes(`"${name}"`))) continue;
    const table = { schema: row['schema'] ?? 'public', name: row['table'] ?? name };
    found.set(JSON.stringify([table, name]), { table, column: row.entityType === 'columns' ? name : '-', name });
  }
  return [...found.values()];
}
