/**
 * How the drivers bind a tenant: each statement runs in a transaction that first sets what the policies read. The
 * settings are local to the transaction: nothing of them is left on the connection, whichever pool or pooler it goes
 * back to.
 */
import { entityKind } from 'drizzle-orm';
import { neonHttp, postgresHttp } from './bound-http.js';
import { nodePostgres } from './bound-node-postgres.js';
import { postgresJs } from './bound-postgres-js.js';
import type { DrizzleSession } from './binding.js';
import { backTo, type Settings } from '../rls/settings.js';
import type { Wire } from './wire.js';

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
  NeonHttpSession: neonHttp,
  PostgresHttpSession: postgresHttp,
});
export const wireOf = (session: DrizzleSession): Wire | undefined => wires[session.constructor[entityKind]];

/** A session, for one statement that runs in a transaction of its own. */
export function boundSession(session: DrizzleSession, settings: Settings): DrizzleSession {
  const client = wireOf(session)?.bracketing(session.client, settings, session);
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

/**
 * A session, for one statement in a transaction where other statements have other settings.
 *
 * @param transaction what all statements of the transaction have in common, those of its savepoints, too: these may
 * have clients of their own, and transactions beside each other may have one client
 */
export const withinSession = (
  session: DrizzleSession,
  settings: Settings,
  transaction: object = session,
): DrizzleSession => ({
  prepareQuery: (...query: unknown[]) => ({
    async execute(values: unknown) {
      const { within } = wireOf(session) ?? {};
      // Between the statements of others, each of which takes its role back at once.
      const back = async () => (settings.isAcross ? backTo(await roleOf(session)) : []);
      const client = within?.(session.client, settings, []) && within(session.client, settings, await back());
      if (client)
        return Object.create(session, { client: { value: client } })
          .prepareQuery(...query)
          .execute(values);
      return inTurn(transaction, async () => {
        const after = await back();
        await setWithin(session, settings);
        const [answer] = await Promise.allSettled([session.prepareQuery(...query).execute(values)]);
        // A statement may also have failed before it was sent, so that the transaction goes on.
        const failed = await settled(after.map((text) => () => run(session, text)));
        if (answer.status === 'rejected') throw answer.reason;
        if (failed) throw failed.reason;
        return answer.value;
      });
    },
  }),
});

/** Runs one after the other. @returns the first that failed */
async function settled(steps: readonly (() => Promise<unknown>)[]): Promise<PromiseRejectedResult | undefined> {
  for (const step of steps) {
    const [answer] = await Promise.allSettled([step()]);
    if (answer!.status === 'rejected') return answer;
  }
  return undefined;
}

const run = (session: DrizzleSession, sql: string): Promise<any> =>
  session.prepareQuery({ sql, params: [] }, 'arrays', false).execute();

/** Which role the transaction is in, or 'none' for that of the login. */
const roleOf = async (session: DrizzleSession): Promise<string> =>
  (await run(session, "select current_setting('role')"))[0][0];

const turns = new WeakMap<object, Promise<unknown>>();

/** Runs what may not overlap in a transaction, one after the other. */
function inTurn<T>(transaction: object, step: () => Promise<T>): Promise<T> {
  const mine = (turns.get(transaction) ?? Promise.resolve()).then(step);
  turns.set(
    transaction,
    mine.catch(() => {}),
  );
  return mine;
}

/** Binds the transaction that the session is in. */
export async function setWithin(session: DrizzleSession, settings: Settings): Promise<void> {
  const wire = wireOf(session);
  if (wire) return void (await wire.set(session.client, settings));
  for (const text of [settings.first, ...settings.tenant])
    await session.prepareQuery({ sql: text, params: [] }, 'raw', false).execute();
}
