import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import Fastify, { type FastifyRequest } from 'fastify';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { claim, pathSegment, subdomain, tenantHook } from '../../src/frameworks/fastify.js';
import { account, database, names, optionsFor, parts, ran, withstands, type Handle } from './support.js';

describe('fastify', () => {
  withstands(async () => {
    const options = optionsFor(
      (request: FastifyRequest, name) => request.headers[name] as string | undefined,
      subdomain,
      pathSegment,
    );
    const [own, fails] = [tenantHook(options.own), tenantHook(options.fails)];
    const app = Fastify();
    app.setErrorHandler<Error & { statusCode?: number }>(
      (error, _, reply) =>
        void reply.code(error.statusCode ?? 500).send({ error: error.statusCode ? error.message : 'wrong' }),
    );
    app.register(async (scope) => {
      scope.addHook('onRequest', own);
      scope.get('/own', (request) => names(own.tdb(request)));
      scope.get('/stream', (request, reply) => reply.type('text/plain').send(Readable.from(parts(own.tdb(request)))));
    });
    for (const [path, hook] of [
      ['/accounts/:id', tenantHook(options.accounts)],
      ['/host', tenantHook(options.host)],
      ['/header', tenantHook(options.header)],
    ] as const) {
      app.get(path, { onRequest: hook }, (request) => names(hook.tdb(request)));
    }
    app.get('/fails', { onRequest: fails }, async () => (ran.times++, 'ran'));
    app.get('/none', (request) => names(own.tdb(request)));
    await app.listen({ port: 0, host: '127.0.0.1' });
    return { port: (app.addresses()[0] as AddressInfo).port, close: () => app.close() };
  });

  test('the handle is typed by its tenancy, with its relations, and a header alone does not compile', () => {
    const shared = { db: database.db, tenancy: account, user: () => ({ accountId: 'x' }) };
    expectTypeOf(tenantHook({ ...shared, tenant: claim('accountId') }).tdb).returns.toExtend<Handle>();
    // @ts-expect-error nobody has said who may use it
    expect(() => tenantHook({ ...shared, tenant: (request) => request.headers['x-account'] })).toThrow(
      'Say in `access`',
    );
  });
});
