/** How promises take turns in a fair queue. */
import { asyncStorage } from './async-storage.js';
import type { FairQueue, Turn, Who } from './fair.js';

/** How handles wait for their turn: as promises here, as Effects in another entry point. */
export interface Turns {
  /** Runs a statement when it is its turn. */
  statement(queue: FairQueue, who: Who, run: () => any, signal?: AbortSignal): any;
  /** Runs a statement of a transaction, which has its turn already. */
  within(turn: Turn, run: () => any, signal?: AbortSignal): any;
  /** Runs what waits for nobody, unless the signal is aborted. */
  unless(signal: AbortSignal, run: () => any): any;
  /** Runs a transaction when it is its turn. */
  transaction(queue: FairQueue, who: Who, run: (turn: Turn) => any, signal?: AbortSignal): any;
  /** A stream of rows, which has its turn until it ends. */
  stream(queue: FairQueue, who: Who, open: () => any, signal?: AbortSignal): any;
}

/** The turns that the caller has, the innermost first. */
export interface Held {
  readonly turn: Turn;
  readonly outer: Held | undefined;
}

const held = asyncStorage<Held>();
/** Transactions that are open: where a runtime does not say who calls, any of them may be the caller's. */
let open = 0;

export function isOpen(it: Held | undefined): boolean {
  for (let each = it; each; each = each.outer) if (each.turn.state === 'running') return true;
  return false;
}

/** @returns the turn, when it has come */
async function taken(queue: FairQueue, who: Who, signal: AbortSignal | undefined, isStatement: boolean): Promise<Turn> {
  signal?.throwIfAborted();
  const turn = queue.take(who, held ? isOpen(held.getStore()) : open > 0, isStatement);
  if (turn.state === 'waiting') await started(turn, signal);
  return turn;
}

const started = (turn: Turn, signal: AbortSignal | undefined) =>
  new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      turn.end();
      reject(signal!.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    turn.onStart = () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    };
  });

export const promiseTurns: Turns = {
  async statement(queue, who, run, signal) {
    const turn = await taken(queue, who, signal, true);
    turn.begin();
    try {
      return await run();
    } finally {
      turn.end();
    }
  },
  async within(turn, run, signal) {
    signal?.throwIfAborted();
    turn.begin();
    try {
      return await run();
    } finally {
      turn.rest();
    }
  },
  async unless(signal, run) {
    signal.throwIfAborted();
    return run();
  },
  async transaction(queue, who, run, signal) {
    const turn = await taken(queue, who, signal, false);
    open++;
    // Until its BEGIN is answered.
    turn.begin();
    try {
      return await (held ? held.run({ turn, outer: held.getStore() }, () => run(turn)) : run(turn));
    } finally {
      open--;
      turn.end();
    }
  },
  stream: (_, __, opened) => opened(),
};
