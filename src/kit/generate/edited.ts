/** Migrations that were edited by hand until they no longer do what their `tenancy.json` says. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { calls } from '../citus.js';
import { distributionOf } from '../changes.js';
import { quoted } from '../names.js';
import { readMigrations } from '../snapshot.js';
import { emptyState, stateAt } from '../state.js';

export interface EditedMigration {
  readonly migration: string;
  readonly table: string;
  readonly message: string;
}

/**
 * A table that a migration's state distributes, and whose parents' states do not, has to be named in its SQL. Other
 * edits, such as a backfill, are what migrations are for.
 */
export function editedMigrations(out: string): EditedMigration[] {
  const migrations = readMigrations(out);
  const edited: EditedMigration[] = [];
  for (const { folder, path, snapshot } of migrations) {
    if (!existsSync(join(path, 'tenancy.json'))) continue;
    const file = join(path, 'migration.sql');
    const sql = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const before = snapshot.prevIds.every((id) => migrations.some((it) => it.snapshot.id === id))
      ? stateAt(migrations, snapshot.prevIds)
      : emptyState;
    const after = stateAt(migrations, [snapshot.id]);
    for (const [key, table] of Object.entries(after.tables)) {
      const { kind } = distributionOf(after, table);
      // A table that was renamed has another key; its SQL names it in the rename.
      if (
        kind === 'local' ||
        distributionOf(before, before.tables[key]).kind === kind ||
        sql.includes(`TO "${table.name}"`) ||
        sql.includes('SET SCHEMA')
      )
        continue;
      const call = kind === 'reference' ? calls.createReference(table) : `create_distributed_table('${quoted(table)}'`;
      if (!sql.includes(call)) {
        edited.push({
          migration: folder,
          table: key,
          message: `Put ${call} back into ${file}, or run "npx drizzle-tenant apply" on each database: it was edited, and no longer distributes "${key}".`,
        });
      }
    }
  }
  return edited;
}
