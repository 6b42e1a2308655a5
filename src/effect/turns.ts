/**
 * How Effects take turns in a fair queue: waiting can be interrupted, and is measured where `TenantDb.Metrics` is on.
 */
import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import type * as Scope from 'effect/Scope';
import * as Metric from 'effect/Metric';
import * as Stream from 'effect/Stream';
import type { FairQueue, Turn, Who } from '../handle/fair.js';
import { isOpen, type Held, type Turns } from '../handle/turns.js';
import { Metrics } from './telemetry.js';

/** The turns that a fiber has. */
const Holding = Context.Reference<Held | undefined>('drizzle-tenant/Holding', { defaultValue: () => undefined });

/** How long statements and transactions waited for their turn, in seconds, under OpenTelemetry's name, by tenancy. */
export const waitTime = Metric.histogram('db.client.connection.wait_time', {
  description: 'How long statements and transactions waited for their turn, in seconds',
  boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
});

/** How many wait for their turn. */
export const pendingRequests = Metric.gauge('db.client.connection.pending_requests', {
  description: 'How many statements and transactions wait for their turn',
});

/** Takes a turn, which ends with the scope. */
const taken = (queue: FairQueue, who: Who, isStatement = false): Effect.Effect<Turn, never, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.withFiber((fiber) => {
      const turn = queue.take(who, isOpen(Context.get(fiber.context, Holding)), isStatement);
      const end = Effect.addFinalizer(() => Effect.sync(() => turn.end()));
      if (turn.state === 'running') return Effect.as(end, turn);
      const come = Effect.callback<void>((resume) => {
        turn.onStart = () => resume(Effect.void);
      });
      const isMeasured = Context.get(fiber.context, Metrics);
      return Effect.andThen(end, Effect.as(isMeasured ? measured(queue, turn, restore(come)) : restore(come), turn));
    }),
  );

const measured = (queue: FairQueue, { since, who }: Turn, wait: Effect.Effect<void>): Effect.Effect<void> => {
  const pending = Effect.suspend(() => Metric.update(pendingRequests, queue.waiting));
  const attributes = {
    'tenant.scope': who.scope,
    ...(who.tenancy === undefined ? {} : { 'tenant.tenancy': who.tenancy }),
  };
  return Effect.onExit(Effect.andThen(pending, wait), (exit) => {
    const labels = Exit.isSuccess(exit) ? attributes : { ...attributes, 'error.type': 'Interrupt' };
    return Effect.andThen(
      Metric.update(Metric.withAttributes(waitTime, labels), (performance.now() - since) / 1_000),
      pending,
    );
  });
};

export const effectTurns: Turns = {
  statement: (queue, who, run) =>
    Effect.scoped(
      Effect.flatMap(taken(queue, who, true), (turn) => {
        turn.begin();
        return run();
      }),
    ),
  within: (turn, run) =>
    Effect.suspend(() => {
      turn.begin();
      return Effect.ensuring(
        Effect.suspend(run as () => Effect.Effect<unknown>),
        Effect.sync(() => turn.rest()),
      );
    }),
  // Whoever wants an Effect no longer interrupts it.
  unless: (_, run) => run(),
  transaction: (queue, who, run) =>
    Effect.scoped(
      Effect.flatMap(taken(queue, who), (turn) =>
        Effect.withFiber((fiber) => {
          // Until its BEGIN is answered.
          turn.begin();
          return Effect.provideService(
            Effect.suspend(() => run(turn)),
            Holding,
            { turn, outer: Context.get(fiber.context, Holding) },
          );
        }),
      ),
    ),
  stream: (queue, who, open) =>
    Effect.succeed(
      Stream.unwrap(
        Effect.flatMap(taken(queue, who), (turn) => {
          turn.stream();
          return (open as () => Effect.Effect<Stream.Stream<unknown>>)();
        }),
      ),
    ),
};
