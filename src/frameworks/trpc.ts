/**
 * tRPC: a middleware that puts the tenant's database into the context of a procedure.
 *
 * @module drizzle-tenant/trpc
 */
import { TRPCError, type TRPCMiddlewareFunction } from '@trpc/server';
import { TenantAccessError } from '../errors.js';
import { tenantOf, type AnyDatabase, type HandleOf, type TenantOptions } from './tenant.js';

export { pathSegmentOf, subdomainOf } from './names.js';
export { claim, type Access, type Claim, type TenantOptions } from './tenant.js';

/**
 * What is known of a call: the application's context, and the input, which is validated where `.input()` stands before.
 */
export interface TenantCall<Context> {
  readonly ctx: Context;
  readonly input: unknown;
}

const codes = { 401: 'UNAUTHORIZED', 403: 'FORBIDDEN', 404: 'NOT_FOUND' } as const;

/**
 * A procedure behind it has `ctx.tdb`, typed by its tenancy; without it, `ctx.tdb` does not compile.
 *
 * @param options who asks, which tenant, and who may use it; `as` names it in the context, where one application has
 * two tenancies
 * @returns the middleware; it throws a TRPCError with UNAUTHORIZED, NOT_FOUND or FORBIDDEN
 * @throws UnsupportedTenantOperationError for options that would let a call choose its tenant by itself
 * @example
 * type Context = { readonly user?: { readonly accountId: string } };
 * const t = initTRPC.context<Context>().create();
 * const tenantProcedure = t.procedure.use(
 *   tenantMiddleware({
 *     db,
 *     tenancy: account,
 *     user: ({ ctx }: TenantCall<Context>) => ctx.user,
 *     tenant: claim('accountId'),
 *   }),
 * );
 * const list = tenantProcedure.query(({ ctx }) => ctx.tdb.select().from(projects));
 */
export function tenantMiddleware<
  Context,
  User,
  Name extends string,
  Db extends AnyDatabase,
  As extends string = 'tdb',
  Data = unknown,
>(
  options: TenantOptions<TenantCall<Context>, User, Name, Db, Data> & { readonly as?: As },
): TRPCMiddlewareFunction<Context, any, object, { [K in As]: HandleOf<Name, Db, Data> }, any> {
  const resolve = tenantOf(options);
  const key = options.as ?? 'tdb';
  return async ({ ctx, input, next }) => {
    const tdb = await resolve({ ctx: ctx as Context, input }).catch((error) => {
      throw error instanceof TenantAccessError
        ? new TRPCError({ code: codes[error.status], message: error.message })
        : error;
    });
    return next({ ctx: { [key]: tdb } as { [K in As]: HandleOf<Name, Db, Data> } });
  };
}
