/**
 * What is known of a query's rows before it is confined, where several tenants are in sight: whether they are tenants'
 * rows, which columns tell whose, and whether the query gives for all of them what it gives for each.
 */
import type { Given } from '../given.js';
import type { Node } from '../parser.js';
import type { Declared } from '../tables.js';
import { isAggregate } from './aggregates.js';
import { canRaise, isReadingUnsafe } from './raises.js';
import { commonColumns } from './group.js';

export interface Rows {
  /** Whether rows of tenant tables are in it. */
  readonly holds: boolean;
  /** Its columns in order, up to the first star, and then those that are known by name. */
  readonly columns: readonly { readonly name: string; readonly isTenant: boolean; readonly raises: boolean }[];
  /** How many of the columns are known by their position. */
  readonly ordered: number;
  /** Whether the rows of all tenants together are those of each: no count, LIMIT or DISTINCT runs over all. */
  readonly isApart: boolean;
}

/** A common table expression that a statement may name, and those around it. */
export interface Ctes {
  readonly name: string;
  /** Undefined where one tenant's rows only are in sight. */
  rows: Rows | undefined;
  readonly outer: Ctes | undefined;
}

/** The nearest common table expression of a name: each knows the one around it. */
export function findCte<T extends { readonly name: string; readonly outer: T | undefined }>(
  ctes: T | undefined,
  name: string,
): T | undefined {
  for (let it = ctes; it; it = it.outer) if (it.name === name) return it;
  return undefined;
}

const nothing: Rows = { holds: false, columns: [], ordered: Infinity, isApart: true };

/** Whether a query is written as `table x`. */
export const isTable = ({ targetList, fromClause }: Node): boolean =>
  fromClause !== undefined && targetList !== undefined && !(targetList[0].ResTarget.location >= 0);

/** The column of a query that tells the tenant, by the name by which an item around knows it. */
export function tenantColumnOf({ columns, ordered }: Rows, alias: Node | undefined): string | undefined {
  const names: readonly string[] = alias?.colnames?.map((it: Node) => it.String.sval) ?? [];
  if (names.length > ordered) return undefined;
  const known = columns.map((it, i) => ({ ...it, name: names[i] ?? it.name }));
  const isOne = ({ name }: { readonly name: string }) => known.filter((it) => it.name === name).length === 1;
  return known.find((it) => it.isTenant && isOne(it))?.name;
}

/** A source of rows in FROM. */
interface Item {
  readonly name: string | undefined;
  readonly schema?: string | undefined;
  /** The names of its columns, where they are known. */
  readonly columns: ReadonlySet<string>;
  /** Whether a column of it is an expression that can raise. */
  readonly raises: (column: string) => boolean;
  readonly tenant: string | undefined;
  readonly holds: boolean;
}

export class RowsReader {
  readonly #known = new WeakMap<object, Rows>();

  constructor(readonly given: Given) {}

  /** The rows of a query, or those that a statement returns. */
  of(kind: string, node: Node, ctes: Ctes | undefined): Rows {
    let rows = this.#known.get(node);
    if (!rows) {
      rows = kind === 'SelectStmt' ? this.#select(node, ctes) : this.#written(node, ctes);
      this.#known.set(node, rows);
    }
    return rows;
  }

  /** What WITH adds to the names in sight. */
  with(clause: Node | undefined, outer: Ctes | undefined): Ctes | undefined {
    let ctes = outer;
    const entries: Ctes[] = [];
    if (clause?.recursive)
      for (const { CommonTableExpr: it } of clause.ctes)
        entries.push((ctes = { name: it.ctename, rows: undefined, outer: ctes }));
    (clause?.ctes ?? []).forEach(({ CommonTableExpr: cte }: Node, i: number) => {
      const [kind, query] = Object.entries<Node>(cte.ctequery)[0]!;
      const named = (rows: Rows) => renamed(rows, cte.aliascolnames);
      if (!clause.recursive) ctes = { name: cte.ctename, rows: named(this.of(kind, query, ctes)), outer: ctes };
      else if (kind === 'SelectStmt' && query.op === 'SETOP_UNION') this.#recursive(query, entries[i]!, named, ctes);
      else entries[i]!.rows = named(this.of(kind, query, ctes));
    });
    return ctes;
  }

  /** A column of a recursive query tells the tenant as long as its second operand keeps it. */
  #recursive(query: Node, entry: Ctes, named: (rows: Rows) => Rows, ctes: Ctes | undefined): void {
    const inner = this.with(query.withClause, ctes);
    let rows = this.#select(query.larg, inner);
    for (;;) {
      entry.rows = named(rows);
      const next = unionOf(query, rows, new RowsReader(this.given).of('SelectStmt', query.rarg, inner));
      const isStable =
        next.columns.every((it, i) => it.isTenant === rows.columns[i]?.isTenant) &&
        next.holds === rows.holds &&
        next.isApart === rows.isApart;
      rows = next;
      if (isStable) break;
    }
    entry.rows = named(rows);
    this.#known.set(query, rows);
  }

  #select(node: Node, outer: Ctes | undefined): Rows {
    const ctes = this.with(node.withClause, outer);
    const {
      op,
      larg,
      rarg,
      fromClause,
      valuesLists,
      targetList,
      distinctClause,
      groupClause,
      havingClause,
      limitCount,
      limitOffset,
    } = node;
    const isCut = limitCount || limitOffset;
    if (op !== 'SETOP_NONE') {
      const rows = unionOf(node, this.of('SelectStmt', larg, ctes), this.of('SelectStmt', rarg, ctes));
      return isCut ? { ...rows, isApart: !rows.holds } : rows;
    }
    const items: Item[] = [];
    for (const it of fromClause ?? []) this.#items(it, ctes, items, false);
    const { withClause: _, fromClause: __, ...rest } = node;
    const isFrom = items.some((it) => it.holds);
    if (!isFrom) {
      const holds = this.#holds(rest, ctes);
      return holds ? { ...nothing, holds, isApart: false, ordered: 0 } : nothing;
    }
    if (valuesLists) return nothing;
    const group: readonly Node[] = groupClause ?? [];
    const isTenantColumn = (it: Node) => tenantOf(it, items) !== undefined;
    const isGrouped = commonColumns(group, targetList).some(isTenantColumn);
    const rows = targets(targetList, items);
    const isCounted = group.length > 0 || havingClause || hasAggregate([targetList, node.sortClause]);
    // DISTINCT without ON is a list of one empty node.
    const isOn = distinctClause && Object.keys(distinctClause[0]).length > 0;
    const isDistinct =
      distinctClause && !(isOn ? distinctClause.some(isTenantColumn) : rows.columns.some((it) => it.isTenant));
    const isApart = !isCut && !isDistinct && (!isCounted || isGrouped) && windowsAreApart(node, isTenantColumn);
    return {
      ...rows,
      columns: isCounted && !isGrouped ? rows.columns.map((it) => ({ ...it, isTenant: false })) : rows.columns,
      isApart,
    };
  }

  /** What INSERT, UPDATE, DELETE or MERGE returns. */
  #written(node: Node, outer: Ctes | undefined): Rows {
    const ctes = this.with(node.withClause, outer);
    const items: Item[] = [];
    this.#items({ RangeVar: node.relation }, undefined, items, false);
    for (const it of node.fromClause ?? node.usingClause ?? []) this.#items(it, ctes, items, true);
    return { ...targets(node.returningClause?.exprs, items), holds: items.some((it) => it.holds) };
  }

  #items(node: Node, ctes: Ctes | undefined, items: Item[], isNullable: boolean): void {
    const { RangeVar, RangeSubselect, JoinExpr, RangeTableSample } = node;
    if (RangeTableSample) return this.#items(RangeTableSample.relation, ctes, items, isNullable);
    if (RangeVar) {
      const { schemaname, relname, alias } = RangeVar;
      const name = alias?.aliasname ?? relname;
      const cte = schemaname === undefined ? findCte(ctes, relname) : undefined;
      if (cte) return void items.push(itemOf(name, cte.rows ?? nothing, alias, isNullable));
      const table: Declared | undefined = this.given.tables.known(schemaname, relname);
      if (!table) return;
      // A row of everybody does not tell whose the row is that is made of it.
      const tenant = isNullable || alias?.colnames || table.tenant?.everybody ? undefined : table.tenant?.column;
      items.push({
        name,
        schema: alias ? undefined : (schemaname ?? 'public'),
        columns: alias?.colnames ? new Set() : table.columns,
        raises: (column) => isReadingUnsafe(table, alias?.colnames ? undefined : column),
        tenant,
        holds: table.tenant !== undefined,
      });
    } else if (RangeSubselect) {
      const { subquery, alias } = RangeSubselect;
      items.push(itemOf(alias?.aliasname, this.of('SelectStmt', subquery.SelectStmt, ctes), alias, isNullable));
    } else if (JoinExpr) {
      const { jointype, larg, rarg, alias } = JoinExpr;
      const from = items.length;
      this.#items(larg, ctes, items, isNullable || jointype === 'JOIN_RIGHT' || jointype === 'JOIN_FULL');
      this.#items(rarg, ctes, items, isNullable || jointype === 'JOIN_LEFT' || jointype === 'JOIN_FULL');
      // The alias of a join hides the names in it.
      if (alias)
        items.push({
          name: alias.aliasname,
          columns: new Set(),
          raises: () => true,
          tenant: undefined,
          holds: items.splice(from).some((it) => it.holds),
        });
    } else {
      const holds = this.#holds(node, ctes);
      if (holds) items.push({ name: undefined, columns: new Set(), raises: () => false, tenant: undefined, holds });
    }
  }

  /** Whether an expression has a query of tenants' rows in it. */
  #holds(node: Node, ctes: Ctes | undefined): boolean {
    if (node === null || typeof node !== 'object') return false;
    if (node.SelectStmt) return this.of('SelectStmt', node.SelectStmt, ctes).holds;
    for (const key in node) if (this.#holds(node[key], ctes)) return true;
    return false;
  }
}

function itemOf(name: string | undefined, rows: Rows, alias: Node | undefined, isNullable: boolean): Item {
  const tenant = isNullable ? undefined : tenantColumnOf(rows, alias);
  const columns = raisesByName(rows, alias);
  return {
    name,
    columns: new Set(columns.keys()),
    raises: (column) => columns.get(column) ?? true,
    tenant,
    holds: rows.holds,
  };
}

/** Rows whose first columns are given other names. */
export function renamed(rows: Rows, names: readonly Node[] | undefined): Rows {
  if (!names) return rows;
  if (names.length > rows.ordered) return { ...rows, columns: [], ordered: 0 };
  return { ...rows, columns: rows.columns.map((it, i) => ({ ...it, name: names[i]?.String.sval ?? it.name })) };
}

/** Whether each column is an expression that can raise, by the name that an alias gives it: of two, the first. */
export const raisesByName = (rows: Rows, alias: Node | undefined) =>
  new Map(
    renamed(rows, alias?.colnames)
      .columns.toReversed()
      .map((it) => [it.name, it.raises]),
  );

/** The source of rows whose tenant an expression is. */
function tenantOf(node: Node, items: readonly Item[]): Item | undefined {
  const names: (string | undefined)[] | undefined = node?.ColumnRef?.fields.map((it: Node) => it.String?.sval);
  if (!names) return undefined;
  const column = names.at(-1);
  if (column === undefined) return undefined;
  if (names.length === 1) {
    const having = items.filter((it) => it.columns.has(column));
    return having.every((it) => it.tenant === column) ? having[0] : undefined;
  }
  const found = items.filter((it) => it.name === names.at(-2) && (names.length === 2 || it.schema === names.at(-3)));
  return found.length === 1 && found[0]!.tenant === column ? found[0] : undefined;
}

function raisesIn({ fields }: Node, items: readonly Item[]): boolean {
  const path: (string | undefined)[] = fields.map((it: Node) => it.String?.sval);
  const column = path.at(-1);
  if (column === undefined) return true;
  const having =
    path.length === 1 ? items.filter((it) => it.columns.has(column)) : items.filter((it) => it.name === path.at(-2));
  return having.length === 0 || having.some((it) => it.raises(column));
}

function targets(list: readonly Node[] | undefined, items: readonly Item[]): Rows {
  const columns: { name: string; isTenant: boolean; raises: boolean }[] = [];
  const raising = (node: Node) => raisesIn(node, items);
  let ordered = Infinity;
  for (const { ResTarget } of list ?? []) {
    const { name, val } = ResTarget;
    const path: readonly Node[] | undefined = val.ColumnRef?.fields;
    if (path?.at(-1).A_Star) {
      ordered = Math.min(ordered, columns.length);
      const of = path.at(-2)?.String?.sval;
      for (const it of items)
        if (of === undefined || it.name === of)
          for (const column of it.columns)
            columns.push({ name: column, isTenant: column === it.tenant, raises: it.raises(column) });
    } else
      columns.push({
        name: name ?? path?.at(-1).String?.sval ?? '',
        isTenant: tenantOf(val, items) !== undefined,
        raises: canRaise(val, raising),
      });
  }
  return { holds: items.some((it) => it.holds), columns, ordered: Math.min(ordered, columns.length), isApart: true };
}

function unionOf({ op, all }: Node, left: Rows, right: Rows): Rows {
  if (!left.holds && !right.holds) return nothing;
  const ordered = Math.min(left.ordered, right.ordered);
  const columns = left.columns.slice(0, ordered).map((it, i) => ({
    name: it.name,
    isTenant: it.isTenant && right.columns[i]!.isTenant,
    raises: it.raises || right.columns[i]!.raises,
  }));
  const keepsAll = op === 'SETOP_UNION' && all;
  const isApart =
    left.isApart && right.isApart && left.holds && right.holds && (keepsAll || columns.some((it) => it.isTenant));
  return { holds: true, columns, ordered, isApart };
}

/** Whether an aggregate runs over the rows of a query itself. */
function hasAggregate(node: Node): boolean {
  if (node === null || typeof node !== 'object') return false;
  for (const key in node) {
    if (key === 'SelectStmt') continue;
    if (key === 'FuncCall' && !node.FuncCall.over && isAggregate(node.FuncCall)) return true;
    if (key === 'JsonArrayAgg' || key === 'JsonObjectAgg') return true;
    if (hasAggregate(node[key])) return true;
  }
  return false;
}

/** Whether each window is one tenant's. */
function windowsAreApart(
  { targetList, sortClause, windowClause }: Node,
  isTenantColumn: (it: Node) => boolean,
): boolean {
  const named = new Map<string, Node>((windowClause ?? []).map(({ WindowDef }: Node) => [WindowDef.name, WindowDef]));
  const isApart = (window: Node): boolean => {
    if (window.partitionClause?.some(isTenantColumn)) return true;
    const other = named.get(window.refname ?? window.name);
    return other !== undefined && other !== window && isApart(other);
  };
  const look = (node: Node): boolean => {
    if (node === null || typeof node !== 'object') return true;
    for (const key in node) {
      if (key === 'SelectStmt') continue;
      if (key === 'over' && !isApart(node.over)) return false;
      if (!look(node[key])) return false;
    }
    return true;
  };
  return look([targetList, sortClause]);
}
