/** Schemas that are built as drizzle-kit builds them, on a database of their own. */
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api-postgres';
import postgres from 'postgres';
import { afterAll, beforeAll } from 'vitest';
import { tenantStatements, type TenancyOptions } from '../../src/kit/index.js';
import { createDatabase, type Database } from '../kit/database.js';

/** The statements of a first migration. */
export async function statementsOf(
  schema: Record<string, unknown>,
  tenancy: TenancyOptions = { citus: false },
): Promise<string[]> {
  const to = await generateDrizzleJson(schema);
  const drizzle = await generateMigration(await generateDrizzleJson({}), to);
  return (await tenantStatements({ statements: drizzle, to, schema, tenancy })).statements;
}

/** A database that is there during the tests of a file, and is emptied by `build`. */
export function freshSchema() {
  let database: Database;
  const self = {
    sql: undefined as unknown as postgres.Sql,
    /** Empties the database, and runs the first migration of a schema. */
    async build(schema: Record<string, unknown>, tenancy?: TenancyOptions): Promise<string[]> {
      await self.sql.unsafe('drop schema public cascade; create schema public');
      const statements = await statementsOf(schema, tenancy);
      for (const statement of statements) await self.sql.unsafe(statement);
      return statements;
    },
    /** The definitions of a table's indexes and constraints, without the table's name. */
    async keys(table: string): Promise<string[]> {
      const rows = await self.sql`select indexdef from pg_indexes where tablename = ${table} order by indexname`;
      return rows.map((it) =>
        it.indexdef.replace(/^CREATE (UNIQUE )?INDEX (\S+) ON \S+ USING /, '$1$2 ').replaceAll('"', ''),
      );
    },
  };
  beforeAll(async () => {
    database = await createDatabase();
    self.sql = postgres(database.url(), { max: 1, onnotice: () => {} });
  }, 60_000);
  afterAll(async () => {
    await self.sql?.end();
    await database?.drop();
  }, 60_000);
  return self;
}
