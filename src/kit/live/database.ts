/** A connection for the command line: through postgres.js or pg, whichever the project has. */
import { CitusRequiredError, DatabaseConnectionError } from '../errors.js';

export interface Database {
  query<T = Record<string, any>>(text: string, values?: readonly unknown[]): Promise<T[]>;
  close(): Promise<void>;
}

/**
 * @param url the database's URL
 * @throws DatabaseConnectionError when the server is not there or refuses the login
 */
export async function connect(url: string | undefined): Promise<Database> {
  if (!url)
    throw new DatabaseConnectionError(
      'Pass --url, or set dbCredentials.url in the config: the command needs a database.',
    );
  let database: Database;
  try {
    database = await open(url);
  } catch (error) {
    throw explain(error as Error, url);
  }
  try {
    await database.query('SELECT 1');
    return database;
  } catch (error) {
    await database.close().catch(() => {});
    throw explain(error as Error, url);
  }
}

/** The database that a config names, by its URL or by its parts; undefined when it names none. */
export function urlOfConfig({ dbCredentials: it }: Record<string, any>): string | undefined {
  if (!it || it.url) return it?.url;
  if (!it.host || !it.database) return undefined;
  const user = it.user
    ? `${encodeURIComponent(it.user)}${it.password ? `:${encodeURIComponent(it.password)}` : ''}@`
    : '';
  const ssl =
    it.ssl === undefined || it.ssl === false ? '' : `?sslmode=${typeof it.ssl === 'string' ? it.ssl : 'require'}`;
  return `postgres://${user}${it.host}:${it.port ?? 5432}/${encodeURIComponent(it.database)}${ssl}`;
}

/**
 * One connection, and never another in its place: the lock of a run goes with it. postgres.js would connect anew, and
 * does not always settle what was written while the socket closed.
 */
function byPostgresJs(postgres: typeof import('postgres'), url: string): Database {
  let lost: Error | undefined;
  const pending = new Set<(error: Error) => void>();
  const onclose = () => {
    lost ??= Object.assign(new Error('the server ended the connection'), { code: 'CONNECTION_CLOSED' });
    if (pending.size === 0) return;
    // First come the words of postgres.js.
    setTimeout(() => {
      for (const reject of pending) reject(lost!);
    }, 200);
  };
  const options = { max: 1, max_lifetime: null, onclose, onnotice: () => {}, connect_timeout: 10, prepare: false };
  const sql = postgres(url, options);
  return {
    query: (text, values = []) =>
      lost
        ? Promise.reject(lost)
        : new Promise((resolve, reject) => {
            pending.add(reject);
            const settled = () => void pending.delete(reject);
            sql
              .unsafe(text, values as any[])
              .then(resolve as any, reject)
              .finally(settled);
          }),
    close: () => sql.end({ timeout: 1 }),
  };
}

async function open(url: string): Promise<Database> {
  const found = await import('postgres').catch(() => undefined);
  if (found) return byPostgresJs(found.default, url);
  const pg = await import('pg').catch(() => undefined);
  if (!pg)
    throw new DatabaseConnectionError('Install postgres or pg: the command needs one of them to reach the database.');
  const client = new pg.default.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // What was running is rejected; without this, the process ends with a stack.
  client.on('error', () => {});
  await client.connect();
  return {
    query: async (text, values = []) => (await client.query(text, [...values])).rows,
    close: () => client.end(),
  };
}

function explain(error: Error & { code?: string }, url: string): Error {
  if (error instanceof DatabaseConnectionError) return error;
  let place = 'the database';
  try {
    const { hostname, port, pathname } = new URL(url);
    place = `${hostname}:${port || 5432}${pathname}`;
  } catch {
    return new DatabaseConnectionError('Write the URL as postgres://user:password@host:port/database.');
  }
  const remedies: Record<string, string> = {
    '28P01': `Correct the user or the password in the URL: ${place} refused them.`,
    '28000': `Correct the user or the password in the URL: ${place} refused them.`,
    '3D000': `Create the database, or correct its name in the URL: ${place} is not there.`,
    ECONNREFUSED: `Start the server, or correct host and port in the URL: nothing listens at ${place}.`,
    ENOTFOUND: `Correct the host in the URL: ${place} is not known.`,
  };
  const remedy =
    remedies[error.code ?? ''] ??
    `Look at the server's log: ${place} cannot be reached (${error.code ?? error.message}).`;
  return new DatabaseConnectionError(remedy, { cause: error });
}

/**
 * @returns Citus's version, such as [13, 2]
 * @throws CitusRequiredError when there is none, or one that is older than 11
 */
export async function requireCitus(
  database: Database,
  remedy = 'Run CREATE EXTENSION citus in the database, or set tenancy.citus to false: the database has no Citus.',
): Promise<readonly [number, number]> {
  const [found] = await database.query<{ extversion: string }>(
    `SELECT extversion FROM pg_extension WHERE extname = 'citus'`,
  );
  if (!found) {
    throw new CitusRequiredError(remedy);
  }
  const [major = 0, minor = 0] = found.extversion.split(/[.-]/).map(Number);
  if (major < 11)
    throw new CitusRequiredError(`Upgrade Citus to version 11 or later: the database has ${found.extversion}.`);
  return [major, minor];
}
