/** The database goes away while requests are under way, and comes back. */
import { connect as dial, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { serve, type Served } from '../../playground/app/server.js';
import { acme, birch, testApplication } from './application.js';

const straight = testApplication();

/** A way to the server that can be cut. */
class Wire {
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  async open(): Promise<string> {
    const target = new URL(inject('databaseUrl'));
    this.#server = createServer((socket) => {
      const onward = dial(Number(target.port || 5432), target.hostname);
      for (const it of [socket, onward])
        this.#sockets.add(it.on('error', () => {}).on('close', () => (socket.destroy(), onward.destroy())));
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => this.#server!.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return Object.assign(new URL(target), { host: `127.0.0.1:${this.#port}` }).href;
  }

  cut(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }
}

describe('an outage', () => {
  const wire = new Wire();
  let served: Served;
  const get = async (path: string, tenant = acme) => {
    const headers = { authorization: `Bearer ${served.tokenFor({ account: tenant.id, user: 1 })}` };
    const response = await fetch(`${served.url}${path}`, { headers });
    return { status: response.status, headers: response.headers, body: (await response.json()) as any };
  };
  beforeAll(async () => {
    served = await serve({ database: { url: await wire.open(), schema: straight.schema }, port: 0 });
  });
  afterAll(async () => {
    await served.close();
    wire.cut();
  });

  it('is answered with 503 and ends by itself, and nothing is lost', async () => {
    const before = await get('/api/projects', birch);
    expect(before.status).toBe(200);
    const { client } = straight;

    // A lock holds the requests in the database while the wire is cut.
    let release!: () => void;
    const held = client.begin(async (tx) => {
      await tx`lock table projects in access exclusive mode`;
      await new Promise<void>((resolve) => (release = resolve));
    });
    await expect.poll(() => release).toBeTypeOf('function');
    const waiting = Promise.all(Array.from({ length: 8 }, (_, i) => get('/api/projects', i % 2 ? acme : birch)));
    await new Promise((resolve) => setTimeout(resolve, 300));
    wire.cut();
    for (const { status, body, headers } of await waiting) {
      expect({ status, type: body.type }).toEqual({ status: 503, type: '/problems/unavailable' });
      expect(headers.get('retry-after')).toBe('1');
    }
    const down = await get('/api/projects');
    expect({ status: down.status, title: down.body.title }).toEqual({
      status: 503,
      title: expect.stringContaining('try again'),
    });
    release();
    await held;

    await wire.open();
    await expect.poll(async () => (await get('/api/projects', birch)).status, { timeout: 10_000 }).toBe(200);
    expect((await get('/api/projects', birch)).body).toEqual(before.body);
  });
});
