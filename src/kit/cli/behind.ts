/** What a schema asks for, and its migrations do not do yet: what CI has to stop at. */
import type { Project } from './load.js';
import { entitiesAt, leavesOf, readMigrations, Entities, type Row } from '../snapshot.js';
import { sameState, stateAt } from '../state.js';

/** One thing that the schema and the migrations say differently. */
export interface Difference {
  readonly what: string;
  readonly change: 'added' | 'changed' | 'removed';
}

/**
 * Compares the schema with the newest snapshots, as drizzle-kit would, and the tenancy with `tenancy.json`.
 *
 * @param project the schema
 * @returns what "npx drizzle-kit generate" would write a migration for, empty when there is nothing
 * @throws MigrationFolderError, TenancyConflictError
 */
export function differences(project: Project): Difference[] {
  const migrations = readMigrations(project.out);
  const leaves = leavesOf(migrations);
  const found = compare(entitiesAt(migrations, leaves), project.entities);
  const migrated = stateAt(migrations, leaves);
  if (found.length === 0 && !sameState(withoutHeld(project, migrated), migrated))
    found.push({ what: 'tenancy', change: 'changed' });
  return found;
}

/** In write-only mode, tables on their way are not distributed yet; the migrations know which. */
function withoutHeld({ options, state }: Project, migrated: Project['state']) {
  if (!options.writeOnly) return state;
  const tables = { ...state.tables };
  for (const key of migrated.writeOnly?.tables ?? []) delete tables[key];
  return { ...state, tables, ...(migrated.writeOnly && { writeOnly: migrated.writeOnly }) };
}

/** The keys and indexes that a database has to have by now: those on which the schema and its migrations agree. */
export function keysDue({ out, entities }: Project): Entities {
  const migrations = readMigrations(out);
  if (migrations.length === 0) return entities;
  const made = new Set(entitiesAt(migrations, leavesOf(migrations)).all().map(text));
  return new Entities(entities.all().filter((it) => made.has(text(it))));
}

function compare(before: Entities, after: Entities): Difference[] {
  const [was, is] = [before, after].map((it) => new Map(it.all().map((row) => [nameOf(row), text(row)])));
  const found: Difference[] = [];
  for (const [name, now] of is!) {
    if (!was!.has(name)) found.push({ what: name, change: 'added' });
    else if (was!.get(name) !== now) found.push({ what: name, change: 'changed' });
  }
  for (const name of was!.keys()) if (!is!.has(name)) found.push({ what: name, change: 'removed' });
  return found;
}

const words: Record<string, string> = {
  tables: 'table',
  columns: 'column',
  indexes: 'index',
  fks: 'foreign key',
  pks: 'primary key',
  uniques: 'unique',
  checks: 'check',
  policies: 'policy',
  views: 'view',
  enums: 'enum',
};

function nameOf(row: Row): string {
  const at = [row.schema === 'public' ? undefined : row.schema, row.table, row.name]
    .filter((it) => it !== undefined && it !== null)
    .join('.');
  return `${words[row.entityType] ?? row.entityType} ${at}${row.entityType === 'privileges' ? text(row) : ''}`;
}

/** One text for equal rows, whatever the order of their fields; a field that is null is as good as none. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, it) =>
    it !== null && typeof it === 'object' && !Array.isArray(it)
      ? Object.fromEntries(
          Object.entries(it)
            .filter(([, value]) => value !== null)
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        )
      : it,
  );
}
