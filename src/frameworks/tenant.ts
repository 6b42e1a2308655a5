/**
 * The tenant of a request, for every framework alike: who asks, which tenant the request names, and whether the one may
 * use the other. All three are the application's to say. What a request names by itself, in its host, its path or a
 * header, is never enough: it takes `access`, or a claim of who asks.
 */
import { TenantAccessError, UnsupportedTenantOperationError } from '../errors.js';
import type { TenancyDatabase } from '../data/database.types.js';
import type { TenantDatabase } from '../handle/database.types.js';
import type { PromiseRunner } from '../handle/handle.types.js';
import type { Tenancy, TenantId } from '../schema/tenancy.js';

type Awaitable<T> = T | PromiseLike<T>;

/**
 * Whether a user may use a tenant: `true` is `'granted'`, and answered; `'denied'` is 403; `false` is `'unknown'`, 404.
 */
export type Access = boolean | 'granted' | 'denied' | 'unknown';

/** Says that a claim of who asks names the tenant. Made by {@link claim}. */
export interface Claim<Key extends string = string> {
  readonly claim: Key;
}

/**
 * The tenant is the one that a claim of who asks names. It needs no `access`: whoever verified the token, or found the
 * session, has said whose it is.
 *
 * @param key the claim, an own property of what `user` returned
 * @example
 * const tenant = claim('accountId');
 */
export const claim = <const Key extends string>(key: Key): Claim<Key> => ({ claim: key });

export type AnyDatabase = TenancyDatabase<any, any>;

/** The handle that a database gives for a tenant of the tenancy. */
export type HandleOf<Name extends string, Db, Data = unknown> =
  Db extends TenancyDatabase<infer TRelations, infer Q>
    ? TenantDatabase<Name, TRelations, Q, PromiseRunner, TenantId<Name, Data>>
    : never;

/** What every framework's options have in common. */
export interface BaseOptions<TRequest, User, Name extends string, Db extends AnyDatabase, Data = unknown> {
  /** What `withTenancy` returned. */
  readonly db: Db;
  /** The tenancy that the tenant is of: it parses the id. */
  readonly tenancy: Tenancy<Name, Data, any>;
  /**
   * Who asks, as the application has verified it: the claims of a token whose signature it has checked, the user of a
   * session. Nobody, 401, where it is nothing.
   */
  readonly user: (request: TRequest) => Awaitable<User | null | undefined>;
}

/**
 * Whether the user may use the tenant that the request names. Say 'unknown' for one that the user is to know nothing
 * of.
 */
export type AccessCheck<TRequest, User, Name extends string, Data = unknown> = (
  id: TenantId<Name, Data>,
  user: NonNullable<User>,
  request: TRequest,
) => Awaitable<Access>;

/** How a request finds its tenant. `user` stands first, so that its result is known to what follows. */
export type TenantOptions<TRequest, User, Name extends string, Db extends AnyDatabase, Data = unknown> = BaseOptions<
  TRequest,
  User,
  Name,
  Db,
  Data
> &
  (
    | {
        readonly tenant: Claim<keyof NonNullable<User> & string>;
        readonly access?: AccessCheck<TRequest, User, Name, Data>;
      }
    | {
        /** The tenant's id as the request names it; nothing, or what is no id, is a tenant that does not exist: 404. */
        readonly tenant: (request: TRequest, user: NonNullable<User>) => unknown;
        readonly access: AccessCheck<TRequest, User, Name, Data>;
      }
  );

/** Finds the tenant of a request, and gives its handle. */
export type Resolve<TRequest, Handle> = (request: TRequest) => Promise<Handle>;

/**
 * @param options of a framework's middleware
 * @returns what gives the handle of a request's tenant; it rejects with a TenantAccessError, or with what the
 * application threw
 * @throws UnsupportedTenantOperationError for options that would let a request choose its tenant by itself
 */
export function tenantOf<TRequest, User, Name extends string, Db extends AnyDatabase, Data = unknown>(
  options: TenantOptions<TRequest, User, Name, Db, Data>,
): Resolve<TRequest, HandleOf<Name, Db, Data>> {
  const { db, tenancy, user, tenant, access } = options;
  if (typeof db?.forTenant !== 'function')
    throw new UnsupportedTenantOperationError('Give `db` what withTenancy(drizzle(...)) returned.');
  if (typeof tenancy?.parse !== 'function')
    throw new UnsupportedTenantOperationError(
      "Give `tenancy` the tenancy of the tenants, as in tenancy('account', uuid).",
    );
  if (typeof user !== 'function')
    throw new UnsupportedTenantOperationError(
      'Say in `user` who asks, as in user: (request) => verify(request.headers.authorization).',
    );
  const key = typeof tenant === 'function' ? undefined : tenant?.claim;
  if (typeof tenant !== 'function' && typeof key !== 'string')
    throw new UnsupportedTenantOperationError(
      "Say in `tenant` which tenant is asked for, as in tenant: claim('accountId').",
    );
  if (typeof access !== 'function' && (access !== undefined || key === undefined)) {
    throw new UnsupportedTenantOperationError(
      'Say in `access` who may use the tenant, as in access: (id, user) => user.accounts.includes(id): ' +
        'a request names any tenant that it likes.',
    );
  }

  const decide = async (
    request: TRequest,
  ): Promise<{ readonly id: TenantId<Name> } | { readonly status: 401 | 403 | 404 }> => {
    const who = await user(request);
    if (!who) return { status: 401 };
    const named =
      typeof tenant === 'function'
        ? await tenant(request, who)
        : Object.hasOwn(who, key!)
          ? (who as Record<string, unknown>)[key!]
          : undefined;
    const parsed = tenancy['~standard'].validate(named);
    if (parsed.issues) return { status: 404 };
    const answer = access ? await access(parsed.value, who, request) : 'granted';
    if (answer === true || answer === 'granted') return { id: parsed.value };
    return { status: answer === 'denied' ? 403 : 404 };
  };

  return async (request) => {
    const decided = await decide(request).catch((error: unknown) => {
      // Express goes on to the next handler when it is told of nothing, or of 'route'.
      throw error instanceof Error
        ? error
        : new Error('The tenant of the request could not be found.', { cause: error });
    });
    if ('status' in decided) throw new TenantAccessError(decided.status);
    return db.forTenant<any>(decided.id as any) as HandleOf<Name, Db, Data>;
  };
}

/** The handles of requests, for frameworks whose handlers know the request and nothing else. */
export class RequestHandles<TRequest extends object, Handle> {
  readonly #resolve: Resolve<TRequest, Handle>;
  readonly #handles = new WeakMap<TRequest, Handle>();

  constructor(resolve: Resolve<TRequest, Handle>) {
    this.#resolve = resolve;
  }

  /** Where a second run refuses, the handle of the first is gone. */
  async open(request: TRequest): Promise<void> {
    this.#handles.delete(request);
    this.#handles.set(request, await this.#resolve(request));
  }

  of(request: TRequest): Handle {
    const handle = this.#handles.get(request);
    if (handle === undefined)
      throw new UnsupportedTenantOperationError(
        'Put the tenant middleware before this handler: it has not found a tenant for this request.',
      );
    return handle;
  }
}
