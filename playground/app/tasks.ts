/** Tasks. A project, a parent or an assignee of another tenant is one that does not exist. */
import { and, asc, eq, gt, max, sql } from 'drizzle-orm';
import { Effect, Schema } from 'effect';
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from 'effect/http-api';
import { taskStatus, tasks } from '../schema.js';
import { Db } from './db.js';
import { numbered } from './numbering.js';
import { answer, Checked, NotFound } from './problems.js';
import { Authenticated, ForTenant } from './tenant.js';
import { Amount, Id, Page, pageOf, paging, Text } from './values.js';

const Status = Schema.Literals(taskStatus.enumValues);
const fields = {
  projectId: Id,
  parentId: Schema.NullOr(Id),
  assigneeId: Schema.NullOr(Id),
  title: Text,
  status: Status,
  hours: Amount,
};
const Task = Schema.Struct({ id: Id, ...fields });
const Changes = Schema.Struct({
  projectId: Schema.optionalKey(fields.projectId),
  parentId: Schema.optionalKey(fields.parentId),
  assigneeId: Schema.optionalKey(fields.assigneeId),
  title: Schema.optionalKey(fields.title),
  status: Schema.optionalKey(fields.status),
  hours: Schema.optionalKey(fields.hours),
});
const New = Schema.Struct({ ...Changes.fields, projectId: Id, title: Text });

export class Tasks extends HttpApiGroup.make('tasks')
  .add(
    HttpApiEndpoint.get('list', '/', {
      query: {
        ...paging,
        title: Schema.optionalKey(Text),
        projectId: Schema.optionalKey(Id),
        assigneeId: Schema.optionalKey(Id),
        status: Schema.optionalKey(Status),
      },
      success: Page(Task),
    }),
    HttpApiEndpoint.post('create', '/', { payload: New, success: Task.pipe(HttpApiSchema.status(201)) }),
    HttpApiEndpoint.get('read', '/:id', { params: { id: Id }, success: Task, error: NotFound }),
    HttpApiEndpoint.patch('update', '/:id', { params: { id: Id }, payload: Changes, success: Task, error: NotFound }),
    HttpApiEndpoint.delete('remove', '/:id', { params: { id: Id }, error: NotFound }),
  )
  .prefix('/api/tasks')
  .middleware(Checked)
  .middleware(ForTenant)
  .middleware(Authenticated) {}

const { id, projectId, parentId, assigneeId, title, status, hours } = tasks;
const columns = { id, projectId, parentId, assigneeId, title, status, hours };

export const tasksLayer = HttpApiBuilder.group(HttpApi.make('app').add(Tasks), 'tasks', (handlers) =>
  handlers.handleAll({
    list: ({ query: { after = 0, limit, ...query } }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const where = and(
          query.title === undefined ? undefined : sql`strpos(lower(${title}), lower(${query.title})) > 0`,
          query.projectId === undefined ? undefined : eq(projectId, query.projectId),
          query.assigneeId === undefined ? undefined : eq(assigneeId, query.assigneeId),
          query.status === undefined ? undefined : eq(status, query.status),
        );
        const rows = yield* db
          .select(columns)
          .from(tasks)
          .where(and(gt(id, after), where))
          .orderBy(asc(id))
          .limit(limit + 1);
        return pageOf(rows, limit, yield* db.$count(tasks, where));
      }).pipe(answer),

    create: ({ payload }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const last = db.select({ id: max(id) }).from(tasks);
        return yield* numbered(last, (next) =>
          db
            .insert(tasks)
            .values({ ...payload, id: next })
            .returning(columns),
        );
      }).pipe(answer),

    read: ({ params }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const [found] = yield* db.select(columns).from(tasks).where(eq(id, params.id));
        return found ?? (yield* new NotFound());
      }).pipe(answer),

    update: ({ params, payload }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const [changed] = yield* db
          .update(tasks)
          .set({ id: params.id, ...payload })
          .where(eq(id, params.id))
          .returning(columns);
        return changed ?? (yield* new NotFound());
      }).pipe(answer),

    remove: ({ params }) =>
      Effect.gen(function* () {
        const db = yield* Db;
        const removed = yield* db.delete(tasks).where(eq(id, params.id)).returning({ id });
        if (removed.length === 0) return yield* new NotFound();
      }).pipe(answer),
  }),
);
