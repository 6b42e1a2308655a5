/** From the project and the command line to a tenant and its database. */
import { getColumns } from 'drizzle-orm';
import type { DeclaredTable, Subject } from '../../data/catalog.js';
import type { Source } from '../../data/connection.js';
import { soleSetting, tenantSetting } from '../../rls/names.js';
import { tenancyReferredTo } from '../../schema/tenancy.js';
import { DatabaseConnectionError, DatabaseStateError } from '../errors.js';
import type { Project } from './load.js';
import { keyOf } from '../names.js';

/**
 * @param id as the database prints it
 * @param name the tenancy; needed when the schema has several
 */
export function subjectOf(project: Project, id: string, name: string | undefined): Subject {
  const names = Object.keys(project.state.tenancies);
  const tenancy = name ?? (names.length === 1 ? names[0]! : undefined);
  if (tenancy === undefined || !names.includes(tenancy)) {
    throw new DatabaseStateError(
      'Pass --tenancy with one of ' +
        `${names.map((it) => `"${it}"`).join(', ') || 'the tenancies that the schema declares'}.`,
    );
  }
  const tables = new Map<string, DeclaredTable>();
  const elsewhere: Subject['elsewhere'][number][] = [];
  for (const it of project.declared) {
    if (it.kind === 'plain' || !project.state.tables[keyOf(it)]) continue;
    const schema = it.schema === 'public' ? undefined : it.schema;
    if (it.kind === 'tenant' && it.tenancy !== tenancy) {
      elsewhere.push({ schema, name: it.name });
      continue;
    }
    const columns = Object.entries<any>(getColumns(it.table));
    tables.set(keyOf(it), {
      schema,
      name: it.name,
      column: it.column,
      references: columns.flatMap(([, column]) =>
        (tenancyReferredTo(column) as { name?: string } | undefined)?.name === tenancy ? [column.name] : [],
      ),
      isOptional: false,
      titles: [],
      keys: Object.fromEntries(columns.map(([key, column]) => [key, column.name])),
    });
  }
  return {
    tenancy,
    id,
    tables: [...tables.values()],
    elsewhere,
    settings: [...new Set([soleSetting, tenantSetting(tenancy, false)])],
  };
}

/** Lends a database to `use`, through postgres.js or pg, whichever the project has. */
export async function withSource<T>(url: string | undefined, use: (source: Source) => Promise<T>): Promise<T> {
  if (!url)
    throw new DatabaseConnectionError(
      'Pass --url, or set dbCredentials.url in the config: the command needs a database.',
    );
  const found = await import('postgres').catch(() => undefined);
  if (found) {
    const client = found.default(url, { max: 1, onnotice: () => {}, connect_timeout: 10 });
    return use({ db: { $client: client } }).finally(() => client.end({ timeout: 1 }));
  }
  const pg = await import('pg').catch(() => undefined);
  if (!pg)
    throw new DatabaseConnectionError('Install postgres or pg: the command needs one of them to reach the database.');
  const pool = new pg.default.Pool({ connectionString: url, connectionTimeoutMillis: 10_000 });
  return use({ db: { $client: pool } }).finally(() => pool.end());
}
