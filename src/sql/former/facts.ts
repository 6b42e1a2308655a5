/** What a condition says of tenant columns, and which items that binds. */
import { isEquals } from './operators.js';
import type { Item, Level } from './level.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';

interface Ref {
  readonly item: Item;
  readonly column: string;
}

/** Two columns are equal, or one is the tenant's, in every row that is left of the items that the condition filters. */
interface Fact {
  readonly filtered: ReadonlySet<Item>;
  readonly left: Ref;
  readonly right: Ref | 'tenant';
}

/** A condition, the items that it sees, and those of them whose rows it filters. */
export interface Condition {
  readonly expression: Node;
  readonly visible: readonly Item[];
  readonly filtered: readonly Item[];
}

/** The facts of the conditions of one level. Only what stands in a conjunction of plain equalities is one. */
export function factsOf(proof: Proof, level: Level, conditions: readonly Condition[]): Fact[] {
  const facts: Fact[] = [];
  for (const { expression, visible, filtered } of conditions) {
    const set = new Set(filtered);
    for (const conjunct of conjuncts(expression)) {
      const fact = factOf(proof, level, conjunct, visible);
      if (fact) facts.push({ ...fact, filtered: set });
    }
  }
  return facts;
}

/** Merged columns: JOIN ... USING says that they are equal. */
export function merged(column: string, left: readonly Item[], right: readonly Item[], filtered: readonly Item[]): Fact | undefined {
  const a = left.filter((it) => it.columns?.has(column) !== false);
  const b = right.filter((it) => it.columns?.has(column) !== false);
  if (a.length !== 1 || b.length !== 1) return undefined;
  return { filtered: new Set(filtered), left: { item: a[0]!, column }, right: { item: b[0]!, column } };
}

/**
 * Binds what the facts bind, until nothing more is. An equality binds a column by another of the same level that
 * is bound, or by one of a level around it; what it binds must be among the items that its condition filters,
 * since an outer join keeps the rows of its other side.
 */
export function bind(level: Level, facts: readonly Fact[]): void {
  const isBound = ({ item, column }: Ref) => item.bound.has(column);
  for (let changed = true; changed; ) {
    changed = false;
    const set = ({ item, column }: Ref, filtered: ReadonlySet<Item>) => {
      if (item.table?.tenant?.column !== column || item.bound.has(column)) return;
      if (!level.items.includes(item)) return;
      if (!filtered.has(item)) {
        item.hint ??= 'the condition stands where an outer join keeps the rows that it refuses';
        return;
      }
      item.bound.add(column);
      changed = true;
    };
    for (const { left, right, filtered } of facts) {
      if (right === 'tenant') set(left, filtered);
      else {
        if (isBound(right)) set(left, filtered);
        if (isBound(left)) set(right, filtered);
      }
    }
  }
}

function* conjuncts(expression: Node): Generator<Node> {
  if (expression?.BoolExpr?.boolop === 'AND_EXPR') for (const it of expression.BoolExpr.args) yield* conjuncts(it);
  else if (expression) yield expression;
}

function factOf(proof: Proof, level: Level, conjunct: Node, visible: readonly Item[]): Omit<Fact, 'filtered'> | undefined {
  const comparison = conjunct.A_Expr;
  if (!comparison || !isEquals(comparison.name)) {
    if (conjunct.BoolExpr || conjunct.CaseExpr) hint(level, conjunct, visible);
    return undefined;
  }
  const { kind, lexpr, rexpr } = comparison;
  const left = refOf(level, lexpr, visible);
  const right = refOf(level, rexpr, visible);
  // IS NOT DISTINCT FROM between columns would hold for two nulls too.
  if (left && right) return kind === 'AEXPR_OP' ? { left, right } : undefined;
  const ref = left ?? right;
  if (!ref) return undefined;
  const { item, column } = ref;
  const { table } = item;
  if (table?.tenant?.column !== column || !level.items.includes(item)) return undefined;
  const values = valuesOf(kind, left ? rexpr : lexpr, left !== undefined);
  if (values && values.length > 0 && values.every((it) => proof.isTenant(it, table))) return { left: ref, right: 'tenant' };
  item.hint ??= values
    ? "it is compared with something else than a parameter or literal that is this handle's tenant"
    : 'the comparison is none that confines it to one value';
  return undefined;
}

/** The values that a comparison allows: one, or those of a list. */
function valuesOf(kind: string, side: Node, isRight: boolean): readonly Node[] | undefined {
  if (kind === 'AEXPR_OP' || kind === 'AEXPR_NOT_DISTINCT') return [side];
  if (!isRight) return undefined;
  if (kind === 'AEXPR_IN') return side.List?.items;
  if (kind !== 'AEXPR_OP_ANY') return undefined;
  if (side.A_ArrayExpr) return side.A_ArrayExpr.elements;
  const cast = side.TypeCast;
  if (!cast?.arg.A_ArrayExpr || cast.typeName.arrayBounds?.length !== 1) return undefined;
  const { arrayBounds: _, ...typeName } = cast.typeName;
  const elements: Node[] = cast.arg.A_ArrayExpr.elements ?? [];
  return elements.some((it) => it.TypeCast) ? undefined : elements.map((arg) => ({ TypeCast: { arg, typeName } }));
}

/** The column that an expression is, where there is no doubt which: of an item in sight, or of one level around. */
export function refOf(level: Level, expression: Node, visible: readonly Item[]): Ref | undefined {
  const fields: Node[] | undefined = expression?.ColumnRef?.fields;
  const names = fields?.map((it) => it.String?.sval);
  if (!names || names.some((it) => it === undefined)) return undefined;
  const column: string = names.at(-1);
  if (names.length === 1) {
    // Were there a second column of the name, PostgreSQL would refuse the statement as ambiguous, unless they are merged.
    const having = visible.filter((it) => it.columns?.has(column));
    const merged = level.merged.get(column);
    if (having.length === 0 || merged === false || (having.length > 1 && !merged)) return undefined;
    return { item: having[0]!, column };
  }
  if (names.length > 3) return undefined;
  const [name, schema] = [names.at(-2)!, names.at(-3)];
  const is = (it: Item) => it.name === name && (schema === undefined || it.schema === schema);
  const own = level.items.filter(is);
  if (own.length > 0) return own.length === 1 && visible.includes(own[0]!) ? { item: own[0]!, column } : undefined;
  // A name that several levels have could be any of theirs: which ones PostgreSQL sees depends on where this stands.
  const around = level.named(schema, name);
  return around.length === 1 ? { item: around[0]!, column } : undefined;
}

/** Tells items whose only comparison stands where an OR, a NOT or a CASE weakens it. */
function hint(level: Level, expression: Node, visible: readonly Item[]): void {
  const what = expression.CaseExpr ? 'a CASE' : expression.BoolExpr.boolop === 'OR_EXPR' ? 'an OR' : 'a NOT';
  const look = (node: Node): void => {
    if (node === null || typeof node !== 'object') return;
    const ref = node.ColumnRef && refOf(level, node, visible);
    if (ref && ref.item.table?.tenant?.column === ref.column) ref.item.hint ??= `${what} weakens the comparison`;
    for (const value of Object.values(node)) look(value);
  };
  look(expression);
}
