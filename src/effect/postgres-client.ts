/**
 * A client of postgres.js with one connection, which it opens once. Left alone, a client whose connection is lost
 * opens another: what was sent in a transaction would go on outside of it, a server that takes connections and drops
 * them would be asked for ever, and a client that was closed meanwhile would leave a connection behind.
 */
import { connect as dial, type Socket } from 'node:net';

export interface Client {
  /** postgres.js, for one statement at a time. */
  readonly sql: any;
  /** Settles as `opening` does, or fails when no connection was to be had. */
  readonly open: (opening: PromiseLike<any>) => Promise<any>;
  /** Closes the connection, and is done when the server has let go of it. */
  readonly end: () => Promise<void>;
}

/** What postgres.js says, too. */
export const connectionClosed = () => Object.assign(new Error('The connection was closed.'), { code: 'CONNECTION_CLOSED' });

/**
 * @param postgres the constructor of postgres.js
 * @param options parsed options of postgres.js
 * @param onclose calls when the connection is lost
 */
export function singleConnection(postgres: any, options: any, onclose?: (id: number) => void): Client {
  let left: number = options.socket || options.path ? 1 : options.host.length;
  let socket: Socket | undefined;
  let failure: Error | undefined;
  let refuse!: (error: Error) => void;
  const refused = new Promise<never>((_, reject) => (refuse = reject));
  refused.catch(() => {});

  const sql = postgres({
    ...options,
    max: 1,
    fetch_types: false,
    // A client does not know that its connection is lent, and would close it in the middle of a transaction.
    idle_timeout: null,
    max_lifetime: null,
    onclose,
    socket: async () => {
      const host = options.host.length - left--;
      if (left < 0) {
        const error = failure ?? connectionClosed();
        refuse(error);
        throw error;
      }
      socket = (await options.socket?.(options)) ?? (options.path ? dial(options.path) : dial(options.port[host], options.host[host]));
      // The name that a certificate is to be for.
      Object.assign(socket!, { host: options.host[host], port: options.port[host] });
      return socket!.on('error', (error) => (failure = error));
    },
  });
  return {
    sql,
    open: async (opening) => {
      const result = await Promise.race([opening, refused]);
      left = 0;
      return result;
    },
    end: async () => {
      left = 0;
      await sql.end({ timeout: 0 });
      if (!socket || socket.closed) return;
      const gone = new Promise((resolve) => socket!.once('close', resolve));
      const timer = setTimeout(() => socket!.destroy(), 1_000);
      await gone;
      clearTimeout(timer);
    },
  };
}
