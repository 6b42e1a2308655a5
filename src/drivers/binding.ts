/**
 * `rls: true`: each statement runs in a transaction that first sets what the policies read, so that PostgreSQL, too,
 * shows the handle its own tenant's rows only. How a driver does that is loaded where it is asked for.
 */
import type * as Bound from './bound.js';
import type { Settings } from '../rls/settings.js';

/** The settings of one run, as far as they are known: a prepared statement learns its tenant from its values. */
export type SettingsOf = (values?: Record<string, unknown>) => Settings | undefined;

/** Drizzle's session, of any driver. */
export type DrizzleSession = any;

/** How the handles of a database bind their tenant. */
export interface Binding {
  /** Loads what it needs, ahead of the first statement. */
  readonly load?: () => void;
  /** Drizzle's session, for statements outside of transactions: each runs in one of its own. */
  statements(session: DrizzleSession, settingsOf: SettingsOf): object;
  /**
   * Drizzle's session of a transaction in which other statements have other settings: each statement sets its own.
   *
   * @param transaction what all of its statements have in common, those of its savepoints, too
   */
  statementsWithin(session: DrizzleSession, settingsOf: SettingsOf, transaction: object): object;
  /** Runs `run` in a transaction of Drizzle's that is bound. */
  transaction(tx: any, settings: Settings, run: () => any): any;
}

let loaded: typeof Bound | undefined;
const load = async () => (loaded = await import('./bound.js'));

/** A session that asks for the settings when a statement runs. */
const deferred = (
  session: DrizzleSession,
  run: (bound: typeof Bound, settings: Settings) => DrizzleSession,
  settingsOf: SettingsOf,
) => ({
  prepareQuery: (query: object, ...rest: unknown[]) => ({
    getQuery: () => query,
    async execute(values?: Record<string, unknown>) {
      const settings = settingsOf(values);
      return (settings ? await run(loaded ?? (await load()), settings) : session)
        .prepareQuery(query, ...rest)
        .execute(values);
    },
  }),
});

/** The binding of Drizzle's promise drivers. */
export const promiseBinding: Binding = {
  // Whoever needs it loads it again, and hears what is wrong.
  load: () => void load().catch(() => {}),
  statements: (session, settingsOf) =>
    deferred(session, (bound, settings) => bound.boundSession(session, settings), settingsOf),
  statementsWithin: (session, settingsOf, transaction) =>
    deferred(session, (bound, settings) => bound.withinSession(session, settings, transaction), settingsOf),
  async transaction({ session }, settings, run) {
    const { setWithin, wireOf } = loaded ?? (await load());
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
