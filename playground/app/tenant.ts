/**
 * From the request to the tenant: the bearer token says who asks, the user's account is the tenant, and the
 * endpoint gets `Db`. An endpoint that uses `Db` without this middleware does not compile.
 */
import { Context, Effect, Layer, Redacted } from 'effect';
import { HttpRouter, HttpServerRequest } from 'effect/http';
import { HttpApiMiddleware, HttpApiSecurity } from 'effect/http-api';
import type { TenantDb } from '../../src/effect/index.js';
import type { TenantId } from '../../src/index.js';
import { account, accounts } from '../schema.js';
import { Db } from './db.js';
import { answer, databaseProblems, Forbidden, NotFound, Unauthorized } from './problems.js';
import { Tokens, type Claim } from './tokens.js';

/** Who asks. */
export class CurrentUser extends Context.Service<CurrentUser, { readonly id: number; readonly account: TenantId<'account'> }>()(
  'app/CurrentUser',
) {}

export class Tenant extends HttpApiMiddleware.Service<Tenant, { provides: Db | CurrentUser }>()('app/Tenant', {
  security: { bearer: HttpApiSecurity.bearer },
  error: [Unauthorized, Forbidden, NotFound, ...databaseProblems],
}) {}

export const tenantLayer = Layer.effect(
  Tenant,
  Effect.gen(function* () {
    const tokens = yield* Tokens;
    const connection = yield* Effect.context<TenantDb.Connected<Db>>();
    return {
      bearer: (endpoint, { credential }) =>
        Effect.gen(function* () {
          const claim = tokens.read(Redacted.value(credential));
          if (!claim) return yield* new Unauthorized();
          yield* Effect.provideContext(checkAccount(claim), connection);
          const context = yield* Db.forTenant(claim.account, checkUser(claim)).pipe(Effect.provideContext(connection), answer);
          return yield* Effect.provideContext(endpoint, context);
        }),
    };
  }),
);

/** A request may name the account that it is about, in its path or a header: it has to be the user's own. */
const checkAccount = Effect.fn(function* (claim: Claim) {
  const { params } = yield* HttpRouter.RouteContext;
  const { headers } = yield* HttpServerRequest.HttpServerRequest;
  const name = params.accountId ?? headers['x-account'] ?? claim.account;
  const id = yield* Effect.try({ try: () => account.parse(name), catch: () => new NotFound() });
  if (id !== claim.account) return yield* (yield* isThere(id)) ? new Forbidden() : new NotFound();
});

/** A token outlives its user: the user has to be there still. */
const checkUser = Effect.fn(function* (claim: Claim) {
  const db = yield* Db;
  const user = yield* db.query.users.findFirst({ columns: { id: true }, where: { id: claim.user } });
  if (!user) return yield* (yield* isThere(claim.account)) ? new Unauthorized() : new NotFound();
  return Context.add(yield* Effect.context<Db>(), CurrentUser, { id: claim.user, account: claim.account });
});

const isThere = (id: TenantId<'account'>) =>
  Db.forTenant(id, Effect.flatMap(Db, (db) => db.$count(accounts))).pipe(Effect.map((count) => count > 0), answer);
