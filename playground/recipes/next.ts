/**
 * Next: a route handler is a function of a Request. `forTenant` makes one of a function that also takes the tenant's
 * database. In an application: `export const { GET, POST } = projectsRoute(db)` in `app/projects/route.ts`, and
 * `export const { GET } = projectRoute(db)` in `app/projects/[id]/route.ts`.
 */
import type { TenancyDatabase, TenantDatabase } from '../../src/index.js';
import { createProject, findProject, listProjects } from './queries.js';
import { accountOf } from './session.js';

type TenantHandler<Context> = (tdb: TenantDatabase<'account'>, request: Request, context: Context) => Promise<Response>;

const forTenant =
  <Context>(db: TenancyDatabase, handle: TenantHandler<Context>) =>
  async (request: Request, context: Context): Promise<Response> => {
    const account = accountOf(request.headers.get('authorization'));
    if (!account) return Response.json({ error: 'A valid bearer token is needed' }, { status: 401 });
    try {
      return await handle(db.forTenant(account), request, context);
    } catch {
      // What the database says goes into the log of an application, and to nobody else.
      return Response.json({ error: 'The server has made a mistake' }, { status: 500 });
    }
  };

export const projectsRoute = (db: TenancyDatabase) => ({
  GET: forTenant(db, async (tdb) => Response.json(await listProjects(tdb))),

  POST: forTenant(db, async (tdb, request) => {
    const { name } = ((await request.json().catch(() => null)) ?? {}) as { name?: unknown };
    if (typeof name !== 'string' || name === '') return Response.json({ error: 'name: a text' }, { status: 400 });
    return Response.json(await createProject(tdb, name), { status: 201 });
  }),
});

/** Next gives the parameters of the path as a promise. */
export const projectRoute = (db: TenancyDatabase) => ({
  GET: forTenant<{ params: Promise<{ id: string }> }>(db, async (tdb, _, { params }) => {
    const { id } = await params;
    const found = /^\d{1,9}$/.test(id) ? await findProject(tdb, Number(id)) : undefined;
    return found ? Response.json(found) : Response.json({ error: 'No such project' }, { status: 404 });
  }),
});
