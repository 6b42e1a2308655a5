/**
 * postgres.js: the settings are sent right ahead of the statement, in its transaction. On Citus, BEGIN, the settings,
 * the statement and COMMIT are sent together. One round trip either way.
 */
import type { Wire } from './wire.js';
import { assertCommitted, Held } from './postgres-js.js';
import { behind, canBeAhead, forget, wasBehind, withAhead } from './ahead-postgres-js.js';
import { isForgotten, isStale, lone, refusal } from './postgres-js-query.js';
import { isOnCitus, type Settings, type SettingStatement } from '../rls/settings.js';

/** Clients whose server passes on to others only what is set within BEGIN and COMMIT. */
const bracketed = new WeakSet<object>();

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

  #run(): Promise<unknown> {
    const { statement } = this.settings;
    const { options = {} } = this.client;
    // What is not prepared is sent in two parts, between which a pooler may not keep the connection.
    const isPrepared = options.prepare && (this.args[2] as { prepare?: boolean } | undefined)?.prepare;
    return statement && isPrepared && canBeAhead() && !bracketed.has(options)
      ? this.#behind(statement)
      : this.#bracketed();
  }

  async #behind(statement: SettingStatement): Promise<unknown> {
    for (let attempt = 0; attempt < 3; attempt++) {
      let isOutdated = false;
      const [text, args = [], options] = this.args;
      // By the extended protocol, without parameters too. Nobody else's comes behind it on the connection.
      const how = { ...options, simple: false, isAlone: true };
      const query = lone(this.client, text, args, how, () => (isOutdated = true));
      if (this.inArrays) query.values();
      try {
        const results = await withAhead(query, statement);
        if (!wasBehind(query)) return behind(results);
      } catch (error) {
        if (isOnCitus(error)) {
          bracketed.add(this.client.options);
          break;
        }
        // The server did not run it.
        if (attempt > 0 || !(isOutdated || isForgotten(error) || isStale(query, error))) throw error;
        forget(query);
      }
    }
    return this.#bracketed();
  }

  async #bracketed(): Promise<unknown> {
    const refused = refusal(this.client, this.args[1]);
    if (refused) throw refused;
    const held = new Held(this.client);
    try {
      return await this.#send(held);
    } catch (error) {
      // Else the server did not run it.
      if (!(held.isOutdated || held.isStale(error))) throw error;
    }
    return this.#send(new Held(this.client));
  }

  /** Four queries, and one promise: each tells what it is answered. */
  #send(held: Held): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const begin = held.query(`begin; ${this.settings.first}`);
      const set = held.query(this.settings.tenant.join('; '));
      const commit = held.query('commit');
      // Last, since whoever cancels cancels the query that was made last.
      const statement = held.query(...this.args);
      if (this.inArrays) statement.values();
      const queries = [begin, set, statement, commit];
      const unanswered = new Set(queries);
      let rows: unknown;
      let command: string | undefined;
      // The first to fail is the one that says why: those behind it fail because of it.
      let failed = Infinity;
      let failure: unknown;
      const end = () => {
        unanswered.clear();
        held.end();
        if (held.unwritable !== undefined) reject(held.unwritable);
        else if (failed < Infinity) reject(failure);
        else
          try {
            assertCommitted({ command: command! });
            resolve(rows);
          } catch (error) {
            reject(error);
          }
      };
      const fail = (order: number, error: unknown) => {
        if (order < failed) [failed, failure] = [order, error];
      };
      queries.forEach((query, order) => {
        const answered = () => {
          query.active = false;
          if (unanswered.delete(query) && unanswered.size === 0) end();
        };
        query.resolve = (result) => {
          if (query === statement) rows = result;
          if (query === commit) ({ command } = result);
          answered();
        };
        query.reject = (error) => {
          fail(order, error);
          answered();
        };
      });
      held.onLost = (error) => {
        if (unanswered.size === 0) return;
        fail(queries.length, error);
        end();
      };
      for (const query of queries) query.handler(query);
      held.hold();
    });
  }
}

/** A query of a transaction, with others right before and behind it: each is on its way before anything else can be. */
class Enclosed {
  constructor(
    readonly client: any,
    readonly before: readonly string[],
    readonly args: Bracketed['args'],
    readonly after: readonly string[],
    readonly inArrays = false,
  ) {}

  values(): Enclosed {
    return new Enclosed(this.client, this.before, this.args, this.after, true);
  }

  then(onFulfilled?: (rows: any) => unknown, onRejected?: (error: unknown) => unknown) {
    return this.#run().then(onFulfilled, onRejected);
  }

  async #run(): Promise<unknown> {
    const { client, before, args, after } = this;
    const query = client.unsafe(...args);
    const statement = this.inArrays ? query.values() : query;
    const queries = [
      ...before.map((text) => client.unsafe(text)),
      statement,
      ...after.map((text) => client.unsafe(text)),
    ];
    // Without an await between them.
    for (const it of queries) it.execute();
    const answers = await Promise.allSettled(queries);
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
    return (answers[before.length] as PromiseFulfilledResult<unknown>).value;
  }
}

export const postgresJs: Wire = {
  isPipelined: true,
  bracketing: (client, settings) => ({
    options: client.options,
    unsafe: (...args: Bracketed['args']) => new Bracketed(client.client ?? client, settings, args),
  }),
  within: (client, { first, tenant }, after) => ({
    options: client.options,
    unsafe: (...args: Bracketed['args']) =>
      new Enclosed(client, [first, tenant.join('; ')], args, after.length > 0 ? [after.join('; ')] : []),
  }),
  // On their way at once: a statement that is run right behind them must not overtake them.
  set: (client, { first, tenant }) =>
    Promise.all([client.unsafe(first).execute(), client.unsafe(tenant.join('; ')).execute()]),
};
