/**
 * What a migration leaves to `drizzle-tenant apply` where its tables have rows: the file `online.json` beside it. Keys,
 * indexes, NOT NULL and places are found by comparing the database with the snapshot; the file has what no comparison
 * shows.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MigrationFolderError } from './errors.js';
import type { Migration } from './snapshot.js';

/** Rows that are older than their column: each is given a value, in batches. */
export interface Fill {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  /** UPDATE statements of rows in which the column is NULL. `apply` adds `AND ...` for one batch at their end. */
  readonly updates: readonly string[];
  /** What to do about rows that no update gives a value. */
  readonly remedy: string;
  /** Whether rows may stay NULL: with everybody's rows, a person says so here. */
  readonly optional?: boolean;
}

/** What goes when all else stands. */
export interface Drop {
  readonly schema: string;
  readonly table?: string;
  readonly constraint?: string;
  readonly index?: string;
  readonly column?: string;
}

export interface OnlineSteps {
  readonly fills: readonly Fill[];
  readonly drops: readonly Drop[];
  /** CREATE INDEX statements, as drizzle-kit wrote them. */
  readonly indexes: readonly string[];
}

export const onlineFile = 'online.json';

export const printOnline = (steps: OnlineSteps): string => `${JSON.stringify({ version: 1, ...steps }, null, 2)}\n`;

/** What all of these migrations left, the oldest first; undefined where none left anything. */
export function readOnline(migrations: readonly Migration[]): OnlineSteps | undefined {
  const found = migrations.filter((it) => existsSync(join(it.path, onlineFile))).map(({ path }) => readOne(path));
  if (found.length === 0) return undefined;
  return {
    fills: found.flatMap((it) => it.fills),
    drops: found.flatMap((it) => it.drops),
    indexes: found.flatMap((it) => it.indexes),
  };
}

function readOne(path: string): OnlineSteps {
  const file = join(path, onlineFile);
  let read: any;
  try {
    read = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new MigrationFolderError(`Restore ${file} from git, or correct it: it is not JSON.`);
  }
  if (read?.version !== 1)
    throw new MigrationFolderError(
      `Upgrade drizzle-tenant: ${file} has format ${read?.version}, and this version reads format 1.`,
    );
  const { fills, drops, indexes } = read;
  const isText = (it: unknown): it is string => typeof it === 'string';
  const isFill = (it: any) =>
    [it?.schema, it?.table, it?.column, it?.remedy].every(isText) &&
    Array.isArray(it.updates) &&
    it.updates.every(
      (update: unknown) => isText(update) && /^\s*(?:--[^\n]*\n\s*)*UPDATE\b[\s\S]*\bWHERE\b/i.test(update),
    );
  if (!Array.isArray(fills) || !fills.every(isFill)) {
    throw new MigrationFolderError(
      `Write each of "updates" in ${file} as UPDATE ... SET ... WHERE the column IS NULL: apply adds a ` +
        'batch to the condition.',
    );
  }
  const isDrop = (it: any) => isText(it?.schema) && [it.constraint, it.index, it.column].filter(isText).length === 1;
  if (!Array.isArray(drops) || !drops.every(isDrop) || !Array.isArray(indexes) || !indexes.every(isText))
    throw new MigrationFolderError(`Restore ${file} from git: its drops or its indexes were edited.`);
  return { fills, drops, indexes };
}
