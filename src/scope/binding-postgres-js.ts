/**
 * postgres.js sends what it has without waiting for answers. BEGIN, the settings, the statement and COMMIT go out
 * together, on one connection that nobody else's query gets in between: one round trip.
 *
 * Its public ways to hold a connection cost a round trip each (`begin`), or do not say when the connection was lost
 * (`reserve`). So this does what `begin` itself does: `onexecute` is told the connection on which BEGIN was sent.
 */
import { UnsupportedTenantOperationError } from '../schema/index.js';
import type { Wire } from './binding.js';
import type { Settings } from './settings.js';

/** What of a connection `begin` uses. */
interface Connection {
  /** Sends a query. @returns false where it has to be answered before another one is sent */
  execute(query: Query): unknown;
  /** Called when all that was sent is answered and the transaction is still open. */
  reserved: (() => void) | null;
  onclose: ((error: unknown) => void) | null;
  terminate(): void;
}

interface Query extends Promise<any> {
  /** Whether it was handed to a connection, so that awaiting it does not. */
  executed: boolean;
  cancelled: unknown;
  reject: (error: unknown) => void;
  execute(): void;
  values(): Query;
}

/** What stands between the statement and its answer, in the order in which it is sent. */
type Part = 'begin' | 'set' | 'statement' | 'commit';

class Bracket {
  /** The server did not run the statement, since its plan was out of date. */
  isOutdated = false;
  readonly #errors: Partial<Record<Part, unknown>> = {};
  readonly #waiting: Query[];
  readonly #parts: Record<Part, Query>;
  #isSent = false;
  #lost!: (error: unknown) => void;
  readonly #whenLost = new Promise<never>((_, reject) => (this.#lost = reject));
  #done = () => {};

  constructor(client: any, { first, tenant }: Settings, statement: () => Query) {
    const begin: Query = client.unsafe(`begin; ${first}`, [], { onexecute: (connection: Connection) => this.#send(connection) });
    const [set, commit]: [Query, Query] = [client.unsafe(tenant.join('; ')), client.unsafe('commit')];
    this.#parts = { begin, set, commit, statement: statement() };
    this.#waiting = [set, this.#parts.statement, commit];
    for (const query of this.#waiting) query.executed = true;
    for (const [part, query] of Object.entries(this.#parts)) query.catch((error) => (this.#errors[part as Part] = error));
    this.#whenLost.catch(() => {});
    this.#neverAgain(this.#parts.statement);
  }

  /** postgres.js runs a statement again when its plan is out of date: that would be behind COMMIT, bound to nobody. */
  #neverAgain(statement: Query): void {
    Object.defineProperty(statement, 'retried', {
      get: () => undefined,
      set: (error) => {
        this.isOutdated = true;
        statement.cancelled = true;
        statement.reject(error);
      },
    });
  }

  #send(connection: Connection): void {
    this.#isSent = true;
    // What the queries themselves fail with says more, and comes first.
    const onclose = (error: unknown) => void setImmediate(this.#lost, error);
    connection.onclose = onclose;
    this.#done = () => {
      if (connection.onclose === onclose) connection.onclose = null;
    };
    // A query that cannot be written fails the one that is active, and leaves the connection waiting for its answer.
    let unwritable: unknown;
    const { begin } = this.#parts;
    const { reject } = begin;
    begin.reject = (error) => {
      unwritable ??= error;
      reject(error);
    };
    connection.reserved = () => {
      while (this.#waiting.length > 0 && connection.execute(this.#waiting.shift()!));
    };
    connection.reserved();
    begin.reject = reject;
    // Later than what is still to be written, which would else go out first on the next connection.
    if (unwritable !== undefined) setImmediate(() => connection.terminate());
  }

  async result(): Promise<any> {
    const { begin, set, statement, commit } = this.#parts;
    try {
      await begin;
      if (!this.#isSent) {
        throw new UnsupportedTenantOperationError('Use postgres 3.4 with rls: true: this version does not say on which connection a transaction begins.');
      }
      await Promise.race([Promise.allSettled([set, statement, commit]), this.#whenLost]);
    } catch (error) {
      throw this.#error ?? error;
    } finally {
      this.#done();
    }
    if (this.#error !== undefined) throw this.#error;
    if ((await commit).command !== 'COMMIT') throw new UnsupportedTenantOperationError('Leave the transaction to the handle: the statement ended it, and nothing of it was kept.');
    return statement;
  }

  get #error(): unknown {
    const { begin, set, statement, commit } = this.#errors;
    return begin ?? set ?? statement ?? commit;
  }
}

/** Of the protocol, as postgres.js counts them. */
const maxParameters = 65_533;

/** A query as Drizzle uses it. */
class BracketedQuery {
  constructor(
    readonly client: any,
    readonly settings: Settings,
    readonly args: unknown[],
    readonly inArrays = false,
  ) {}

  values(): BracketedQuery {
    return new BracketedQuery(this.client, this.settings, this.args, true);
  }

  then(onFulfilled?: (rows: any) => unknown, onRejected?: (error: unknown) => unknown) {
    return this.#run().then(onFulfilled, onRejected);
  }

  async #run(): Promise<unknown> {
    const [, params] = this.args as [text: string, params?: readonly unknown[]];
    if (params && params.length > maxParameters) {
      throw Object.assign(new Error(`Max number of parameters (${maxParameters}) exceeded`), { code: 'MAX_PARAMETERS_EXCEEDED' });
    }
    for (let isFirst = true; ; isFirst = false) {
      const bracket = new Bracket(this.client, this.settings, () => {
        const query = this.client.unsafe(...this.args);
        return this.inArrays ? query.values() : query;
      });
      try {
        return await bracket.result();
      } catch (error) {
        if (!bracket.isOutdated || !isFirst) throw error;
      }
    }
  }
}

export const postgresJs: Wire = {
  bracketing: (client, settings) => ({
    options: client.options,
    unsafe: (...args: unknown[]) => new BracketedQuery(client, settings, args),
  }),
  // Sent together, and answered in turn.
  set: (client, { first, tenant }) => Promise.all([client.unsafe(first), client.unsafe(tenant.join('; '))]),
};
