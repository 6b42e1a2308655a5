/** What the middlewares share: who is nobody, what is no tenant, what is no permission. */
import { integer, uuid } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { pathSegmentOf, subdomainOf } from '../../src/frameworks/names.js';
import { claim, RequestHandles, tenantOf } from '../../src/frameworks/tenant.js';
import { tenancy, type TenancyDatabase } from '../../src/index.js';

const school = tenancy('school', integer);
const db = { forTenant: (id: unknown) => ({ id }) } as unknown as TenancyDatabase;
const id = (options: any) =>
  tenantOf<any, any, any, any>({ db, tenancy: school, user: () => ({ school: 7 }), tenant: () => 7, ...options })(
    {},
  ).then(
    (it: any) => it.id,
    (error) => error.status ?? error,
  );

describe('a tenant', () => {
  test('is named by a number, also by one that is a status', async () => {
    for (const number of [404, 401, 403, 7])
      expect(await id({ tenant: () => number, access: () => true })).toBe(number);
  });

  test("is nobody's, where nobody asks", async () => {
    for (const user of [undefined, null, false, '', 0, Number.NaN])
      expect(await id({ user: () => user, access: () => true })).toBe(401);
    expect(await id({ user: async () => undefined, access: () => true })).toBe(401);
  });

  test('is used by who may, and nothing else counts as a permission', async () => {
    for (const yes of [true, 'granted', Promise.resolve(true)]) expect(await id({ access: () => yes })).toBe(7);
    expect(await id({ access: async () => 'denied' })).toBe(403);
    for (const no of [false, 'unknown', undefined, null, 1, 'true', 'Granted', {}, [], [true], () => true])
      expect(await id({ access: () => no })).toBe(404);
  });

  test("is what a claim says, and only a claim of the user's own", async () => {
    expect(await id({ tenant: claim('school') })).toBe(7);
    expect(await id({ tenant: claim('school'), access: () => false })).toBe(404);
    expect(await id({ tenant: claim('other') })).toBe(404);
    expect(await id({ tenant: claim('school'), user: () => Object.create({ school: 7 }) })).toBe(404);
    for (const it of [['7'], { valueOf: () => 7 }, Number.NaN, null, '07', true])
      expect(await id({ tenant: claim('school'), user: () => ({ school: it }) })).toBe(404);
  });

  test('is parsed before it is asked about', async () => {
    const asked: unknown[] = [];
    for (const named of ['x', [7], { toString: () => '7' }, 7.5, undefined])
      expect(await id({ tenant: () => named, access: (it: unknown) => (asked.push(it), true) })).toBe(404);
    expect(asked).toEqual([]);
    const account = tenancy('account', uuid);
    expect(
      await id({
        tenancy: account,
        tenant: () => 'AAAAAAAA-AAAA-4AAA-8AAA-AAAAAAAAAAAA',
        access: (it: unknown) => (asked.push(it), true),
      }),
    ).toBe(asked[0]);
    expect(asked).toEqual(['aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa']);
  });

  test('is not looked for with half of the options', () => {
    const whole = { db, tenancy: school, user: () => ({ school: 7 }), tenant: claim('school') };
    for (const [change, says] of [
      [{ db: {} }, 'Give `db`'],
      [{ tenancy: undefined }, 'Give `tenancy`'],
      [{ user: undefined }, 'Say in `user`'],
      [{ tenant: undefined }, 'Say in `tenant`'],
      [{ tenant: 'school' }, 'Say in `tenant`'],
      [{ tenant: () => 7 }, 'Say in `access`'],
      [{ access: true }, 'Say in `access`'],
    ] as const) {
      expect(() => tenantOf({ ...whole, ...change } as any)).toThrow(says);
    }
  });

  test('what is thrown is an error: Express goes on with nothing, and with `route`', async () => {
    for (const reason of [undefined, null, 'route', 'router', 0]) {
      for (const where of ['user', 'tenant', 'access']) {
        expect(await id({ access: () => true, [where]: () => Promise.reject(reason) })).toBeInstanceOf(Error);
      }
    }
  });

  test('is forgotten where a second look refuses', async () => {
    let isMember = true;
    const handles = new RequestHandles(
      tenantOf<object, any, any, any>({
        db,
        tenancy: school,
        user: () => ({ school: 7 }),
        tenant: claim('school'),
        access: () => isMember,
      }),
    );
    const request = {};
    await handles.open(request);
    expect(handles.of(request)).toEqual({ id: 7 });
    isMember = false;
    await expect(handles.open(request)).rejects.toMatchObject({ status: 404 });
    expect(() => handles.of(request)).toThrow('Put the tenant middleware before');
  });
});

test('a subdomain is one label before the domain', () => {
  for (const host of ['acme.example.com', 'ACME.Example.COM:8080'])
    expect(subdomainOf(host, 'Example.com')).toBe('acme');
  const hostile = [
    'example.com',
    '.example.com',
    'a.b.example.com',
    'acme.example.com.evil.com',
    'acmeexample.com',
    'acme.example.com:x',
    'acme.example.com:80:80',
    'acme.example.com@evil.com',
    'evil.com/.example.com',
    'acme.example.com, birch.example.com',
    '-acme.example.com',
    'ac_me.example.com',
    `${'a'.repeat(64)}.example.com`,
    `${'a.'.repeat(200)}example.com`,
    '\u212Aay.example.com',
    'acme\0.example.com',
    ' acme.example.com',
    'acme.example.com\n',
    '[::1]',
    '127.0.0.1',
    '',
    undefined,
    null,
    ['acme.example.com'],
    7,
  ];
  for (const host of hostile) expect(subdomainOf(host, 'example.com'), String(host)).toBe(undefined);
  for (const domain of ['', '.example.com', 'http://example.com', 'example.com:80', '*.example.com', undefined])
    expect(() => subdomainOf('a.example.com', domain as string)).toThrow('Give the domain alone');
});

test('a segment of a path is decoded once', () => {
  expect(pathSegmentOf('/accounts/acme/projects?x=/y', 1)).toBe('acme');
  expect(pathSegmentOf('/accounts/a%20b', 1)).toBe('a b');
  expect(pathSegmentOf('/accounts/%2561', 1)).toBe('%61');
  const hostile = [
    '/accounts',
    '/accounts/',
    '/accounts//acme',
    '/accounts?/acme',
    '/accounts#/acme',
    '/accounts/..',
    '/accounts/%2e%2e',
    '/accounts/.',
    '/accounts/a%2fb',
    '/accounts/a%5cb',
    '/accounts/%00',
    '/accounts/%E0%A4%A',
    '/accounts/%',
    'http://evil/accounts/acme',
    '*',
    '',
    undefined,
    ['/accounts/acme'],
  ];
  for (const path of hostile) expect(pathSegmentOf(path, 1), String(path)).toBe(undefined);
  for (const position of [-1, 0.5, '1', Number.NaN])
    expect(() => pathSegmentOf('/a', position as number)).toThrow('Count the segments');
});
