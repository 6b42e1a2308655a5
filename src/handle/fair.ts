/**
 * A fair queue in front of a pool. A tenant has at most so many statements and transactions on it at once, and where
 * connections are short, tenants take turns: one that sends a thousand statements does not make another wait for them.
 *
 * Nobody who holds a connection waits here for another one, so that no circle of waiting can come about:
 * - statements and savepoints of a transaction have its turn;
 * - what is begun within a transaction, though on a handle outside of it, has a turn at once;
 * - where that cannot be seen, the tenant's next statement has its turn when all that the tenant holds has been idle
 *   for a while: whoever holds it may be waiting for that statement.
 */
import { UnsupportedTenantOperationError } from '../errors.js';
import type { Scope } from '../scope/scope.js';

/** What somebody who had to wait is told about. */
export interface Waited {
  /** The name of the tenancy; undefined for a handle that has none, or does not know it yet. */
  readonly tenancy: string | undefined;
  /** What the handle reaches, or a transaction of several handles. */
  readonly scope: 'one' | 'several' | 'all' | 'shared' | 'transaction';
  /** How long it waited. */
  readonly milliseconds: number;
  /** How many wait now, for a turn on the same pool. */
  readonly waiting: number;
  /** Whether the wait was given up: nothing is sent then. */
  readonly isCancelled: boolean;
}

/** Options of the fair queue. */
export interface FairOptions {
  /**
   * How many statements and transactions a tenant may have on the pool at once: fewer than the pool has connections, so
   * that one is left for others. In a transaction, only the transaction counts.
   */
  readonly perTenant: number;
  /**
   * How many statements a tenant may have on the pool while no other has anything there. Where another one comes, what
   * is there already is finished, and `perTenant` holds again. On postgres.js, which sends several on one connection
   * before the first is answered, this may be many times its connections: fewer pieces are written then. Leave it out
   * where statements take long, since the other one waits for those that are in front of it. Transactions and streams
   * have `perTenant`.
   *
   * @default perTenant
   */
  readonly alone?: number | undefined;
  /**
   * Is called for each statement and transaction that had to wait, when its turn comes, or when the wait is given up.
   *
   * @example
   * withTenancy(orm, { relations, fair: { perTenant: 4, onWait: ({ milliseconds }) => console.log(milliseconds) } })
   */
  readonly onWait?: ((waited: Waited) => void) | undefined;
}

/** Who takes turns with others: a tenant, or what has no one tenant. */
interface Party {
  readonly key: string;
  readonly limit: number;
  /** What has its turn. */
  readonly running: Set<Turn>;
  /** The first comes first. */
  readonly waiting: Set<Turn>;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** Whose turn it is. */
export interface Who {
  readonly scope: Waited['scope'];
  readonly tenancy: string | undefined;
  readonly ids: string;
}

/** How long all that a tenant holds has to be idle, in milliseconds, for its next statement to go past the limit. */
const patience = {
  transaction: 1_000,
  /** Whoever reads it may well send a statement for each row. */
  stream: 10,
};

/** A place on the pool, or the wait for one. */
export class Turn {
  /** Statements that run now. */
  active = 0;
  idleSince = 0;
  patience = patience.transaction;
  state: 'waiting' | 'running' | 'ended' = 'waiting';
  /** Called when its turn comes, unless it has come at once. */
  onStart: () => void = () => {};
  readonly since = performance.now();

  constructor(
    readonly queue: FairQueue,
    readonly who: Who,
    readonly party: Party,
    readonly isStatement: boolean,
  ) {}

  /** A statement of a transaction begins. */
  begin(): void {
    this.active++;
  }

  /** And it ends: the transaction may be waiting for somebody now. */
  rest(): void {
    if (--this.active > 0) return;
    this.idleSince = performance.now();
    this.queue.watch(this.party);
  }

  /** It is a stream's, which is read by whoever has it. */
  stream(): void {
    this.patience = patience.stream;
    this.idleSince = performance.now();
    this.queue.watch(this.party);
  }

  /** Gives the place back, or the wait up. Once is enough. */
  end(): void {
    this.queue.end(this);
  }
}

export class FairQueue {
  readonly #perTenant: number;
  readonly #alone: number;
  readonly #onWait: FairOptions['onWait'];
  readonly #size: number;
  #taken = 0;
  #waiting = 0;
  readonly #parties = new Map<string, Party>();
  /** Those who wait, and are below their limit: the next comes first. */
  readonly #ready = new Set<Party>();
  /** Who has more than its limit, since it was alone. */
  #loud: Party | undefined;

  /**
   * @param options of the application
   * @param size how many connections the pool has; Infinity where that is not known
   * @throws UnsupportedTenantOperationError for a number that is none
   */
  constructor({ perTenant, alone = perTenant, onWait }: FairOptions, size: number) {
    if (!Number.isInteger(perTenant) || perTenant < 1) {
      throw new UnsupportedTenantOperationError(
        'Say how many statements a tenant may have on the pool at once, as in fair: { perTenant: 4 }.',
      );
    }
    if (!Number.isInteger(alone) || alone < perTenant) {
      throw new UnsupportedTenantOperationError(
        'Let alone be perTenant or more, as in fair: { perTenant: 4, alone: 64 }: ' +
          'a tenant may have so many while no other has anything on the pool.',
      );
    }
    this.#perTenant = perTenant;
    this.#alone = alone;
    this.#onWait = onWait;
    this.#size = size;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * @param isHolding whether the caller has a turn already, and so must not wait for another one
   * @param isStatement whether it is one statement, which ends by itself
   * @returns a turn, which runs, or waits and then calls `onStart`
   */
  take(who: Who, isHolding: boolean, isStatement = false): Turn {
    const party = this.#partyOf(who);
    const turn = new Turn(this, who, party, isStatement);
    // None overtakes a transaction that waits: statement after statement, its turn would never come.
    const isNext = party.running.size < party.limit ? this.#hasRoom() : party.waiting.size === 0 && this.#isLet(turn);
    if (isHolding || isNext) this.#start(turn);
    else {
      this.#waiting++;
      party.waiting.add(turn);
      if (party.running.size < party.limit) this.#ready.add(party);
      else this.watch(party);
    }
    return turn;
  }

  end(turn: Turn): void {
    const { party, state } = turn;
    if (state === 'ended') return;
    turn.state = 'ended';
    if (state === 'waiting') {
      this.#leave(turn);
      if (party.waiting.size === 0) this.#ready.delete(party);
      this.#tell(turn, true);
    } else {
      this.#taken--;
      party.running.delete(turn);
      if (party.waiting.size > 0) {
        if (party.running.size < party.limit) this.#ready.add(party);
        else this.watch(party);
      }
      this.#next();
    }
    if (party.waiting.size === 0 && party.running.size === 0) {
      clearTimeout(party.timer);
      this.#parties.delete(party.key);
    }
    this.#letAlone();
  }

  /** Whether a tenant's statement may run beyond its limit: nobody else is there. */
  #isLet({ isStatement, party }: Turn): boolean {
    if (!isStatement || this.#parties.size > 1 || party.running.size >= this.#alone) return false;
    this.#loud = party;
    return true;
  }

  #letAlone(): void {
    if (this.#parties.size !== 1 || this.#waiting === 0 || this.#alone === this.#perTenant) return;
    const [party] = this.#parties.values();
    for (const turn of party!.waiting) {
      if (!this.#isLet(turn)) return;
      this.#startNext(party!);
    }
  }

  /** Whether the pool has a place. What was begun beyond a limit takes none: others do not wait for all of that. */
  #hasRoom(): boolean {
    const beyond = this.#loud ? Math.max(0, this.#loud.running.size - this.#loud.limit) : 0;
    return this.#taken - beyond < this.#size;
  }

  /** Has the next one start when a tenant waits for nothing but what has been idle for long. */
  watch(party: Party): void {
    if (party.timer !== undefined) return;
    const left = this.#idleIn(party);
    if (left === undefined) return;
    const look = () => {
      party.timer = undefined;
      // A timer may be early, by less than this.
      if ((this.#idleIn(party) ?? Infinity) < 2) this.#startNext(party);
      this.watch(party);
    };
    party.timer = setTimeout(look, Math.max(left, 1));
  }

  /** In how many milliseconds all that a tenant holds will have been idle for long, if its next one waits for that. */
  #idleIn({ waiting, running, limit }: Party): number | undefined {
    if (waiting.size === 0 || running.size < limit) return undefined;
    const now = performance.now();
    let left = 0;
    for (const it of running) {
      if (it.active > 0) return undefined;
      left = Math.max(left, it.idleSince + it.patience - now);
    }
    return left;
  }

  #partyOf(who: Who): Party {
    // Without the tenancy, which a handle may learn later: tenants of two of them with equal ids are counted as one.
    const key = `${who.scope}\0${who.ids}`;
    let party = this.#parties.get(key);
    if (!party) {
      const limit = who.scope === 'one' || who.scope === 'several' ? this.#perTenant : Infinity;
      this.#parties.set(key, (party = { key, limit, running: new Set(), waiting: new Set(), timer: undefined }));
    }
    return party;
  }

  #start(turn: Turn): void {
    turn.state = 'running';
    this.#taken++;
    turn.party.running.add(turn);
  }

  #next(): void {
    for (const party of this.#ready) {
      if (!this.#hasRoom()) return;
      this.#ready.delete(party);
      this.#startNext(party);
      // Behind the others, who are met before it in this very loop.
      if (party.waiting.size > 0 && party.running.size < party.limit) this.#ready.add(party);
    }
  }

  #startNext({ waiting }: Party): void {
    const [turn] = waiting;
    this.#leave(turn!);
    this.#start(turn!);
    this.#tell(turn!, false);
    turn!.onStart();
  }

  #leave(turn: Turn): void {
    this.#waiting--;
    turn.party.waiting.delete(turn);
  }

  #tell({ who, since }: Turn, isCancelled: boolean): void {
    if (!this.#onWait) return;
    try {
      this.#onWait({
        tenancy: who.tenancy,
        scope: who.scope,
        milliseconds: performance.now() - since,
        waiting: this.#waiting,
        isCancelled,
      });
    } catch {
      // That somebody's counter fails is no reason for a statement not to run.
    }
  }
}

/** @param id what the tenant is, where a statement that was prepared for any learns it from its values */
export function whoOf({ reach, tenancy }: Scope, id: unknown): Who {
  const ids =
    reach.kind === 'one'
      ? String(id ?? reach.id)
      : reach.kind === 'several'
        ? reach.ids.map(String).sort().join('\0')
        : '';
  return { scope: reach.kind, tenancy: tenancy?.name, ids };
}

/** A transaction of several handles. */
export const nobody: Who = { scope: 'transaction', tenancy: undefined, ids: '' };

/**
 * How many statements or transactions of a tenant may be on a Drizzle handle's client, and of all tenants together.
 *
 * @returns Infinity where it is not known: only the limit of each tenant counts then
 */
export function placesOf(db: any, perTenant: number): number {
  const client = db?.$client;
  const max = client?.options?.max;
  if (typeof max !== 'number' || max <= 0) {
    // PGlite, and a single client of node-postgres, do one thing at a time.
    return typeof client?.runExclusive === 'function' || typeof client?.processID === 'number' ? 1 : Infinity;
  }
  // postgres.js sends several statements on one connection before the first is answered.
  return typeof client === 'function' ? Math.max(max, perTenant) : max;
}
