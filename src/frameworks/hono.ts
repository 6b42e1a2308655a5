/**
 * Hono: a middleware that puts the tenant's database into the context.
 *
 * @module drizzle-tenant/hono
 */
import type { Context, Env, MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { TenantAccessError } from '../errors.js';
import { pathSegmentOf, subdomainOf } from './names.js';
import { tenantOf, type AnyDatabase, type HandleOf, type TenantOptions } from './tenant.js';

export { claim, type Access, type Claim, type TenantOptions } from './tenant.js';

/** The label before the application's domain, of the URL that Hono sees. */
export const subdomain = (domain: string) => (c: Context) => subdomainOf(new URL(c.req.url).host, domain);

/** A segment of the URL's path, counted from 0. */
export const pathSegment = (position: number) => (c: Context) => pathSegmentOf(new URL(c.req.url).pathname, position);

/**
 * A handler behind it has `c.var.tdb`, typed by its tenancy; without it, `c.var.tdb` does not compile.
 *
 * @param options who asks, which tenant, and who may use it; `as` names the variable, where one application has two
 * tenancies
 * @returns the middleware; it throws Hono's HTTPException with 401, 404 or 403
 * @throws UnsupportedTenantOperationError for options that would let a request choose its tenant by itself
 * @example
 * const app = new Hono();
 * const forTenant = tenantMiddleware({
 *   db,
 *   tenancy: account,
 *   user: (c) => verify(c.req.header('authorization')),
 *   tenant: claim('accountId'),
 * });
 * app.get('/projects', forTenant, async (c) => c.json(await c.var.tdb.select().from(projects)));
 */
export function tenantMiddleware<
  User,
  Name extends string,
  Db extends AnyDatabase,
  E extends Env = any,
  As extends string = 'tdb',
  Data = unknown,
>(
  options: TenantOptions<Context<E>, User, Name, Db, Data> & { readonly as?: As },
): MiddlewareHandler<{ Variables: { [K in As]: HandleOf<Name, Db, Data> } }> {
  const resolve = tenantOf(options);
  const key = options.as ?? 'tdb';
  return async (c, next) => {
    const tdb = await resolve(c as unknown as Context<E>).catch((error) => {
      throw error instanceof TenantAccessError ? new HTTPException(error.status, { message: error.message }) : error;
    });
    c.set(key as As, tdb as any);
    await next();
  };
}
