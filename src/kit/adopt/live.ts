/** What a live database adds to the files: how Citus holds its tables, and which columns hold a NULL. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { connect } from '../live/database.js';
import { readLive } from '../live/read.js';
import { DatabaseStateError, TenantConfigError } from '../errors.js';
import { ident, quoted } from '../names.js';
import { readMigrations } from '../snapshot.js';
import type { Model } from './model.js';

/**
 * @param url the database
 * @returns what tells of the database's tables, in the tables of a schema
 */
export const liveModel =
  (url: string) =>
  async (model: Model): Promise<Model> => {
    const database = await connect(url);
    try {
      const live = await readLive(database);
      const entries = await Promise.all(
        [...model].map(async ([key, table]) => {
          const found = live.tables.get(key);
          if (!found) return [key, table] as const;
          const columns = [...table.columns.values()].filter(
            (it) =>
              !it.notNull && (/id$/i.test(it.name) || table.foreignKeys.some((fk) => fk.columns.includes(it.name))),
          );
          const asked = columns.map(
            (it, i) => `EXISTS (SELECT FROM ${quoted(table)} WHERE ${ident(it.name)} IS NULL) AS c${i}`,
          );
          const [row] =
            asked.length === 0 ? [{}] : await database.query<Record<string, boolean>>(`SELECT ${asked.join(', ')}`);
          const nulls = new Set(columns.filter((_, i) => row![`c${i}`]).map((it) => it.name));
          return [
            key,
            { ...table, nulls, ...(found.kind !== 'local' && { held: { kind: found.kind, column: found.column } }) },
          ] as const;
        }),
      );
      return new Map(entries);
    } finally {
      await database.close();
    }
  };

/**
 * Runs `drizzle-kit pull`, which writes `schema.ts`, `relations.ts`, and a first migration that makes the tables as
 * they are.
 *
 * @param out the folder; it has no migrations yet
 * @param mark whether the database is told, in drizzle's own table, that it has the first migration
 * @returns the files
 * @throws DatabaseStateError when drizzle-kit fails
 */
export async function pullSchema(url: string, out: string, mark: boolean): Promise<string[]> {
  const database = await connect(url);
  let schemas: string[];
  try {
    const live = await readLive(database);
    schemas = [...new Set([...live.tables.values()].map((it) => it.schema))];
  } finally {
    await database.close();
  }
  if (schemas.length === 0)
    throw new DatabaseStateError('Pass --url with a database that has tables: this one has none.');
  const kit = drizzleKit();
  mkdirSync(out, { recursive: true });
  const config = join(out, `.pull-${process.pid}.config.cjs`);
  const settings = { dialect: 'postgresql', out, schemaFilter: schemas, dbCredentials: { url } };
  // In a file, since every user of the machine can read the arguments of a process.
  writeFileSync(config, `module.exports = ${JSON.stringify(settings)};`, { mode: 0o600 });
  try {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [kit, 'pull', `--config=${config}`, ...(mark ? ['--init'] : [])],
      { encoding: 'utf8', cwd: process.cwd() },
    );
    if (status !== 0)
      throw new DatabaseStateError(
        'Run "npx drizzle-kit pull" by itself to see why it fails: ' +
          `${(stderr || stdout).trim().split('\n').slice(-3).join(' ')}`,
      );
  } finally {
    rmSync(config, { force: true });
  }
  for (const it of readMigrations(out)) uncomment(join(it.path, 'migration.sql'));
  return ['schema.ts', 'relations.ts'].map((it) => join(out, it)).filter((it) => existsSync(it));
}

/**
 * drizzle-kit puts the statements into a comment, over several of its breakpoints: PostgreSQL would refuse the first
 * piece.
 */
function uncomment(file: string): void {
  const text = readFileSync(file, 'utf8');
  const found = /^(?:--[^\n]*\n)*\/\*\n([\s\S]*)\n\*\/\s*$/.exec(text);
  if (found) writeFileSync(file, `${found[1]}\n`);
}

function drizzleKit(): string {
  try {
    const path = createRequire(resolve('package.json')).resolve('drizzle-kit');
    const found = [dirname(path), dirname(dirname(path))].map((it) => join(it, 'bin.cjs')).find((it) => existsSync(it));
    if (found) return found;
  } catch {
    // Said below.
  }
  throw new TenantConfigError('Run "npm install --save-dev drizzle-kit": the tables of a database are read with it.');
}
