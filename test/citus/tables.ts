/** The test schema on Citus. */
import type postgres from 'postgres';
import { tenantTables } from '../support/rows.js';

/** Between the tables and their foreign keys, Citus is told how they are distributed. */
export function distributed(
  statements: readonly string[],
  only: readonly (readonly [table: string, column: string])[] = tenantTables,
): string[] {
  const tables = statements.filter((it) => /^CREATE (TABLE|TYPE|SCHEMA)/.test(it));
  const rest = statements.filter((it) => !tables.includes(it));
  const roots = { workspaces: 'workspaces', boards: 'workspaces' } as Record<string, string>;
  return [
    "set citus.multi_shard_modify_mode to 'sequential'",
    ...tables,
    "select create_reference_table('countries')",
    ...only.map(([table, column]) => {
      const root = roots[table] ?? 'accounts';
      return (
        `select create_distributed_table('${table}', '${column}', colocate_with => ` +
        `'${table === root ? 'none' : root}')`
      );
    }),
    ...rest,
  ];
}

export async function createTables(client: postgres.Sql, statements: readonly string[]): Promise<void> {
  for (const statement of distributed(statements)) await client.unsafe(statement);
}

/** The other suites on Citus begin with an empty database. */
export async function dropTables(client: postgres.Sql): Promise<void> {
  await client.unsafe('drop materialized view if exists project_sizes; drop view if exists open_tasks');
  for (const [table] of [...tenantTables].reverse()) await client.unsafe(`drop table if exists ${table} cascade`);
  await client.unsafe(
    'drop table if exists countries cascade; drop schema if exists crm cascade; drop type if exists status',
  );
}
