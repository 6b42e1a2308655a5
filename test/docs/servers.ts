/**
 * A database for a recipe: on PostgreSQL, and on Citus where CITUS_URL is set, with row-level security and a role that
 * it holds back.
 */
import { drizzle } from 'drizzle-orm/postgres-js';
import { is, Table } from 'drizzle-orm';
import postgres from 'postgres';
import { afterAll, beforeAll, describe } from 'vitest';
import { assertRowLevelSecurity, defineTenantRelations, withTenancy } from '../../src/index.js';
import { createDatabase, type Database } from '../kit/database.js';
import { statementsOf } from '../schema/support.js';
import { admin, asRole, createAdmin, createRole, grants } from '../support/rls.js';

const citusUrl = process.env.CITUS_URL;

export interface Server {
  readonly name: 'PostgreSQL' | 'Citus';
  /** As the application logs in. */
  db: any;
  /** A superuser, whom no policy holds back. */
  sql: postgres.Sql;
  /** What PostgreSQL says that it does for a query of Drizzle's. */
  readonly planOf: (query: { toSQL(): { sql: string; params: unknown[] } }) => Promise<string>;
}

/**
 * @param schema the tables that a recipe exports
 * @param relations where it has more than those of its tables
 */
export function onEach(schema: Record<string, unknown>, tests: (server: Server) => void, relations?: object): void {
  onPostgres(schema, tests, relations);
  describe.skipIf(citusUrl === undefined)('on Citus (skipped without CITUS_URL)', { timeout: 60_000 }, () =>
    on(
      'Citus',
      schema,
      tests,
      async () => citusUrl!,
      async () => {},
      relations,
    ),
  );
}

/** The same on PostgreSQL only. */
export function onPostgres(schema: Record<string, unknown>, tests: (server: Server) => void, relations?: object): void {
  let database: Database;
  describe('on PostgreSQL', () =>
    on(
      'PostgreSQL',
      schema,
      tests,
      async () => (database = await createDatabase()).url(),
      async () => database?.drop(),
      relations,
    ));
}

function on(
  name: Server['name'],
  schema: Record<string, unknown>,
  tests: (server: Server) => void,
  open: () => Promise<string>,
  close: () => Promise<void>,
  relations: object = defineTenantRelations(schema),
): void {
  const names = Object.values(schema).flatMap((it) =>
    is(it, Table) ? [(it as any)[Symbol.for('drizzle:Name')] as string] : [],
  );
  const drop = `drop table if exists ${names.join(', ')} cascade`;
  let client: postgres.Sql;
  const server: Server = {
    name,
    db: undefined,
    sql: undefined as unknown as postgres.Sql,
    planOf: async (query) => {
      const { sql, params } = query.toSQL();
      return (await server.sql.unsafe(`explain ${sql}`, params as never[])).map((it) => it['QUERY PLAN']).join('\n');
    },
  };
  beforeAll(async () => {
    const url = await open();
    server.sql = postgres(url, { max: 1, onnotice: () => {} });
    await server.sql.unsafe(drop);
    // Citus logs in on the workers as whichever role the statement is run by.
    for (const statement of [createRole, createAdmin, ...(name === 'Citus' ? [`alter role ${admin} login`] : [])])
      await server.sql.unsafe(statement);
    const statements = await statementsOf(schema, { citus: name === 'Citus' ? { shardCount: 4 } : false, rls: true });
    await server.sql.begin(async (tx) => {
      for (const statement of statements) await tx.unsafe(statement);
    });
    for (const statement of [
      ...grants('public'),
      `grant select, insert, update, delete on all tables in schema public to ${admin}`,
    ])
      await server.sql.unsafe(statement);
    client = postgres(asRole(url), { max: 4, onnotice: () => {} });
    server.db = withTenancy(drizzle({ client }), { relations: relations as any, rls: true, across: { role: admin } });
    await server.db.ready;
    await assertRowLevelSecurity(server.db);
  }, 120_000);
  afterAll(async () => {
    await client?.end();
    await server.sql?.unsafe(drop);
    await server.sql?.end();
    await close();
  }, 60_000);
  tests(server);
}
