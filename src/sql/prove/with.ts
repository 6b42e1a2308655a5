/** WITH: each common table expression is proved where it stands, and known by its name behind that. */
import { renamed, type Ctes, type Rows } from './entry.js';
import { checkName, kindOf, only, words } from './fields.js';
import type { Names } from './names.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { Refusal } from '../refusal.js';
import { select } from './select.js';
import { checkType } from './types.js';
import { write } from './write.js';

export function withClause(
  proof: Proof,
  clause: Node | undefined,
  outer: Names | undefined,
  around: Ctes | undefined,
): Ctes | undefined {
  if (!clause) return around;
  only(clause, 'WithClause', 'ctes recursive location');
  const entries: Ctes[] = [];
  let ctes = around;
  // With RECURSIVE every name is known in every body; a name that is not read yet stands for nothing.
  if (clause.recursive) {
    for (const { CommonTableExpr } of clause.ctes)
      entries.push((ctes = { name: CommonTableExpr.ctename, rows: undefined, outer: ctes }));
  }
  clause.ctes.forEach(({ CommonTableExpr: cte }: Node, i: number) => {
    only(cte, 'CommonTableExpr', 'ctename aliascolnames ctematerialized ctequery search_clause cycle_clause location');
    checkName(cte.ctename, cte.location);
    const names: string[] | undefined = cte.aliascolnames?.map((it: Node) => it.String.sval);
    const [kind, query] = kindOf(cte.ctequery);
    const isRecursive = clause.recursive && kind === 'SelectStmt' && query.op === 'SETOP_UNION';
    const recursion = isRecursive ? (rows: Rows) => void (entries[i]!.rows = renamed(rows, names)) : undefined;
    const rows =
      kind === 'SelectStmt' ? select(proof, query, outer, ctes, { recursion }) : write(proof, kind, query, outer, ctes);
    if (!rows) {
      const remedy = 'Write a query, INSERT, UPDATE, DELETE or MERGE there';
      throw new Refusal(`${words(kind)} is not understood in WITH`, remedy, cte.location);
    }
    for (const value of [cte.cycle_clause?.cycle_mark_value, cte.cycle_clause?.cycle_mark_default]) {
      if (value?.TypeCast) checkType(value.TypeCast.typeName);
      if (!value || value.A_Const || value.TypeCast?.arg.A_Const) continue;
      throw new Refusal('an expression marks a cycle', 'Mark it with a constant', cte.location);
    }
    const named = searched(renamed(rows, names), cte);
    if (clause.recursive) entries[i]!.rows = named;
    else ctes = { name: cte.ctename, rows: named, outer: ctes };
  });
  return ctes;
}

/** The columns that SEARCH and CYCLE add. */
function searched(rows: Rows, { search_clause: search, cycle_clause: cycle }: Node): Rows {
  if (search) only(search, 'search clause', 'search_col_list search_breadth_first search_seq_column location');
  if (cycle)
    only(
      cycle,
      'cycle clause',
      'cycle_col_list cycle_mark_column cycle_mark_value cycle_mark_default cycle_path_column location',
    );
  const added: (string | undefined)[] = [search?.search_seq_column, cycle?.cycle_mark_column, cycle?.cycle_path_column];
  const columns = added.filter((it) => it !== undefined).map((name) => ({ name, sources: [] }));
  return columns.length === 0 ? rows : { ...rows, columns: [...rows.columns, ...columns] };
}
