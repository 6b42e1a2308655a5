/** Migrations that were edited by hand until they no longer do what their `tenancy.json` says. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { calls } from '../citus.js';
import { distributionOf } from '../changes.js';
import { ident, literal, quoted } from '../names.js';
import { entitiesAt, readMigrations, type Entities } from '../snapshot.js';
import { emptyState, stateAt } from '../state.js';
import { enable, ourPolicies, ownPolicies } from './policies.js';

export interface EditedMigration {
  readonly migration: string;
  readonly table: string;
  readonly message: string;
}

/**
 * A table that a migration's state distributes, or locks, and whose parents' states do not, has to be named so in its
 * SQL. Other edits, such as a backfill, are what migrations are for.
 */
export function editedMigrations(out: string): EditedMigration[] {
  const migrations = readMigrations(out);
  const edited: EditedMigration[] = [];
  for (const { folder, path, snapshot } of migrations) {
    if (!existsSync(join(path, 'tenancy.json'))) continue;
    const file = join(path, 'migration.sql');
    const sql = readFileSync(file, 'utf8');
    const before = snapshot.prevIds.every((id) => migrations.some((it) => it.snapshot.id === id))
      ? stateAt(migrations, snapshot.prevIds)
      : emptyState;
    const after = stateAt(migrations, [snapshot.id]);
    let entities: Entities | undefined;
    for (const [key, table] of Object.entries(after.tables)) {
      // A table that was renamed has another key; its SQL names it in the rename.
      if (sql.includes(`TO "${table.name}"`) || sql.includes('SET SCHEMA')) continue;
      const tell = (lost: string, meant: string) =>
        edited.push({
          migration: folder,
          table: key,
          message:
            `Put ${lost} back into ${file}, or run "npx drizzle-tenant apply" on each database: ` +
            `it was edited, and no longer ${meant} "${key}".`,
        });
      const { kind } = distributionOf(after, table);
      if (kind !== 'local' && distributionOf(before, before.tables[key]).kind !== kind) {
        const call =
          kind === 'reference' ? calls.createReference(table) : `create_distributed_table(${literal(quoted(table))}`;
        if (!sql.includes(call)) tell(call, 'distributes');
      }
      if (!table.rls || before.tables[key]?.rls) continue;
      entities ??= entitiesAt(migrations, [snapshot.id]);
      const locks = [
        ...ourPolicies(table, ownPolicies(entities, table), after).map(
          (it) => `CREATE POLICY ${ident(it.name)} ON ${quoted(table)}`,
        ),
        ...enable(table),
      ];
      const lost = locks.find((it) => !sql.includes(it));
      if (lost !== undefined) tell(lost, 'keeps the tenants apart in');
    }
  }
  return edited;
}
