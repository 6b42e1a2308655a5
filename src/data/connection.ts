/**
 * One connection of the driver's, for long transactions: to stream through COPY where the driver has it, through a
 * cursor elsewhere.
 */
import { TenantDataError, UnsupportedTenantOperationError } from '../errors.js';
import { begin, commit, rollback, settings, type Access } from './statements.js';

export type Row = readonly (string | null)[];

export interface Connection {
  /** Runs a statement whose columns are all text. */
  query(text: string, params?: readonly string[]): Promise<Row[]>;
  /** What COPY ... TO STDOUT sends, a line at a time or more. */
  readonly copyOut?: (text: string) => AsyncIterable<Uint8Array>;
  /** Sends what COPY ... FROM STDIN reads. @returns how many rows it took */
  readonly copyIn?: (text: string, from: AsyncIterable<Uint8Array>) => Promise<number>;
  begin(access: Access): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Gives the connection back; in the middle of a transaction, or of a stream, it ends the connection. */
  close(): Promise<void>;
}

/** BEGIN and its like as statements, for connections of which nothing else knows. */
export const ownTransactions = (query: Connection['query']) => ({
  begin: async (access: Access) => void (await query(begin[access])),
  commit: async () => void (await query(commit)),
  rollback: async () => void (await query(rollback)),
});

/** What a database is reached by: Drizzle's handle, whichever driver it has. */
export interface Source {
  readonly db: any;
}

/** @throws UnsupportedTenantOperationError for a handle that cannot hold a transaction open */
export async function connect({ db }: Source): Promise<Connection> {
  const client = db?.$client;
  if (typeof client?.reserve === 'function' && typeof client.unsafe === 'function')
    return (await import('./postgres-js.js')).connectPostgresJs(client);
  if (typeof client?.totalCount === 'number' && typeof client.connect === 'function')
    return (await import('./node-postgres.js')).connectNodePostgres(client);
  if (typeof db?.transaction === 'function' && typeof db.session?.prepareQuery === 'function')
    return (await import('./drizzle.js')).connectDrizzle(db);
  throw new UnsupportedTenantOperationError(
    'Pass withTenancy() a Drizzle handle whose driver has transactions, such as postgres.js or ' +
      'node-postgres: a tenant is moved in one.',
  );
}

export interface Transact {
  readonly access: Access;
  readonly settings: readonly string[];
  readonly tenant: string;
  readonly signal?: AbortSignal | undefined;
}

/** Runs `use` in a transaction, which shows the policies whose rows it may see. */
export async function transact<T>(
  connection: Connection,
  { access, settings: names, tenant, signal }: Transact,
  use: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  await connection.begin(access);
  let result: T;
  try {
    for (const text of settings(names, tenant)) await connection.query(text);
    result = await use();
    signal?.throwIfAborted();
  } catch (error) {
    await connection.rollback().catch(() => {});
    throw error;
  }
  await connection.commit();
  return result;
}

/** Opens a connection for as long as `use` runs. */
export async function connected<T>(source: Source, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await connect(source);
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

export const lost = () =>
  new TenantDataError('Run it again: the connection to the database was lost, and what was not committed is undone.');
