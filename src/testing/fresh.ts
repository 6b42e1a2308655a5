/** Databases that last as long as a test: of PGlite, in memory, or of a PostgreSQL server. */
import { randomBytes } from 'node:crypto';
import type { PGlite } from '@electric-sql/pglite';
import { dataDirOf, emptyPglite, startPglite } from './pglite.js';

/** Where a database is made, and what is in it. */
export interface FreshOptions {
  /** The folder of drizzle-kit's migrations, which Drizzle's own migrator applies. */
  readonly migrations?: string | undefined;
  /** The tables, where there are no migrations yet: drizzle-kit writes the statements. */
  readonly schema?: Readonly<Record<string, unknown>> | undefined;
  /** The URL of a PostgreSQL server on which databases may be created; without it, PGlite. */
  readonly server?: string | undefined;
}

/** A database of its own. */
export interface Fresh {
  /** Drizzle's handle, without any scope. */
  readonly drizzle: any;
  readonly run: (text: string) => Promise<unknown>;
  /** Another database with the same rows. Nothing may run on this one meanwhile. */
  readonly copy: () => Promise<Fresh>;
  readonly close: () => Promise<void>;
}

/** A database for a test could not be made or looked at. */
export class TestDatabaseError extends Error {
  readonly _tag = 'TestDatabaseError';
  override readonly name = 'TestDatabaseError';
}

const remedies: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [
    /Cannot find (?:package|module) '@electric-sql\/pglite'/,
    "Install PGlite, as in npm install -D @electric-sql/pglite, or name a server, as in server: 'postgres://...'",
  ],
  [
    /permission denied to create database/,
    'Let the role of the server create databases, as in ALTER ROLE tester CREATEDB',
  ],
  [
    /row-level security policy/,
    'Let the role of the server read past row-level security, as in ' +
      'ALTER ROLE tester BYPASSRLS: expectIsolated() looks at all rows',
  ],
];

/** What was thrown when a test's database was made or looked at, with what to do where the server refuses it. */
export function databaseErrorOf(cause: any): TestDatabaseError {
  const said = String(cause?.cause?.message ?? cause?.message ?? cause);
  const remedy = remedies.find(([pattern]) => pattern.test(said))?.[1];
  return new TestDatabaseError(remedy === undefined ? said : `${remedy}. (${said})`, { cause });
}

/** Does something to a test's database. */
export const prepared = <A>(run: () => Promise<A>): Promise<A> =>
  run().catch((cause: unknown) => {
    throw databaseErrorOf(cause);
  });

/** Makes a database and migrates it. */
export async function fresh(options: FreshOptions): Promise<Fresh> {
  if (options.server === undefined) return overPglite(await startPglite(await migratedPglite(options)));
  const database = await createDatabase(options.server);
  try {
    await migrate(database, options, () => import('drizzle-orm/postgres-js/migrator'));
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

const pglites = new Map<string, Map<unknown, Promise<Blob>>>();

/** The data directory of a migrated database: each test starts from it. */
function migratedPglite(options: FreshOptions): Promise<Blob> {
  const key = options.migrations ?? '';
  const bySchema = pglites.get(key) ?? new Map<unknown, Promise<Blob>>();
  pglites.set(key, bySchema);
  let made = bySchema.get(options.schema);
  if (!made) {
    made = (async () => {
      const client = await emptyPglite();
      try {
        await migrate(await overPglite(client), options, () => import('drizzle-orm/pglite/migrator'));
        return await dataDirOf(client);
      } finally {
        await client.close();
      }
    })();
    bySchema.set(options.schema, made);
    made.catch(() => bySchema.delete(options.schema));
  }
  return made;
}

async function overPglite(client: PGlite): Promise<Fresh> {
  const { drizzle } = await import('drizzle-orm/pglite');
  return {
    drizzle: drizzle({ client }),
    run: async (text) => client.exec(text),
    copy: async () => overPglite(await startPglite(await dataDirOf(client))),
    close: () => client.close(),
  };
}

async function createDatabase(server: string, template?: string): Promise<Fresh> {
  const [{ default: postgres }, { drizzle }] = await Promise.all([
    import('postgres'),
    import('drizzle-orm/postgres-js'),
  ]);
  const name = `drizzle_tenant_test_${process.pid}_${randomBytes(6).toString('hex')}`;
  const options = { max: 1, onnotice: () => {} };
  const admin = async (text: string) => {
    const client = postgres(server, options);
    try {
      await client.unsafe(text);
    } finally {
      await client.end();
    }
  };
  await admin(`create database ${name}${template ? ` template ${template}` : ''}`);
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  let client = postgres(url, { ...options, max: 5 });
  return {
    drizzle: drizzle({ client }),
    run: (text) => client.unsafe(text),
    copy: async () => {
      // PostgreSQL copies a database that nobody is connected to. The client opens again when it is asked.
      await (client as any).close();
      return createDatabase(server, name);
    },
    close: async () => {
      await client.end();
      await admin(`drop database if exists ${name} with (force)`);
    },
  };
}

async function migrate(
  database: Fresh,
  { migrations, schema }: FreshOptions,
  migrator: () => Promise<{ migrate: any }>,
): Promise<void> {
  if (migrations !== undefined) await (await migrator()).migrate(database.drizzle, { migrationsFolder: migrations });
  if (schema === undefined) return;
  const { generateDrizzleJson, generateMigration } = await import('drizzle-kit/api-postgres');
  const statements = await generateMigration(
    await generateDrizzleJson({}),
    await generateDrizzleJson(schema as Record<string, unknown>),
  );
  for (const statement of statements) await database.run(statement);
}
