/**
 * Fastify: a hook that finds the tenant of a request, and what gives its database to a handler.
 *
 * @module drizzle-tenant/fastify
 */
import type { FastifyRequest } from 'fastify';
import { pathSegmentOf, subdomainOf } from './names.js';
import { RequestHandles, tenantOf, type AnyDatabase, type HandleOf, type TenantOptions } from './tenant.js';

export { claim, type Access, type Claim, type TenantOptions } from './tenant.js';

/**
 * The label before the application's domain. Behind a proxy, Fastify's `trustProxy` says whose word on the host counts.
 */
export const subdomain = (domain: string) => (request: FastifyRequest<any>) => subdomainOf(request.hostname, domain);

/** A segment of the URL's path, counted from 0. */
export const pathSegment = (position: number) => (request: FastifyRequest<any>) =>
  pathSegmentOf(request.originalUrl, position);

/** A hook, with the database of each request that has passed it. */
export interface TenantHook<Handle> {
  (request: FastifyRequest<any>): Promise<void>;
  /**
   * @param request one that has passed the hook
   * @throws UnsupportedTenantOperationError where the request has not
   */
  tdb(request: FastifyRequest<any>): Handle;
}

/**
 * For `onRequest`; for `preHandler`, where the tenant is named in a body.
 *
 * @param options who asks, which tenant, and who may use it
 * @returns the hook; it throws a TenantAccessError, whose `statusCode` is 401, 404 or 403
 * @throws UnsupportedTenantOperationError for options that would let a request choose its tenant by itself
 * @example
 * const app = Fastify();
 * const forTenant = tenantHook({
 *   db,
 *   tenancy: account,
 *   user: (request) => verify(request.headers.authorization),
 *   tenant: claim('accountId'),
 * });
 * app.addHook('onRequest', forTenant);
 * app.get('/projects', (request) => forTenant.tdb(request).select().from(projects));
 */
export function tenantHook<User, Name extends string, Db extends AnyDatabase, Data = unknown>(
  options: TenantOptions<FastifyRequest<any>, User, Name, Db, Data>,
): TenantHook<HandleOf<Name, Db, Data>> {
  const handles = new RequestHandles(tenantOf(options));
  const hook = (request: FastifyRequest<any>): Promise<void> => handles.open(request);
  return Object.assign(hook, { tdb: (request: FastifyRequest<any>) => handles.of(request) });
}
