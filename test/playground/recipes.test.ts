/** The recipes, each as its framework runs it, over PGlite: every tenant gets its own rows, and nobody gets any. */
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { withTenancy, type TenancyDatabase } from '../../src/index.js';
import type { Database } from '../../playground/database.js';
import { expressApp } from '../../playground/recipes/express.js';
import { fastifyApp } from '../../playground/recipes/fastify.js';
import { honoApp } from '../../playground/recipes/hono.js';
import { projectRoute, projectsRoute } from '../../playground/recipes/next.js';
import { callerOf, trpcRouter } from '../../playground/recipes/trpc.js';
import { tokens } from '../../playground/recipes/session.js';
import { relations } from '../../playground/relations.js';
import { seed, tenants } from '../../playground/seed.js';
import { createPglite } from '../support/pglite.js';

type Fetch = (request: Request) => Promise<Response>;
const [acme, birch] = tenants.map((it) => it.id);
const closing: (() => unknown)[] = [];

/** Each as a function from a request to its response. */
const recipes: Record<string, (db: TenancyDatabase) => Promise<Fetch>> = {
  Hono: async (db) => async (request) => honoApp(db).fetch(request),
  Express: async (db) => {
    const server = expressApp(db).listen(0, '127.0.0.1');
    closing.push(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    return through(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  },
  Fastify: async (db) => {
    const app = fastifyApp(db);
    closing.push(() => app.close());
    return through(await app.listen({ port: 0, host: '127.0.0.1' }));
  },
  Next: async (db) => (request) => {
    const [, , id] = new URL(request.url).pathname.split('/');
    if (id !== undefined)
      return projectRoute(db).GET(request, { params: Promise.resolve({ id: decodeURIComponent(id) }) });
    const { GET, POST } = projectsRoute(db);
    return (request.method === 'POST' ? POST : GET)(request, {});
  },
};

const through = (base: string): Fetch => {
  return async (request) =>
    fetch(base + new URL(request.url).pathname, {
      method: request.method,
      headers: request.headers,
      body: request.method === 'POST' ? await request.text() : undefined,
    });
};

const client = await createPglite();
const database = withTenancy(drizzle({ client }), { relations });

beforeAll(async () => {
  await migrate(drizzle({ client }), { migrationsFolder: fileURLToPath(new URL('../../drizzle', import.meta.url)) });
  await seed(database as unknown as Database, tenants);
});
afterAll(async () => {
  for (const close of closing) await close();
  await client.close();
});

describe.each(Object.keys(recipes))('%s', (name) => {
  let run: Fetch;
  beforeAll(async () => {
    run = await recipes[name]!(database);
  });

  async function call(path: string, as: typeof acme | null, body?: unknown) {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (as) headers.authorization = `Bearer ${tokens.issue({ account: as, user: 1 })}`;
    const response = await run(
      new Request(`http://app${path}`, {
        headers,
        ...(body !== undefined && { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    );
    return { status: response.status, body: (await response.json()) as any };
  }

  it('gives each tenant its own rows', async () => {
    const created = await call('/projects', birch!, { name: `${name} of Birch` });
    expect(created).toMatchObject({ status: 201, body: { name: `${name} of Birch` } });
    const [ours, theirs] = await Promise.all([call('/projects', acme!), call('/projects', birch!)]);
    expect(ours!.body).toEqual([
      { id: 1, name: 'Website' },
      { id: 2, name: 'Web shop' },
      { id: 3, name: 'Office' },
    ]);
    expect(theirs!.body).toContainEqual(created.body);
    expect(await call(`/projects/${created.body.id}`, birch!)).toEqual({ status: 200, body: created.body });
    expect(await call(`/projects/${created.body.id}`, acme!)).toEqual(await call('/projects/999', acme!));
    expect((await call('/projects/999', acme!)).status).toBe(404);
  });

  it('refuses who has no tenant, and bodies that are none', async () => {
    for (const path of ['/projects', '/projects/1'])
      expect(await call(path, null)).toEqual({ status: 401, body: { error: expect.any(String) } });
    expect((await call('/projects', null, { name: 'x' })).status).toBe(401);
    for (const body of ['{', '[]', 'null', '7', {}, { name: {} }, { name: '' }])
      expect((await call('/projects', acme!, body)).status).toBe(400);
  });

  it('tells nobody what the database says', async () => {
    expect(await call('/projects', acme!, { name: 'Website' })).toEqual({
      status: 500,
      body: { error: 'The server has made a mistake' },
    });
  });
});

test('tRPC', async () => {
  const call = (as: typeof acme | null) =>
    callerOf(trpcRouter(database))({
      authorization: as ? `Bearer ${tokens.issue({ account: as, user: 1 })}` : undefined,
    });
  const created = await call(birch!).create({ name: 'tRPC of Birch' });
  expect(await call(birch!).list()).toContainEqual(created);
  expect(await call(acme!).list()).toEqual([
    { id: 1, name: 'Website' },
    { id: 2, name: 'Web shop' },
    { id: 3, name: 'Office' },
  ]);
  await expect(call(acme!).find(created.id)).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'No such project' });
  await expect(call(null).list()).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
});
