/** What the page asks its server. */
async function json(path, token, method = 'GET') {
  const response = await fetch(path, { method, headers: token ? { authorization: `Bearer ${token}` } : {} });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Error(problem.title ?? `The server answers ${response.status}`);
  }
  return response.json();
}

/** The tenants, with tokens, the queries, and the cluster on Citus. */
export const loadState = () => json('/playground/state');

/** A tenant's projects and tasks, through the REST API, by its own token. */
export async function loadRows({ token }) {
  const [projects, tasks] = await Promise.all(['projects', 'tasks'].map((it) => json(`/api/${it}?limit=100`, token)));
  return { projects: projects.items, tasks: tasks.items };
}

/** Exports a tenant, erases it, and imports it as another. */
export const moveTenant = () => json('/playground/move', undefined, 'POST');

export const runQuery = (query, tenant) => json(`/playground/run/${query.name}/${tenant.name}`);
