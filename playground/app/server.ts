/** Serves the application, on the usual port or on a free one. */
import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import { NodeHttpServer } from '@effect/platform-node';
import { Context, Effect, Exit, Layer, References, Scope } from 'effect';
import { HttpRouter, HttpServer } from 'effect/http';
import { apiLayer } from './api.js';
import { Db } from './db.js';
import { withProblems } from './responses.js';
import { Tokens, type Claim } from './tokens.js';

export interface Options {
  /** The database, and the schema in it that holds the tables. */
  readonly database: { readonly url: string; readonly schema: string };
  readonly port: number;
  /** Routes beside those of the API. */
  readonly routes?: Layer.Layer<
    never,
    never,
    HttpRouter.HttpRouter | Tokens | Layer.Success<typeof NodeHttpServer.layerHttpServices>
  >;
}

export interface Served {
  readonly url: string;
  readonly tokenFor: (claim: Claim) => string;
  close(): Promise<void>;
}

export async function serve({ database, port, routes = Layer.empty }: Options): Promise<Served> {
  const connection = Db.layer({
    url: database.url,
    // A server that does not answer is said so at once, and found again at once when it is back.
    connection: { connection: { search_path: database.schema }, connect_timeout: 5, backoff: 0.1, onnotice: () => {} },
  });
  const tokens = Tokens.layer(randomBytes(32).toString('hex')); // New in each run: no token outlives the playground.
  const app = Layer.unwrap(
    Effect.map(HttpRouter.toHttpEffect(Layer.merge(apiLayer, routes)), (handler) =>
      HttpServer.serve(withProblems(handler)),
    ),
  );
  const listening = NodeHttpServer.layerServer(() => createServer(), {
    port,
    host: '127.0.0.1',
    gracefulShutdownTimeout: '1 second',
  });
  const anywhere = NodeHttpServer.layerServer(() => createServer(), {
    port: 0,
    host: '127.0.0.1',
    gracefulShutdownTimeout: '1 second',
  });
  const layer = app.pipe(
    Layer.provideMerge(Layer.catchTag(listening, 'ServeError', () => anywhere)),
    Layer.provide(NodeHttpServer.layerHttpServices),
    Layer.provideMerge(tokens),
    Layer.provide(connection),
    Layer.provide(Layer.succeed(References.MinimumLogLevel, 'Error')),
  );

  const scope = Scope.makeUnsafe();
  const services = await Effect.runPromise(Layer.buildWithScope(layer, scope)).catch(async (error) => {
    await Effect.runPromise(Scope.close(scope, Exit.void));
    throw error;
  });
  const { address } = Context.get(services, HttpServer.HttpServer);
  return {
    url: `http://127.0.0.1:${(address as { port: number }).port}`,
    tokenFor: Context.get(services, Tokens).issue,
    close: () => Effect.runPromise(Scope.close(scope, Exit.void)),
  };
}
