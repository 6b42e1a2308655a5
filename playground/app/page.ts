/** The routes of the page on /: its files, and what it shows that the API does not have. */
import { fileURLToPath } from 'node:url';
import { Effect, Layer } from 'effect';
import { HttpRouter, HttpServerResponse, HttpStaticServer } from 'effect/http';
import { allQueries } from '../catalogue.js';
import { tenants } from '../seed.js';
import { Tokens } from './tokens.js';
import type { Watch } from './watch.js';
import type { Whole } from './whole.js';

const files = HttpStaticServer.layer({
  root: fileURLToPath(new URL('../web', import.meta.url)),
  index: 'index.html',
  cacheControl: 'no-cache',
}).pipe(Layer.orDie);

/** Tokens of user 1 of each tenant are handed to whoever asks: the playground is for one person, on their machine. */
const state = ({ cluster }: Watch) =>
  Layer.unwrap(
    Effect.map(Tokens, ({ issue }) => {
      const body = {
        tenants: tenants.map(({ id, name }) => ({ id, name, token: issue({ account: id, user: 1 }) })),
        queries: allQueries.map(({ name, title, code }) => ({ name, title, code })),
        cluster: cluster && { nodes: cluster.nodes, slots: cluster.slots },
      };
      return HttpRouter.add('GET', '/playground/state', HttpServerResponse.jsonUnsafe(body));
    }),
  );

const run = (watch: Watch) =>
  HttpRouter.add(
    'GET',
    '/playground/run/:query/:tenant',
    Effect.gen(function* () {
      const params = yield* HttpRouter.params;
      const query = allQueries.find((it) => it.name === params.query);
      const tenant = tenants.find((it) => it.name === params.tenant);
      if (!query || !tenant) return HttpServerResponse.empty({ status: 404 });
      return HttpServerResponse.jsonUnsafe(yield* Effect.promise(() => watch.run(query, tenant)));
    }),
  );

const move = (whole: Whole) =>
  HttpRouter.add(
    'POST',
    '/playground/move',
    Effect.map(
      Effect.promise(() => whole.move()),
      (steps) => HttpServerResponse.jsonUnsafe({ steps }),
    ),
  );

export const pageRoutes = (watch: Watch, whole: Whole) => Layer.mergeAll(files, state(watch), run(watch), move(whole));
