/** Accounts, which are the tenants: anybody can open one, and has it to themselves. */
import { randomUUID } from 'node:crypto';
import { Effect, Schema } from 'effect';
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from 'effect/http-api';
import { account, accounts, users } from '../schema.js';
import { Db } from './db.js';
import { answer, Checked, databaseProblems, NotFound } from './problems.js';
import { Authenticated, ForTenant } from './tenant.js';
import { Tokens } from './tokens.js';
import { CountryCode, Email, Text } from './values.js';

const Account = Schema.Struct({ id: Schema.String, name: Text, countryCode: Schema.NullOr(CountryCode) });
const New = Schema.Struct({
  name: Text,
  countryCode: Schema.optionalKey(Schema.NullOr(CountryCode)),
  user: Schema.Struct({ name: Text, email: Email }),
});
const Created = Schema.Struct({ ...Account.fields, token: Schema.String });
const Changes = Schema.Struct({
  name: Schema.optionalKey(Text),
  countryCode: Schema.optionalKey(Schema.NullOr(CountryCode)),
});
const params = { accountId: Schema.String };

/** Of those who have an account already. The middleware sees to it that the one in the path is their own. */
export class Accounts extends HttpApiGroup.make('accounts')
  .add(
    HttpApiEndpoint.get('list', '/', {
      success: Schema.Struct({ items: Schema.Array(Account), total: Schema.Int, next: Schema.Null }),
    }),
    HttpApiEndpoint.get('read', '/:accountId', { params, success: Account, error: NotFound }),
    HttpApiEndpoint.patch('update', '/:accountId', { params, payload: Changes, success: Account, error: NotFound }),
    HttpApiEndpoint.delete('remove', '/:accountId', { params, error: NotFound }),
  )
  .prefix('/api/accounts')
  .middleware(Checked)
  .middleware(ForTenant)
  .middleware(Authenticated) {}

/** Without the middleware, and so without `Db`: there is no tenant yet. */
export class SignUp extends HttpApiGroup.make('signUp')
  .add(
    HttpApiEndpoint.post('create', '/api/accounts', {
      payload: New,
      success: Created.pipe(HttpApiSchema.status(201)),
      error: databaseProblems,
    }),
  )
  .middleware(Checked) {}

const shown = ({ id, name, countryCode }: typeof accounts.$inferSelect) => ({ id: String(id), name, countryCode });
const one = (rows: readonly (typeof accounts.$inferSelect)[]) =>
  rows[0] ? Effect.succeed(shown(rows[0])) : Effect.fail(new NotFound());

export const accountsLayer = HttpApiBuilder.group(HttpApi.make('app').add(Accounts), 'accounts', (handlers) =>
  handlers.handleAll({
    // Of all accounts there are, the handle sees one.
    list: () =>
      Effect.gen(function* () {
        const db = yield* Db;
        const rows = yield* db.select().from(accounts);
        return { items: rows.map(shown), total: rows.length, next: null };
      }).pipe(answer),

    read: () => Effect.flatMap(Db, (db) => db.select().from(accounts)).pipe(Effect.flatMap(one), answer),

    update: ({ payload }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const isChange = Object.keys(payload).length > 0;
        return yield* one(yield* isChange ? db.update(accounts).set(payload).returning() : db.select().from(accounts));
      }).pipe(answer),

    // What the account has goes with it, by the foreign keys.
    remove: () => Effect.flatMap(Db, (db) => db.delete(accounts)).pipe(Effect.asVoid, answer),
  }),
);

export const signUpLayer = HttpApiBuilder.group(
  HttpApi.make('app').add(SignUp),
  'signUp',
  Effect.fn(function* (handlers) {
    const tokens = yield* Tokens;
    return handlers.handle('create', ({ payload: { user, ...values } }) => {
      const id = account.parse(randomUUID());
      const open = Effect.gen(function* () {
        const db = yield* Db;
        const rows = yield* db.insert(accounts).values(values).returning();
        const [first] = yield* db
          .insert(users)
          .values({ id: 1, ...user })
          .returning({ key: users.tokenKey });
        return { ...shown(rows[0]!), token: tokens.issue({ account: id, user: 1, key: first!.key }) };
      });
      return Db.forTenant(id, Db.transaction(open)).pipe(answer);
    });
  }),
);
