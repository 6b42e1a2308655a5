/** postgres.js: BEGIN, the settings, the statement and COMMIT are sent together. One round trip. */
import type { Wire } from './binding.js';
import { assertCommitted, assertHeld, begin, Held, type Query } from './postgres-js.js';
import type { Settings } from './settings.js';

/** Of the protocol, as postgres.js counts them. */
const maxParameters = 65_533;

/** A query as Drizzle uses it. */
class Bracketed {
  constructor(
    readonly client: any,
    readonly settings: Settings,
    readonly args: [text: string, args?: unknown[], options?: object],
    readonly inArrays = false,
  ) {}

  values(): Bracketed {
    return new Bracketed(this.client, this.settings, this.args, true);
  }

  then(onFulfilled?: (rows: any) => unknown, onRejected?: (error: unknown) => unknown) {
    return this.#run().then(onFulfilled, onRejected);
  }

  async #run(isAgain = false): Promise<unknown> {
    if ((this.args[1]?.length ?? 0) > maxParameters) {
      throw Object.assign(new Error(`Max number of parameters (${maxParameters}) exceeded`), { code: 'MAX_PARAMETERS_EXCEEDED' });
    }
    const held = new Held(this.client, `begin; ${this.settings.first}`);
    try {
      return await this.#send(held);
    } catch (error) {
      // The server did not run it.
      if (isAgain || !(held.isOutdated || held.isStale(error))) throw error;
    } finally {
      held.end();
    }
    return this.#run(true);
  }

  async #send(held: Held): Promise<unknown> {
    const set = held.query(this.settings.tenant.join('; '));
    const commit = held.query('commit');
    // Last, since whoever cancels cancels the query that was made last.
    const query = held.query(...this.args);
    const statement = this.inArrays ? query.values() : query;
    // The first to fail is the one that says why: those behind it fail because of it.
    let failure: { readonly order: number; readonly error: unknown } | undefined;
    const failed = (order: number) => (error: unknown) => {
      if (!failure || order < failure.order) failure = { order, error };
    };
    const all = [held.begin, set, statement, commit].map((it: Query, order) => it.then(undefined, failed(order)));
    await Promise.race([Promise.all(all), held.lost]).catch(failed(all.length));
    if (held.unwritable !== undefined) throw held.unwritable;
    if (failure) throw failure.error;
    assertHeld(held);
    assertCommitted(await commit);
    return statement;
  }
}

export const postgresJs: Wire = {
  isPipelined: true,
  bracketing: (client, settings) => ({
    options: client.options,
    unsafe: (...args: Bracketed['args']) => new Bracketed(client, settings, args),
  }),
  // On their way at once: a statement that is run right behind them must not overtake them.
  set: (client, { first, tenant }) => Promise.all([client.unsafe(first).execute(), client.unsafe(tenant.join('; ')).execute()]),
};

/** Drizzle's handle on postgres.js, with transactions that outlive the loss of a connection. */
export function withSafeTransactions(db: any): any {
  const { session } = db;
  const { client } = session;
  const safe = {
    options: client.options,
    unsafe: client.unsafe,
    begin: (run: (scope: any) => unknown) => begin(client, run),
  };
  return Object.create(db, { session: { value: Object.create(session, { client: { value: safe } }) } });
}
