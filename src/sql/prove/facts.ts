/** What conditions say of tenants, and what follows from that for a row. */
import { Entry, type Column, type Fact, type Join, type Level } from './entry.js';
import { columnOf, type Names } from './names.js';
import { isEquals } from './operators.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';

/** A condition: what names mean in it, and the join that asks for it; WHERE belongs to none. */
export interface Condition {
  readonly expression: Node;
  readonly names: Names;
  readonly join?: Join | undefined;
  /** The entries that may be missing from what it filters. */
  readonly absent: readonly Entry[];
}

/**
 * The entries that have the same tenant as the first of `present`, in each row in which all of `present` stand, and
 * `'tenant'` where that is one of the handle's. An outer join fills entries up with nulls: its condition is known to
 * have been satisfied where an entry stands that it would have dropped otherwise, or one of each side. An equality that
 * was satisfied tells that both of its sides stand. What may be everybody's row instead tells nothing of a third.
 *
 * @param withEverybody whether those are found, too, whose row may be everybody's instead: they may stand beside the
 *   first of `present`, and do not tell its tenant
 */
export function sameTenant(
  present: readonly Entry[],
  facts: readonly Fact[],
  withEverybody = false,
): ReadonlySet<Entry | 'tenant'> {
  const here = new Set<unknown>(present);
  const has = (it: Entry) => here.has(it);
  const holding: Fact[] = [];
  for (let open = facts, before = -1; before !== holding.length; ) {
    before = holding.length;
    open = open.filter((fact) => {
      const { a, b, join, orNull } = fact;
      if (join && !join.filtered.some(has) && !(join.left.some(has) && join.right.some(has))) return true;
      holding.push(fact);
      if (!orNull) here.add(a).add(b);
      return false;
    });
  }
  const found = new Set<Entry | 'tenant'>([present[0]!]);
  const orEverybody = new Set<Entry | 'tenant'>();
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const { a, b, orNull } of holding) {
      const add = (it: Entry | 'tenant') => (orNull?.includes(it as Entry) ? orEverybody : found).add(it);
      if (found.has(a)) add(b);
      else if (b !== 'tenant' && found.has(b)) add(a);
    }
  }
  return withEverybody ? new Set([...found, ...orEverybody]) : found;
}

/** What a statement says beyond is not looked at. */
const maxFacts = 1_000;

/** Adds the facts of a condition. Only what stands in a conjunction of plain comparisons is one. */
export function addFacts(proof: Proof, level: Level, { expression, names, join, absent }: Condition): void {
  for (const conjunct of conjuncts(expression)) {
    if (level.facts.length >= maxFacts) return;
    const args: readonly Node[] = conjunct.BoolExpr?.boolop === 'OR_EXPR' ? conjunct.BoolExpr.args : [conjunct];
    // `tenant = $1 or tenant is null`, of a table that has rows of everybody.
    const nulls = args.filter((it) => it.NullTest?.nulltesttype === 'IS_NULL');
    const comparisons = args.filter((it) => !nulls.includes(it));
    const orNull = nulls.map((it) => columnOf(it.NullTest.arg, names)?.of);
    const fact = comparisons.length === 1 ? factOf(proof, level, comparisons[0]!, names) : undefined;
    // Where a join fills up with nulls what has no match, whether it has one would depend on the rows of others.
    const isEverybodys = (it: Entry) =>
      (it === fact!.a || it === fact!.b) && it.table?.tenant?.everybody === true && !absent.includes(it);
    if (!fact || !orNull.every((it) => it !== undefined && isEverybodys(it))) continue;
    level.facts.push({ ...fact, join, orNull: orNull.length > 0 ? (orNull as Entry[]) : undefined });
  }
}

function factOf(proof: Proof, level: Level, { A_Expr: comparison }: Node, names: Names): Fact | undefined {
  if (!comparison || !isEquals(comparison.name)) return undefined;
  const { kind, lexpr, rexpr } = comparison;
  const left = tenantOf(proof, lexpr, level, names);
  const right = kind === 'AEXPR_OP' || kind === 'AEXPR_NOT_DISTINCT' ? tenantOf(proof, rexpr, level, names) : undefined;
  // IS NOT DISTINCT FROM would hold for two nulls too.
  if (left && right) return kind === 'AEXPR_OP' ? { a: left, b: right } : undefined;
  const entry = left ?? right;
  return entry && isOfHandle(proof, kind, left ? rexpr : lexpr, left !== undefined)
    ? { a: entry, b: 'tenant' }
    : undefined;
}

export function* conjuncts(expression: Node): Generator<Node> {
  if (expression?.BoolExpr?.boolop === 'AND_EXPR') for (const it of expression.BoolExpr.args) yield* conjuncts(it);
  else if (expression) yield expression;
}

/** The entry whose tenant an expression is: a column of it, or the first of several that an outer join left there. */
function tenantOf(proof: Proof, expression: Node, level: Level, names: Names): Entry | undefined {
  const args: Node[] | undefined = expression?.CoalesceExpr?.args;
  if (!args) return columnOf(expression, names)?.of;
  const columns = args.map((it) => columnOf(it, names));
  return columns.every((it) => it?.of !== undefined)
    ? firstOf(
        proof,
        level,
        columns.map((it) => it!.of!),
      )
    : undefined;
}

/** Whether a column may be null though its entry stands: a FULL JOIN of two then tells nothing of that entry. */
export const isNullInPlace = ({ of, orNull }: Column): boolean =>
  orNull === true || of?.table?.tenant?.everybody === true;

/**
 * What holds the tenant of the first of several entries that stands: of each of them, if it is known to have the same
 * as those before it where they stand together. Of an entry of this level, as those behind it, too: COALESCE is not
 * strict, so that a row would be dropped for another tenant's in its place, and kept where there is none. Its facts may
 * not serve to show that, so it is looked at before they are added.
 */
export function firstOf(proof: Proof, level: Level, entries: readonly Entry[]): Entry {
  proof.work(6 * entries.length ** 2 * (level.facts.length + 1));
  const first = new Entry(level, '');
  const known = [...level.facts];
  for (const [i, entry] of entries.entries()) {
    const others = entry.level === level ? entries : entries.slice(0, i);
    const isSame = others.every((it) => sameTenant([it, entry], known).has(entry));
    if (isSame) level.facts.push({ a: first, b: entry, join: { left: [], right: [], filtered: [entry] } });
  }
  return first;
}

/** Whether a comparison allows values of the handle's tenants only. */
function isOfHandle(proof: Proof, kind: string, side: Node, isRight: boolean): boolean {
  if (kind === 'AEXPR_OP' || kind === 'AEXPR_NOT_DISTINCT') return proof.isTenant(side);
  if (!isRight) return false;
  if (kind === 'AEXPR_IN') return areTenants(proof, side.List?.items);
  if (kind !== 'AEXPR_OP_ANY') return false;
  return proof.isTenants(side) || areTenants(proof, elementsOf(side));
}

const areTenants = (proof: Proof, list: readonly Node[] = []) =>
  list.length > 0 && list.every((it) => proof.isTenant(it));

/** The elements of `array[...]`, each with the type that the array is cast to. */
function elementsOf(side: Node): readonly Node[] | undefined {
  if (side.A_ArrayExpr) return side.A_ArrayExpr.elements;
  const cast = side.TypeCast;
  if (!cast?.arg.A_ArrayExpr || cast.typeName.arrayBounds?.length !== 1) return undefined;
  const { arrayBounds: _, ...typeName } = cast.typeName;
  const elements: Node[] = cast.arg.A_ArrayExpr.elements ?? [];
  return elements.some((it) => it.TypeCast) ? undefined : elements.map((arg) => ({ TypeCast: { arg, typeName } }));
}

/** What was found in place of a predicate, for the message. */
export function whyNot(entry: Entry, conditions: readonly Condition[]): string {
  const column = entry.table!.tenant!.column;
  const names = (node: Node, at: Names): boolean => {
    if (node === null || typeof node !== 'object') return false;
    if (node.ColumnRef) return columnOf(node, at)?.of === entry;
    return Object.values(node).some((it) => names(it, at));
  };
  for (const { expression, names: at, join } of conditions) {
    for (const conjunct of conjuncts(expression)) {
      if (!names(conjunct, at)) continue;
      const { BoolExpr: bool, A_Expr: comparison } = conjunct;
      if (conjunct.CaseExpr) return ': a CASE weakens the comparison';
      if (bool) return `: ${bool.boolop === 'OR_EXPR' ? 'an OR' : 'a NOT'} weakens the comparison`;
      if (!comparison || !isEquals(comparison.name)) continue;
      const isAny = comparison.kind === 'AEXPR_OP_ANY' && elementsOf(comparison.rexpr);
      if (!isAny && !['AEXPR_OP', 'AEXPR_NOT_DISTINCT', 'AEXPR_IN'].includes(comparison.kind))
        return ': the comparison is none that confines it to one value';
      if (join && !join.filtered.includes(entry))
        return ': the condition stands where an outer join keeps the rows that it refuses';
      if (columnOf(comparison.lexpr, at)?.name === column && columnOf(comparison.rexpr, at)?.name === column) continue;
      return ": it is compared with something else than a parameter or literal that is this handle's tenant";
    }
  }
  return '';
}
