/**
 * Next: `forTenant` makes a route handler of a function that also takes the tenant's database. In an application:
 * `export const { GET, POST } = projectsRoute(db)` in `app/projects/route.ts`, and `export const { GET } =
 * projectRoute(db)` in `app/projects/[id]/route.ts`.
 */
import type { TenancyDatabase } from 'drizzle-tenant';
import { claim, tenantRoute } from 'drizzle-tenant/next';
import { account } from '../schema.js';
import { createProject, findProject, listProjects } from './queries.js';
import { verify } from './session.js';

const tenantsOf = (db: TenancyDatabase) =>
  tenantRoute({
    db,
    tenancy: account,
    user: (request) => verify(request.headers.get('authorization')),
    tenant: claim('account'),
  });

/** What the database says goes into the log of an application, and to nobody else. */
const inJson =
  <Context>(route: (request: Request, context: Context) => Promise<Response>) =>
  (request: Request, context: Context) =>
    route(request, context).catch(() => Response.json({ error: 'The server has made a mistake' }, { status: 500 }));

export const projectsRoute = (db: TenancyDatabase) => {
  const forTenant = tenantsOf(db);
  return {
    GET: inJson(forTenant(async (tdb) => Response.json(await listProjects(tdb)))),

    POST: inJson(
      forTenant(async (tdb, request) => {
        const { name } = ((await request.json().catch(() => null)) ?? {}) as { name?: unknown };
        if (typeof name !== 'string' || name === '') return Response.json({ error: 'name: a text' }, { status: 400 });
        return Response.json(await createProject(tdb, name), { status: 201 });
      }),
    ),
  };
};

/** Next gives the parameters of the path as a promise. */
export const projectRoute = (db: TenancyDatabase) => ({
  GET: tenantsOf(db)<{ params: Promise<{ id: string }> }>(async (tdb, _, { params }) => {
    const { id } = await params;
    const found = /^\d{1,9}$/.test(id) ? await findProject(tdb, Number(id)) : undefined;
    return found ? Response.json(found) : Response.json({ error: 'No such project' }, { status: 404 });
  }),
});
