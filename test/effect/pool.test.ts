import { Effect, Exit, Fiber, Scope } from 'effect';
import { expect, it } from 'vitest';
import { makePool, type Pooled } from '../../src/effect/pool.js';

const random = (n: number) => Math.floor(Math.random() * n);
const turns = async (n: number) => {
  for (let i = 0; i < n; i++) await new Promise<void>((resolve) => setImmediate(resolve));
};

/** A server whose connections fail and are lost by chance. */
function server(chance: { fail: number; lose: number }, ticks = () => random(4)) {
  const it = {
    open: 0,
    most: 0,
    connect: async () => {
      it.most = Math.max(it.most, ++it.open);
      await turns(ticks());
      if (Math.random() < chance.fail) {
        it.open--;
        throw new Error('refused');
      }
      let isLost = false;
      let ending: Promise<void> | undefined;
      return {
        isUsable: () => !isLost && !ending,
        lose: () => void (isLost ||= Math.random() < chance.lose),
        end: () => (ending ??= turns(ticks()).then(() => void it.open--)),
      } satisfies Pooled & { lose: () => void };
    },
  };
  return it;
}

it('answers everybody, and opens no more than it may, while attempts fail and fibers are interrupted', async () => {
  const until = Date.now() + 3_000;
  for (let round = 0; Date.now() < until; round++) {
    const it = server({ fail: Math.random(), lose: Math.random() });
    const program = Effect.gen(function* () {
      const lend = yield* makePool({ open: it.connect, max: 5, idleTimeout: 60 });
      const work = Effect.scoped(
        Effect.flatMap(lend, (lent) => Effect.promise(() => turns(random(4)).then(lent.lose))),
      );
      const fiber = () => Effect.exit(Effect.forEach([1, 2, 3], () => work));
      const some = Array.from({ length: 15 }, () => (random(5) ? fiber() : Effect.timeoutOption(fiber(), 2)));
      return (yield* Effect.all(some, { concurrency: 'unbounded' })).length;
    });
    expect(await Effect.runPromise(Effect.scoped(program).pipe(Effect.timeout(3_000)))).toBe(15);
    expect(it.open).toBe(0);
    expect(it.most).toBeLessThanOrEqual(5);
  }
});

it('keeps a connection that was opened for a fiber that waits no longer', async () => {
  const it = server({ fail: 0, lose: 0 }, () => 10);
  const program = Effect.gen(function* () {
    const lend = yield* makePool({ open: it.connect, max: 1, idleTimeout: 60 });
    const fiber = yield* Effect.forkChild(Effect.scoped(lend), { startImmediately: true });
    yield* Fiber.interrupt(fiber);
    const atOnce = it.open;
    yield* Effect.scoped(lend);
    return { atOnce, most: it.most, open: it.open };
  });
  expect(await Effect.runPromise(Effect.scoped(program))).toEqual({ atOnce: 1, most: 1, open: 1 });
  expect(it.open).toBe(0);
});

it('closes what nobody has used for a while, and lends what was used last', async () => {
  const it = server({ fail: 0, lose: 0 });
  const program = Effect.gen(function* () {
    const lend = yield* makePool({ open: it.connect, max: 3, idleTimeout: 0.1 });
    const lendFor = (milliseconds: number) => Effect.scoped(Effect.andThen(lend, Effect.sleep(milliseconds)));
    yield* Effect.all([lendFor(20), lendFor(20), lendFor(20)], { concurrency: 'unbounded' });
    const open = [it.open];
    for (let i = 0; i < 10; i++) yield* lendFor(20);
    open.push(it.open);
    yield* Effect.sleep(200);
    return [...open, it.open];
  });
  expect(await Effect.runPromise(Effect.scoped(program))).toEqual([3, 1, 0]);
});

it('waits for what is lent when it closes, and lends no more', async () => {
  const it = server({ fail: 0, lose: 0 });
  const program = Effect.gen(function* () {
    const own = yield* Scope.make();
    const lend = yield* Scope.provide(makePool({ open: it.connect, max: 2, idleTimeout: 60 }), own);
    const borrower = yield* Scope.make();
    yield* Scope.provide(lend, borrower);
    const closing = yield* Effect.forkChild(Scope.close(own, Exit.void), { startImmediately: true });
    const refused = yield* Effect.flip(Effect.scoped(lend));
    yield* Effect.promise(() => turns(20));
    const before = { isClosed: closing.pollUnsafe() !== undefined, open: it.open };
    yield* Scope.close(borrower, Exit.void);
    yield* Fiber.join(closing);
    return { refused: refused.reason._tag, before, open: it.open };
  });
  expect(await Effect.runPromise(program)).toEqual({
    refused: 'UnsupportedTenantOperationError',
    before: { isClosed: false, open: 1 },
    open: 0,
  });
});
