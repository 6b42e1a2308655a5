/** tRPC: a procedure behind the middleware has `ctx.tdb`; without it, `ctx.tdb` does not compile. */
import { initTRPC, TRPCError } from '@trpc/server';
import type { TenancyDatabase } from 'drizzle-tenant';
import { claim, tenantMiddleware, type TenantCall } from 'drizzle-tenant/trpc';
import { account } from '../schema.js';
import { createProject, findProject, listProjects } from './queries.js';
import { verify } from './session.js';

export interface Context {
  readonly authorization?: string | undefined;
}

const t = initTRPC.context<Context>().create({
  // What the database says goes into the log of an application, and to nobody else.
  errorFormatter: ({ shape, error }) =>
    error.code === 'INTERNAL_SERVER_ERROR' ? { ...shape, message: 'The server has made a mistake' } : shape,
});

/** A validator that throws is one for tRPC: an application has Zod, Valibot, Effect's Schema. */
const checked =
  <T>(is: (value: any) => value is T) =>
  (value: unknown): T => {
    if (is(value)) return value;
    throw new TypeError('The input is not as it should be');
  };

export function trpcRouter(db: TenancyDatabase) {
  const procedure = t.procedure.use(
    tenantMiddleware({
      db,
      tenancy: account,
      user: ({ ctx }: TenantCall<Context>) => verify(ctx.authorization),
      tenant: claim('account'),
    }),
  );
  return t.router({
    list: procedure.query(({ ctx }) => listProjects(ctx.tdb)),
    find: procedure.input(checked((it): it is number => Number.isSafeInteger(it))).query(async ({ ctx, input }) => {
      const found = await findProject(ctx.tdb, input);
      if (!found) throw new TRPCError({ code: 'NOT_FOUND', message: 'No such project' });
      return found;
    }),
    create: procedure
      .input(checked((it): it is { name: string } => typeof it?.name === 'string' && it.name !== ''))
      .mutation(({ ctx, input }) => createProject(ctx.tdb, input.name)),
  });
}

/**
 * For a server: `createHTTPHandler({ router, createContext: ({ req }) => ({ authorization: req.headers.authorization })
 * })`.
 */
export const callerOf = t.createCallerFactory;
