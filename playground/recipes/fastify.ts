/**
 * Fastify: the hook of a plugin refuses who has no tenant. Only routes of the plugin have it; elsewhere `forTenant.tdb`
 * throws.
 */
import type { TenancyDatabase } from 'drizzle-tenant';
import { claim, tenantHook } from 'drizzle-tenant/fastify';
import Fastify, { type FastifyPluginAsync } from 'fastify';
import { account } from '../schema.js';
import { createProject, findProject, listProjects } from './queries.js';
import { verify } from './session.js';

const projectRoutes =
  (db: TenancyDatabase): FastifyPluginAsync =>
  async (app) => {
    const forTenant = tenantHook({
      db,
      tenancy: account,
      user: (request) => verify(request.headers.authorization),
      tenant: claim('account'),
    });
    app.addHook('onRequest', forTenant);

    app.get('/projects', (request) => listProjects(forTenant.tdb(request)));

    const params = { type: 'object', properties: { id: { type: 'integer', minimum: 1, maximum: 2147483647 } } };
    app.get<{ Params: { id: number } }>('/projects/:id', { schema: { params } }, async (request, reply) => {
      const found = await findProject(forTenant.tdb(request), request.params.id);
      return found ?? reply.code(404).send({ error: 'No such project' });
    });

    const body = { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1 } } };
    app.post<{ Body: { name: string } }>('/projects', { schema: { body } }, async (request, reply) =>
      reply.code(201).send(await createProject(forTenant.tdb(request), request.body.name)),
    );
  };

export const fastifyApp = (db: TenancyDatabase) =>
  Fastify({ bodyLimit: 64 * 1024 })
    .setErrorHandler<Error & { statusCode?: number }>((error, _request, reply) => {
      const status = error.statusCode ?? 500;
      // What the database says goes into the log of an application, and to nobody else.
      return reply.code(status).send({ error: status < 500 ? error.message : 'The server has made a mistake' });
    })
    .register(projectRoutes(db));
