/** Kysely: everything that a query builder or a template sends is confined, whoever compiled it. */
import { CompiledQuery, type DatabaseConnection, type Dialect, type Driver } from 'kysely';
import type { TenantId } from 'drizzle-tenant';
import { confine, ready } from 'drizzle-tenant/sql';
import * as schema from '../schema.js';

/**
 * @param dialect for PostgreSQL, whose pool all tenants may share
 * @returns the dialect of one tenant, as in `new Kysely<Tables>({ dialect: tenantDialect(dialect, id) })`
 */
export function tenantDialect(dialect: Dialect, tenant: TenantId<'account'>): Dialect {
  const confined = (query: CompiledQuery) => {
    const { text, params } = confine(query.sql, query.parameters, { tables: schema, tenant });
    return CompiledQuery.raw(text, params);
  };
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver() {
      const driver = dialect.createDriver();
      // BEGIN and its like are sent on the connection itself.
      const own = new WeakMap<DatabaseConnection, DatabaseConnection>();
      const of = (connection: DatabaseConnection) => own.get(connection)!;
      return {
        async init() {
          await ready;
          await driver.init();
        },
        async acquireConnection() {
          const connection = await driver.acquireConnection();
          const scoped: DatabaseConnection = {
            executeQuery: async (query) => connection.executeQuery(confined(query)),
            async *streamQuery(query, size) {
              yield* connection.streamQuery(confined(query), size) as AsyncIterableIterator<any>;
            },
          };
          own.set(scoped, connection);
          return scoped;
        },
        beginTransaction: (connection, settings) => driver.beginTransaction(of(connection), settings),
        commitTransaction: (connection) => driver.commitTransaction(of(connection)),
        rollbackTransaction: (connection) => driver.rollbackTransaction(of(connection)),
        releaseConnection: (connection) => driver.releaseConnection(of(connection)),
        destroy: () => driver.destroy(),
      } satisfies Driver;
    },
  };
}
