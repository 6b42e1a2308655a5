/**
 * The tenant of an HTTP request: a middleware for Effect's HttpApi that provides the tenant's database to a handler.
 *
 * Who asks is the application's to say, in a middleware of its own that provides the user. This one asks which
 * tenant the request is for, and whether the user may, and only then provides `Db`: a handler that yields `Db` in an
 * endpoint without the middleware does not compile. What is refused is refused with a status and nothing else.
 */
import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import * as HttpApiError from 'effect/http-api/HttpApiError';
import * as HttpApiMiddleware from 'effect/http-api/HttpApiMiddleware';
import type * as HttpRouter from 'effect/http/HttpRouter';
import type { TenantId } from '../schema/tenancy.js';
import type { DbError } from './db-error.js';
import type { Connected, ServiceClass, Shared } from './tenant-db.types.js';

// models

/** What a user may do with a tenant: use it, not use it, or there is no such tenant. */
export type Access = 'granted' | 'denied' | 'unknown';

/** How a request finds its tenant. */
export interface Options<Self, Name extends string, E, R, R2, Data = unknown> {
  /**
   * The tenant's id as the request names it: a path parameter, a header, the only account of the user. It is parsed
   * here, and what is no id is a tenant that does not exist.
   *
   * @example tenant: Effect.map(HttpRouter.params, (params) => params.accountId)
   */
  readonly tenant: Effect.Effect<unknown, never, R>;
  /**
   * Whether the user may use the tenant.
   *
   * @example access: (id) => Effect.map(CurrentUser, (user) => user.accounts.includes(id) ? 'granted' : 'denied')
   */
  readonly access: (id: TenantId<Name, Data>) => Effect.Effect<Access, E, R2 | Connected<Self> | Shared<Self>>;
  /** Whether a tenant that the user may not use is answered as one that does not exist, 404 for 403. */
  readonly concealed?: boolean | undefined;
}

// services

/** The errors of the middleware: 404 and 403, each with its name and nothing more. */
const errors = [HttpApiError.NotFound, HttpApiError.Forbidden] as const;

/**
 * Declares the middleware.
 *
 * @example
 * class ForTenant extends TenantHttpApi.Service<ForTenant, { database: Db; requires: CurrentUser }>()(
 *   'app/ForTenant',
 * ) {}
 *
 * HttpApiGroup.make('projects')
 *   .add(list) // HttpApiEndpoint.get('list', '/accounts/:accountId/projects', ...)
 *   .middleware(ForTenant)
 *   .middleware(Authentication); // provides CurrentUser, and answers 401
 */
export const Service = <Self, Config extends { database: any; requires?: any }>() => {
  type Requires = Config extends { requires: infer R } ? R : never;
  const declare = HttpApiMiddleware.Service<Self, { provides: Config['database']; requires: Requires }>();
  return <const Id extends string>(id: Id) => declare(id, { error: errors });
};

// layers

/**
 * The middleware that finds the tenant of a request, and gives the endpoint its database.
 *
 * @param middleware the class from {@link Service}
 * @param Db the application's database
 * @param options how a request finds its tenant
 * @returns the middleware, on the connection of the database
 * @example
 * const ForTenantLive = TenantHttpApi.layer(ForTenant, Db, {
 *   tenant: Effect.map(HttpRouter.params, (params) => params.accountId),
 *   access: (id) => Effect.map(CurrentUser, (user) => (user.accounts.includes(id) ? 'granted' : 'denied')),
 * });
 */
export const layer = <
  Id,
  Self,
  Name extends string,
  Requires,
  E extends DbError | never,
  R extends Requires | HttpRouter.Provided,
  R2 extends Requires | HttpRouter.Provided,
  Data = unknown,
>(
  middleware: Context.Service<Id, HttpApiMiddleware.HttpApiMiddleware<Self, typeof errors, Requires>>,
  Db: ServiceClass<Self, any, Name, any, Data>,
  { tenant, access, concealed = false }: Options<Self, Name, E, R, R2, Data>,
): Layer.Layer<Id, never, Connected<Self> | Shared<Self>> =>
  Layer.effect(
    middleware,
    Effect.gen(function* () {
      const connected = Context.make(Db.Connected, yield* Db.Connected).pipe(Context.add(Db.Shared, yield* Db.Shared));
      const resolve = Effect.gen(function* () {
        const parsed = Db.tenancy['~standard'].validate(yield* tenant);
        if (parsed.issues) return yield* new HttpApiError.NotFound();
        // A database that does not answer is no answer to whether there is such a tenant.
        const answer = yield* Effect.orDie(Effect.provideContext(access(parsed.value), connected));
        if (answer === 'granted') return parsed.value;
        return yield* answer === 'denied' && !concealed ? new HttpApiError.Forbidden() : new HttpApiError.NotFound();
      });
      return ((httpEffect: Effect.Effect<any, any, any>) =>
        Effect.flatMap(resolve, (id) => Effect.provideContext(Db.forTenant(id, httpEffect), connected))) as any;
    }),
  );
