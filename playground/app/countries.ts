/** Countries, which all accounts share: read by everybody, written by no tenant, since no handle of one can. */
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { Effect, Schema } from 'effect';
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from 'effect/http-api';
import { countries } from '../schema.js';
import { Db } from './db.js';
import { answer, Checked, NotFound } from './problems.js';
import { Authenticated, ForTenant } from './tenant.js';
import { CountryCode, paging, Text } from './values.js';

const Country = Schema.Struct({ code: CountryCode, alpha3: Schema.String, numeric: Schema.String, name: Text });

export class Countries extends HttpApiGroup.make('countries')
  .add(
    HttpApiEndpoint.get('list', '/', {
      query: { limit: paging.limit, after: Schema.optionalKey(CountryCode), name: Schema.optionalKey(Text) },
      success: Schema.Struct({ items: Schema.Array(Country), total: Schema.Int, next: Schema.NullOr(CountryCode) }),
    }),
    HttpApiEndpoint.get('read', '/:code', { params: { code: CountryCode }, success: Country, error: NotFound }),
  )
  .prefix('/api/countries')
  .middleware(Checked)
  .middleware(ForTenant)
  .middleware(Authenticated) {}

const { code, name } = countries;

export const countriesLayer = HttpApiBuilder.group(HttpApi.make('app').add(Countries), 'countries', (handlers) =>
  handlers.handleAll({
    list: ({ query: { after = '', limit, ...query } }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const where = and(query.name === undefined ? undefined : sql`strpos(lower(${name}), lower(${query.name})) > 0`);
        const rows = yield* db
          .select()
          .from(countries)
          .where(and(gt(code, after), where))
          .orderBy(asc(code))
          .limit(limit + 1);
        const items = rows.slice(0, limit);
        return {
          items,
          total: yield* db.$count(countries, where),
          next: rows.length > limit ? items.at(-1)!.code : null,
        };
      }).pipe(answer),

    read: ({ params }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const [found] = yield* db.select().from(countries).where(eq(code, params.code));
        return found ?? (yield* new NotFound());
      }).pipe(answer),
  }),
);
