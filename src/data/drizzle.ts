/** Any driver of Drizzle's, through its own transactions: without COPY, and with a transaction that is held open. */
import { sql } from 'drizzle-orm';
import { lost, type Connection, type Row } from './connection.js';

class RolledBack extends Error {}

/** @param db Drizzle's handle */
export function connectDrizzle(db: any): Connection {
  let open: { session: any; end: (error?: Error) => Promise<void> } | undefined;
  let isWithin = false;
  const runOn = async (session: any, text: string, params: readonly string[] = []): Promise<Row[]> =>
    (await session.prepareQuery({ sql: text, params: [...params] }, 'arrays', false).execute()) as Row[];
  const end = async (error?: Error) => {
    const it = open;
    open = undefined;
    isWithin = false;
    await it?.end(error);
  };
  return {
    query: async (text, params) => {
      // Where a driver says that its transaction has ended before it was to, the rest would be kept by itself.
      if (isWithin && !open) throw lost();
      return runOn(open?.session ?? db.session, text, params);
    },
    begin: (access) =>
      new Promise<void>((begun, refused) => {
        let settle!: (error?: Error) => void;
        const held = new Promise<void>((resolve, reject) => (settle = (error) => (error ? reject(error) : resolve())));
        const running = db.transaction(async (tx: any) => {
          if (access === 'read')
            await tx.execute(sql.raw('set transaction isolation level repeatable read, read only'));
          open = {
            session: tx.session,
            end: async (error) => {
              settle(error);
              await running.catch((thrown: unknown) => {
                if (!(thrown instanceof RolledBack)) throw thrown;
              });
            },
          };
          isWithin = true;
          begun();
          await held;
        });
        running.catch((error: Error) => {
          open = undefined;
          refused(error);
        });
      }),
    commit: async () => {
      if (!open) throw lost();
      await end();
    },
    rollback: () => end(new RolledBack()),
    close: () => end(new RolledBack()),
  };
}
