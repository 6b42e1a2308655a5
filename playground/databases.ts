/**
 * Where the tables are: all tenants' in one schema of the server's database, and each tenant's once more in a
 * database of its own, to compare with. The names are new in each run, so that nothing that exists is touched.
 */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres, { type Sql } from 'postgres';
import { Unavailable, type Server } from './server.js';

const migrationsFolder = fileURLToPath(new URL('../drizzle', import.meta.url));

export interface Databases {
  /**
   * The tables of the application, migrated and empty.
   *
   * @throws Unavailable when the server is not there, or does not let us
   */
  create(): Promise<Sql>;
  /** A database of its own with the same tables. */
  createAnother(): Promise<Sql>;
  /** Takes everything away again, at whatever moment it is called. */
  drop(): Promise<void>;
}

export function databasesOn(server: Server, url: string): Databases {
  const name = `drizzle_tenant_playground_${randomBytes(4).toString('hex')}`;
  const admin = postgres(url, { ...quiet, max: 1 }); // One connection: what it drops, it has created before.
  const clients: Sql[] = [];
  const databases: string[] = [];
  let isDropped = false;

  const open = async (url: string, schema: string): Promise<Sql> => {
    if (isDropped) throw new Error('The databases are gone.');
    const client = postgres(url, { ...quiet, max: 2, connection: { search_path: schema } });
    clients.push(client);
    await migrate(drizzle({ client }), { migrationsFolder, migrationsSchema: schema });
    return client;
  };

  const explained = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      let cause = error as { code?: string; message: string; cause?: unknown };
      while (cause.cause) cause = cause.cause as typeof cause;
      throw new Unavailable(`${server.setting}: ${reasonOf(cause, new URL(url).host)}.`);
    }
  };

  return {
    create: () =>
      explained(async () => {
        await admin.unsafe(`create schema ${name}`);
        return open(url, name);
      }),
    createAnother: () =>
      explained(async () => {
        if (isDropped) throw new Error('The databases are gone.');
        const database = `${name}_${databases.length + 1}`;
        databases.push(database);
        await admin.unsafe(`create database ${database}`);
        return open(Object.assign(new URL(url), { pathname: `/${database}` }).href, 'public');
      }),
    async drop() {
      isDropped = true;
      await Promise.all(clients.map((client) => client.end({ timeout: 0 })));
      if (!server.isLasting) return admin.end({ timeout: 0 }); // It all goes away with the server.
      try {
        for (const database of databases) await admin.unsafe(`drop database if exists ${database} with (force)`);
        await admin.unsafe(`drop schema if exists ${name} cascade`);
      } catch {
        // The server has gone away, or was never there.
      }
      await admin.end({ timeout: 1 });
    },
  };
}

const quiet = { onnotice: () => {}, connect_timeout: 5 } as const;

/** What keeps the playground from its tables, in one line. */
function reasonOf({ code, message }: { code?: string; message: string }, host: string): string {
  switch (code) {
    case 'ECONNREFUSED':
    case 'CONNECT_TIMEOUT':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `no server answers at ${host}`;
    case '42501':
      return (
        `${message}: the role needs ` +
        `${message.includes('create database') ? 'CREATEDB' : 'the right to CREATE in it'}`
      );
    default:
      return message || String(code);
  }
}
