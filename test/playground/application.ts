/** The application over tables of its own, for one file of tests, and a way to call it. */
import type { Sql } from 'postgres';
import { afterAll, beforeAll, inject } from 'vitest';
import { serve, type Options, type Served } from '../../playground/app/server.js';
import { connect } from '../../playground/database.js';
import { databasesOn, type Databases } from '../../playground/databases.js';
import { seed, tenants } from '../../playground/seed.js';
import { serverAt } from '../../playground/server.js';

export const [acme, birch, cedar] = tenants as [(typeof tenants)[0], (typeof tenants)[0], (typeof tenants)[0]];

export interface Answer {
  readonly status: number;
  readonly body: any;
  readonly text: string;
  readonly headers: Headers;
}

export function testApplication(options: Partial<Options> = {}) {
  let databases: Databases;
  let client: Sql;
  let served: Served;
  const it = {
    get url() {
      return served.url;
    },
    /** Past every scope. */
    get client() {
      return client;
    },
    /** The schema that holds the tables. */
    get schema() {
      return client.options.connection.search_path as string;
    },
    tokenFor: (tenant = acme, user = 1) => served.tokenFor({ account: tenant.id, user }),
    /** Calls the API as user 1 of a tenant, or as nobody. */
    call: async (
      method: string,
      path: string,
      { as = acme as typeof acme | null, json = undefined as unknown, headers = {}, ...init } = {},
    ): Promise<Answer> => {
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
    const url = inject('databaseUrl');
    databases = databasesOn(serverAt(url), url);
    client = await databases.create();
    await seed(connect(client), tenants);
    served = await serve({ database: { url, schema: it.schema }, port: 0, ...options });
  });
  afterAll(async () => {
    await served?.close();
    await databases?.drop();
  });
  return it;
}
