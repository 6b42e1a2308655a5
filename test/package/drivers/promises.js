/** Drizzle's drivers of promises. Each gives a handle, and what closes it. */
import { createRequire } from 'node:module';

const { DATABASE_URL: url, NEON_HTTP, NEON_SOCKET, PROXY, DATA_API } = process.env;
const { hostname, port } = url ? new URL(url) : {};

/** Neon's client asks a proxy on its own machine, without TLS. */
const toProxy = async (config) => {
  Object.assign(config, {
    webSocketConstructor: globalThis.WebSocket ?? (await import('ws')).default,
    wsProxy: () => `${NEON_SOCKET}/?address=${hostname}:${port}`,
    useSecureWebSocket: false,
    pipelineTLS: false,
    pipelineConnect: false,
    fetchEndpoint: NEON_HTTP,
  });
};
const neon = async () => {
  const client = await import('@neondatabase/serverless');
  await toProxy(client.neonConfig);
  return client;
};

export const drivers = {
  'postgres-js': async () => {
    const [{ drizzle }, { default: postgres }] = [await import('drizzle-orm/postgres-js'), await import('postgres')];
    const client = postgres(url, { max: 2 });
    return { orm: drizzle({ client }), end: () => client.end({ timeout: 1 }) };
  },
  'node-postgres, Pool': async () => {
    const [{ drizzle }, { default: pg }] = [await import('drizzle-orm/node-postgres'), await import('pg')];
    const client = new pg.Pool({ connectionString: url, max: 2 });
    return { orm: drizzle({ client }), end: () => client.end() };
  },
  'node-postgres, Client': async () => {
    const [{ drizzle }, { default: pg }] = [await import('drizzle-orm/node-postgres'), await import('pg')];
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return { orm: drizzle({ client }), end: () => client.end() };
  },
  'pglite': async (setup) => {
    const [{ drizzle }, { PGlite }] = [await import('drizzle-orm/pglite'), await import('@electric-sql/pglite')];
    const client = new PGlite();
    await client.exec(
      [
        ...setup,
        'create role application',
        'grant all on projects, guarded to application',
        'set role application',
      ].join('; '),
    );
    return { orm: drizzle({ client }), end: () => client.close() };
  },
  'bun-sql': async () => {
    const [{ drizzle }, { SQL }] = [await import('drizzle-orm/bun-sql'), await import('bun')];
    const client = new SQL(url, { max: 2 });
    return { orm: drizzle({ client }), end: () => client.close() };
  },
  'neon-serverless': async () => {
    const [{ drizzle }, { Pool }] = [await import('drizzle-orm/neon-serverless'), await neon()];
    const client = new Pool({ connectionString: url, max: 2 });
    return { orm: drizzle({ client }), end: () => client.end() };
  },
  'neon-http': async () => {
    const [{ drizzle }, client] = [await import('drizzle-orm/neon-http'), await neon()];
    return { orm: drizzle({ client: client.neon(url) }), end: () => {} };
  },
  'vercel-postgres': async () => {
    // Vercel's client brings a copy of Neon's.
    const require = createRequire(createRequire(import.meta.url).resolve('@vercel/postgres'));
    await toProxy((await import(require.resolve('@neondatabase/serverless').replace(/\.js$/, '.mjs'))).neonConfig);
    const [{ drizzle }, { createPool }] = [
      await import('drizzle-orm/vercel-postgres'),
      await import('@vercel/postgres'),
    ];
    const client = createPool({ connectionString: url.replace('@127.0.0.1', '@localhost'), max: 2 });
    return { orm: drizzle(client), end: () => client.end() };
  },
  'netlify-db, serverless': async () => {
    const [{ drizzle }, client] = [await import('drizzle-orm/netlify-db'), await neon()];
    const pool = new client.Pool({ connectionString: url, max: 2 });
    // Drizzle calls it as Neon's client was called before its version 1.
    const { query, transaction } = client.neon(url);
    return {
      orm: drizzle({ client: { http: Object.assign((...args) => query(...args), { query, transaction }), pool } }),
      end: () => pool.end(),
    };
  },
  'netlify-db, server': async () => {
    const [{ drizzle }, { default: pg }, client] = [
      await import('drizzle-orm/netlify-db'),
      await import('pg'),
      await neon(),
    ];
    const pool = new pg.Pool({ connectionString: url, max: 2 });
    return { orm: drizzle({ client: { driver: 'server', pool, connectionString: url } }), end: () => pool.end() };
  },
  'pg-proxy': async () => {
    const { drizzle } = await import('drizzle-orm/pg-proxy');
    const query = async (sql, params, method) => {
      const response = await fetch(PROXY, {
        method: 'POST',
        headers: method === 'execute' ? {} : { 'neon-array-mode': 'true' },
        body: JSON.stringify({ query: sql, params }),
      });
      const answer = await response.json();
      if (!response.ok) throw Object.assign(new Error(answer.message), answer);
      return answer;
    };
    return { orm: drizzle(query), end: () => {} };
  },
  'aws-data-api': async () => {
    const [{ drizzle }, { RDSDataClient }] = [
      await import('drizzle-orm/aws-data-api/pg'),
      await import('@aws-sdk/client-rds-data'),
    ];
    const client = new RDSDataClient({
      endpoint: DATA_API,
      region: 'local',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    });
    return { orm: drizzle({ client, resourceArn: 'x', secretArn: 'x', database: 'x' }), end: () => client.destroy() };
  },
};
