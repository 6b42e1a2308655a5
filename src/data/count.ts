/** How many rows a tenant has, table by table, in one snapshot. */
import { readCatalog, type Subject, type Undeclared, type Catalog } from './catalog.js';
import { connected, transact, type Connection, type Source } from './connection.js';
import { countRows } from './statements.js';

export interface TableCount {
  readonly table: string;
  readonly column: string;
  readonly rows: number;
  /** Whether the schema declares the table; otherwise the database's catalog told of it. */
  readonly isDeclared: boolean;
}

export interface Counted {
  readonly tenant: string;
  readonly total: number;
  readonly tables: readonly TableCount[];
}

/** Rows of every table that is the tenant's by the schema, or by the catalog. */
export async function countsOf(connection: Connection, catalog: Catalog): Promise<TableCount[]> {
  const count = async (it: { schema: string; name: string; column: string }) =>
    Number((await connection.query(countRows(it, catalog.tenant)))[0]![0]);
  const counts: TableCount[] = [];
  for (const it of catalog.tables)
    counts.push({ table: it.title, column: it.column, rows: await count(it), isDeclared: true });
  for (const it of catalog.undeclared)
    counts.push({ table: it.title, column: it.column, rows: await count(it), isDeclared: false });
  return counts;
}

export const isView = (catalog: Catalog, it: TableCount): Undeclared | undefined =>
  catalog.undeclared.find((found) => found.title === it.table && found.isMaterializedView);

export function countTenant(source: Source, subject: Subject, signal?: AbortSignal): Promise<Counted> {
  return connected(source, async (connection) => {
    const { tenant } = await readCatalog(connection, subject);
    return transact(connection, { access: 'read', settings: subject.settings, tenant, signal }, async () => {
      const tables = await countsOf(connection, await readCatalog(connection, subject));
      return { tenant, total: tables.reduce((sum, it) => sum + it.rows, 0), tables };
    });
  });
}
