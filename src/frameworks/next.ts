/**
 * Next: makes a route handler of a function that also takes the tenant's database; pages and actions ask for the
 * database.
 *
 * @module drizzle-tenant/next
 */
import { TenantAccessError } from '../errors.js';
import { pathSegmentOf, subdomainOf } from './names.js';
import { tenantOf, type AnyDatabase, type HandleOf, type TenantOptions } from './tenant.js';

export { claim, type Access, type Claim, type TenantOptions } from './tenant.js';

/** What is known of a request in a route handler, and in a page, which has no URL. */
export interface TenantRequest {
  readonly headers: Pick<Headers, 'get'>;
  readonly url?: string | undefined;
  /** Of a dynamic route, such as `app/accounts/[accountId]/page.tsx`. */
  readonly params?: Readonly<Record<string, string | string[] | undefined>> | undefined;
}

/** The label before the application's domain, of the request's Host. */
export const subdomain = (domain: string) => (request: TenantRequest) =>
  subdomainOf(request.headers.get('host'), domain);

/** A segment of the URL's path, counted from 0, in a route handler. A page has `params`. */
export const pathSegment = (position: number) => (request: TenantRequest) =>
  pathSegmentOf(request.url === undefined ? undefined : new URL(request.url).pathname, position);

/** Makes route handlers, and gives the database of a page's tenant. */
export interface TenantRoute<Handle> {
  /** @param handler gets the tenant's database, and what Next gives a route handler */
  <Context = unknown>(
    handler: (tdb: Handle, request: Request, context: Context) => Response | Promise<Response>,
  ): (request: Request, context: Context) => Promise<Response>;
  /**
   * For a page or an action.
   *
   * @param request `{ headers: await headers(), params: await params }`
   * @throws TenantAccessError with the `status` 401, 404 or 403, for `notFound()` of Next and its like
   */
  tdb(request: TenantRequest): Promise<Handle>;
}

/**
 * @param options who asks, which tenant, and who may use it; `refused` makes the answer to who gets none
 * @returns what makes route handlers, which answer 401, 404 or 403
 * @throws UnsupportedTenantOperationError for options that would let a request choose its tenant by itself
 * @example
 * export const forTenant = tenantRoute({
 *   db,
 *   tenancy: account,
 *   user: (request) => verify(request.headers.get('authorization')),
 *   tenant: claim('accountId'),
 * });
 * export const GET = forTenant(async (tdb) => Response.json(await tdb.select().from(projects)));
 */
export function tenantRoute<User, Name extends string, Db extends AnyDatabase, Data = unknown>(
  options: TenantOptions<TenantRequest, User, Name, Db, Data> & {
    readonly refused?: (error: TenantAccessError) => Response;
  },
): TenantRoute<HandleOf<Name, Db, Data>> {
  const resolve = tenantOf(options);
  const refused = options.refused ?? ((error) => Response.json({ error: error.message }, { status: error.status }));
  const route =
    (handler: (tdb: any, request: Request, context: any) => Response | Promise<Response>) =>
    async (request: Request, context: any) => {
      let tdb;
      try {
        const params = await context?.params;
        tdb = await resolve({ headers: request.headers, url: request.url, params });
      } catch (error) {
        if (error instanceof TenantAccessError) return refused(error);
        throw error;
      }
      return handler(tdb, request, context);
    };
  return Object.assign(route, { tdb: resolve });
}
