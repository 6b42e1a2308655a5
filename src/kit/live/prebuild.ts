/**
 * `drizzle-tenant indexes`: builds the indexes of migrations that did not run yet, without blocking writes. CREATE
 * INDEX CONCURRENTLY cannot run in a transaction, and drizzle-kit runs all migrations in one. So they are built before
 * it under a name of their own, and get their name once they are valid; the migration then finds them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadConfig } from '../options.js';
import type { Database } from './database.js';
import { asideName, indexIn, readCreateIndex, type CreateIndex } from '../generate/indexes.js';
import { ident, type TableName } from '../names.js';
import { migrated } from './server.js';
import { readMigrations } from '../snapshot.js';
import { splitStatements } from '../statements.js';

export interface BuiltIndex {
  readonly index: string;
  readonly table: string;
  /** Whether it was built now, stands already, or is left to the migration, and why. */
  readonly result: 'built' | 'stands' | 'left';
  readonly reason?: string;
}

/**
 * @param database where; not in a transaction
 * @param read the config
 * @param progress told of each index before it is built
 * @returns what became of each index of the migrations that did not run yet
 */
export async function buildIndexes(
  database: Database,
  read: ReadConfig,
  progress: (index: string, table: string) => void,
): Promise<BuiltIndex[]> {
  const done = (await migrated(database, read.config['migrations'] ?? {})) ?? new Set<string>();
  const results: BuiltIndex[] = [];
  for (const { folder, path } of readMigrations(read.out)) {
    const file = join(path, 'migration.sql');
    if (done.has(folder) || !existsSync(file)) continue;
    const text = readFileSync(file, 'utf8');
    for (const statement of splitStatements(text)) {
      // A migration of drizzle-tenant says IF NOT EXISTS where the table was there before.
      const it = statement.includes('INDEX IF NOT EXISTS ') ? readCreateIndex(statement) : undefined;
      if (it) results.push({ index: it.name, table: it.table, ...(await build(database, it, text, progress)) });
    }
  }
  return results;
}

async function build(
  database: Database,
  it: CreateIndex,
  migration: string,
  progress: (index: string, table: string) => void,
): Promise<Pick<BuiltIndex, 'result' | 'reason'>> {
  if (it.unique) return { result: 'left', reason: 'a unique index has to hold from the migration on, and not before' };
  const [table] = await database.query<TableName & { isPartitioned: boolean }>(
    `SELECT n.nspname AS schema, c.relname AS name, c.relkind = 'p' AS "isPartitioned" FROM pg_class c ` +
      'JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)',
    [it.table],
  );
  if (!table) return { result: 'left', reason: 'the migration makes or renames its table first' };
  if (table.isPartitioned)
    return { result: 'left', reason: 'PostgreSQL builds no index of a table with partitions concurrently' };
  const at = (name: string) => indexIn(table, name);
  const [old, aside] = [asideName(it.name, 'old'), asideName(it.name, 'new')];
  const stateOf = async (name: string) =>
    (
      await database.query<{ valid: boolean }>(
        'SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass($1)',
        [at(name)],
      )
    )[0]?.valid;
  const replaces = migration.includes(` RENAME TO ${ident(old)};`);
  const standing = await stateOf(it.name);
  if (standing === true && (!replaces || (await stateOf(old)) !== undefined)) return { result: 'stands' };

  progress(it.name, it.table);
  // What an interrupted build left, here or by hand. On Citus some shards may not have it.
  if (standing === false) await database.query(`DROP INDEX IF EXISTS ${at(it.name)}`);
  if ((await stateOf(aside)) === false) await database.query(`DROP INDEX IF EXISTS ${at(aside)}`);
  if ((await stateOf(aside)) === undefined) {
    try {
      await database.query(`CREATE INDEX CONCURRENTLY ${ident(aside)} ON ${it.table}${it.rest}`);
    } catch (error) {
      if ((error as { code?: string }).code === '42703')
        return { result: 'left', reason: 'the migration adds one of its columns first' };
      throw error;
    }
  }
  const rename = (from: string, to: string) => `ALTER INDEX ${at(from)} RENAME TO ${ident(to)}`;
  try {
    await database.query('BEGIN');
    if (standing === true) await database.query(rename(it.name, old));
    await database.query(rename(aside, it.name));
    await database.query('COMMIT');
  } catch (error) {
    await database.query('ROLLBACK').catch(() => {});
    throw error;
  }
  return { result: 'built' };
}
