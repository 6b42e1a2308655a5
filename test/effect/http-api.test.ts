import { Layer } from 'effect';
import { HttpRouter, HttpServer } from 'effect/http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApiLive } from './api.js';
import { testDatabase } from './database.js';
import { a, b, c } from './schema.js';

const test = testDatabase('http');
let app: { handler: (request: Request) => Promise<Response>; dispose: () => Promise<void> };
beforeAll(() => {
  app = HttpRouter.toWebHandler(
    ApiLive.pipe(Layer.provide(test.layer()), Layer.provideMerge(HttpServer.layerServices)) as any,
    { disableLogger: true },
  ) as any;
});
afterAll(() => app?.dispose());

async function get(path: string, user?: string, body?: unknown) {
  const headers = { ...(user ? { authorization: `Bearer ${user}` } : {}), 'content-type': 'application/json' };
  const response = await app.handler(
    new Request(`http://localhost${path}`, {
      headers,
      ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
    }),
  );
  return { status: response.status, text: await response.text() };
}
const nobody = 'dddddddd-dddd-4ddd-8ddd-dddddddddddd';

it('gives a handler the tenant of its request', async () => {
  expect(await get(`/accounts/${a}/titles`, 'ann')).toEqual({ status: 200, text: JSON.stringify([a, a, a]) });
  const both = await Promise.all(Array.from({ length: 40 }, (_, i) => get(`/accounts/${i % 2 ? a : b}/titles`, 'ben')));
  both.forEach(({ text }, i) => expect(JSON.parse(text)).toEqual(Array(3).fill(i % 2 ? a : b)));
});

it('writes into the tenant, and answers for a constraint of the tenant alone', async () => {
  expect((await get(`/accounts/${b}/projects`, 'ben', { id: 60, name: 'sixty' })).status).toBe(200);
  expect((await get(`/accounts/${a}/projects`, 'ben', { id: 60, name: 'sixty' })).status).toBe(200);
  expect((await get(`/accounts/${a}/projects`, 'ben', { id: 60, name: 'sixty' })).status).toBe(409);
});

it('answers 401, 404 and 403, and says no more', async () => {
  const anonymous = [
    await get(`/accounts/${a}/titles`),
    await get(`/accounts/${nobody}/titles`),
    await get('/accounts/x/titles'),
    await get(`/accounts/${a}/titles`, 'eve'),
  ];
  expect(anonymous.map((it) => it.status)).toEqual([401, 401, 401, 401]);
  const unknown = [
    await get(`/accounts/${nobody}/titles`, 'ann'),
    await get('/accounts/x/titles', 'ann'),
    await get(`/accounts/${encodeURIComponent("' or 1=1 --")}/titles`, 'ann'),
  ];
  expect(unknown.map((it) => it.status)).toEqual([404, 404, 404]);
  const others = [await get(`/accounts/${b}/titles`, 'ann'), await get(`/accounts/${c}/titles`, 'ann')];
  expect(others.map((it) => it.status)).toEqual([403, 403]);
  for (const group of [anonymous, unknown, others]) expect(new Set(group.map((it) => it.text)).size).toBe(1);
  for (const { text } of [...anonymous, ...unknown, ...others]) expect(text).toMatch(/^(\{"_tag":"\w+"\})?$/);
});

it('answers 404 for the tenant of another user where that is concealed', async () => {
  const [other, none, own] = [
    await get(`/hidden/${b}`, 'ann'),
    await get(`/hidden/${nobody}`, 'ann'),
    await get(`/hidden/${a}`, 'ann'),
  ];
  expect(other).toEqual(none);
  expect([other.status, own]).toEqual([404, { status: 200, text: '3' }]);
});
