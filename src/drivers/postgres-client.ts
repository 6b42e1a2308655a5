/**
 * A client of postgres.js with one connection, which it opens once. Left alone, a client whose connection is lost
 * opens another: what was sent in a transaction would go on outside of it, a server that takes connections and drops
 * them would be asked for ever, and a client that was closed meanwhile would leave a connection behind.
 */
import { connect as dial, type Socket } from 'node:net';

import { refusalOfClient } from './postgres-js-parts.js';

export interface Client {
  /** postgres.js, for one statement at a time. */
  readonly sql: any;
  /**
   * Settles as `opening` does, or fails when no connection was to be had, or it was lost: postgres.js may not say so.
   */
  readonly open: (opening: PromiseLike<any>) => Promise<any>;
  /** Asks the server that it is connected to, and no other of several, to stop a query. */
  readonly cancel: (query: any) => Promise<unknown>;
  /** Whether the connection has failed, though it may not be closed yet: postgres.js would still take a statement. */
  readonly isLost: () => boolean;
  /** Closes the connection, and is done when the server has let go of it. */
  readonly end: () => Promise<void>;
}

/** What postgres.js says, too. */
export const connectionClosed = () =>
  Object.assign(new Error('The connection was closed.'), { code: 'CONNECTION_CLOSED' });

function toServer({ path, host, port }: any, server: number): Socket {
  // postgres.js reads both for its errors, and the host for the name that a certificate is to be for.
  return path
    ? dial(path)
    : Object.assign(dial(port[server], host[server]), { host: host[server], port: port[server] });
}

/**
 * @param postgres the constructor of postgres.js
 * @param options parsed options of postgres.js
 * @param onclose calls when the connection is lost
 */
export function singleConnection(postgres: any, options: any, onclose?: (id: number) => void): Client {
  // Each server is asked once, until one has answered.
  let server = 0;
  let servers: number[] = options.socket || options.path ? [0] : [...options.host.keys()];
  let socket: Socket | undefined;
  let failure: Error | undefined;
  let refuse!: (error: Error) => void;
  const refused = new Promise<never>((_, reject) => (refuse = reject));
  refused.catch(() => {});

  // Where a password cannot be had, or comes when the connection is gone, postgres.js ends the process.
  const pass = async () => {
    try {
      const password = await options.pass();
      if (!socket!.destroyed) return password;
    } catch (error) {
      refuse(error as Error);
    }
    return new Promise(() => {});
  };

  const sql = postgres({
    ...options,
    ...(typeof options.pass === 'function' ? { pass } : {}),
    max: 1,
    fetch_types: false,
    // A client does not know that its connection is lent, and would close it in the middle of a transaction.
    idle_timeout: null,
    max_lifetime: null,
    onclose: (id: number) => {
      // What the query itself fails with says more.
      setImmediate(() => refuse(failure ?? connectionClosed()));
      onclose?.(id);
    },
    socket: async () => {
      const next = servers.shift();
      if (next === undefined) {
        const error = failure ?? connectionClosed();
        refuse(error);
        throw error;
      }
      server = next;
      socket = (options.socket ? await options.socket(options) : toServer(options, server)) as Socket;
      return socket.on('error', (error) => (failure = error));
    },
  });
  const lacking = refusalOfClient(sql);
  if (lacking) throw lacking;
  return {
    sql,
    open: async (opening) => {
      const result = await Promise.race([opening, refused]);
      servers = [];
      return result;
    },
    isLost: () => socket?.destroyed === true,
    // This client opens no other connection, not even for that; and a query's own `cancel` does not say when it was
    // heard.
    cancel: (query) =>
      postgres({ ...options, max: 1, host: [options.host[server]], port: [options.port[server]] })
        .unsafe('')
        .canceller(query),
    end: async () => {
      servers = [];
      await sql.end({ timeout: 0 });
      if (!socket || socket.closed) return;
      const gone = new Promise((resolve) => socket!.once('close', resolve));
      const timer = setTimeout(() => socket!.destroy(), 1_000);
      await gone;
      clearTimeout(timer);
    },
  };
}
