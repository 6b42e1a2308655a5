/**
 * What a statement takes to be confined and proved, told from its tree beforehand. Names are looked up among all
 * sources of rows in sight, and a star stands for all columns of those, so that a text of some kilobytes could hold the
 * event loop for seconds. What a person or a builder writes takes a hundredth of what is allowed.
 */
import type { Node } from '../parser.js';
import { Refusal } from '../refusal.js';
import { findCte } from './rows.js';

/** In microseconds, about. */
const most = 150_000;
/** What is shorter has not room for so many names. */
const shortest = 2_000;
/** PostgreSQL refuses to select more columns. */
const maxColumns = 1_664;
/** More than most tables have. */
const columnsOfTable = 30;

interface Ctes {
  readonly name: string;
  width: number;
  readonly count: number;
  readonly outer: Ctes | undefined;
}

/** @throws Refusal where it would take too long */
export function checkCost(tree: Node, text: string): void {
  if (text.length < shortest) return;
  let units = 0;
  const spend = (more: number) => {
    units += more;
    if (units > most)
      throw new Refusal(
        'it has too many names, columns and sources of rows within one another',
        'Write a shorter statement, or several',
      );
  };

  /** @param sight how many sources of rows a name is looked for in @param times how often it is read */
  function visit(node: Node, sight: number, ctes: Ctes | undefined, times: number): void {
    if (node === null || typeof node !== 'object') return;
    if (Array.isArray(node)) {
      for (const it of node) visit(it, sight, ctes, times);
      return;
    }
    for (const kind in node) {
      const it = node[kind];
      if (kind === 'ColumnRef') spend((times * sight) / 5);
      else if (kind === 'SelectStmt') select(it, sight, ctes, times);
      else if (it?.relation?.relname !== undefined) select(it, sight + 1, ctes, times);
      else if (typeof it === 'object') visit(it, sight, ctes, times);
    }
  }

  function within(clause: Node | undefined, sight: number, ctes: Ctes | undefined, times: number): Ctes | undefined {
    for (const { CommonTableExpr: it } of clause?.ctes ?? []) {
      const own: Ctes = { name: it.ctename, width: columnsOfTable, count: (ctes?.count ?? 0) + 1, outer: ctes };
      const query = it.ctequery.SelectStmt;
      if (query)
        own.width = select(query, sight, clause.recursive ? own : ctes, times, clause.recursive ? own : undefined);
      else visit(it.ctequery, sight, ctes, times);
      ctes = own;
    }
    return ctes;
  }

  /** A query, or what writes. @returns how many columns it has */
  function select(node: Node, around: number, outer: Ctes | undefined, times: number, recursion?: Ctes): number {
    spend(times * 50);
    const { withClause, fromClause, usingClause, sourceRelation, larg, rarg, ...rest } = node;
    const ctes = within(withClause, around, outer, times);
    if (larg) {
      const width = select(larg, around, ctes, times);
      if (recursion) recursion.width = width;
      // The second operand of a recursion is read until nothing new is known of it.
      select(rarg, around, ctes, recursion ? times * 2 : times);
      spend(times * width);
      visit(rest, around, ctes, times);
      return width;
    }
    const from: readonly Node[] = fromClause ?? usingClause ?? (sourceRelation ? [sourceRelation] : []);
    let [sources, widths] = [0, 0];
    const count = (it: Node): void => {
      const { JoinExpr: join, RangeVar: table, RangeSubselect: query } = it;
      if (join) {
        count(join.larg);
        count(join.rarg);
        if (join.isNatural) spend((times * widths * sources) / 4);
        spend(((join.usingClause?.length ?? 0) * times * sources) / 4);
        return;
      }
      sources++;
      let width = columnsOfTable;
      if (table) {
        const inSight = table.schemaname === undefined ? ctes : undefined;
        spend(((inSight?.count ?? 0) * times) / 10);
        width = findCte(inSight, table.relname)?.width ?? width;
      } else if (query) width = select(query.subquery.SelectStmt, around + sources, ctes, times);
      widths += width;
      spend((table && width === columnsOfTable ? 1 : width) * times);
    };
    from.forEach(count);
    const sight = around + sources;
    spend((times * sources ** 2) / 20);
    const conditions = (it: Node): void => {
      if (it.JoinExpr) {
        visit(it.JoinExpr.quals, sight, ctes, times);
        conditions(it.JoinExpr.larg);
        conditions(it.JoinExpr.rarg);
      } else if (!it.RangeSubselect && !it.RangeVar) visit(it, sight, ctes, times);
    };
    from.forEach(conditions);
    const targets: readonly Node[] = node.targetList ?? [];
    const chosen = (node.groupClause?.length ?? 0) + (node.distinctClause?.length ?? 0);
    spend((times * chosen * (targets.length + sources ** 2)) / 100);
    visit(rest, sight, ctes, times);
    const stars = targets.filter((it) => it.ResTarget?.val?.ColumnRef?.fields.at(-1).A_Star).length;
    const width = Math.min(maxColumns, targets.length + stars * widths);
    if (stars > 0) spend(times * width);
    return width;
  }

  visit(tree, 0, undefined, 1);
}
