/** Transactions and savepoints of the handles: how long one lasts, and that those beside each other take turns. */
import { is } from 'drizzle-orm';
import type { PgTransactionConfig } from 'drizzle-orm/pg-core';
import { PgAsyncTransaction } from 'drizzle-orm/pg-core/async';
import { UnsupportedTenantOperationError } from '../errors.js';
import { asyncStorage } from './async-storage.js';
import type { Turn } from './fair.js';

/** How long a handle of a transaction may be used: as long as its transaction is open, and those around it. */
export class Lifetime {
  #isOpen = true;
  /** Ends when the last of the inner transactions that were begun has ended. */
  #inner: Promise<unknown> | undefined;
  #innermost: Inner | undefined;
  /** The same for a transaction and its savepoints. */
  readonly transaction: object;

  /**
   * @param isBound whether row-level security knows the tenant of the whole transaction, so that a statement need not
   * say it
   * @param outer the transaction around it
   * @param turn its turn in a fair queue, where there is one
   * @param own stands for the transaction as the database knows it
   */
  constructor(
    readonly isBound: boolean,
    readonly outer?: Lifetime,
    readonly turn: Turn | undefined = outer?.turn,
    own?: object,
  ) {
    this.transaction = outer?.transaction ?? own ?? this;
  }

  get open(): boolean {
    return this.#isOpen && (this.outer?.open ?? true);
  }

  end(): void {
    this.#isOpen = false;
  }

  assertOpen(): void {
    if (!this.open)
      throw new UnsupportedTenantOperationError('Use the handle inside its transaction: this one has ended.');
  }

  /**
   * Runs an inner transaction when those before it have ended: savepoints that overlap would take back, and keep, each
   * other's rows. One that is begun within another, though on the outer handle, is inside of it, and does not wait.
   */
  async inTurn<T>(run: () => Promise<T>): Promise<T> {
    if (!context || (this.#innermost && isWithin(this.#innermost))) return run();
    const inner: Inner = { around: context.getStore() };
    const mine = (this.#inner ?? Promise.resolve()).then(async () => {
      this.assertOpen();
      this.#innermost = inner;
      try {
        return await context!.run(inner, run);
      } finally {
        this.#innermost = undefined;
      }
    });
    this.#inner = mine.catch(() => {});
    return mine;
  }
}

/** An inner transaction that is running, and the one that it was begun in. */
interface Inner {
  readonly around: Inner | undefined;
}

/**
 * Which inner transaction a call comes from. Where a runtime has no such thing, inner transactions do not wait, as
 * Drizzle's do not.
 */
const context = asyncStorage<Inner>();

function isWithin(inner: Inner): boolean {
  for (let it = context?.getStore(); it; it = it.around) if (it === inner) return true;
  return false;
}

/**
 * Drizzle's transaction, which sends nothing once it has ended: the SAVEPOINT and RELEASE of an inner one that nobody
 * waited for would be sent on a connection that is somebody else's by then.
 */
export function closing(tx: any, lifetime: Lifetime): any {
  const { session } = tx;
  const prepareQuery = function (this: unknown, ...query: unknown[]) {
    lifetime.assertOpen();
    return session.prepareQuery.apply(this, query);
  };
  return Object.create(tx, { session: { value: Object.create(session, { prepareQuery: { value: prepareQuery } }) } });
}

/** Whether a Drizzle handle is the application's own transaction: it is not ours to begin, or to commit. */
export function isTransaction(db: any): boolean {
  if (is(db, PgAsyncTransaction)) return true;
  const client = db?.$client;
  // What `begin` of postgres.js gives has no `begin`, and what `transaction` of PGlite gives no `transaction`.
  return typeof client === 'function'
    ? typeof client.savepoint === 'function'
    : typeof client?.exec === 'function' && typeof client.transaction !== 'function';
}

const isolationLevels = ['read uncommitted', 'read committed', 'repeatable read', 'serializable'];
const accessModes = ['read only', 'read write'];

/**
 * The settings of a transaction, which are written into the text as they are.
 *
 * @throws UnsupportedTenantOperationError for what is no setting of PostgreSQL's
 */
export function transactionConfig(config: any): PgTransactionConfig | undefined {
  if (config === undefined || config === null) return undefined;
  const { isolationLevel, accessMode, deferrable, snapshot } = config;
  if (
    (isolationLevel !== undefined && !isolationLevels.includes(isolationLevel)) ||
    (accessMode !== undefined && !accessModes.includes(accessMode))
  ) {
    throw new UnsupportedTenantOperationError(
      `Begin a transaction with one of the isolation levels (${isolationLevels.join(', ')}) ` +
        `and access modes (${accessModes.join(', ')}).`,
    );
  }
  if (snapshot !== undefined && !(typeof snapshot === 'string' && /^[\w-]+$/.test(snapshot))) {
    throw new UnsupportedTenantOperationError(
      'Name the snapshot of a transaction with a string, as pg_export_snapshot() gives it.',
    );
  }
  return { isolationLevel, accessMode, deferrable, snapshot };
}
