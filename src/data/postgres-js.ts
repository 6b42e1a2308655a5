/**
 * postgres.js, on a connection of its own: one of a pool that is lost opens anew, and what was sent in a transaction
 * would go on outside of it; and a COPY that is left in the middle can only be ended with its connection.
 */
import { UnsupportedTenantOperationError } from '../errors.js';
import { singleConnection } from '../drivers/postgres-client.js';
import { lost, ownTransactions, type Connection, type Row } from './connection.js';

/** @param client of postgres.js, whose options are used */
export async function connectPostgresJs(client: any): Promise<Connection> {
  // In try, since a bundler refuses a package that is not there where it is not caught.
  let postgres: any;
  try {
    ({ default: postgres } = await import('postgres'));
  } catch (cause) {
    throw Object.assign(
      new UnsupportedTenantOperationError(
        'Install postgres, and leave it out of the bundle: tenantData() opens a connection of its own.',
      ),
      { cause },
    );
  }
  let isLost = false;
  const single = singleConnection(
    postgres,
    { ...client.options, prepare: false, debug: undefined },
    () => void (isLost = true),
  );
  const run = (query: any) => {
    if (isLost || single.isLost()) throw lost();
    return single.open(query);
  };
  const query = async (text: string, params: readonly string[] = []): Promise<Row[]> => [
    ...((await run(
      params.length > 0 ? single.sql.unsafe(text, params).values() : single.sql.unsafe(text).values(),
    )) as Row[]),
  ];
  return {
    query,
    async *copyOut(text) {
      const stream = await run(single.sql.unsafe(text).readable());
      yield* stream;
      // Where its last piece filled it up, it stopped the socket, and nothing reads it any more that would go on.
      stream._read();
    },
    async copyIn(text, from) {
      const copying = single.sql.unsafe(text);
      const stream = await run(copying.writable());
      // It has told its promise of the stream. How the COPY ended, it tells these, and nobody else.
      const ended = new Promise<{ count: number }>((resolve, reject) => Object.assign(copying, { resolve, reject }));
      ended.catch(() => {});
      stream.on('error', () => {});
      const failed = ended.then(() => new Promise<never>(() => {}));
      failed.catch(() => {});
      try {
        for await (const chunk of from) {
          await single.open(
            Promise.race([
              failed,
              new Promise<void>((resolve, reject) =>
                stream.write(chunk, (error: unknown) => (error ? reject(error) : resolve())),
              ),
            ]),
          );
        }
      } catch (error) {
        stream.destroy(error);
        // What the server said of it comes first; what the rows' source said, otherwise.
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1_000))]).catch((said) => {
          if (said?.code !== '57014') throw said;
        });
        throw error;
      }
      stream.end();
      return Number((await single.open(ended)).count);
    },
    ...ownTransactions(query),
    close: () => single.end(),
  };
}
