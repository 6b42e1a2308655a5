/**
 * Express: a handler is wrapped, and gets the tenant's database as a parameter. A property on the request would be
 * there, or not, whatever its type says; a parameter cannot be forgotten.
 */
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import type { TenancyDatabase, TenantDatabase } from '../../src/index.js';
import { createProject, findProject, listProjects } from './queries.js';
import { accountOf } from './session.js';

type TenantHandler = (tdb: TenantDatabase<'account'>, request: Request, response: Response) => Promise<unknown>;

export function expressApp(db: TenancyDatabase) {
  const forTenant =
    (handle: TenantHandler): RequestHandler =>
    async (request, response) => {
      const account = accountOf(request.headers.authorization);
      if (!account) return void response.status(401).json({ error: 'A valid bearer token is needed' });
      await handle(db.forTenant(account), request, response);
    };

  const app = express().use(express.json({ limit: '64kb' }));
  app.get('/projects', forTenant(async (tdb, _, response) => response.json(await listProjects(tdb))));
  app.get(
    '/projects/:id',
    forTenant(async (tdb, { params }, response) => {
      const found = /^\d{1,9}$/.test(String(params.id)) ? await findProject(tdb, Number(params.id)) : undefined;
      if (!found) return response.status(404).json({ error: 'No such project' });
      response.json(found);
    }),
  );
  app.post(
    '/projects',
    forTenant(async (tdb, { body }, response) => {
      if (typeof body?.name !== 'string' || body.name === '') return response.status(400).json({ error: 'name: a text' });
      response.status(201).json(await createProject(tdb, body.name));
    }),
  );
  // What the database says goes into the log of an application, and to nobody else.
  const onError: ErrorRequestHandler = (error, _request, response, _next) => {
    const isExpected = error.status >= 400 && error.status < 500;
    response.status(isExpected ? error.status : 500).json({ error: isExpected ? 'The request is not as it should be' : 'The server has made a mistake' });
  };
  return app.use(onError);
}
