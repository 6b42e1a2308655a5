/** Hono: a middleware puts the tenant's database into the context, and its type says that it is there. */
import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { HTTPException } from 'hono/http-exception';
import type { TenancyDatabase, TenantDatabase } from '../../src/index.js';
import { createProject, findProject, listProjects } from './queries.js';
import { accountOf } from './session.js';

export function honoApp(db: TenancyDatabase) {
  /** A handler behind this middleware has `c.var.tdb`; without it, `c.var.tdb` does not compile. */
  const forTenant = createMiddleware<{ Variables: { tdb: TenantDatabase<'account'> } }>(async (c, next) => {
    const account = accountOf(c.req.header('authorization'));
    if (!account) throw new HTTPException(401, { message: 'A valid bearer token is needed' });
    c.set('tdb', db.forTenant(account));
    await next();
  });

  return new Hono()
    .onError((error, c) => {
      const isExpected = error instanceof HTTPException;
      return c.json({ error: isExpected ? error.message : 'The server has made a mistake' }, isExpected ? error.status : 500);
    })
    .get('/projects', forTenant, async (c) => c.json(await listProjects(c.var.tdb)))
    .get('/projects/:id{[0-9]{1,9}}', forTenant, async (c) => {
      const found = await findProject(c.var.tdb, Number(c.req.param('id')));
      return found ? c.json(found) : c.json({ error: 'No such project' }, 404);
    })
    .post('/projects', forTenant, async (c) => {
      const { name } = (await c.req.json().catch(() => null)) ?? {};
      if (typeof name !== 'string' || name === '') return c.json({ error: 'name: a text' }, 400);
      return c.json(await createProject(c.var.tdb, name), 201);
    });
}
