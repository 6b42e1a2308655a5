/** Counts what a client waits for: a server on the way to a PostgreSQL that reads the messages that pass. */
import { connect, createServer, type AddressInfo } from 'node:net';

export interface Proxy {
  readonly url: string;
  /** How often the client waits: for what it asks to be flushed, for the end of a statement, for a simple query. */
  roundTrips: number;
  close(): Promise<void>;
}

/** Calls `each` with the type of every message of a client; the first one of a connection has none. */
function reader(each: (type: string) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let isFirst = true;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const head = isFirst ? 0 : 1;
      if (rest.length < head + 4) return;
      const length = head + rest.readUInt32BE(head);
      if (rest.length < length) return;
      if (!isFirst) each(String.fromCharCode(rest[0]!));
      isFirst = false;
      rest = rest.subarray(length);
    }
  };
}

export async function countingProxy(url: string): Promise<Proxy> {
  const target = new URL(url);
  const open = new Set<{ destroy(): void }>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    const read = reader((type) => {
      if ('HSQ'.includes(type)) proxy.roundTrips++;
    });
    client.on('data', read);
    client.pipe(upstream).pipe(client);
    for (const it of [client, upstream]) {
      open.add(it);
      it.on('error', () => {});
      it.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const proxy: Proxy = {
    url: Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href,
    roundTrips: 0,
    close: () =>
      new Promise((resolve) => {
        open.forEach((it) => it.destroy());
        server.close(() => resolve());
      }),
  };
  return proxy;
}
