/** Databases of the isolation suite's schema, on each driver, and what their tables hold as text. */
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle as pglite } from 'drizzle-orm/pglite';
import { drizzle as postgresJs } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { withTenancy, type TenancyDatabase } from '../../src/index.js';
import { freshDatabase, rowsFor, schemaStatements, type Contents } from '../support/databases.js';
import { tenantTables } from '../support/rows.js';
import { relations } from '../support/schema.js';
import { createPglite } from '../support/pglite.js';

export interface Place {
  readonly db: TenancyDatabase<any, any>;
  readonly run: (text: string) => Promise<Record<string, any>[]>;
  readonly close: () => Promise<unknown>;
  readonly url?: string;
}

export const places: Record<string, (contents?: Contents) => Promise<Place>> = {
  'postgres.js': async (contents = 'many') => {
    const { url } = await freshDatabase(contents);
    const client = postgres(url, { max: 2, onnotice: () => {} });
    return {
      url,
      db: withTenancy(postgresJs({ client }), { relations }),
      run: (text) => client.unsafe(text) as any,
      close: () => client.end(),
    };
  },
  'node-postgres': async (contents = 'many') => {
    const { url } = await freshDatabase(contents);
    const pool = new pg.Pool({ connectionString: url, max: 2 });
    return {
      url,
      db: withTenancy(nodePostgres({ client: pool }), { relations }),
      run: async (text) => (await pool.query(text)).rows,
      close: () => pool.end(),
    };
  },
  PGlite: async (contents = 'many') => {
    const client = await createPglite();
    await client.exec([...(await schemaStatements()), rowsFor[contents]].join(';\n'));
    return {
      db: withTenancy(pglite({ client }), { relations }),
      run: async (text) => (await client.query(text)).rows as any,
      close: () => client.close(),
    };
  },
};

/** Every row of every table of tenants, by tenant. */
export async function contentsOf(
  { run }: Pick<Place, 'run'>,
  tables: readonly (readonly [string, string])[] = tenantTables,
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const [table, column] of tables) {
    for (const { tenant, row } of await run(
      `select "${column}"::text as tenant, to_jsonb(t)::text as row from ${table} t order by 2`,
    )) {
      (found[tenant] ??= []).push(`${table} ${row}`);
    }
  }
  return found;
}

export async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
