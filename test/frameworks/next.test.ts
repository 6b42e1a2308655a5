/**
 * As Next calls route handlers: with a Request, and with the path's parameters as a promise. `npm run check:runtimes`
 * runs Next itself.
 */
import { createServer } from 'node:http';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { claim, pathSegment, subdomain, tenantRoute } from '../../src/frameworks/next.js';
import {
  account,
  acme,
  database,
  listening,
  names,
  optionsFor,
  partsAsStream,
  ran,
  stranger,
  webListener,
  withstands,
  type Handle,
} from './support.js';

describe('next', () => {
  const list = async (tdb: Handle) => Response.json(await names(tdb));
  const shared = () => ({ db: database.db, tenancy: account, user: () => ({ accountId: acme }) });

  withstands(async () => {
    const { own, accounts, host, header, fails } = optionsFor(
      (request, name) => request.headers.get(name) ?? undefined,
      subdomain,
      pathSegment,
    );
    const routes: Record<string, (request: Request, context: any) => Promise<Response>> = {
      own: tenantRoute(own)(list),
      accounts: tenantRoute(accounts)(list),
      host: tenantRoute(host)(list),
      header: tenantRoute(header)(list),
      stream: tenantRoute(own)((tdb) => new Response(partsAsStream(tdb))),
      fails: tenantRoute(fails)(() => (ran.times++, new Response('ran'))),
      none: async () => {
        throw new Error('There is no database to be had.');
      },
    };
    const answer = (request: Request) =>
      routes[new URL(request.url).pathname.split('/')[1]!]!(request, { params: Promise.resolve({}) });
    return listening(createServer(webListener(answer)));
  });

  test('pages and actions ask for the database, by what Next gives them', async () => {
    const forTenant = tenantRoute({
      ...shared(),
      tenant: ({ params }) => params?.accountId,
      access: (id, user) => id === user.accountId,
    });
    const headers = new Headers();
    expect(await names(await forTenant.tdb({ headers, params: { accountId: acme } }))).toEqual(['acme 1', 'acme 2']);
    for (const params of [{ accountId: stranger }, { accountId: [acme] }, {}, undefined]) {
      await expect(forTenant.tdb({ headers, params })).rejects.toMatchObject({
        _tag: 'TenantAccessError',
        status: 404,
      });
    }
    const get = forTenant(list);
    expect((await get(new Request('http://x'), { params: Promise.resolve({ accountId: acme }) })).status).toBe(200);
    expect((await get(new Request('http://x'), undefined)).status).toBe(404);
  });

  test('the application may answer who is refused in its own words', async () => {
    const forTenant = tenantRoute({
      ...shared(),
      user: () => undefined,
      tenant: () => acme,
      access: () => true,
      refused: ({ status }) => new Response('Sign in.', { status, headers: { 'www-authenticate': 'Bearer' } }),
    });
    const response = await forTenant(list)(new Request('http://x'), {});
    expect([response.status, response.headers.get('www-authenticate'), await response.text()]).toEqual([
      401,
      'Bearer',
      'Sign in.',
    ]);
  });

  test('the handle is typed by its tenancy, with its relations, and a header alone does not compile', () => {
    expectTypeOf(tenantRoute({ ...shared(), tenant: claim('accountId') }).tdb).returns.resolves.toExtend<Handle>();
    // @ts-expect-error nobody has said who may use it
    expect(() => tenantRoute({ ...shared(), tenant: (request) => request.headers.get('x-account') })).toThrow(
      'Say in `access`',
    );
  });
});
