import { createServer, type IncomingMessage } from 'node:http';
import { initTRPC, TRPCError } from '@trpc/server';
import { getHTTPStatusCodeFromError } from '@trpc/server/http';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { claim, pathSegmentOf, subdomainOf, tenantMiddleware, type TenantCall } from '../../src/frameworks/trpc.js';
import { account, database, listening, names, optionsFor, parts, ran, withstands, type Handle } from './support.js';

interface Context {
  readonly request: IncomingMessage;
}

describe('trpc', () => {
  withstands(async () => {
    const { own, accounts, host, header, fails } = optionsFor(
      ({ ctx }: TenantCall<Context>, name) => ctx.request.headers[name] as string | undefined,
      (domain) =>
        ({ ctx }) =>
          subdomainOf(ctx.request.headers.host, domain),
      (position) =>
        ({ ctx }) =>
          pathSegmentOf(ctx.request.url, position),
    );
    const { procedure, router, createCallerFactory } = initTRPC.context<Context>().create();
    const app = router({
      own: procedure.use(tenantMiddleware(own)).query(({ ctx }) => names(ctx.tdb)),
      accounts: procedure.use(tenantMiddleware(accounts)).query(({ ctx }) => names(ctx.tdb)),
      host: procedure.use(tenantMiddleware({ ...host, as: 'company' })).query(({ ctx }) => names(ctx.company)),
      header: procedure.use(tenantMiddleware(header)).query(({ ctx }) => names(ctx.tdb)),
      stream: procedure.use(tenantMiddleware(own)).query(async function* ({ ctx }) {
        yield* parts(ctx.tdb);
      }),
      fails: procedure.use(tenantMiddleware(fails)).query(() => (ran.times++, 'ran')),
      // @ts-expect-error no middleware stands before it
      none: procedure.query(({ ctx }) => names(ctx.tdb)),
    });
    const callerOf = createCallerFactory(app);
    const server = createServer(async (request, response) => {
      try {
        const answer = await (callerOf({ request }) as any)[pathSegmentOf(request.url, 0)!]();
        if (Symbol.asyncIterator in answer) for await (const part of answer) response.write(part);
        else response.write(JSON.stringify(answer));
      } catch (error) {
        const expected = error as TRPCError;
        response.statusCode = getHTTPStatusCodeFromError(expected);
        response.write(JSON.stringify({ error: response.statusCode < 500 ? expected.message : 'wrong' }));
      }
      response.end();
    });
    return listening(server);
  });

  test('the handle is typed by its tenancy, with its relations, and keeps what the context has', async () => {
    const { procedure, router, createCallerFactory } = initTRPC
      .context<{ user?: { accountId: string }; more: number }>()
      .create();
    const shared = {
      db: database.db,
      tenancy: account,
      user: ({ ctx }: TenantCall<{ user?: { accountId: string } }>) => ctx.user,
    };
    const forTenant = tenantMiddleware({ ...shared, tenant: claim('accountId') });
    const app = router({
      more: procedure.use(forTenant).query(({ ctx }) => {
        expectTypeOf(ctx.tdb).toExtend<Handle>();
        expectTypeOf(ctx.more).toEqualTypeOf<number>();
        return ctx.more;
      }),
    });
    expect(
      await createCallerFactory(app)({ user: { accountId: 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa' }, more: 7 }).more(),
    ).toBe(7);
    await expect(createCallerFactory(app)({ more: 7 }).more()).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    // @ts-expect-error the context has no such user
    initTRPC.context<{ user: string }>().create().procedure.use(forTenant);
    // @ts-expect-error nobody has said who may use it
    expect(() => tenantMiddleware({ ...shared, tenant: ({ input }) => input })).toThrow('Say in `access`');
  });
});
