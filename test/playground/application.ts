/** The application over tables of its own, for one file of tests, and a way to call it. */
import { afterAll, beforeAll, inject } from 'vitest';
import { serve, type Options, type Served } from '../../playground/app/server.js';
import { connect } from '../../playground/database.js';
import { createDatabases, type Databases } from '../../playground/databases.js';
import { seed, tenants } from '../../playground/seed.js';
import { startServer } from '../../playground/server.js';

export const [acme, birch, cedar] = tenants as [(typeof tenants)[0], (typeof tenants)[0], (typeof tenants)[0]];

export interface Answer {
  readonly status: number;
  readonly body: any;
  readonly text: string;
  readonly headers: Headers;
}

export function testApplication(options: Partial<Options> = {}) {
  let databases: Databases;
  let served: Served;
  const it = {
    get url() {
      return served.url;
    },
    get databases() {
      return databases;
    },
    tokenFor: (tenant = acme, user = 1) => served.tokenFor({ account: tenant.id, user }),
    /** Calls the API as user 1 of a tenant, or as nobody. */
    call: async (method: string, path: string, { as = acme as typeof acme | null, json = undefined as unknown, headers = {}, ...init } = {}): Promise<Answer> => {
      const response = await fetch(`${served.url}${path}`, {
        method,
        headers: {
          ...(as && { authorization: `Bearer ${it.tokenFor(as)}` }),
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
        ...init,
      } as RequestInit);
      const text = await response.text();
      const body = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : undefined;
      return { status: response.status, body, text, headers: response.headers };
    },
  };
  beforeAll(async () => {
    databases = await createDatabases(await startServer(inject('databaseUrl')));
    await seed(connect(databases.shared), tenants);
    served = await serve({ database: { url: inject('databaseUrl'), schema: schemaOf(databases) }, port: 0, ...options });
  });
  afterAll(async () => {
    await served?.close();
    await databases?.drop();
  });
  return it;
}

const schemaOf = ({ shared }: Databases) => shared.options.connection.search_path as string;
