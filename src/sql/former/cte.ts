/** Common table expressions of a view, put where they are named: a filter then reaches into each use by itself. */
import { only } from './fields.js';
import type { Node } from '../parser.js';
import { Refusal } from '../refusal.js';

/** More than any view that a person wrote; each use is a copy of the whole. */
const maxCopies = 500;

/**
 * @param query a query, which is left as it is
 * @returns the same query without WITH, but for WITH RECURSIVE, which stays
 */
export function withoutCtes(query: Node): Node {
  let copies = 0;
  const copy = (node: Node, known: ReadonlyMap<string, Node>): Node => {
    if (node === null || typeof node !== 'object') return node;
    if (Array.isArray(node)) return node.map((it) => copy(it, known));
    const { withClause, ...rest } = node;
    if (withClause && !withClause.recursive) {
      let inner = known;
      for (const { CommonTableExpr: cte } of withClause.ctes) {
        only(cte, 'CommonTableExpr', 'ctename aliascolnames ctematerialized ctequery location');
        inner = new Map(inner).set(cte.ctename, named(copy(cte.ctequery, inner), cte.aliascolnames));
      }
      return copy(rest, inner);
    }
    if (withClause) {
      // What WITH RECURSIVE names hides what the same name means around it.
      const inner = new Map(known);
      for (const { CommonTableExpr } of withClause.ctes) inner.delete(CommonTableExpr.ctename);
      return { ...(copy(rest, inner) as object), withClause: copy(withClause, inner) };
    }
    const { RangeVar: table } = node;
    const found = table && table.schemaname === undefined ? known.get(table.relname) : undefined;
    if (found) {
      if (++copies > maxCopies) throw new Refusal('it names its common table expressions too often', 'Make a view of its own of each');
      return { RangeSubselect: { subquery: structuredClone(found), alias: table.alias ?? { aliasname: table.relname } } };
    }
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, copy(value, known)]));
  };
  return copy(query, new Map());
}

/** Gives the columns of a query the names that stand behind the name of its CTE. */
function named(query: Node, names: readonly Node[] | undefined): Node {
  if (!names) return query;
  let first = query.SelectStmt;
  while (first?.larg) first = first.larg;
  const targets: readonly Node[] = first?.targetList ?? [];
  const isPlain = targets.length >= names.length && targets.every(({ ResTarget: { val } }) => val.ColumnRef?.fields.at(-1).A_Star === undefined && !val.A_Indirection);
  if (!isPlain) throw new Refusal('the columns of a common table expression are given names, and a star stands for them', 'Name the columns within the common table expression');
  names.forEach((it, i) => (targets[i]!.ResTarget.name = it.String.sval));
  return query;
}
