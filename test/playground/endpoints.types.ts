/** An endpoint that uses `Db` and is not behind the middleware: it does not compile. */
import { Effect, Layer, Schema } from 'effect';
import type { HttpRouter } from 'effect/http';
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from 'effect/http-api';
import { Db } from '../../playground/app/db.js';
import { answer, databaseProblems } from '../../playground/app/problems.js';
import { Authenticated, ForTenant } from '../../playground/app/tenant.js';
import { projects } from '../../playground/schema.js';

const count = HttpApiEndpoint.get('count', '/count', { success: Schema.Int, error: databaseProblems });
const countProjects = () => Effect.flatMap(Db, (db) => db.$count(projects)).pipe(answer);

class Open extends HttpApiGroup.make('open').add(count) {}
class Guarded extends HttpApiGroup.make('guarded').add(count).middleware(ForTenant).middleware(Authenticated) {}

const open = HttpApiBuilder.group(HttpApi.make('app').add(Open), 'open', (handlers) =>
  handlers.handle('count', countProjects),
);
const guarded = HttpApiBuilder.group(HttpApi.make('app').add(Guarded), 'guarded', (handlers) =>
  handlers.handle('count', countProjects),
);

/** What the server provides. Nothing but the middleware provides `Db` to a request. */
type Provided = ForTenant | Authenticated | HttpRouter.HttpRouter;

export const right: Layer.Layer<any, never, Provided> = guarded;
// @ts-expect-error Db is missing in what the server provides
export const wrong: Layer.Layer<any, never, Provided> = open;
