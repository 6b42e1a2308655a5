/**
 * node-postgres gives a statement up after `query_timeout`, while the server is still at it, and takes one that waits
 * behind it out of its queue. A BEGIN that is answered later is then open on a connection that goes back to the pool,
 * and a ROLLBACK was never sent: others' statements would run within that transaction. So the connection of a statement
 * that was given up is ended, and with it what was not committed there.
 */

/** Whether a Drizzle handle runs on a pool of node-postgres. */
export const isNodePostgres = (db: any): boolean =>
  typeof db?.$client?.totalCount === 'number' &&
  typeof db.$client.connect === 'function' &&
  typeof db.$client.Client === 'function';

const wasGivenUp = (error: any): boolean => error?.message === 'Query read timeout';

/**
 * @param client that a pool has lent
 * @returns the same. Until it is released, it ends with the first statement that is given up
 */
export function watched(client: any): any {
  const { query, release } = client;
  const isOwn = Object.hasOwn(client, 'query');
  const look = (error: unknown) => {
    if (wasGivenUp(error)) client.connection?.stream?.destroy();
  };
  client.query = (...args: any[]) => {
    const [asked] = args;
    if (typeof asked?.submit === 'function' && asked.callback) {
      const { callback } = asked;
      asked.callback = (error: unknown, result: unknown) => {
        look(error);
        callback(error, result);
      };
    }
    const answer = query.apply(client, args);
    if (typeof answer?.then === 'function') answer.then(undefined, look);
    return answer;
  };
  client.release = (error?: unknown) => {
    if (isOwn) client.query = query;
    else delete client.query;
    // False while an answer is to come: whoever is lent it next would get it.
    release(
      error || (client.readyForQuery === false ? new Error('A statement has not been answered yet.') : undefined),
    );
  };
  return client;
}

/** @returns Drizzle's handle on a pool of node-postgres, whose transactions leave nothing behind in the pool */
export function onWatchedClients(db: any): any {
  const { session } = db;
  const pool = session.client;
  // Vercel's is a function.
  if (typeof pool !== 'object') return db;
  const safe = Object.create(pool, {
    connect: { value: async () => watched(await pool.connect()) },
    query: { value: (...args: unknown[]) => pool.query(...args) },
  });
  return Object.create(db, { session: { value: Object.create(session, { client: { value: safe } }) } });
}
