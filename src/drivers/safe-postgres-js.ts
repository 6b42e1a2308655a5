/** Drizzle's handle on postgres.js, which loses connections safely. */
import { begin } from './postgres-js.js';
import { refusalOfClient } from './postgres-js-parts.js';
import { lone } from './postgres-js-query.js';

/** @returns the handle, with statements and transactions that outlive the loss of a connection */
export function withSafeTransactions(db: any): any {
  const { session } = db;
  const { client } = session;
  const refused = refusalOfClient(client);
  if (refused) throw refused;
  const safe = {
    /** Makes queries as they are. */
    client,
    options: client.options,
    unsafe: (...args: [text: string, args?: unknown[], options?: object]) => lone(client, ...args),
    begin: (run: (scope: any) => unknown) => begin(client, run),
  };
  return Object.create(db, { session: { value: Object.create(session, { client: { value: safe } }) } });
}
