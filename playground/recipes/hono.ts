/** Hono: the middleware puts the tenant's database into the context, and its type says that it is there. */
import type { TenancyDatabase } from 'drizzle-tenant';
import { claim, tenantMiddleware } from 'drizzle-tenant/hono';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { account } from '../schema.js';
import { createProject, findProject, listProjects } from './queries.js';
import { verify } from './session.js';

export function honoApp(db: TenancyDatabase) {
  /** A handler behind this middleware has `c.var.tdb`; without it, `c.var.tdb` does not compile. */
  const forTenant = tenantMiddleware({
    db,
    tenancy: account,
    user: (c) => verify(c.req.header('authorization')),
    tenant: claim('account'),
  });

  return new Hono()
    .onError((error, c) => {
      const isExpected = error instanceof HTTPException;
      return c.json(
        { error: isExpected ? error.message : 'The server has made a mistake' },
        isExpected ? error.status : 500,
      );
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
