/** What a program did, in a form that is compared: results, errors, and what it left in the tables. */
import type { SchemaSpec } from './spec.js';

/** What one step of a program gave. */
export interface Result {
  readonly value?: unknown;
  readonly error?: Record<string, unknown>;
}

/** A value as it is compared: lists without their order unless the program orders them. */
function comparable(value: unknown, ordered: boolean): unknown {
  if (value === null || typeof value !== 'object') return typeof value === 'bigint' ? `${value}n` : value === undefined ? null : value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) {
    const list = value.map((it) => comparable(it, ordered));
    return ordered || list.length < 2 ? list : list.map((it) => [JSON.stringify(it), it] as const).sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0)).map(([, it]) => it);
  }
  const { rows, fields, rowCount } = value as any; // What node-postgres returns, with the oids of its tables.
  if (Array.isArray(rows) && Array.isArray(fields)) return { rowCount, rows: comparable(rows, ordered) };
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, comparable(it, ordered)]));
}

/**
 * The steps of one program on one database: their results, in order.
 *
 * @returns `step`, which a program calls, and the results
 */
export function recorder() {
  const results: Result[] = [];
  const step = async (run: () => unknown, ordered = false): Promise<void> => {
    const at = results.push({}) - 1;
    try {
      results[at] = { value: comparable(await run(), ordered) };
    } catch (thrown) {
      results[at] = { error: errorOf(thrown) };
      // An error ends the transaction around it.
      throw new Failed(thrown);
    }
  };
  return { results, step };
}

/** Carries an error out of a transaction, past steps that would only repeat that it failed. */
export class Failed extends Error {
  constructor(readonly thrown: unknown) {
    super('a step failed');
  }
}

function errorOf(thrown: unknown): Record<string, unknown> {
  const error = (thrown instanceof Failed ? thrown.thrown : thrown) as any;
  if (thrown instanceof Failed) return { passed: true };
  if (error?._tag) return { tag: error._tag, message: error.message };
  const cause = error?.cause ?? error;
  if (typeof cause?.code === 'string' && /^[0-9A-Z]{5}$/.test(cause.code)) {
    // Which of several bad rows is told of depends on the order in which they are looked at.
    return { code: cause.code, table: cause.table, constraint: cause.constraint, column: cause.column, detail: cause.detail?.replace(/\(.*$/s, '') };
  }
  return { name: cause?.name, message: String(cause?.message ?? cause), code: cause?.code };
}

/** Whether a result shows that something was found, changed or refused. */
export function isTelling({ value, error }: Result): boolean {
  if (error) return true;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return 'rowCount' in value ? (value as any).rowCount > 0 : Object.keys(value).length > 0;
  return typeof value === 'number' ? value > 0 : value !== null;
}

/** A query for digests of every row, table by table: of some tenants and the reference tables, and of everybody else. */
export function stateQuery(spec: SchemaSpec, tenancy: number, tenants: readonly number[]): string {
  const digest = (sqlName: string, row: string, where: string) => `(select md5(coalesce(string_agg(${row}, ',' order by ${row}), '')) from ${sqlName} t ${where})`;
  const own: string[] = [];
  const others: string[] = [];
  for (const table of spec.tables) {
    if (table.kind === 'view') continue;
    const text = 't::text';
    // Another tenant's row is not even locked, or written as it was: a lock of this transaction is younger than it is.
    // A refreshed view is written anew.
    const locked = 't.xmax::text::bigint >= pg_current_xact_id()::text::bigint';
    const whole = table.kind === 'materialized view' ? text : `concat_ws(',', t.ctid, t.xmin, ${locked}, t)`;
    if (table.kind === 'reference') own.push(digest(table.sqlName, text, ''));
    else if (table.tenancy !== tenancy) others.push(digest(table.sqlName, whole, ''));
    else {
      const column = `t."${table.columns.find((it) => it.key === table.tenantKey)!.name}"`;
      const ids = tenants.map((it) => spec.tenancies[tenancy]!.sqlIds[it]).join(', ');
      own.push(digest(table.sqlName, text, `where ${column} in (${ids})`));
      others.push(digest(table.sqlName, whole, `where ${column} not in (${ids})`));
    }
  }
  const list = (digests: readonly string[]) => `array[${digests.join(', ')}]`;
  return `select ${list(own)} as own, ${list(others.length > 0 ? others : ["''"])} as others`;
}

/** The sequences of identity columns, which no rollback puts back. */
export function restartQuery(spec: SchemaSpec): string | undefined {
  const columns = spec.tables.flatMap((table) => table.columns.filter((it) => it.made === 'identity').map((it) => `setval(pg_get_serial_sequence('${table.sqlName.replaceAll("'", "''")}', '${it.name}'), 1000)`));
  return columns.length === 0 ? undefined : `select ${columns.join(', ')}`;
}
