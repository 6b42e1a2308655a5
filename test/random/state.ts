/** What the tables of a schema hold: to see what a program left. */
import { is } from 'drizzle-orm';
import { getMaterializedViewConfig, getTableConfig, PgMaterializedView, PgTable } from 'drizzle-orm/pg-core';
import { classOf } from '../../src/schema/classify.js';

export type Module = Readonly<Record<string, any>>;

/** Whose rows a program may touch. */
export interface Whose {
  /** The tenancy's name, which is its name in the module too. */
  readonly tenancy: string;
  /** Their ids: one for `forTenant`, two for `forTenants`. */
  readonly own: readonly unknown[];
  /** The ids of other tenants, who have no rows where `own` is alone. */
  readonly others: readonly unknown[];
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
const literal = (value: unknown) => (typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value));
const sqlName = ({ schema, name }: { schema?: string | undefined; name: string }) =>
  (schema ? `${quoted(schema)}.` : '') + quoted(name);

/**
 * A query for digests of every row, table by table: of some tenants and the reference tables, and of everybody else.
 */
export function stateQuery(module: Module, { tenancy, own: ids }: Whose): string {
  const digest = (table: string, row: string, where: string) =>
    `(select md5(coalesce(string_agg(${row}, ',' order by ${row}), '')) from ${table} t ${where})`;
  const own: string[] = [];
  const others: string[] = [];
  for (const entity of Object.values(module)) {
    const isView = is(entity, PgMaterializedView);
    if (!isView && !is(entity, PgTable)) continue;
    const table = sqlName(isView ? (getMaterializedViewConfig(entity) as any) : getTableConfig(entity as PgTable));
    const found = classOf(entity as object)!;
    // Another tenant's row is not even locked, or written as it was: a lock of this transaction is younger than it is.
    // A refreshed view is written anew.
    const locked = 't.xmax::text::bigint >= pg_current_xact_id()::text::bigint';
    const whole = isView ? 't::text' : `concat_ws(',', t.ctid, t.xmin, ${locked}, t)`;
    if (found.kind === 'reference') own.push(digest(table, 't::text', ''));
    else if (found.tenancy !== module[tenancy]) others.push(digest(table, whole, ''));
    else {
      const list = ids.map((id) => literal(found.column.mapToDriverValue(id))).join(', ');
      own.push(digest(table, 't::text', `where t.${quoted(found.name)} in (${list})`));
      others.push(digest(table, whole, `where t.${quoted(found.name)} not in (${list})`));
    }
  }
  return `select array[${own.join(', ')}] as own, array[${others.join(', ')}] as others`;
}

/** The sequences of identity columns, which no rollback puts back. */
export function restartQuery(module: Module): string | undefined {
  const restarts = Object.values(module).flatMap((entity) => {
    if (!is(entity, PgTable)) return [];
    const { schema, name, columns } = getTableConfig(entity);
    return columns
      .filter((it) => it.generatedIdentity)
      .map((it) => `setval(pg_get_serial_sequence(${literal(sqlName({ schema, name }))}, ${literal(it.name)}), 1000)`);
  });
  return restarts.length === 0 ? undefined : `select ${restarts.join(', ')}`;
}
