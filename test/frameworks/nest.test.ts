/** NestJS on Express. Decorators are called by hand: the compiler of this project has them switched off. */
import 'reflect-metadata';
import { Readable } from 'node:stream';
import { Controller, Get, Module, Req, StreamableFile, UseGuards, type ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { claim, pathSegment, subdomain, tenantGuard, type TenantGuard } from '../../src/frameworks/nest.js';
import { account, database, names, optionsFor, parts, ran, withstands, type Handle } from './support.js';

describe('nest', () => {
  withstands(async () => {
    const options = optionsFor((request, name) => request.headers[name], subdomain, pathSegment);
    const own = tenantGuard(options.own);
    class Controllers {
      names = (tdb: Handle) => names(tdb);
      stream = (tdb: Handle) => new StreamableFile(Readable.from(parts(tdb)), { type: 'text/plain' });
      fails = () => (ran.times++, 'ran');
      none = (request: object) => names(own.tdb(request));
    }
    const route = (
      path: string,
      method: keyof Controllers,
      guard: TenantGuard<any> | undefined,
      parameter: ParameterDecorator = guard!.Tdb(),
    ) => {
      const controller = class {
        declare handle: unknown;
      };
      controller.prototype.handle = new Controllers()[method];
      Get(path)(controller.prototype, 'handle', Object.getOwnPropertyDescriptor(controller.prototype, 'handle')!);
      parameter(controller.prototype, 'handle', 0);
      if (guard) UseGuards(guard)(controller);
      Controller()(controller);
      return controller;
    };
    class App {}
    Module({
      controllers: [
        route('own', 'names', own),
        route('accounts/:id', 'names', tenantGuard(options.accounts)),
        route('host', 'names', tenantGuard(options.host)),
        route('header', 'names', tenantGuard(options.header)),
        route('stream', 'stream', own),
        route('fails', 'fails', tenantGuard(options.fails)),
        route('none', 'none', undefined, Req()),
      ],
    })(App);
    const app = await NestFactory.create(App, { logger: false });
    await app.listen(0, '127.0.0.1');
    return { port: app.getHttpServer().address().port, close: () => app.close() };
  });

  test('the handle is typed by its tenancy, with its relations, and a header alone does not compile', () => {
    const shared = { db: database.db, tenancy: account, user: () => ({ accountId: 'x' }) };
    expectTypeOf(tenantGuard({ ...shared, tenant: claim('accountId') }).tdb).returns.toExtend<Handle>();
    // @ts-expect-error nobody has said who may use it
    expect(() => tenantGuard({ ...shared, tenant: (request) => request.headers['x-account'] })).toThrow(
      'Say in `access`',
    );
  });

  test('what is no HTTP has no request', async () => {
    const guard = tenantGuard({
      db: database.db,
      tenancy: account,
      user: () => ({ accountId: 'x' }),
      tenant: claim('accountId'),
    });
    await expect(
      (async () => guard.canActivate({ getType: () => 'graphql' } as unknown as ExecutionContext))(),
    ).rejects.toThrow('answer HTTP');
  });
});
