/** An application of two endpoints for the HTTP tests. */
import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import * as Redacted from 'effect/Redacted';
import * as Schema from 'effect/Schema';
import {
  HttpApi,
  HttpApiBuilder,
  HttpApiEndpoint,
  HttpApiError,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSecurity,
} from 'effect/http-api';
import { HttpRouter } from 'effect/http';
import type { TenantId } from '../../src/index.js';
import { TenantHttpApi } from '../../src/effect/index.js';
import { a, b, Db, projects, tasks } from './schema.js';

export interface User {
  readonly accounts: readonly TenantId<'account'>[];
}
export class CurrentUser extends Context.Service<CurrentUser, User>()('test/CurrentUser') {}

export class Authentication extends HttpApiMiddleware.Service<Authentication, { provides: CurrentUser }>()(
  'test/Authentication',
  {
    error: HttpApiError.Unauthorized,
    security: { bearer: HttpApiSecurity.bearer },
  },
) {}

export class ForTenant extends TenantHttpApi.Service<ForTenant, { database: Db; requires: CurrentUser }>()(
  'test/ForTenant',
) {}
export class ForHiddenTenant extends TenantHttpApi.Service<ForHiddenTenant, { database: Db; requires: CurrentUser }>()(
  'test/ForHiddenTenant',
) {}

const params = { accountId: Schema.String };
const titles = HttpApiEndpoint.get('titles', '/accounts/:accountId/titles', {
  params,
  success: Schema.Array(Schema.String),
});
const create = HttpApiEndpoint.post('create', '/accounts/:accountId/projects', {
  params,
  payload: Schema.Struct({ id: Schema.Number, name: Schema.String }),
  success: Schema.Struct({ id: Schema.Number }),
  error: HttpApiError.Conflict,
});
const hidden = HttpApiEndpoint.get('hidden', '/hidden/:accountId', { params, success: Schema.Number });

export const Api = HttpApi.make('test')
  .add(HttpApiGroup.make('open').add(titles, create).middleware(ForTenant).middleware(Authentication))
  .add(HttpApiGroup.make('concealed').add(hidden).middleware(ForHiddenTenant).middleware(Authentication));

export const users: Record<string, User> = { ann: { accounts: [a] }, ben: { accounts: [a, b] } };

const AuthenticationLive = Layer.succeed(Authentication, {
  bearer: (httpEffect, { credential }) => {
    const user = users[Redacted.value(credential)];
    return user ? Effect.provideService(httpEffect, CurrentUser, user) : Effect.fail(new HttpApiError.Unauthorized());
  },
});

const options = {
  tenant: Effect.map(HttpRouter.params, (it) => it['accountId']),
  access: (id: TenantId<'account'>) =>
    Effect.gen(function* () {
      const user = yield* CurrentUser;
      if (user.accounts.includes(id)) return 'granted' as const;
      const exists = yield* Db.forTenant(
        id,
        Effect.flatMap(Db, (db) => db.$count(projects)),
      );
      return exists > 0 ? ('denied' as const) : ('unknown' as const);
    }),
};

const ForTenantLive = Layer.merge(
  TenantHttpApi.layer(ForTenant, Db, options),
  TenantHttpApi.layer(ForHiddenTenant, Db, { ...options, concealed: true }),
);

const OpenLive = HttpApiBuilder.group(Api, 'open', (handlers) =>
  handlers
    .handle('titles', () =>
      Effect.gen(function* () {
        const db = yield* Db;
        return (yield* db.select({ title: tasks.title }).from(tasks)).map((row) => row.title);
      }).pipe(Effect.orDie),
    )
    .handle('create', ({ payload }) =>
      Effect.flatMap(Db, (db) => db.insert(projects).values(payload)).pipe(
        Effect.as({ id: payload.id }),
        Effect.catchReason('DbError', 'UniqueViolation', () => Effect.fail(new HttpApiError.Conflict())),
        Effect.catchTag('DbError', Effect.die),
      ),
    ),
);
const ConcealedLive = HttpApiBuilder.group(Api, 'concealed', (handlers) =>
  handlers.handle('hidden', () => Effect.flatMap(Db, (db) => db.$count(tasks)).pipe(Effect.orDie)),
);

/** The routes; what remains is the database. */
export const ApiLive = HttpApiBuilder.layer(Api).pipe(
  Layer.provide([OpenLive, ConcealedLive]),
  Layer.provide([AuthenticationLive, ForTenantLive]),
);
