/** Projects, and who manages them. */
import { and, asc, eq, gt, gte, max, sql } from 'drizzle-orm';
import { Effect, Schema } from 'effect';
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from 'effect/http-api';
import { projectManagers, projects } from '../schema.js';
import { Db } from './db.js';
import { numbered } from './numbering.js';
import { answer, Checked, NotFound } from './problems.js';
import { Authenticated, ForTenant } from './tenant.js';
import { Amount, Day, Id, Page, pageOf, paging, Text } from './values.js';

const fields = { name: Text, budget: Amount, startsOn: Schema.NullOr(Day) };
const Project = Schema.Struct({ id: Id, ...fields });
const New = Schema.Struct({
  name: fields.name,
  budget: Schema.optionalKey(Amount),
  startsOn: Schema.optionalKey(fields.startsOn),
});
const Changes = Schema.Struct({ ...New.fields, name: Schema.optionalKey(Text) });
const Details = Schema.Struct({
  ...Project.fields,
  managers: Schema.Array(Schema.Struct({ id: Id, title: Text, user: Schema.Struct({ name: Text }) })),
});

export class Projects extends HttpApiGroup.make('projects')
  .add(
    HttpApiEndpoint.get('list', '/', {
      query: { ...paging, name: Schema.optionalKey(Text), minBudget: Schema.optionalKey(Amount) },
      success: Page(Project),
    }),
    HttpApiEndpoint.post('create', '/', { payload: New, success: Project.pipe(HttpApiSchema.status(201)) }),
    HttpApiEndpoint.get('read', '/:id', { params: { id: Id }, success: Details, error: NotFound }),
    HttpApiEndpoint.patch('update', '/:id', {
      params: { id: Id },
      payload: Changes,
      success: Project,
      error: NotFound,
    }),
    HttpApiEndpoint.delete('remove', '/:id', { params: { id: Id }, error: NotFound }),
    HttpApiEndpoint.put('addManager', '/:id/managers/:managerId', { params: { id: Id, managerId: Id } }),
    HttpApiEndpoint.delete('removeManager', '/:id/managers/:managerId', {
      params: { id: Id, managerId: Id },
      error: NotFound,
    }),
  )
  .prefix('/api/projects')
  .middleware(Checked)
  .middleware(ForTenant)
  .middleware(Authenticated) {}

const { id, name, budget, startsOn } = projects;
const columns = { id, name, budget, startsOn };

export const projectsLayer = HttpApiBuilder.group(HttpApi.make('app').add(Projects), 'projects', (handlers) =>
  handlers.handleAll({
    list: ({ query: { after = 0, limit, ...query } }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const where = and(
          query.name === undefined ? undefined : sql`strpos(lower(${name}), lower(${query.name})) > 0`,
          query.minBudget === undefined ? undefined : gte(budget, query.minBudget),
        );
        const rows = yield* db
          .select(columns)
          .from(projects)
          .where(and(gt(id, after), where))
          .orderBy(asc(id))
          .limit(limit + 1);
        return pageOf(rows, limit, yield* db.$count(projects, where));
      }).pipe(answer),

    create: ({ payload }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const last = db.select({ id: max(id) }).from(projects);
        return yield* numbered(last, (next) =>
          db
            .insert(projects)
            .values({ ...payload, id: next })
            .returning(columns),
        );
      }).pipe(answer),

    read: ({ params }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const found = yield* db.query.projects.findFirst({
          where: { id: params.id },
          with: { managers: { columns: { id: true, title: true }, with: { user: { columns: { name: true } } } } },
        });
        return found ?? (yield* new NotFound());
      }).pipe(answer),

    update: ({ params, payload }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        // Sets the id to itself as well, since an update of nothing is no SQL.
        const [changed] = yield* db
          .update(projects)
          .set({ id: params.id, ...payload })
          .where(eq(id, params.id))
          .returning(columns);
        return changed ?? (yield* new NotFound());
      }).pipe(answer),

    remove: ({ params }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const removed = yield* db.delete(projects).where(eq(id, params.id)).returning({ id });
        if (removed.length === 0) return yield* new NotFound();
      }).pipe(answer),

    addManager: ({ params }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        yield* db
          .insert(projectManagers)
          .values({ projectId: params.id, managerId: params.managerId })
          .onConflictDoNothing();
      }).pipe(answer),

    removeManager: ({ params }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const link = and(eq(projectManagers.projectId, params.id), eq(projectManagers.managerId, params.managerId));
        const removed = yield* db.delete(projectManagers).where(link).returning({ id: projectManagers.projectId });
        if (removed.length === 0) return yield* new NotFound();
      }).pipe(answer),
  }),
);
