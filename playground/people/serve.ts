/**
 * Serves a function from requests to responses on Node.js. In an application of your own, @hono/node-server does it.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';

export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

/** @param port 0 for a free one */
export async function serve(
  answer: (request: Request) => Response | Promise<Response>,
  port: number,
): Promise<Listening> {
  const server = createServer(async (incoming, outgoing) => {
    const response = await answer(requestOf(incoming));
    outgoing.statusCode = response.status;
    response.headers.forEach((value, name) => name !== 'set-cookie' && outgoing.setHeader(name, value));
    outgoing.setHeader('set-cookie', response.headers.getSetCookie());
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function requestOf(incoming: IncomingMessage): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers))
    if (value !== undefined) headers.set(name, String(value));
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD';
  return new Request(new URL(incoming.url ?? '/', `http://${incoming.headers.host}`), {
    method: incoming.method!,
    headers,
    ...(hasBody && { body: Readable.toWeb(incoming) as ReadableStream, duplex: 'half' }),
  } as RequestInit);
}
