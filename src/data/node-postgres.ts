/**
 * node-postgres, on a connection of its pool. Its own queries do not stream COPY; what it asks of a query is little.
 */
import { lost, ownTransactions, type Connection, type Row } from './connection.js';

const asText = { getTypeParser: () => (value: unknown) => value };

/** A whole tenant takes longer than a request's statements may: in place of a timeout, the longest that there is. */
const patience = (client: any) => (client.connectionParameters?.query_timeout ? 2 ** 31 - 1 : undefined);

/** A COPY as a query of node-postgres. The methods are called for the messages of the protocol. */
class Copy {
  readonly #text: string;
  readonly #onData: (chunk: Uint8Array) => void;
  readonly #onReady: (connection: any) => void;
  readonly ended: Promise<number>;
  readonly query_timeout: number | undefined;
  /** node-postgres stops its timer when this is called. */
  callback: (() => void) | undefined;
  #resolve!: (rows: number) => void;
  #reject!: (error: Error) => void;
  #rows = 0;
  #error: Error | undefined;

  constructor(
    client: any,
    text: string,
    {
      onData = () => {},
      onReady = () => {},
    }: { onData?: (chunk: Uint8Array) => void; onReady?: (connection: any) => void },
  ) {
    this.query_timeout = patience(client);
    this.#text = text;
    this.#onData = onData;
    this.#onReady = onReady;
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.ended.catch(() => {});
  }

  submit(connection: any) {
    connection.query(this.#text);
  }
  handleCopyInResponse(connection: any) {
    this.#onReady(connection);
  }
  handleCopyData({ chunk }: { chunk: Uint8Array }) {
    this.#onData(chunk);
  }
  handleCommandComplete({ text }: { text: string }) {
    this.#rows = Number(/\d+$/.exec(text)?.[0] ?? 0);
  }
  handleError(error: Error) {
    this.#error = error;
    // A lost connection has no end that could be waited for.
    if ('severity' in error) return;
    this.callback?.();
    this.#reject(error);
  }
  handleReadyForQuery() {
    this.callback?.();
    if (this.#error) this.#reject(this.#error);
    else this.#resolve(this.#rows);
  }
  handleRowDescription() {}
  handleDataRow() {}
  handleEmptyQuery() {}
  handlePortalSuspended() {}
}

/** @param pool of node-postgres */
export async function connectNodePostgres(pool: any): Promise<Connection> {
  const client = await pool.connect();
  let isLost = false;
  let isBusy = false;
  let isClosed = false;
  const onLost = () => void (isLost = true);
  client.on('error', onLost);
  const assertAlive = () => {
    if (isLost) throw lost();
  };
  const query = async (text: string, params: readonly string[] = []): Promise<Row[]> => {
    assertAlive();
    const how = { rowMode: 'array', types: asText, query_timeout: patience(client) };
    const result = await client.query({ text, values: [...params], ...how });
    return result.rows;
  };
  let isOpen = false;
  const { begin, commit, rollback } = ownTransactions(query);
  return {
    query,
    async *copyOut(text) {
      assertAlive();
      isBusy = true;
      const { stream } = client.connection;
      const chunks: Uint8Array[] = [];
      let size = 0;
      let wake = () => {};
      const copy = new Copy(client, text, {
        onData: (chunk) => {
          chunks.push(Buffer.from(chunk));
          if ((size += chunk.length) > 1 << 20) stream.pause();
          wake();
        },
      });
      client.query(copy);
      let isEnded = false;
      copy.ended
        .then(
          () => void (isEnded = true),
          () => void (isEnded = true),
        )
        .finally(() => wake());
      for (;;) {
        if (chunks.length > 0) {
          const all = Buffer.concat(chunks.splice(0));
          size = 0;
          yield all;
          stream.resume();
        } else if (isEnded) break;
        else await new Promise<void>((resolve) => ((wake = resolve), (chunks.length > 0 || isEnded) && resolve()));
      }
      await copy.ended;
      isBusy = false;
    },
    async copyIn(text, from) {
      assertAlive();
      const { connection } = client;
      let onReady!: () => void;
      const ready = new Promise<void>((resolve) => (onReady = resolve));
      const copy = new Copy(client, text, { onReady });
      client.query(copy);
      const failed = copy.ended.then(() => {});
      await Promise.race([ready, failed]);
      try {
        for await (const chunk of from) {
          connection.sendCopyFromChunk(chunk);
          if (connection.stream.writableNeedDrain) {
            await Promise.race([failed, new Promise((resolve) => connection.stream.once('drain', resolve))]);
          }
        }
      } catch (error) {
        connection.sendCopyFail('the rows ended early');
        await copy.ended.catch((said: { code?: string }) => {
          if (said.code !== '57014') throw said;
        });
        throw error;
      }
      connection.endCopyFrom();
      return copy.ended;
    },
    begin: async (access) => {
      isOpen = true;
      await begin(access);
    },
    commit: async () => {
      await commit();
      isOpen = false;
    },
    rollback: async () => {
      await rollback();
      isOpen = false;
    },
    // An interruption closes it, and so does who opened it.
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      client.off('error', onLost);
      client.on('error', () => {});
      client.release(isLost || isBusy || isOpen);
      isLost = true;
    },
  };
}
