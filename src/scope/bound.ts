/**
 * How the drivers bind a tenant: each statement runs in a transaction that first sets what the policies read. The settings
 * are local to the transaction: nothing of them is left on the connection, whichever pool or pooler it goes back to.
 */
import { entityKind } from 'drizzle-orm';
import { nodePostgres } from './bound-node-postgres.js';
import { postgresJs } from './bound-postgres-js.js';
import type { DrizzleSession } from './binding.js';
import type { Settings } from './settings.js';

/** What a driver does better than Drizzle's own transactions. */
export interface Wire {
  /** A client in place of Drizzle's, which brackets each statement. Undefined where this client has no way to. */
  bracketing(client: any, settings: Settings): object | undefined;
  /** Whether what is sent without waiting for an answer comes in turn. */
  readonly isPipelined?: boolean;
  /** Sets them in the transaction that the client is in. */
  set(client: any, settings: Settings): Promise<unknown>;
}

const pglite: Wire = {
  bracketing: (client, { first, tenant }) => ({
    query: (...query: unknown[]) =>
      client.transaction(async (tx: any) => {
        await tx.exec([first, ...tenant].join('; '));
        return tx.query(...query);
      }),
  }),
  set: (client, { first, tenant }) => client.exec([first, ...tenant].join('; ')),
};

const wires: Record<string, Wire | undefined> = Object.assign(Object.create(null), {
  PostgresJsSession: postgresJs,
  NodePgSession: nodePostgres,
  PgliteSession: pglite,
});
export const wireOf = (session: DrizzleSession): Wire | undefined => wires[session.constructor[entityKind]];

/** A session, for one statement that runs in a transaction of its own. */
export function boundSession(session: DrizzleSession, settings: Settings): DrizzleSession {
  const client = wireOf(session)?.bracketing(session.client, settings);
  if (client) return Object.create(session, { client: { value: client } });
  return {
    prepareQuery: (...query: unknown[]) => ({
      execute: (values: unknown) =>
        session.transaction(async (tx: any) => {
          await setWithin(tx.session, settings);
          return tx.session.prepareQuery(...query).execute(values);
        }),
    }),
  };
}

/** Binds the transaction that the session is in. */
export async function setWithin(session: DrizzleSession, settings: Settings): Promise<void> {
  const wire = wireOf(session);
  if (wire) return void (await wire.set(session.client, settings));
  for (const text of [settings.first, ...settings.tenant]) await session.prepareQuery({ sql: text, params: [] }, 'raw', false).execute();
}
