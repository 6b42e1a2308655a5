/** Hono: a middleware puts the tenant's database into the context, and its type says that it is there. */
import { asc, eq } from 'drizzle-orm';
import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { HTTPException } from 'hono/http-exception';
import type { TenantDatabase } from '../../src/index.js';
import { projects } from '../schema.js';
import type { RecipeDatabase } from './database.js';
import { accountOf } from './session.js';

/** A handler behind this middleware has `c.var.tdb`; without it, `c.var.tdb` does not compile. */
const forTenant = (db: RecipeDatabase) =>
  createMiddleware<{ Variables: { tdb: TenantDatabase<'account'> } }>(async (c, next) => {
    const account = accountOf(c.req.header('authorization'));
    if (!account) throw new HTTPException(401, { message: 'A valid bearer token is needed' });
    c.set('tdb', db.forTenant(account));
    await next();
  });

export const honoApp = (db: RecipeDatabase) =>
  new Hono()
    .onError((error, c) => (error instanceof HTTPException ? c.json({ error: error.message }, error.status) : c.json({ error: 'A mistake of the server' }, 500)))
    .get('/projects', forTenant(db), async (c) => {
      const rows = await c.var.tdb.select({ id: projects.id, name: projects.name }).from(projects).orderBy(asc(projects.id));
      return c.json(rows);
    })
    .get('/projects/:id{[0-9]{1,9}}', forTenant(db), async (c) => {
      const [found] = await c.var.tdb.select({ id: projects.id, name: projects.name }).from(projects).where(eq(projects.id, Number(c.req.param('id'))));
      return found ? c.json(found) : c.json({ error: 'No such project' }, 404);
    });
