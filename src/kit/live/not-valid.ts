/**
 * What `generate` cannot know of a table: whether it has partitions. PostgreSQL before 18 adds no foreign key to such a
 * one without a look at its rows, as migrations do with `online`. It is said before any of them runs.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from './database.js';
import { DatabaseStateError } from '../errors.js';
import type { Migration } from '../snapshot.js';
import { splitStatements } from '../statements.js';

const unchecked =
  /^ALTER TABLE ((?:"(?:[^"]|"")*"\.)?"(?:[^"]|"")*") ADD CONSTRAINT ("(?:[^"]|"")*") FOREIGN KEY .* NOT VALID;?$/s;

/**
 * @param migrations that are to run
 * @returns an error for each foreign key that the server refuses
 */
export async function refusedForeignKeys(
  database: Database,
  migrations: readonly Pick<Migration, 'folder' | 'path'>[],
): Promise<DatabaseStateError[]> {
  const found = migrations.flatMap(({ folder, path }) => {
    const file = join(path, 'migration.sql');
    const statements = existsSync(file) ? splitStatements(readFileSync(file, 'utf8')) : [];
    return statements.flatMap((statement) => {
      const [, table, name] = unchecked.exec(statement.trim()) ?? [];
      return table === undefined ? [] : [{ folder, table, name: name! }];
    });
  });
  if (found.length === 0) return [];
  const [server] = await database.query<{ version: number }>(
    `SELECT current_setting('server_version_num')::int AS version`,
  );
  if (server!.version >= 180_000) return [];
  const partitioned = await database.query<{ name: string }>(
    `SELECT name FROM json_array_elements_text($1::text::json) name
     JOIN pg_class c ON c.oid = to_regclass(name) AND c.relkind = 'p'`,
    [JSON.stringify(found.map((it) => it.table))],
  );
  return found
    .filter((it) => partitioned.some(({ name }) => name === it.table))
    .map(
      ({ folder, table, name }) =>
        new DatabaseStateError(
          `Take NOT VALID out of ${folder}/migration.sql where it adds the foreign key ${name} to ${table}: before ` +
            'PostgreSQL 18, one from a table with partitions is added only with a look at its rows, while which ' +
            'writes to it wait. Nothing was changed.',
        ),
    );
}
