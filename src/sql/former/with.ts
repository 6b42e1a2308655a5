/** WITH: each common table expression is proved where it stands, and known by its name behind that. */
import { kindOf, only, words } from './fields.js';
import type { Ctes, Level, Rows } from './level.js';
import { renamed } from './level.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { Refusal } from '../refusal.js';
import { select, unionRows } from './select.js';
import { write } from './write.js';

export function withClause(proof: Proof, clause: Node | undefined, parent: Level | undefined, outer: Ctes | undefined): Ctes | undefined {
  if (!clause) return outer;
  only(clause, 'WithClause', 'ctes recursive location');
  const entries: Ctes[] = [];
  let ctes = outer;
  // With RECURSIVE every name is known in every body; a name that is not read yet stands for nothing.
  if (clause.recursive) {
    for (const { CommonTableExpr } of clause.ctes) entries.push((ctes = { name: CommonTableExpr.ctename, rows: undefined, outer: ctes }));
  }
  clause.ctes.forEach(({ CommonTableExpr: cte }: Node, i: number) => {
    only(cte, 'CommonTableExpr', 'ctename aliascolnames ctematerialized ctequery location');
    const names: string[] | undefined = cte.aliascolnames?.map((it: Node) => it.String.sval);
    const named = (rows: Rows) => (names ? renamed(rows, names) : rows);
    const [kind, query] = kindOf(cte.ctequery);
    if (clause.recursive && kind === 'SelectStmt' && query.op === 'SETOP_UNION') {
      recursive(proof, query, entries[i]!, named, parent, ctes);
      return;
    }
    const rows =
      kind === 'SelectStmt'
        ? select(proof, query, parent, ctes)
        : write(proof, kind, query, parent, ctes);
    if (!rows) throw new Refusal(`${words(kind)} is not understood in WITH`, 'Write a query, INSERT, UPDATE or DELETE there', cte.location);
    if (clause.recursive) entries[i]!.rows = named(rows);
    else ctes = { name: cte.ctename, rows: named(rows), outer: ctes };
  });
  return ctes;
}

/**
 * A recursive query: its second operand names its own rows. That a column of those holds the tenant is assumed
 * where the first operand says so, and given up where the second does not keep it.
 */
function recursive(proof: Proof, query: Node, entry: Ctes, named: (rows: Rows) => Rows, parent: Level | undefined, ctes: Ctes | undefined): void {
  const inner = withClause(proof, query.withClause, parent, ctes);
  let rows = select(proof, query.larg, parent, inner);
  for (;;) {
    entry.rows = named(rows);
    const next = unionRows(rows, select(proof, query.rarg, parent, inner));
    const kept = next.columns.map((it, i) => ({ ...it, sources: isBound(it) ? it.sources.slice(0, 1) : [rows.columns[i]!] }));
    const isStable = kept.every((it, i) => isBound(it) === isBound(rows.columns[i]!));
    rows = { ...rows, columns: kept };
    if (isStable) break;
  }
  entry.rows = named(rows);
  select(proof, query, parent, ctes);
}

const isBound = ({ sources }: Rows['columns'][number]) => sources.every((it) => it === 'bound');
