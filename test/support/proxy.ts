/** A TCP proxy before the server, which counts round trips and cuts connections. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * What a proxy does with what it is given: pass it on, or cut the connection, before or after passing it on. A reset is
 * an error to the client, which comes before the end of the connection.
 */
export type Verdict = 'pass' | 'cut' | 'pass-and-cut' | 'reset';

export interface Proxy {
  /** The server's address, through the proxy. */
  readonly url: string;
  /** How often a client sent something after it was answered. */
  readonly roundTrips: number;
  /** Starts to count anew. */
  reset(): void;
  /** Decides on what clients send, as text. `undefined` passes everything on. */
  judge: ((sent: string) => Verdict) | undefined;
  /** Cuts the connection as soon as the server answers what was sent, and keeps the answer back. */
  cutAnswers: boolean;
  /** Holds what the server answers until it settles. */
  hold: Promise<unknown> | undefined;
  /** Refuses every connection, and loses those that there are. */
  refuses: boolean;
  close(): Promise<void>;
}

/**
 * @param url the server's
 * @param latency how long answers are held, in milliseconds, so that whatever a client sends without waiting for
 * them arrives first
 */
export async function proxyTo(url: string, latency = 0): Promise<Proxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let roundTrips = 0;
  let refuses = false;
  const server = createServer((client) => {
    client.on('error', () => {});
    if (refuses) return void client.resetAndDestroy();
    const upstream = connect(Number(target.port), target.hostname);
    let isAnswered = true;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    client.on('data', (data) => {
      if (isAnswered) roundTrips += 1;
      isAnswered = false;
      const verdict = proxy.judge?.(data.toString('latin1')) ?? 'pass';
      if (verdict === 'cut') return cut();
      if (verdict === 'reset') return void client.resetAndDestroy();
      upstream.write(data, verdict === 'pass-and-cut' ? cut : undefined);
    });
    upstream.on('data', (data) => {
      if (proxy.cutAnswers) return cut();
      const pass = () => {
        isAnswered = true;
        if (!client.destroyed) client.write(data);
      };
      if (latency > 0) setTimeout(pass, latency);
      else if (proxy.hold) void proxy.hold.then(pass);
      else pass();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: Proxy = {
    url: Object.assign(new URL(url), { hostname: '127.0.0.1', port: String((server.address() as AddressInfo).port) })
      .href,
    judge: undefined,
    cutAnswers: false,
    hold: undefined,
    get roundTrips() {
      return roundTrips;
    },
    get refuses() {
      return refuses;
    },
    set refuses(it) {
      refuses = it;
      if (it) for (const socket of sockets) socket.resetAndDestroy();
    },
    reset: () => void (roundTrips = 0),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}
