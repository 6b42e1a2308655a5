/** The walk knows every field of every node that it accepts: a field that is not listed refuses the statement. */
import type { Node } from '../parser.js';
import { Refusal } from '../refusal.js';

const lists = new Map<string, ReadonlySet<string>>();

/**
 * @param node the fields of a node
 * @param what the node's name, for the message
 * @param fields the names of those that the caller reads, or knows to be of no matter
 */
export function only(node: Node, what: string, fields: string): void {
  let known = lists.get(fields);
  if (!known) lists.set(fields, (known = new Set(fields.split(' '))));
  for (const field in node) {
    if (known.has(field)) continue;
    unknownField(field, what, node.location ?? node[field]?.location);
  }
}

export function unknownField(field: string, of: string, location: number | undefined): never {
  throw new Refusal(`${words(field)} is not understood in ${words(of)}`, 'Write the statement without it', location);
}

const maxName = 60;

/**
 * Refuses the name of a source of rows that a database in another encoding than UTF8 may read as another name: there,
 * PostgreSQL cuts long names elsewhere than its parser does here, and folds capitals that are not ASCII.
 */
export function checkName(name: string, location?: number): void {
  // A character has three bytes at most for each unit of a string.
  const isShort = name.length * 3 < maxName || new TextEncoder().encode(name).length < maxName;
  const folded = name.replace(/[^\0-\x7f]+/g, (it) => it.toLowerCase());
  if (isShort && folded === name) return;
  throw new Refusal(
    `the name "${name}" would be another one in some databases`,
    `Give the source of rows a name of fewer than ${maxName} bytes, without capital letters that are not ASCII`,
    location,
  );
}

/** Reads an alias. */
export function checkAlias(alias: Node, fields = 'aliasname colnames'): void {
  only(alias, 'Alias', fields);
  checkName(alias.aliasname);
}

/** The kind of a node, and its fields. */
export function kindOf(node: Node): [kind: string, fields: Node] {
  for (const kind in node) return [kind, node[kind]];
  return ['', undefined];
}

/** Whether an expression in a list stands for all columns of a row: `t.*`, `(row(1, 2)).*`. */
export const isStar = ({ ColumnRef, A_Indirection }: Node): boolean =>
  (ColumnRef?.fields ?? A_Indirection?.indirection)?.at(-1).A_Star !== undefined;

/** The expressions of a list whose place is known. */
export function beforeStar(list: readonly Node[]): readonly Node[] {
  const at = list.findIndex(isStar);
  return at < 0 ? list : list.slice(0, at);
}

const notes: Record<string, string> = {
  intoClause: 'SELECT INTO',
  SelectStmt: 'a query',
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
  CommonTableExpr: 'a common table expression',
  RangeVar: 'the name of a table',
  JoinExpr: 'a join',
  catalogname: 'the name of a database',
};

/** `RangeTableSample` as "range table sample". */
export const words = (name: string) =>
  notes[name] ??
  name
    .replaceAll('_', ' ')
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase();
