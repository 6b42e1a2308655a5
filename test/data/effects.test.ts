/** The same as Effects: errors in the type, and interruptions that leave nothing behind. */
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Fiber from 'effect/Fiber';
import * as Stream from 'effect/Stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tenantData } from '../../src/effect/index.js';
import { firm, hard, textOf, type Hard } from './hard.js';

const [one, three, nobody] = [1, 3, 404].map((it) => firm.parse(it)) as any[];
let here: Hard;
beforeAll(async () => void (here = await hard([1, 2])));
afterAll(() => here?.close());

const idle = async () =>
  (
    (await here.run(
      'select count(*)::int as n from pg_stat_activity where datname = current_database() ' +
        "and state like 'idle in transaction%'",
    )) as any
  )[0].n;

test('from one stream into another tenant, and away', async () => {
  const before = await textOf(here);
  const data = tenantData(here.db.tenantData(one)) as any;
  const imported: any = await Effect.runPromise(data.import(data.export(), { as: three }));
  expect(imported.tenant).toBe('3');
  expect(await Effect.runPromise(data.compare(here.db, { as: three }))).toMatchObject({ isEqual: true });
  await Effect.runPromise((tenantData(here.db.tenantData(three)) as any).erase({ reason: 'test' }));
  expect(await textOf(here)).toEqual(before);
});

test('errors are those of the library, or of the source', async () => {
  const failing = (effect: any) => Effect.runPromise(Effect.flip(effect)) as any;
  const data = tenantData(here.db.tenantData(one)) as any;
  expect(await failing(Stream.runDrain((tenantData(here.db.tenantData(nobody)) as any).export()))).toMatchObject({
    _tag: 'TenantNotFoundError',
  });
  expect(await failing(data.import(data.export()))).toMatchObject({ _tag: 'TenantExistsError' });
  expect(await failing(data.import(Stream.fail({ _tag: 'Mine' })))).toEqual({ _tag: 'Mine' });
});

test('an export that is interrupted gives its connection back', async () => {
  const data = tenantData(here.db.tenantData(one)) as any;
  const fiber = Effect.runFork(Stream.runForEach(data.export({ gzip: false }), () => Effect.never) as any);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await Effect.runPromise(Fiber.interrupt(fiber));
  expect(Exit.isFailure(await Effect.runPromise(Fiber.await(fiber)))).toBe(true);
  await expect.poll(idle).toBe(0);
});
