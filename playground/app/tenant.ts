/**
 * From the request to the tenant: the bearer token says who asks, the user's account is the tenant, and the
 * endpoint gets `Db`. An endpoint that uses `Db` without these middlewares does not compile.
 */
import { Context, Effect, Layer, Redacted } from 'effect';
import { HttpRouter, HttpServerRequest } from 'effect/http';
import { HttpApiMiddleware, HttpApiSecurity } from 'effect/http-api';
import { TenantHttpApi, type TenantDb } from '../../src/effect/index.js';
import type { TenantId } from '../../src/index.js';
import { accounts } from '../schema.js';
import { Db } from './db.js';
import { answer, databaseProblems, Unauthorized } from './problems.js';
import { Tokens } from './tokens.js';

/** Who asks. */
export class CurrentUser extends Context.Service<CurrentUser, { readonly id: number; readonly account: TenantId<'account'> }>()(
  'app/CurrentUser',
) {}

/** Answers 401 to who has no token, or has that of a user who is gone. */
export class Authenticated extends HttpApiMiddleware.Service<Authenticated, { provides: CurrentUser }>()('app/Authenticated', {
  security: { bearer: HttpApiSecurity.bearer },
  error: [Unauthorized, ...databaseProblems],
}) {
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
            const user = yield* Db.forTenant(claim.account, findUser(claim.user)).pipe(Effect.provideContext(connection), answer);
            if (!user) return yield* new Unauthorized();
            return yield* Effect.provideService(endpoint, CurrentUser, { id: user.id, account: claim.account });
          }),
      };
    }),
  );
}

const findUser = (id: number) => Effect.flatMap(Db, (db) => db.query.users.findFirst({ columns: { id: true }, where: { id } }));

/**
 * Provides the database of the user's account. A request may name the account that it is about, in its path or in a
 * header: where that is not the user's own, 403, or 404 where there is none.
 */
export class ForTenant extends TenantHttpApi.Service<ForTenant, { database: Db; requires: CurrentUser }>()('app/ForTenant') {
  static readonly layer = TenantHttpApi.layer(ForTenant, Db, {
    tenant: Effect.gen(function* () {
      const { accountId } = yield* HttpRouter.params;
      const { headers } = yield* HttpServerRequest.HttpServerRequest;
      return accountId ?? headers['x-account'] ?? (yield* CurrentUser).account;
    }),
    access: (id) =>
      Effect.gen(function* () {
        const user = yield* CurrentUser;
        if (id === user.account) return 'granted';
        return (yield* Db.forTenant(id, countAccounts)) > 0 ? 'denied' : 'unknown';
      }),
  });
}

const countAccounts = Effect.flatMap(Db, (db) => db.$count(accounts));
