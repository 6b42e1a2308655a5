/** The columns of a live database that may be NULL, and its checks. */
import { concurrentObstacles } from '../obstacles.js';
import type { Database } from './database.js';

export interface LiveColumns {
  /** The columns that are NOT NULL. */
  readonly notNull: ReadonlySet<string>;
  readonly checks: readonly { readonly name: string; readonly validated: boolean }[];
  /** Why Citus cannot distribute the table while it is written to. */
  readonly blocking: readonly string[];
}

/** @returns what is there for a table, by its key */
export async function readColumns(database: Database): Promise<(key: string) => LiveColumns> {
  const rows = await database.query<{
    table: string;
    columns: string[] | null;
    checks: { name: string; validated: boolean }[] | null;
    blocking: string[] | null;
  }>(
    `SELECT n.nspname || '.' || c.relname AS table,
       (SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attnotnull
         AND NOT a.attisdropped) AS columns,
       (SELECT json_agg(json_build_object('name', k.conname, 'validated', k.convalidated)) FROM pg_constraint k
         WHERE k.conrelid = c.oid AND k.contype = 'c') AS checks,
       CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN (SELECT json_agg(o.reason)
         FROM (${concurrentObstacles('c.oid')}) o) END AS blocking
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')`,
  );
  const found = new Map(
    rows.map(({ table, columns, checks, blocking }) => [
      table,
      { notNull: new Set(columns ?? []), checks: checks ?? [], blocking: blocking ?? [] },
    ]),
  );
  return (key) => found.get(key) ?? { notNull: new Set<string>(), checks: [], blocking: [] };
}
