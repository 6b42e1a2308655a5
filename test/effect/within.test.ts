/** A statement of every tenant, in a transaction in which tenants have statements of their own. */
import { Deferred, Effect, Exit, Fiber } from 'effect';
import { expect, it } from 'vitest';
import { within, type Driver } from '../../src/effect/driver.js';
import { settingsOf } from '../../src/rls/settings.js';

const settings = settingsOf({ reach: { kind: 'all' }, tenancy: undefined }, 'everybody')!;

/** A connection that is told what to do at each text. */
function connection(at: (text: string) => Effect.Effect<unknown>) {
  const sent: string[] = [];
  const driver: Driver = {
    isTransaction: true,
    runsEffects: true,
    attributes: {},
    alone: (run) => run(driver),
    statement: (_, text) =>
      Effect.suspend(() => {
        sent.push(text!);
        const answer = text!.startsWith('select current_setting') ? Effect.succeed([{ role: 'none' }]) : at(text!);
        return answer as Effect.Effect<any>;
      }),
    transaction: () => Effect.die('none'),
  };
  return { sent, driver };
}
const back = ['set local row_security = on', 'set local role none'];

it.each(['set local row_security = off', 'the statement'])(
  'takes its role back where its fiber is interrupted, here at: %s',
  async (where) => {
    const program = Effect.gen(function* () {
      const begun = yield* Deferred.make<void>();
      const { sent, driver } = connection((text) =>
        text === where ? Effect.andThen(Deferred.succeed(begun, undefined), Effect.never) : Effect.void,
      );
      const fiber = yield* Effect.forkChild(within(driver, settings, () => Effect.void, 'the statement'));
      yield* Deferred.await(begun);
      yield* Fiber.interrupt(fiber);
      return sent.slice(sent.indexOf(where) + 1);
    });
    expect(await Effect.runPromise(program)).toEqual(back);
  },
);

it('takes it back where the statement fails, and says why that failed', async () => {
  const { sent, driver } = connection((text) =>
    text === 'the statement' || text === back[0] ? Effect.die(text) : Effect.void,
  );
  const exit = await Effect.runPromiseExit(within(driver, settings, () => Effect.void, 'the statement'));
  expect(Exit.isFailure(exit) && JSON.stringify(exit.cause)).toContain('the statement');
  expect(sent).toContain(back[0]);
});
