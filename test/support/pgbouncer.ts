/** pgbouncer in transaction mode before a server, where it is installed. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const binaries = ['/usr/sbin/pgbouncer', '/usr/local/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'];

/** Where pgbouncer is, and its version; undefined where it is not installed. */
export function findPgbouncer(): { path: string; version: readonly [number, number] } | undefined {
  for (const path of ['pgbouncer', ...binaries]) {
    try {
      const [, major, minor] = /PgBouncer (\d+)\.(\d+)/i.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))!;
      return { path, version: [Number(major), Number(minor)] };
    } catch {}
  }
  return undefined;
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/**
 * @param target the server's url, with the role that it is to be asked for
 * @param poolSize how many connections it has to the server
 */
export async function startPgbouncer(
  path: string,
  target: string,
  poolSize: number,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const to = new URL(target);
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'pgbouncer-'));
  chmodSync(directory, 0o755);
  const config = join(directory, 'pgbouncer.ini');
  const users = join(directory, 'users.txt');
  writeFileSync(users, `"${to.username}" "${to.password}"\n`);
  const server = `host=${to.hostname} port=${to.port} user=${to.username} password=${to.password}`;
  writeFileSync(
    config,
    `[databases]
${to.pathname.slice(1)} = ${server} pool_size=${poolSize}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
ignore_startup_parameters = extra_float_digits
max_client_conn = 100
log_connections = 0
log_disconnections = 0
`,
  );
  for (const file of [config, users]) chmodSync(file, 0o644);
  // It refuses to run as root.
  const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const process_: ChildProcess = spawn(path, [...asUser, config], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [process_.stdout!, process_.stderr!]) stream.on('data', (data) => (log += data));
  const ended = new Promise<void>((resolve) => process_.once('exit', () => resolve()));
  const stop = async () => {
    process_.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  for (let i = 0; i < 200; i++) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)));
      socket.on('error', () => resolve(false));
    });
    if (isUp) return { url: Object.assign(new URL(target), { hostname: '127.0.0.1', port: String(port) }).href, stop };
    if (process_.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await stop();
  throw new Error(`pgbouncer did not start:\n${log}`);
}
