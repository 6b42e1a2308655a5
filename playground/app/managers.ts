/** Managers: users who may manage projects. */
import { and, asc, eq, gt, max } from 'drizzle-orm';
import { Effect, Schema } from 'effect';
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from 'effect/http-api';
import { managers } from '../schema.js';
import { Db } from './db.js';
import { numbered } from './numbering.js';
import { answer, Checked, NotFound } from './problems.js';
import { Authenticated, ForTenant } from './tenant.js';
import { Id, Page, pageOf, paging, Text } from './values.js';

const Manager = Schema.Struct({ id: Id, userId: Id, title: Text });
const New = Schema.Struct({ userId: Id, title: Text });
const Changes = Schema.Struct({ userId: Schema.optionalKey(Id), title: Schema.optionalKey(Text) });

export class Managers extends HttpApiGroup.make('managers')
  .add(
    HttpApiEndpoint.get('list', '/', { query: { ...paging, userId: Schema.optionalKey(Id) }, success: Page(Manager) }),
    HttpApiEndpoint.post('create', '/', { payload: New, success: Manager.pipe(HttpApiSchema.status(201)) }),
    HttpApiEndpoint.get('read', '/:id', { params: { id: Id }, success: Manager, error: NotFound }),
    HttpApiEndpoint.patch('update', '/:id', {
      params: { id: Id },
      payload: Changes,
      success: Manager,
      error: NotFound,
    }),
    HttpApiEndpoint.delete('remove', '/:id', { params: { id: Id }, error: NotFound }),
  )
  .prefix('/api/managers')
  .middleware(Checked)
  .middleware(ForTenant)
  .middleware(Authenticated) {}

const { id, userId, title } = managers;
const columns = { id, userId, title };

export const managersLayer = HttpApiBuilder.group(HttpApi.make('app').add(Managers), 'managers', (handlers) =>
  handlers.handleAll({
    list: ({ query: { after = 0, limit, ...query } }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const where = and(query.userId === undefined ? undefined : eq(userId, query.userId));
        const rows = yield* db
          .select(columns)
          .from(managers)
          .where(and(gt(id, after), where))
          .orderBy(asc(id))
          .limit(limit + 1);
        return pageOf(rows, limit, yield* db.$count(managers, where));
      }).pipe(answer),

    create: ({ payload }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const last = db.select({ id: max(id) }).from(managers);
        return yield* numbered(last, (next) =>
          db
            .insert(managers)
            .values({ ...payload, id: next })
            .returning(columns),
        );
      }).pipe(answer),

    read: ({ params }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const [found] = yield* db.select(columns).from(managers).where(eq(id, params.id));
        return found ?? (yield* new NotFound());
      }).pipe(answer),

    update: ({ params, payload }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const [changed] = yield* db
          .update(managers)
          .set({ id: params.id, ...payload })
          .where(eq(id, params.id))
          .returning(columns);
        return changed ?? (yield* new NotFound());
      }).pipe(answer),

    remove: ({ params }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const removed = yield* db.delete(managers).where(eq(id, params.id)).returning({ id });
        if (removed.length === 0) return yield* new NotFound();
      }).pipe(answer),
  }),
);
