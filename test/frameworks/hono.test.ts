import { createServer } from 'node:http';
import { Hono } from 'hono';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { claim, pathSegment, subdomain, tenantMiddleware } from '../../src/frameworks/hono.js';
import {
  account,
  database,
  listening,
  names,
  optionsFor,
  partsAsStream,
  ran,
  webListener,
  withstands,
  type Handle,
} from './support.js';

describe('hono', () => {
  withstands(async () => {
    const { own, accounts, host, header, fails } = optionsFor((c, name) => c.req.header(name), subdomain, pathSegment);
    const app = new Hono()
      .onError((error, c) => ('getResponse' in error ? (error.getResponse as () => Response)() : c.text('wrong', 500)))
      .get('/own', tenantMiddleware(own), async (c) => c.json(await names(c.var.tdb)))
      .get('/accounts/:id', tenantMiddleware(accounts), async (c) => c.json(await names(c.var.tdb)))
      .get('/host', tenantMiddleware({ ...host, as: 'company' }), async (c) => c.json(await names(c.var.company)))
      .get('/header', tenantMiddleware(header), async (c) => c.json(await names(c.var.tdb)))
      .get('/stream', tenantMiddleware(own), (c) => c.body(partsAsStream(c.var.tdb)))
      .get('/fails', tenantMiddleware(fails), (c) => (ran.times++, c.text('ran')))
      // @ts-expect-error no middleware stands before it
      .get('/none', async (c) => c.json(await names(c.var.tdb)));
    return listening(createServer(webListener((request) => app.fetch(request))));
  });

  test('the handle is typed by its tenancy, with its relations, and a header alone does not compile', () => {
    const shared = { db: database.db, tenancy: account, user: () => ({ accountId: 'x' }) };
    new Hono().get('/', tenantMiddleware({ ...shared, tenant: claim('accountId') }), (c) => {
      expectTypeOf(c.var.tdb).toExtend<Handle>();
      return c.text('');
    });
    // @ts-expect-error nobody has said who may use it
    expect(() => tenantMiddleware({ ...shared, tenant: (c) => c.req.header('x-account') })).toThrow('Say in `access`');
    // @ts-expect-error there is no such claim
    tenantMiddleware({ ...shared, tenant: claim('account') });
  });
});
