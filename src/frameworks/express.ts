/**
 * Express: a middleware that finds the tenant of a request, and what gives its database to a handler.
 *
 * @module drizzle-tenant/express
 */
import type { NextFunction, Request, Response } from 'express';
import { pathSegmentOf, subdomainOf } from './names.js';
import { RequestHandles, tenantOf, type AnyDatabase, type HandleOf, type TenantOptions } from './tenant.js';

export { claim, type Access, type Claim, type TenantOptions } from './tenant.js';

/**
 * The label before the application's domain. Behind a proxy, Express's setting `trust proxy` says whose word on the
 * host counts.
 */
export const subdomain = (domain: string) => (request: Request) => subdomainOf(request.hostname, domain);

/** A segment of the URL's path, counted from 0, wherever a router is mounted. */
export const pathSegment = (position: number) => (request: Request) => pathSegmentOf(request.originalUrl, position);

/** A middleware, with the database of each request that has passed it. */
export interface TenantMiddleware<Handle> {
  <P, Body, Given, Query, Locals extends Record<string, any>>(
    request: Request<P, Body, Given, Query, Locals>,
    response: Response<Body, Locals>,
    next: NextFunction,
  ): void;
  /**
   * @param request one that has passed the middleware
   * @throws UnsupportedTenantOperationError where the request has not
   */
  tdb(request: Request<any, any, any, any, any>): Handle;
}

/**
 * @param options who asks, which tenant, and who may use it
 * @returns the middleware; it gives Express's error handlers a TenantAccessError, whose `status` is 401, 404 or 403
 * @throws UnsupportedTenantOperationError for options that would let a request choose its tenant by itself
 * @example
 * const app = express();
 * const forTenant = tenantMiddleware({
 *   db,
 *   tenancy: account,
 *   user: (request) => verify(request.headers.authorization),
 *   tenant: claim('accountId'),
 * });
 * app.get('/projects', forTenant, async (request, response) => {
 *   response.json(await forTenant.tdb(request).select().from(projects));
 * });
 */
export function tenantMiddleware<User, Name extends string, Db extends AnyDatabase, Data = unknown>(
  options: TenantOptions<Request, User, Name, Db, Data>,
): TenantMiddleware<HandleOf<Name, Db, Data>> {
  const handles = new RequestHandles(tenantOf(options));
  const middleware = (request: any, _response: unknown, next: NextFunction): void =>
    void handles.open(request).then(() => next(), next);
  return Object.assign(middleware, { tdb: (request: Request) => handles.of(request) });
}
