/**
 * What a command asks a server before it changes anything: whether it may, and whether the migrations of the folder
 * ran.
 */
import { createHash } from 'node:crypto';
import type { ReadConfig } from '../options.js';
import type { Database } from './database.js';
import { DatabaseStateError } from '../errors.js';
import { ident } from '../names.js';
import { foldersToRun } from '../snapshot.js';

/** @throws DatabaseStateError on a replica that only reads, and on a node that is no coordinator, with its address */
export async function requireWritable(database: Database): Promise<void> {
  const [server] = await database.query<{ replica: boolean; readonly: boolean }>(
    `SELECT pg_is_in_recovery() AS replica, current_setting('transaction_read_only') = 'on' AS readonly`,
  );
  if (server?.replica)
    throw new DatabaseStateError(
      'Connect to the primary server: this one is a replica, which only reads. Nothing was changed.',
    );
  if (server?.readonly)
    throw new DatabaseStateError(
      'Take default_transaction_read_only off the role, the database or the URL: ' +
        'every transaction here only reads. Nothing was changed.',
    );
  await requireCoordinator(database);
}

/** @throws DatabaseStateError on a worker, with the coordinator's address */
export async function requireCoordinator(database: Database): Promise<void> {
  const coordinator = await coordinatorOf(database);
  if (!coordinator) return;
  throw new DatabaseStateError(
    `Connect to the coordinator${coordinator === 'unknown' ? '' : ` at ${coordinator}`}: ` +
      'this node is a worker, which cannot change how tables are held. Nothing was changed.',
  );
}

/** The coordinator's address as the workers know it, when this node is none. */
export async function coordinatorOf(database: Database): Promise<string | undefined> {
  const [citus] = await database.query(`SELECT FROM pg_extension WHERE extname = 'citus'`);
  if (!citus) return undefined;
  const [group] = await database.query<{ id: number }>('SELECT groupid AS id FROM pg_dist_local_group');
  if (!group || group.id === 0) return undefined;
  const [node] = await database.query<{ address: string }>(
    `SELECT nodename || ':' || nodeport AS address FROM pg_dist_node WHERE groupid = 0 AND noderole = 'primary'`,
  );
  return node?.address ?? 'unknown';
}

/** Where the folder and the database stand to each other; undefined where drizzle-kit never migrated this database. */
export interface Standing {
  /** Migrations of the folder that did not run. */
  readonly pending: readonly string[];
  /** Migrations that ran, and are not in the folder. */
  readonly ahead: readonly string[];
}

export async function standingOf(database: Database, read: ReadConfig): Promise<Standing | undefined> {
  const done = await migrated(database, read.config['migrations'] ?? {});
  if (!done) return undefined;
  const here = foldersToRun(read.out).map((it) => it.folder);
  return { pending: here.filter((it) => !done.has(it)), ahead: [...done].filter((it) => !here.includes(it)) };
}

/** Those of the folder that are to run: all of them where drizzle-kit never migrated this database. */
export const pendingOf = <T extends { readonly folder: string }>(all: readonly T[], standing: Standing | undefined) =>
  all.filter((it) => standing?.pending.includes(it.folder) ?? true);

/** The names of the migrations that drizzle-kit noted; undefined without its table. */
export async function migrated(
  database: Database,
  { schema = 'drizzle', table = '__drizzle_migrations' }: { schema?: string; table?: string },
): Promise<Set<string> | undefined> {
  const at = `${ident(schema)}.${ident(table)}`;
  const [found] = await database.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [at]);
  if (!found?.there) return undefined;
  const rows = await database.query<{ name: string | null }>(`SELECT name FROM ${at}`);
  return new Set(rows.map((it) => it.name).filter((it) => it !== null));
}

const lock = createHash('sha256').update('drizzle-tenant apply').digest().readBigInt64BE().toString();

/**
 * Holds the database for one run: another one waits until it has ended. A run that is killed lets go with its
 * connection.
 *
 * @param waiting told once, when another run is going on
 */
export async function alone<T>(database: Database, waiting: () => void, run: () => Promise<T>): Promise<T> {
  const [tried] = await database.query<{ got: boolean }>(`SELECT pg_try_advisory_lock(${lock}) AS got`);
  if (!tried?.got) {
    waiting();
    await database.query(`SELECT pg_advisory_lock(${lock})`);
  }
  try {
    return await run();
  } finally {
    await database.query(`SELECT pg_advisory_unlock(${lock})`).catch(() => {});
  }
}
