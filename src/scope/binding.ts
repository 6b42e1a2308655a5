/**
 * `rls: true`: each statement runs in a transaction that first sets what the policies read, so that PostgreSQL, too,
 * shows the handle its own tenant's rows only. The settings are local to the transaction: nothing of them is left on
 * the connection, whichever pool or pooler it goes back to.
 */
import { entityKind } from 'drizzle-orm';
import { nodePostgres } from './binding-node-postgres.js';
import { postgresJs } from './binding-postgres-js.js';
import type { Settings } from './settings.js';

/** The settings of one run, as far as they are known: a prepared statement learns its tenant from its values. */
export type SettingsOf = (values?: Record<string, unknown>) => Settings | undefined;

/** Drizzle's session, of any driver. */
type DrizzleSession = any;

/** How the handles of a database bind their tenant. */
export interface Binding {
  /** Drizzle's session, for statements outside of transactions: each runs in one of its own. */
  statements(session: DrizzleSession, settingsOf: SettingsOf): object;
  /** Drizzle's session of a transaction that began before the tenancy was known: each statement sets it. */
  statementsWithin(session: DrizzleSession, settingsOf: SettingsOf): object;
  /** Runs `run` in a transaction of Drizzle's that is bound. */
  transaction(tx: any, settings: Settings, run: () => any): any;
}

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
const wireOf = (session: DrizzleSession): Wire | undefined => wires[session.constructor[entityKind]];

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

/** A session that asks for the settings when a statement runs. */
const deferred = (session: DrizzleSession, run: (settings: Settings) => DrizzleSession, settingsOf: SettingsOf) => ({
  prepareQuery: (query: object, ...rest: unknown[]) => ({
    getQuery: () => query,
    async execute(values?: Record<string, unknown>) {
      const settings = settingsOf(values);
      return (settings ? await run(settings) : session).prepareQuery(query, ...rest).execute(values);
    },
  }),
});

/** The binding of Drizzle's promise drivers. */
export const promiseBinding: Binding = {
  statements: (session, settingsOf) => deferred(session, (settings) => boundSession(session, settings), settingsOf),
  statementsWithin: (session, settingsOf) =>
    deferred(session, async (settings) => (await setWithin(session, settings), session), settingsOf),
  async transaction({ session }, settings, run) {
    const set = setWithin(session, settings);
    set.catch(() => {});
    if (!wireOf(session)?.isPipelined) await set;
    try {
      return await run();
    } finally {
      // What failed behind it failed because of it.
      await set;
    }
  },
};
