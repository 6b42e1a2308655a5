/**
 * From the request to the tenant: the bearer token says who asks, the user's account is the tenant, and the
 * endpoint gets `Db`. An endpoint that uses `Db` without these middlewares does not compile.
 */
import { Context, Effect, Layer, Redacted } from 'effect';
import { HttpRouter, HttpServerRequest } from 'effect/http';
import { HttpApiMiddleware, HttpApiSecurity } from 'effect/http-api';
import { TenantHttpApi, type TenantDb } from '../../src/effect/index.js';
import type { TenantId } from '../../src/index.js';
import { Db } from './db.js';
import { answer, databaseProblems, Unauthorized } from './problems.js';
import { tokenKey as sampleKey } from '../token-key.js';
import { Tokens, type Claim } from './tokens.js';

/** Who asks. */
export class CurrentUser extends Context.Service<
  CurrentUser,
  { readonly id: number; readonly account: TenantId<'account'> }
>()('app/CurrentUser') {}

/** Answers 401 to who has no token, or has that of a user who is gone. */
export class Authenticated extends HttpApiMiddleware.Service<Authenticated, { provides: CurrentUser }>()(
  'app/Authenticated',
  {
    security: { bearer: HttpApiSecurity.bearer },
    error: [Unauthorized, ...databaseProblems],
  },
) {
  static readonly layer = Layer.effect(
    Authenticated,
    Effect.gen(function* () {
      const tokens = yield* Tokens;
      const connection = yield* Effect.context<TenantDb.Connected<Db>>();
      return {
        bearer: (endpoint, { credential }) =>
          Effect.gen(function* () {
            const claim = tokens.read(Redacted.value(credential));
            if (!claim) return yield* new Unauthorized();
            const user = yield* Db.forTenant(claim.account, findUser(claim)).pipe(
              Effect.provideContext(connection),
              answer,
            );
            if (!user) return yield* new Unauthorized();
            return yield* Effect.provideService(endpoint, CurrentUser, { id: user.id, account: claim.account });
          }),
      };
    }),
  );
}

/** By the number, and by what no later user of that number has. */
const findUser = ({ user, key }: Claim) =>
  Effect.flatMap(Db, (db) =>
    db.query.users.findFirst({ columns: { id: true }, where: { id: user, tokenKey: key ?? sampleKey } }),
  );

/**
 * Provides the database of the user's account. A request may name the account that it is about, in its path or in a
 * header: where that is not the user's own, 404, whether there is such an account or not. The database is not asked, so
 * that neither the answer nor the time that it takes tells.
 */
export class ForTenant extends TenantHttpApi.Service<ForTenant, { database: Db; requires: CurrentUser }>()(
  'app/ForTenant',
) {
  static readonly layer = TenantHttpApi.layer(ForTenant, Db, {
    tenant: Effect.gen(function* () {
      const { accountId } = yield* HttpRouter.params;
      const { headers } = yield* HttpServerRequest.HttpServerRequest;
      return accountId ?? headers['x-account'] ?? (yield* CurrentUser).account;
    }),
    access: (id) => Effect.map(CurrentUser, (user) => (id === user.account ? 'granted' : 'unknown')),
  });
}
