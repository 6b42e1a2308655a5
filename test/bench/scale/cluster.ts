/** Databases on Citus: made on each node, and dropped there. */
import { connect, withDatabase } from './fill.js';

export interface Cluster {
  readonly url: string;
  /** The coordinator and its workers, by the same database on each. */
  readonly nodes: readonly string[];
  drop(): Promise<void>;
}

const at = (url: string, host: string, port: number | string) =>
  Object.assign(new URL(url), { hostname: host, port: String(port) }).href;

/** @returns the workers that may be used: those of CITUS_WORKERS (`host:port,host:port`), or those that are active */
export async function workersOf(url: string): Promise<{ host: string; port: number }[]> {
  const given = process.env['CITUS_WORKERS'];
  if (given)
    return given.split(',').map((it) => {
      const [host, port] = it.split(':');
      return { host: host!, port: Number(port ?? 5432) };
    });
  const client = connect(url);
  const rows = await client`select nodename as host, nodeport as port from pg_dist_node
    where groupid > 0 and isactive and noderole = 'primary' order by nodeid`;
  await client.end();
  return rows as unknown as { host: string; port: number }[];
}

/** Makes an empty database with Citus on the coordinator of `url` and on the first `count` of the workers. */
export async function citusDatabase(url: string, name: string, count: number): Promise<Cluster> {
  const workers = (await workersOf(url)).slice(0, count);
  if (workers.length < count)
    throw new Error(
      `This part wants ${count} workers, and there are ${workers.length}: ` +
        'name them in CITUS_WORKERS=host:port,host:port.',
    );
  const { hostname, port } = new URL(url);
  const nodes = [url, ...workers.map((it) => at(url, it.host, it.port))];
  const drop = async () => {
    for (const node of nodes) {
      const client = connect(node);
      await client.unsafe(`drop database if exists ${name} with (force)`).finally(() => client.end());
    }
  };
  await drop();
  for (const node of nodes) {
    const admin = connect(node);
    await admin.unsafe(`create database ${name}`).finally(() => admin.end());
    const client = connect(withDatabase(node, name));
    await client.unsafe('create extension citus').finally(() => client.end());
  }
  const client = connect(withDatabase(url, name));
  await client`select citus_set_coordinator_host(${hostname}, ${Number(port || 5432)})`;
  for (const it of workers) await client`select citus_add_node(${it.host}, ${it.port})`;
  await client.end();
  return { url: withDatabase(url, name), nodes: nodes.map((it) => withDatabase(it, name)), drop };
}
