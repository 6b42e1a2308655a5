/** What a plan of PostgreSQL reads over everybody's rows, to look for a tenant in them. */
import { plain, type TableName } from '../names.js';

/** A place of a plan that reads a tenant table without looking for the tenant. */
export interface Reading {
  readonly table: string;
  /** Null where the table is read as a whole. */
  readonly index: string | null;
}

/** A node of EXPLAIN (VERBOSE, FORMAT JSON). */
interface Node {
  readonly 'Node Type': string;
  readonly Schema?: string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Recheck Cond'?: string;
  readonly Filter?: string;
  readonly Plans?: readonly Node[];
}

const scans = ['Seq Scan', 'Index Scan', 'Index Only Scan', 'Bitmap Heap Scan'];

/** @param tables with the tenant's column, and of a partition the table whose it is */
export function readingsOf(
  root: Node,
  tables: readonly (TableName & { readonly column: string; readonly of?: TableName })[],
): readonly Reading[] {
  const found: Reading[] = [];
  const visit = (node: Node): void => {
    for (const it of node.Plans ?? []) visit(it);
    if (!scans.includes(node['Node Type'])) return;
    const table = tables.find((it) => it.name === node['Relation Name'] && it.schema === node.Schema);
    if (!table) return;
    const indexes = node['Node Type'] === 'Bitmap Heap Scan' ? bitmapsOf(node) : [node];
    // Where nothing looks for the tenant, the statement is none of a tenant's: it crosses them.
    if (!names(node.Filter, table.column) || indexes.some((it) => names(it['Index Cond'], table.column))) return;
    for (const it of indexes) found.push({ table: plain(table.of ?? table), index: it['Index Name'] ?? null });
  };
  visit(root);
  return found;
}

const bitmapsOf = (node: Node): Node[] =>
  (node.Plans ?? []).flatMap((it) => (it['Node Type'] === 'Bitmap Index Scan' ? [it] : bitmapsOf(it)));

/** Whether a condition compares the column with something: as it is printed, with quotes where it needs them. */
function names(condition: string | undefined, column: string): boolean {
  if (!condition) return false;
  const pattern = column.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll('"', '""');
  return new RegExp(`(?<![\\w"])"?${pattern}"?(?![\\w"])`).test(condition);
}
