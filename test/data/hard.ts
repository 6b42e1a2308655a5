/** Databases of the schema of `hard-schema.ts`. */
import { randomBytes } from 'node:crypto';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { inject } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { ddl, firmRows, relations, sharedRows, tenantTables } from './hard-schema.js';

export { firm, relations } from './hard-schema.js';

export interface Hard {
  readonly url: string;
  readonly client: postgres.Sql;
  readonly db: ReturnType<typeof open>;
  readonly run: (text: string) => Promise<Record<string, any>[]>;
  readonly close: () => Promise<void>;
}
const open = (client: postgres.Sql) => withTenancy(drizzle({ client }), { relations });

/** A database of the schema, with the rows of these firms. */
export async function hard(firms: readonly number[] = [], more = ''): Promise<Hard> {
  const name = `hard_${process.pid}_${randomBytes(4).toString('hex')}`;
  const admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${name}`);
  await admin.end();
  const url = Object.assign(new URL(inject('databaseUrl')), { pathname: `/${name}` }).href;
  const client = postgres(url, { max: 3, onnotice: () => {} });
  const maker = postgres(url, { max: 1, onnotice: () => {} });
  await maker.unsafe([ddl, firms.length > 0 ? sharedRows : '', more].join(';\n'));
  for (const it of firms) await maker.unsafe(firmRows(it));
  await maker.end();
  return { url, client, db: open(client), run: (text) => client.unsafe(text) as any, close: () => client.end() };
}

/** Every row as PostgreSQL prints it, by tenant. */
export async function textOf(it: Pick<Hard, 'run'>): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const [table, column] of tenantTables) {
    for (const { tenant, row } of await it.run(
      `select "${column}"::text as tenant, t::text as row from ${table} t order by t::text collate "C"`,
    ))
      (found[tenant] ??= []).push(`${table} ${row}`);
  }
  return found;
}
