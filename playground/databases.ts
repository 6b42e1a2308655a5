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
  /** The tables of the application, migrated and empty. */
  readonly shared: Sql;
  /** A database with the same tables, migrated and empty. */
  another(): Promise<Sql>;
  /** Takes everything away again. */
  drop(): Promise<void>;
}

/**
 * Makes the tables.
 *
 * @throws Unavailable when the server is not there, or does not let us
 */
export async function createDatabases(server: Server): Promise<Databases> {
  const name = `drizzle_tenant_playground_${randomBytes(4).toString('hex')}`;
  const admin = postgres(server.url, { ...quiet, max: 1 });
  const clients = [admin];
  const databases: string[] = [];

  const open = async (url: string, schema: string): Promise<Sql> => {
    const client = postgres(url, { ...quiet, max: 2, connection: { search_path: schema } });
    clients.push(client);
    await migrate(drizzle({ client }), { migrationsFolder, migrationsSchema: schema });
    return client;
  };
  const drop = async (): Promise<void> => {
    await Promise.all(clients.splice(1).map((client) => client.end({ timeout: 0 })));
    for (const database of databases.splice(0)) await admin.unsafe(`drop database if exists ${database} with (force)`);
    await admin.unsafe(`drop schema if exists ${name} cascade`);
    await admin.end();
  };

  try {
    await admin.unsafe(`create schema ${name}`);
    return {
      shared: await open(server.url, name),
      another: () =>
        explained(server, async () => {
          const database = `${name}_${databases.length + 1}`;
          databases.push(database);
          await admin.unsafe(`create database ${database}`);
          return open(Object.assign(new URL(server.url), { pathname: `/${database}` }).href, 'public');
        }),
      drop,
    };
  } catch (error) {
    await drop().catch(() => {});
    return explained(server, () => Promise.reject(error));
  }
}

const quiet = { onnotice: () => {}, connect_timeout: 5 } as const;

/** Says in one line what keeps the playground from its tables. */
async function explained<T>(server: Server, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    let cause = error as { code?: string; message: string; cause?: unknown };
    while (cause.cause) cause = cause.cause as typeof cause;
    throw new Unavailable(`${server.setting}: ${reasonOf(cause, new URL(server.url).host)}.`);
  }
}

function reasonOf({ code, message }: { code?: string; message: string }, host: string): string {
  switch (code) {
    case 'ECONNREFUSED':
    case 'CONNECT_TIMEOUT':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `no server answers at ${host}`;
    case '42501':
      return `${message}: the role needs ${message.includes('create database') ? 'CREATEDB' : 'the right to CREATE in it'}`;
    default:
      return message || String(code);
  }
}
