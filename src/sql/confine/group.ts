/**
 * GROUP BY the key of a table. Its primary key became (tenant, key), so that grouping by the key alone no longer
 * determines the row. For one tenant the two mean the same, and the tenant column is added.
 */
import type { Node } from '../parser.js';
import type { Declared } from '../tables.js';

/** A table that stands in FROM as itself. */
export interface Grouped {
  readonly name: string;
  readonly schema: string | undefined;
  readonly table: Declared;
  /** The tenant column as SQL. */
  readonly column: string;
}

/** The expressions by which every set of groups is grouped. */
export function commonColumns(group: readonly Node[], targetList: readonly Node[] | undefined): Node[] {
  return group.flatMap((it) => commonOf(it, targetList));
}

function commonOf(node: Node, targetList: readonly Node[] | undefined): Node[] {
  const { ColumnRef, A_Const, RowExpr, GroupingSet } = node;
  if (RowExpr) return commonColumns(RowExpr.args, targetList);
  if (GroupingSet) {
    if (GroupingSet.kind !== 'GROUPING_SET_SETS') return [];
    const [first, ...others] = GroupingSet.content.map((it: Node) => commonOf(it, targetList)) as Node[][];
    return first!.filter((it) => others.every((set) => set.some((other) => pathOf(other) === pathOf(it))));
  }
  // A number names what is selected, where it is told by position: not behind a star.
  const position: number | undefined = A_Const?.ival?.ival;
  if (position !== undefined) {
    const before = targetList?.slice(0, position) ?? [];
    const isTold = before.length === position && !before.some((it) => it.ResTarget.val.ColumnRef?.fields.at(-1).A_Star);
    return isTold ? [before.at(-1)!.ResTarget.val] : [];
  }
  return ColumnRef ? [node] : [];
}

const pathOf = (node: Node): string => JSON.stringify(node.ColumnRef?.fields);

/**
 * The tenant columns that GROUP BY needs besides.
 *
 * @param tables the tables of FROM that are known by their own columns
 * @param merged what the bare name of a column means that several tables have: that of the first one where they are
 * merged
 *   by inner and left joins
 */
export function neededColumns(
  group: readonly Node[],
  targetList: readonly Node[] | undefined,
  tables: readonly Grouped[],
  merged: 'first' | 'unknown',
): string[] {
  const paths: (string | undefined)[][] = commonColumns(group, targetList).map(
    (it) => it.ColumnRef?.fields.map((part: Node) => part.String?.sval) ?? [],
  );
  const aliases = new Map<string, string[]>();
  for (const { ResTarget } of targetList ?? []) {
    const path = ResTarget.val.ColumnRef?.fields.map((part: Node) => part.String?.sval);
    if (ResTarget.name !== undefined && path) aliases.set(ResTarget.name, path);
  }
  const has = (it: Grouped, column: string): boolean =>
    paths.some((path) => {
      const isBare = path.length === 1;
      // A bare name is a column, and what is selected by that name only if there is no such column.
      const own =
        isBare && !tables.some(({ table }) => table.columns.has(path[0]!)) ? (aliases.get(path[0]!) ?? path) : path;
      if (own.at(-1) !== column) return false;
      if (own.length === 1) {
        const having = tables.filter(({ table }) => table.columns.has(column));
        return having[0] === it && (having.length === 1 || merged === 'first');
      }
      return own.at(-2) === it.name && (own.length === 2 || own.at(-3) === it.schema);
    });
  return tables
    .filter((it) => {
      const { primaryKey, tenant } = it.table;
      // With rows of everybody, the key stays as it was written.
      return (
        tenant &&
        !tenant.everybody &&
        primaryKey.length > 0 &&
        primaryKey.every((column) => has(it, column)) &&
        !has(it, tenant.column)
      );
    })
    .map((it) => it.column);
}
