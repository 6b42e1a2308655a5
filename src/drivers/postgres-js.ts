/**
 * Transactions on postgres.js. It sends what it has without waiting for answers, but its public ways to hold a
 * connection either wait (`begin`), or do not say when the connection was lost (`reserve`), and both go on to write on
 * a connection that is gone, which ends the process. So this does what `begin` itself does, and looks first: the
 * option `onexecute` of a query is told the connection on which it is sent.
 */
import { UnsupportedTenantOperationError } from '../errors.js';
import { refusalOfConnection } from './postgres-js-parts.js';
import {
  afterLoss,
  dropRest,
  failLater,
  failsAlone,
  isAnswer,
  neverAgain,
  type Client,
  type Connection,
  type Query,
} from './postgres-js-query.js';

const ended = () => new UnsupportedTenantOperationError('Use the handle inside its transaction: this one has ended.');
const later = () => {};

/** How often a full pipeline may be met, one after the other. */
const attemptsLimit = 10_000;
/** The queries between BEGIN and COMMIT, on a connection that is held for them. */
export class Held {
  /** Told when the connection is lost, or there is none. */
  onLost: (error: unknown) => void = later;
  /** The query that could not be written, and with it the connection. */
  unwritable: unknown;
  #connection: Connection | undefined;
  #attempts = 0;
  #isFull = false;
  #isOutdated = false;
  #isEnded = false;
  #error: unknown;
  readonly #waiting: Query[] = [];
  readonly #unanswered = new Set<Query>();
  /** Made first: whoever cancels cancels the query that was made last. */
  readonly #taking: Query;

  constructor(readonly client: Client) {
    this.#taking = this.#take();
  }

  /** Takes a connection, on which what was given to `query` is then sent. */
  hold(taking = this.#taking): void {
    this.#unanswered.add(taking);
    taking.handler(taking);
  }

  /**
   * The query that takes a connection is empty, since postgres.js does not say on which one it sends the query that
   * fills its pipeline: a BEGIN would stay open there, and others' statements would run within it.
   */
  #take(): Query {
    let isBehind = false;
    const hold = this.client.unsafe('', [], {
      onexecute: (connection: Connection) => {
        // Behind others' queries the rest waits, since a query that cannot be written fails the first that is
        // unanswered.
        isBehind = !hold.active;
        this.#isFull = isBehind;
        this.#hold(connection);
      },
    });
    hold.resolve = () => {
      hold.active = false;
      // Now, or the connection is others' again. It is still this query that is failed by one that cannot be written.
      if (isBehind) this.#drain();
      this.#unanswered.delete(hold);
      if (this.#connection || this.#error !== undefined) return;
      if (++this.#attempts < attemptsLimit) this.hold(this.#take());
      else
        this.#fail(
          new UnsupportedTenantOperationError(
            'Use postgres 3.4: this version does not say on which connection it sends a query.',
          ),
        );
    };
    hold.reject = (error) => {
      hold.active = false;
      this.#unanswered.delete(hold);
      this.#isFull = true;
      failLater(hold, () => this.#fail(error));
    };
    return hold;
  }

  /** Whether the server refused a statement unread, since its plan was out of date. */
  get isOutdated(): boolean {
    return this.#isOutdated;
  }

  /**
   * postgres.js fails the first query of a connection, unsent, with what the server said as it ended the one before.
   */
  isStale(error: unknown): boolean {
    return !this.#connection && /^57P0/.test(String((error as { code?: unknown } | undefined)?.code));
  }

  /** A query on the held connection. It is sent when it is awaited, or given to its handler, in turn. */
  query(text: string, args?: unknown[], options?: object): Query {
    const query = args ? this.client.unsafe(text, args, options) : this.client.unsafe(text);
    if (this.client.options && query.options.prepare) failsAlone(query, this.client.options.serializers);
    query.handler = this.#send;
    return query;
  }

  /** Nothing more is sent. */
  end(): void {
    this.#isEnded = true;
    if (this.#waiting.length > 0) this.#fail(ended());
    // The connection may be somebody else's by now.
    if (this.#connection && this.#connection.onclose === this.#onclose) this.#connection.onclose = dropRest;
  }

  #hold(connection: Connection): void {
    const lacking = refusalOfConnection(connection);
    if (lacking) return this.#fail(lacking);
    this.#connection = connection;
    connection.reserved = this.#drain;
    connection.onclose = this.#onclose;
    this.#flush();
  }

  readonly #onclose = (error: unknown): void => {
    // On the next connection postgres.js would take the answers to others for theirs: the last would wait for ever.
    dropRest.call(this.#connection!);
    // Nothing is sent any more, and what comes in this moment fails with the rest.
    this.#isFull = true;
    // What the queries themselves fail with says more, and comes first.
    afterLoss(() => this.#fail(error, this.#unanswered));
  };

  readonly #drain = () => {
    this.#isFull = false;
    this.#flush();
  };

  #flush(): void {
    while (this.#waiting.length > 0 && !this.#isFull) this.#execute(this.#waiting.shift()!);
  }

  readonly #outdated = () => void (this.#isOutdated = true);

  readonly #send = (query: Query): void => {
    if (this.#error !== undefined || this.#isEnded) this.#fail(this.#error ?? ended(), [query]);
    else if (!this.#connection || this.#isFull) this.#waiting.push(query);
    else this.#execute(query);
  };

  #execute(query: Query): void {
    // Nothing would be sent, and nothing answered.
    if (query.cancelled) return;
    const connection = this.#connection!;
    // A COMMIT that somebody sent as a statement: the connection is others' now.
    if (connection.reserved !== this.#drain) return this.#fail(ended(), [query]);
    if (query.options.prepare) neverAgain(query, this.#outdated);
    // A query that cannot be written fails the one that is active, and leaves the connection waiting for an answer.
    const [active] = this.#unanswered;
    const reject = active?.reject;
    if (active) active.reject = (error) => (this.unwritable ??= error);
    this.#expect(query);
    // Where it could not be written and nothing else is active, it has failed, and its Sync is to be answered first.
    this.#isFull = !connection.execute(query) || !this.#unanswered.has(query);
    if (active) active.reject = reject!;
    if (this.unwritable === undefined) return;
    this.#fail(this.unwritable, [query]);
    // Later than what is still to be written, which would else go out first on the next connection. If it was lost
    // meanwhile, it is about to be another one.
    setImmediate(() => connection.reserved === this.#drain && connection.terminate());
  }

  #expect(query: Query): void {
    this.#unanswered.add(query);
    const { resolve, reject } = query;
    query.resolve = (result) => {
      this.#unanswered.delete(query);
      resolve(result);
    };
    query.reject = (error) => {
      this.#unanswered.delete(query);
      if (isAnswer(error)) return reject(error);
      // Either the server still answers, or the connection ends: nothing is sent before one is known.
      this.#isFull = true;
      failLater(query, () => reject(error));
    };
  }

  #fail(error: unknown, queries: Iterable<Query> = []): void {
    this.#error ??= error;
    for (const it of [...queries, ...this.#waiting.splice(0)]) it.reject(error);
    this.onLost(error);
  }
}

/** The client of a transaction, or of a savepoint in it, as Drizzle uses it. */
class Scope {
  /** What failed here first: what comes after it fails because of it. */
  error: unknown;
  #savepoints: { n: number };

  constructor(
    readonly held: Held,
    readonly lost: Promise<never>,
    savepoints = { n: 0 },
  ) {
    this.#savepoints = savepoints;
  }

  unsafe(text: string, args?: unknown[], options?: object): Query {
    const query = this.held.query(text, args, options);
    const { reject } = query;
    query.reject = (error) => {
      this.error ??= error;
      reject(error);
    };
    return query;
  }

  async savepoint(run: (scope: Scope) => unknown): Promise<unknown> {
    const name = `s${this.#savepoints.n++}`;
    await this.held.query(`savepoint ${name}`);
    return this.inside(run, new Scope(this.held, this.lost, this.#savepoints), `rollback to ${name}`);
  }

  /** Runs `run`, and takes back what it did where it failed, or swallowed that a statement of it did. */
  async inside(run: (scope: Scope) => unknown, scope: Scope, rollback: string): Promise<unknown> {
    try {
      const result = await Promise.race([run(scope), this.lost]);
      if (scope.error !== undefined) throw scope.error;
      return result;
    } catch (error) {
      await Promise.race([this.held.query(rollback), this.lost]).catch(later);
      throw ((error as { code?: unknown } | undefined)?.code === '25P02' && scope.error) || error;
    }
  }
}

/** `begin` of postgres.js. */
export async function begin(client: Client, run: (scope: any) => unknown, isAgain = false): Promise<unknown> {
  const held = new Held(client);
  const lost = new Promise<never>((_, reject) => (held.onLost = reject));
  lost.catch(later);
  try {
    const begun = Promise.race([held.query('begin'), lost]);
    held.hold();
    await begun;
    const scope = new Scope(held, lost);
    const result = await scope.inside(run, scope, 'rollback');
    assertCommitted(await Promise.race([held.query('commit'), lost]));
    return result;
  } catch (error) {
    if (isAgain || !held.isStale(error)) throw error;
  } finally {
    held.end();
  }
  return begin(client, run, true);
}

/** PostgreSQL answers the COMMIT of a transaction that failed with ROLLBACK. */
export function assertCommitted({ command }: { readonly command: string }): void {
  if (command !== 'COMMIT')
    throw new UnsupportedTenantOperationError(
      'Leave the transaction to the handle: a statement ended it, and nothing of it was kept.',
    );
}
