/**
 * NestJS: a guard that finds the tenant of a request, and a decorator of a parameter that gives its database.
 *
 * @module drizzle-tenant/nest
 */
import { createParamDecorator, HttpException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { TenantAccessError, UnsupportedTenantOperationError } from '../errors.js';
import { pathSegmentOf, subdomainOf } from './names.js';
import { RequestHandles, tenantOf, type AnyDatabase, type HandleOf, type TenantOptions } from './tenant.js';

export { claim, type Access, type Claim, type TenantOptions } from './tenant.js';

/** What the requests of Express and Fastify have in common; a guard before this one may have added to it. */
export interface TenantRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly hostname: string;
  readonly originalUrl: string;
  readonly params: any;
  readonly [added: string]: any;
}

/**
 * The label before the application's domain. Behind a proxy, the platform's own setting says whose word on the host
 * counts.
 */
export const subdomain = (domain: string) => (request: TenantRequest) => subdomainOf(request.hostname, domain);

/** A segment of the URL's path, counted from 0. */
export const pathSegment = (position: number) => (request: TenantRequest) =>
  pathSegmentOf(request.originalUrl, position);

/** A guard, with the database of each request that has passed it. */
export interface TenantGuard<Handle> extends CanActivate {
  canActivate(context: ExecutionContext): Promise<true>;
  /**
   * Gives a parameter of a handler the database. The compiler does not see what a decorator gives: write the type
   * beside it.
   */
  readonly Tdb: () => ParameterDecorator;
  /**
   * The database with its type, of a request that `@Req()` gives.
   *
   * @throws UnsupportedTenantOperationError where the request has not passed the guard
   */
  tdb(request: object): Handle;
}

/**
 * @param options who asks, which tenant, and who may use it
 * @returns the guard, for `@UseGuards`; it throws Nest's HttpException with 401, 404 or 403
 * @throws UnsupportedTenantOperationError for options that would let a request choose its tenant by itself
 * @example
 * export const forTenant = tenantGuard({
 *   db,
 *   tenancy: account,
 *   user: (request) => request.user,  // of the guard before this one, which verifies the token
 *   tenant: claim('accountId'),
 * });
 * // in a controller behind @UseGuards(AuthGuard('jwt'), forTenant), as `list(@forTenant.Tdb() tdb: AccountDatabase)`
 * type AccountDatabase = TenantDatabase<'account', typeof relations>;
 * const list = (tdb: AccountDatabase) => tdb.query.projects.findMany();
 */
export function tenantGuard<User, Name extends string, Db extends AnyDatabase, Data = unknown>(
  options: TenantOptions<TenantRequest, User, Name, Db, Data>,
): TenantGuard<HandleOf<Name, Db, Data>> {
  const handles = new RequestHandles(tenantOf(options));
  return {
    async canActivate(context) {
      await handles.open(requestOf(context)).catch((error) => {
        throw error instanceof TenantAccessError ? new HttpException(error.message, error.status) : error;
      });
      return true;
    },
    Tdb: createParamDecorator((_: unknown, context: ExecutionContext) => handles.of(requestOf(context))),
    tdb: (request) => handles.of(request as TenantRequest),
  };
}

function requestOf(context: ExecutionContext): TenantRequest {
  if (context.getType() !== 'http')
    throw new UnsupportedTenantOperationError(
      'Use the tenant guard with controllers that answer HTTP: another kind has no request.',
    );
  return context.switchToHttp().getRequest();
}
