import { run } from './app.js';

export default {
  fetch: async (_, { URL }) =>
    run(URL).then(
      (it) => new Response(it),
      (error) => new Response(String(error.cause ?? error), { status: 500 }),
    ),
};
