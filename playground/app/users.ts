/** Users. Creating one hands out the user's token, once. */
import { and, asc, eq, gt, max, sql } from 'drizzle-orm';
import { Effect, Schema } from 'effect';
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from 'effect/http-api';
import { users } from '../schema.js';
import { Db } from './db.js';
import { numbered } from './numbering.js';
import { answer, Checked, NotFound } from './problems.js';
import { Authenticated, CurrentUser, ForTenant } from './tenant.js';
import { Tokens } from './tokens.js';
import { CountryCode, Email, Id, Page, pageOf, paging, Text } from './values.js';

const fields = { name: Text, email: Email, countryCode: Schema.NullOr(CountryCode) };
const User = Schema.Struct({ id: Id, ...fields });
const New = Schema.Struct({ name: Text, email: Email, countryCode: Schema.optionalKey(fields.countryCode) });
const Created = Schema.Struct({ ...User.fields, token: Schema.String });
const Changes = Schema.Struct({ ...New.fields, name: Schema.optionalKey(Text), email: Schema.optionalKey(Email) });

export class Users extends HttpApiGroup.make('users')
  .add(
    HttpApiEndpoint.get('list', '/', {
      query: { ...paging, name: Schema.optionalKey(Text), email: Schema.optionalKey(Email) },
      success: Page(User),
    }),
    HttpApiEndpoint.post('create', '/', { payload: New, success: Created.pipe(HttpApiSchema.status(201)) }),
    HttpApiEndpoint.get('me', '/me', { success: User, error: NotFound }),
    HttpApiEndpoint.get('read', '/:id', { params: { id: Id }, success: User, error: NotFound }),
    HttpApiEndpoint.patch('update', '/:id', { params: { id: Id }, payload: Changes, success: User, error: NotFound }),
    HttpApiEndpoint.delete('remove', '/:id', { params: { id: Id }, error: NotFound }),
  )
  .prefix('/api/users')
  .middleware(Checked)
  .middleware(ForTenant)
  .middleware(Authenticated) {}

const { id, name, email, countryCode } = users;
const columns = { id, name, email, countryCode };

const read = (number: number) =>
  Effect.gen(function* () {
    const db = yield* Db;
    const [found] = yield* db.select(columns).from(users).where(eq(id, number));
    return found ?? (yield* new NotFound());
  }).pipe(answer);

export const usersLayer = HttpApiBuilder.group(
  HttpApi.make('app').add(Users),
  'users',
  Effect.fn(function* (handlers) {
    const tokens = yield* Tokens;
    return handlers.handleAll({
      list: ({ query: { after = 0, limit, ...query } }) =>
        Effect.gen(function* () {
          const db = yield* Db;
          const where = and(
            query.name === undefined ? undefined : sql`strpos(lower(${name}), lower(${query.name})) > 0`,
            query.email === undefined ? undefined : eq(email, query.email),
          );
          const rows = yield* db
            .select(columns)
            .from(users)
            .where(and(gt(id, after), where))
            .orderBy(asc(id))
            .limit(limit + 1);
          return pageOf(rows, limit, yield* db.$count(users, where));
        }).pipe(answer),

      create: ({ payload }) =>
        Effect.gen(function* () {
          const db = yield* Db;
          const { account } = yield* CurrentUser;
          const last = db.select({ id: max(id) }).from(users);
          const { key, ...created } = yield* numbered(last, (next) =>
            db
              .insert(users)
              .values({ ...payload, id: next })
              .returning({ ...columns, key: users.tokenKey }),
          );
          return { ...created, token: tokens.issue({ account, user: created.id, key }) };
        }).pipe(answer),

      me: () => Effect.flatMap(CurrentUser, (me) => read(me.id)),
      read: ({ params }) => read(params.id),

      update: ({ params, payload }) =>
        Effect.gen(function* () {
          const db = yield* Db;
          const [changed] = yield* db
            .update(users)
            .set({ id: params.id, ...payload })
            .where(eq(id, params.id))
            .returning(columns);
          return changed ?? (yield* new NotFound());
        }).pipe(answer),

      remove: ({ params }) =>
        Effect.gen(function* () {
          const db = yield* Db;
          const removed = yield* db.delete(users).where(eq(id, params.id)).returning({ id });
          if (removed.length === 0) return yield* new NotFound();
        }).pipe(answer),
    });
  }),
);
