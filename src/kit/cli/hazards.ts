/** What `check` says about the statements of migrations that did not run yet. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadConfig } from '../options.js';
import { hazardsOf, type Hazard } from '../rules/hazards.js';
import { entitiesAt, readMigrations, type Entities, type Migration } from '../snapshot.js';
import { splitStatements } from '../statements.js';

export interface FoundHazard extends Hazard {
  readonly migration: string;
}

/**
 * @param read the config
 * @param pending the migrations that did not run; the newest alone where no database was asked
 */
export function pendingHazards({ out }: ReadConfig, pending: readonly string[] | undefined): FoundHazard[] {
  const migrations = readMigrations(out);
  const asked = pending ? migrations.filter((it) => pending.includes(it.folder)) : migrations.slice(-1);
  return asked.flatMap((it) => {
    const file = join(it.path, 'migration.sql');
    if (!existsSync(file)) return [];
    const statements = splitStatements(readFileSync(file, 'utf8'));
    return hazardsOf(statements, beforeOf(it, migrations)).map((found) => ({ migration: it.folder, ...found }));
  });
}

const beforeOf = ({ snapshot }: Migration, migrations: readonly Migration[]): Entities =>
  entitiesAt(migrations, snapshot.prevIds);

export const describeHazard = ({ migration, table, statement, what, instead }: FoundHazard): string =>
  `warning: ${migration}, "${table}": ${statement.replaceAll(/\s+/g, ' ').slice(0, 160)}\n` +
  `  ${what}. Instead, once the table is large: ${instead}.`;
