/**
 * Proves that a view keeps tenants apart: that its rows, filtered by its tenant column, which is all that a handle
 * adds, are those that it would show if there were no other tenant. That is what the prover asks of a query whose rows
 * meet other rows of tenant tables.
 */
import { UnscopedTableError } from '../errors.js';
import type { Given } from './given.js';
import { statementOf, type Node, type Parse } from './parser.js';
import { isTenant } from './prove/entry.js';
import { proveRows } from './prove/prove.js';
import { placeOf, quoted, Refusal } from './refusal.js';
import type { Tables } from './tables.js';

/** A view that exposes a tenant column, and why it is not proved, if it is not. */
export interface ProvedView {
  readonly column: string;
  /** The names of all of its columns, where they are known. */
  readonly columns: readonly string[];
  /** Whose tenants its rows are, as its tables say. */
  readonly tenancy?: unknown;
  readonly fault?: string;
  /** What to do about it, where that is known. */
  readonly remedy?: string | undefined;
}

/**
 * @param text the query that defines the view
 * @param tables every table that it may name
 * @param tenantColumns the names of their tenant columns
 * @param declared the column by which handles filter the view, where that is known; otherwise any may be it that holds
 * the
 *   tenant of a table
 * @param tenancy whose ids that column is declared to hold, as `tables` names tenancies, where that is known
 * @returns undefined for a view that exposes no tenant column, which no handle of a tenant reads
 */
export function proveView(
  parse: Parse,
  text: string,
  tables: Tables,
  tenantColumns: ReadonlySet<string>,
  declared?: string,
  tenancy?: unknown,
): ProvedView | undefined {
  let named = declared;
  try {
    const { SelectStmt: query } = statementOf(parse, text);
    if (!query) throw new Refusal('it is no query', '');
    named ??= exposed(query, tables, tenantColumns);
    const given: Given = { reach: 'all', filters: true, tenancy: undefined, tables, functions: new Set(), count: 0 };
    const found = tenancyOf(query, tables, tenancy);
    refuseLocks(query);
    const rows = proveRows(parse, { SelectStmt: query }, given);
    const telling = rows.columns.filter((it) => isTenant(it.sources)).map((it) => it.name);
    const column = declared ?? telling[0] ?? named;
    if (column === undefined) return undefined;
    if (!telling.includes(column))
      throw new ViewRefusal(
        strange(
          query,
          column,
          rows.columns.map((it) => it.name),
        ),
        filled(column),
        undefined,
      );
    if (rows.holds === 'mixed') throw new Refusal(rows.why ?? 'it mixes the rows of several tenants', '');
    return { column, columns: rows.columns.map((it) => it.name), tenancy: found };
  } catch (error) {
    // What cannot be read, and is not said to be of a tenant, is no handle's.
    return named === undefined && !(error instanceof ViewRefusal)
      ? undefined
      : { column: named ?? '', columns: [], ...faultOf(error, text) };
  }
}

/** A refusal whose remedy is one for a view. */
class ViewRefusal extends Refusal {}

function faultOf(error: unknown, text: string): { fault: string; remedy?: string | undefined } {
  if (error instanceof UnscopedTableError) return { fault: error.message };
  if (!(error instanceof Refusal)) return { fault: 'it is not understood' };
  const place = placeOf(text, error.location);
  return {
    fault: place === '' ? error.reason : `${error.reason}, at "${place}"`,
    remedy: error instanceof ViewRefusal ? error.remedy : undefined,
  };
}

const filled = (column: string) =>
  `Fill ${quoted(column)} from the tenant column of one of its tables, in every branch of a UNION, and not from ` +
  'an expression';

/** Why a column is no tenant's. */
function strange(query: Node, column: string, columns: readonly string[]): string {
  if (!columns.includes(column)) return `the tenant column "${column}" is not found`;
  if (query.larg && targetsOf(query).some(({ val }) => val.ColumnRef?.fields.at(-1).A_Star))
    return 'a star stands in a set operation, where the order of its columns is not known';
  return `the tenant column "${column}" is not filled from the tenant column of a table in each row`;
}

/** The tenancy of the tables that a view names: the ids of two may be alike. */
function tenancyOf(query: Node, tables: Tables, declared: unknown): unknown {
  const found = new Set<unknown>(declared === undefined ? [] : [declared]);
  for (const { RangeVar: table } of nodesIn(query, 'RangeVar')) {
    const tenancy = tables.known(table.schemaname, table.relname)?.tenant?.tenancy;
    if (tenancy !== undefined) found.add(tenancy);
  }
  if (found.size > 1) {
    const names = [...found].map((it: any) => `"${it?.name ?? it}"`).join(' and ');
    throw new ViewRefusal(
      `it brings rows of the tenancies ${names} together, whose ids may be alike`,
      'Make a view of each tenancy, filled from its own tables, and join them in the application',
      undefined,
    );
  }
  return [...found][0];
}

/**
 * A view is read by every tenant: it would lock the rows that a filter outside leaves out, and wait for them or fail.
 */
function refuseLocks(query: Node): void {
  for (const _ of nodesIn(query, 'LockingClause')) {
    throw new ViewRefusal(
      'FOR UPDATE and FOR SHARE lock the rows of every tenant',
      'Lock the rows in the query that reads the view',
      undefined,
    );
  }
}

function* nodesIn(node: Node, kind: string): Generator<Node> {
  if (node === null || typeof node !== 'object') return;
  if (Object.hasOwn(node, kind)) yield node;
  for (const value of Object.values(node)) yield* nodesIn(value, kind);
}

function targetsOf(query: Node): readonly Node[] {
  let first = query;
  while (first.larg) first = first.larg;
  return (first.targetList ?? []).map((it: Node) => it.ResTarget);
}

/** The first column that is called like a tenant column, and is not one of a table whose tenant column is another. */
function exposed(query: Node, tables: Tables, tenantColumns: ReadonlySet<string>): string | undefined {
  const sources = [...nodesIn(query.fromClause, 'RangeVar')].map((it) => it.RangeVar);
  for (const { name, val } of targetsOf(query)) {
    const path: (string | undefined)[] = val.ColumnRef?.fields.map((it: Node) => it.String?.sval) ?? [''];
    const column = path.at(-1);
    if (column === undefined) return [...tenantColumns][0];
    const of = sources
      .filter(({ alias, relname }) => path.length === 1 || path.at(-2) === (alias?.aliasname ?? relname))
      .map((it) => tables.known(it.schemaname, it.relname));
    const isOther = of.length === 1 && of[0] !== undefined && of[0].tenant?.column !== column;
    if (tenantColumns.has(column) && !isOther) return name ?? column;
  }
  return undefined;
}
