/**
 * Express: a handler asks for the database of its request, which throws where the middleware does not stand before it.
 */
import type { TenancyDatabase } from 'drizzle-tenant';
import { claim, tenantMiddleware } from 'drizzle-tenant/express';
import express, { type ErrorRequestHandler } from 'express';
import { account } from '../schema.js';
import { createProject, findProject, listProjects } from './queries.js';
import { verify } from './session.js';

export function expressApp(db: TenancyDatabase) {
  const forTenant = tenantMiddleware({
    db,
    tenancy: account,
    user: (request) => verify(request.headers.authorization),
    tenant: claim('account'),
  });

  const app = express()
    .use(express.json({ limit: '64kb' }))
    .use('/projects', forTenant);
  app.get('/projects', async (request, response) => void response.json(await listProjects(forTenant.tdb(request))));
  app.get('/projects/:id', async (request, response) => {
    const { id } = request.params;
    const found = /^\d{1,9}$/.test(id) ? await findProject(forTenant.tdb(request), Number(id)) : undefined;
    if (!found) return void response.status(404).json({ error: 'No such project' });
    response.json(found);
  });
  app.post('/projects', async (request, response) => {
    const { name } = request.body ?? {};
    if (typeof name !== 'string' || name === '') return void response.status(400).json({ error: 'name: a text' });
    response.status(201).json(await createProject(forTenant.tdb(request), name));
  });
  // What the database says goes into the log of an application, and to nobody else.
  const onError: ErrorRequestHandler = (error, _request, response, _next) => {
    const isExpected = error.status >= 400 && error.status < 500;
    response
      .status(isExpected ? error.status : 500)
      .json({ error: isExpected ? error.message : 'The server has made a mistake' });
  };
  return app.use(onError);
}
