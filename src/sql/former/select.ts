/** A query: SELECT, VALUES, and set operations of them. */
import { kindOf, only } from './fields.js';
import { walk, type Place } from './expression.js';
import { refOf } from './facts.js';
import { From, checkRangeVar } from './from.js';
import { Level, type Ctes, type Rows, type Source } from './level.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { Refusal } from '../refusal.js';
import { withClause } from './with.js';

const fields =
  'distinctClause targetList fromClause whereClause groupClause groupDistinct havingClause windowClause valuesLists sortClause ' +
  'limitOffset limitCount limitOption lockingClause withClause op all larg rarg';

/**
 * Proves a query.
 *
 * @param parent the level around it, whose columns it may name
 * @param outer the common table expressions that it may name
 * @returns its columns, as far as they are known
 */
export function select(proof: Proof, node: Node, parent: Level | undefined, outer: Ctes | undefined): Rows {
  only(node, 'SelectStmt', fields);
  const ctes = withClause(proof, node.withClause, parent, outer);
  const level = new Level(parent);
  const place: Place = { proof, level, ctes, sees: level.items };
  const rows = node.op === 'SETOP_NONE' ? (node.valuesLists ? values(node, place) : plain(node, place)) : union(node, place, parent);
  walk(node.sortClause, place);
  walk(node.limitOffset, place);
  walk(node.limitCount, place);
  return rows;
}

function plain(node: Node, place: Place): Rows {
  const { proof, level, ctes } = place;
  const from = new From(proof, level, ctes);
  from.add(node.fromClause);
  from.end(node.whereClause);
  walk(node.distinctClause, place);
  walk(node.groupClause, place);
  walk(node.havingClause, place);
  walk(node.windowClause, place);
  for (const { LockingClause } of node.lockingClause ?? []) {
    only(LockingClause, 'LockingClause', 'lockedRels strength waitPolicy');
    for (const { RangeVar } of LockingClause.lockedRels ?? []) checkRangeVar(RangeVar);
  }
  return targets(node.targetList, place);
}

/** Walks what is selected or returned, and tells its columns. */
export function targets(list: readonly Node[] | undefined, place: Place): Rows {
  const { level } = place;
  const columns: { name: string; sources: Source[] }[] = [];
  let ordered = Infinity;
  let known = true;
  for (const { ResTarget } of list ?? []) {
    only(ResTarget, 'ResTarget', 'name val location');
    const { name, val } = ResTarget;
    walk(val, place);
    const path: Node[] | undefined = val.ColumnRef?.fields;
    const star = path?.at(-1).A_Star ?? (val.A_Indirection?.indirection.at(-1).A_Star && {});
    if (star) {
      ordered = Math.min(ordered, columns.length);
      const qualifier = path?.slice(0, -1).map((it) => it.String.sval);
      const items = !qualifier ? undefined : qualifier.length === 0 ? level.items : level.named(qualifier[1] && qualifier[0], qualifier.at(-1)!);
      if (!items || (qualifier!.length > 0 && items.length !== 1)) {
        known = false;
        continue;
      }
      for (const item of items) {
        if (!item.columns) known = false;
        for (const column of item.columns ?? item.bound) {
          columns.push({ name: column, sources: [item.bound.has(column) ? 'bound' : place] });
        }
      }
      continue;
    }
    const ref = path && refOf(level, val, level.items);
    const isBound = ref?.item.bound.has(ref.column) ?? false;
    columns.push({ name: name ?? nameOf(val), sources: [isBound ? 'bound' : val] });
  }
  return { columns, ordered: Math.min(ordered, columns.length), known };
}

function values(node: Node, place: Place): Rows {
  const columns: { name: string; sources: Source[] }[] = [];
  for (const { List } of node.valuesLists) {
    walk(List.items, place);
    List.items.forEach((value: Node, i: number) => {
      (columns[i] ??= { name: `column${i + 1}`, sources: [] }).sources.push(value);
    });
  }
  // Rows of different lengths are PostgreSQL's error; none of their columns is of use here.
  const isEven = node.valuesLists.every((it: Node) => it.List.items.length === columns.length);
  return { columns, ordered: isEven ? columns.length : 0, known: true };
}

function union(node: Node, { proof, ctes }: Place, parent: Level | undefined): Rows {
  for (const part of ['targetList', 'fromClause', 'whereClause', 'valuesLists', 'lockingClause']) {
    if (node[part]) throw new Refusal('a set operation says more than its operands', 'Write the statement without it');
  }
  return unionRows(select(proof, node.larg, parent, ctes), select(proof, node.rarg, parent, ctes));
}

/** The rows of both: a column is what it is in each. */
export function unionRows(left: Rows, right: Rows): Rows {
  const ordered = Math.min(left.ordered, right.ordered);
  const columns = left.columns.map(({ name, sources }, i) => ({
    name,
    sources: i < ordered ? [...sources, ...right.columns[i]!.sources] : [right],
  }));
  return { columns, ordered, known: left.known };
}

/** The name that PostgreSQL gives a column without an alias. */
export function nameOf(value: Node): string {
  const [kind, it] = kindOf(value);
  switch (kind) {
    case 'ColumnRef':
      return it.fields.at(-1).String.sval;
    case 'FuncCall':
      return it.funcname.at(-1).String.sval;
    case 'TypeCast': {
      const inner = nameOf(it.arg);
      return inner === '?column?' ? it.typeName.names.at(-1).String.sval : inner;
    }
    case 'CollateClause':
      return nameOf(it.arg);
    case 'A_Indirection':
      return nameOf(it.arg);
    case 'CaseExpr': {
      const inner = it.defresult ? nameOf(it.defresult) : '?column?';
      return inner === '?column?' ? 'case' : inner;
    }
    case 'CoalesceExpr':
      return 'coalesce';
    case 'MinMaxExpr':
      return it.op === 'IS_GREATEST' ? 'greatest' : 'least';
    case 'A_ArrayExpr':
      return 'array';
    case 'RowExpr':
      return 'row';
    case 'GroupingFunc':
      return 'grouping';
    case 'SubLink':
      if (it.subLinkType === 'EXISTS_SUBLINK') return 'exists';
      if (it.subLinkType === 'ARRAY_SUBLINK') return 'array';
      if (it.subLinkType === 'EXPR_SUBLINK' && it.subselect.SelectStmt.targetList) {
        const { name, val } = it.subselect.SelectStmt.targetList[0].ResTarget;
        return name ?? nameOf(val);
      }
  }
  return '?column?';
}
