/**
 * Effect: its Pool opens in the background for whoever waits. It has more open than its `max`, and when attempts fail
 * while others are lost or interrupted, it keeps the failures and wakes nobody. Replaced by src/effect/pool.ts. It
 * needs no server.
 */
import * as Effect from 'effect/Effect';
import * as Fiber from 'effect/Fiber';
import * as Pool from 'effect/Pool';

let isFaulty = false;
let open = 0;
let most = 0;
for (let round = 0; round < 60 && !isFaulty; round++) {
  let attempt = 0;
  const acquire = Effect.acquireRelease(
    Effect.gen(function* () {
      most = Math.max(most, ++open);
      yield* Effect.sleep(1 + (attempt++ % 3));
      if ((attempt * 7 + round) % 3 !== 0) return yield* Effect.failSync(() => (open--, 'refused'));
      return attempt;
    }),
    () => Effect.sync(() => open--),
  );
  const use = (pool, i) =>
    Effect.scoped(
      Effect.gen(function* () {
        const it = yield* Pool.get(pool);
        yield* Effect.sleep(1);
        if (i % 4 === 0) yield* Pool.invalidate(pool, it);
      }),
    ).pipe(Effect.exit);
  const program = Effect.scoped(
    Effect.gen(function* () {
      const pool = yield* Pool.makeWithTTL({ acquire, min: 0, max: 3, timeToLive: 10_000 });
      const fibers = [];
      for (let i = 0; i < 24; i++) fibers.push(yield* Effect.forkChild(use(pool, i)));
      yield* Fiber.interrupt(fibers[5]);
      return yield* Effect.forEach(fibers, Fiber.await);
    }),
  );
  const fiber = Effect.runFork(program);
  const ended = await Promise.race([
    Effect.runPromise(Fiber.await(fiber)).then(() => true),
    new Promise((resolve) => setTimeout(resolve, 1_500, false)),
  ]);
  isFaulty = !ended;
}
console.log(
  isFaulty || most > 3 ? `faulty: ${isFaulty ? 'fibers wait for ever' : `${most} were open, and 3 may be`}` : 'mended',
);
process.exit(0);
