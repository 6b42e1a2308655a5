/**
 * Fastify: the hook of a plugin refuses who has no tenant, and hands the others' database out by a decorator. Only
 * routes of the plugin have the hook; elsewhere the decorator throws.
 */
import Fastify, { type FastifyPluginAsync, type FastifyReply, type FastifyRequest } from 'fastify';
import type { TenancyDatabase, TenantDatabase } from '../../src/index.js';
import { createProject, findProject, listProjects } from './queries.js';
import { accountOf } from './session.js';

const projectRoutes =
  (db: TenancyDatabase): FastifyPluginAsync =>
  async (app) => {
    const handles = new WeakMap<FastifyRequest, TenantDatabase<'account'>>();
    const tdbOf = (request: FastifyRequest) => handles.get(request)!;

    app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
      const account = accountOf(request.headers.authorization);
      if (!account) return reply.code(401).send({ error: 'A valid bearer token is needed' });
      handles.set(request, db.forTenant(account));
    });

    app.get('/projects', (request) => listProjects(tdbOf(request)));

    const params = { type: 'object', properties: { id: { type: 'integer', minimum: 1, maximum: 2147483647 } } };
    app.get<{ Params: { id: number } }>('/projects/:id', { schema: { params } }, async (request, reply) => {
      const found = await findProject(tdbOf(request), request.params.id);
      return found ?? reply.code(404).send({ error: 'No such project' });
    });

    const body = { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1 } } };
    app.post<{ Body: { name: string } }>('/projects', { schema: { body } }, async (request, reply) =>
      reply.code(201).send(await createProject(tdbOf(request), request.body.name)),
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
