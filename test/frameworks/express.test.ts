import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import express, { type ErrorRequestHandler } from 'express';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { claim, pathSegment, subdomain, tenantMiddleware } from '../../src/frameworks/express.js';
import { account, database, listening, names, optionsFor, parts, ran, withstands, type Handle } from './support.js';

describe('express', () => {
  withstands(async () => {
    const options = optionsFor((request, name) => request.get(name), subdomain, pathSegment);
    const [own, accounts, host, header, fails] = [
      options.own,
      options.accounts,
      options.host,
      options.header,
      options.fails,
    ].map((it) => tenantMiddleware(it as typeof options.accounts)) as [Tenant, Tenant, Tenant, Tenant, Tenant];
    const app = express().disable('x-powered-by');
    app.get('/own', own, async (request, response) => void response.json(await names(own.tdb(request))));
    // Within a router, `request.url` lacks what it is mounted on.
    app.use(
      '/accounts/:id',
      accounts,
      express.Router().get('/', async (request, response) => void response.json(await names(accounts.tdb(request)))),
    );
    app.get('/host', host, async (request, response) => void response.json(await names(host.tdb(request))));
    app.get('/header', header, async (request, response) => void response.json(await names(header.tdb(request))));
    app.get('/stream', own, (request, response) => void Readable.from(parts(own.tdb(request))).pipe(response));
    app.get('/fails', fails, (_, response) => void (ran.times++, response.end('ran')));
    app.get('/fails', (_, response) => void (ran.times++, response.end('ran')));
    // Express 4 leaves a rejected promise to the handler.
    app.get('/none', (request, response, next) => {
      Promise.resolve()
        .then(async () => void response.json(await names(own.tdb(request))))
        .catch(next);
    });
    const onError: ErrorRequestHandler = (error, _request, response, _next) =>
      void response.status(error.status ?? 500).json({ error: error.expose ? error.message : 'wrong' });
    return listening(createServer(app.use(onError)));
  });
  type Tenant = ReturnType<typeof tenantMiddleware<any, 'account', typeof database.db, string>>;

  test('the handle is typed by its tenancy, with its relations, and a header alone does not compile', () => {
    const shared = { db: database.db, tenancy: account, user: () => ({ accountId: 'x' }) };
    const forTenant = tenantMiddleware({ ...shared, tenant: claim('accountId') });
    expectTypeOf(forTenant.tdb).returns.toExtend<Handle>();
    express().get('/:id', forTenant, (request) => void expectTypeOf(request.params.id).toEqualTypeOf<string>());
    // @ts-expect-error nobody has said who may use it
    expect(() => tenantMiddleware({ ...shared, tenant: (request) => request.get('x-account') })).toThrow(
      'Say in `access`',
    );
  });
});
