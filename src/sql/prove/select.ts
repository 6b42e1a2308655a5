/** A query: SELECT, VALUES, and set operations of them. */
import { isTenant, Level, noRows, type Column, type Ctes, type Entry, type Rows, type Source } from './entry.js';
import { walk, type Place } from './expression.js';
import { beforeStar, isStar, only } from './fields.js';
import { From, checkRangeVar } from './from.js';
import { commonTies, comparing, holdingOf, mixing } from './meeting.js';
import { columnOf, entryOf, nameOf, Scope, type Names } from './names.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { Refusal } from '../refusal.js';
import { withClause } from './with.js';

const fields =
  'distinctClause targetList fromClause whereClause groupClause groupDistinct havingClause windowClause ' +
  'valuesLists sortClause ' +
  'limitOffset limitCount limitOption lockingClause withClause op all larg rarg';

/**
 * Proves a query.
 *
 * @param outer what names mean around it
 * @param around the common table expressions that it may name
 * @returns what is known of its rows
 */
export function select(
  proof: Proof,
  node: Node,
  outer: Names | undefined,
  around: Ctes | undefined,
  { recursion, isLocked = false }: Around = {},
): Rows {
  only(node, 'SelectStmt', fields);
  proof.work(200);
  const ctes = withClause(proof, node.withClause, outer, around);
  if (node.op !== 'SETOP_NONE') return setOperation(proof, node, outer, ctes, recursion);
  const level = new Level();
  const locks = locksOf(node.lockingClause);
  const from = new From(
    proof,
    level,
    outer,
    ctes,
    (name) => isLocked || locks.some((it) => it === undefined || it.includes(name)),
  );
  from.add(node.fromClause);
  from.end(node.whereClause);
  const place: Place = { proof, level, names: from.names, ctes };
  const selected = { ...place, isTarget: true };
  const { distinctClause, groupClause, havingClause, windowClause, limitOffset, limitCount } = node;
  for (const it of [distinctClause, groupClause, havingClause, windowClause, limitOffset, limitCount]) walk(it, place);
  walk(node.sortClause, selected);
  const rows = node.valuesLists ? values(node, selected) : targets(node.targetList, selected);
  return finish(rows, node, place);
}

/** The names that each FOR UPDATE or FOR SHARE locks; undefined for all. */
const locksOf = (clauses: readonly Node[] | undefined): readonly (readonly string[] | undefined)[] =>
  (clauses ?? []).map(({ LockingClause: clause }) => {
    only(clause, 'LockingClause', 'lockedRels strength waitPolicy');
    return clause.lockedRels?.map(({ RangeVar: it }: Node) => {
      checkRangeVar(it);
      return it.relname;
    });
  });

/** PostgreSQL refuses to select more. */
const maxColumns = 1_664;

/** Walks what is selected or returned, and tells its columns. */
export function targets(list: readonly Node[] | undefined, place: Place): Rows {
  const { level, names } = place;
  const columns: { name: string; sources: readonly Source[]; orNull?: boolean; orEverybody?: boolean }[] = [];
  let ordered = Infinity;
  let whole = true;
  for (const { ResTarget } of list ?? []) {
    only(ResTarget, 'ResTarget', 'name val location');
    const { name, val } = ResTarget;
    if (columns.length > maxColumns)
      throw new Refusal(`more than ${maxColumns} columns are selected`, 'Select fewer columns', ResTarget.location);
    walk(val, place);
    if (isStar(val)) {
      const path: Node[] | undefined = val.ColumnRef?.fields;
      ordered = Math.min(ordered, columns.length);
      const qualifier = path?.slice(0, -1).map((it) => it.String?.sval as string | undefined);
      const source = !qualifier ? undefined : qualifier.length === 0 ? names.scope : entryOf(qualifier, names);
      if (!source?.whole) whole = false;
      for (const it of source?.columns() ?? []) {
        const sources = isOf(it.of, level) ? [true as const] : (passed(it, level, names) ?? [val]);
        columns.push({ name: it.name, sources, ...nullness([it], names) });
      }
      continue;
    }
    columns.push({
      name: name ?? nameOf(val),
      sources: sourcesOf(val, place),
      ...nullness(columnsOf(val, names), names),
    });
  }
  return { ...noRows, columns, ordered: Math.min(ordered, columns.length), whole };
}

/**
 * Whether a column holds the tenant of the rows of the level: its own, or that of the row around to which they belong.
 */
const isOf = (of: Entry | undefined, level: Level): boolean =>
  of !== undefined && (of.level === level || level.ties.includes(of));

/** The columns that an expression takes a tenant from: itself, or what COALESCE chooses from. */
const columnsOf = (value: Node, names: Names): readonly (Column | undefined)[] =>
  (value?.CoalesceExpr?.args ?? [value]).map((it: Node) => columnOf(it, names));

/**
 * Whether an outer join may leave a null in a column: here, or in a query below. Or whether its row may be everybody's.
 */
const mayBeNull = (column: Column | undefined, { scope }: Names): boolean =>
  column?.of !== undefined && (column.orNull === true || scope.absent.includes(column.of) || isEverybodys(column));

const isEverybodys = ({ of }: Column): boolean => of?.table?.tenant?.everybody === true;

/**
 * Whether the first of several columns that is not null may be null. Where each of them may be, it is not if one of
 * each side of a FULL JOIN is among them. Alone in its FROM, a table has no rows of other tenants beside those of
 * everybody.
 */
function nullness(columns: readonly (Column | undefined)[], names: Names): { orNull: boolean; orEverybody: boolean } {
  const { scope } = names;
  const has = (side: readonly Entry[]) =>
    columns.some((it) => it?.of && side.includes(it.of) && it.orNull !== true && !isEverybodys(it));
  const orNull =
    columns.every((it) => mayBeNull(it, names)) && !scope.either.some(([left, right]) => has(left) && has(right));
  const [column] = columns;
  const isAlone = orNull && columns.length === 1 && isEverybodys(column!) && !scope.absent.includes(column!.of!);
  return {
    orNull: orNull && !(isAlone && scope.entries.every((it) => it === column!.of || it.holds === 'nothing')),
    orEverybody: orNull && isAlone,
  };
}

/** Where the values of a column come from that is passed on as it is: not one that an outer join may leave empty. */
const passed = (column: Column | undefined, level: Level, { scope }: Names): readonly Source[] | undefined =>
  column?.entry?.level === level && !scope.absent.includes(column.entry) ? column.sources : undefined;

/** What is selected: the tenant, which may be the first that an outer join left there. */
export function sourcesOf(value: Node, { level, names }: Place): readonly Source[] {
  const args: readonly Node[] = value?.CoalesceExpr?.args ?? [value];
  const columns = args.map((it) => columnOf(it, names));
  if (columns.every((it) => isOf(it?.of, level))) return [true];
  const [column] = columns;
  return (args.length === 1 && passed(column, level, names)) || [value];
}

/** What a query holds of tenants, when all of it was walked. */
export function finish(rows: Rows, node: Node, { proof, level, names }: Place): Rows {
  const { own } = level;
  if (!proof.meets) {
    const holds = level.entries.some((it) => it.holds !== 'nothing') ? 'tenant' : 'nothing';
    return known({ ...rows, holds, own, ties: level.ties });
  }
  const { holds, ties, why } = holdingOf(level);
  const isOfTenant = (value: Node) =>
    isTenant(sourcesOf(value, { proof, level, names, ctes: undefined })) &&
    !nullness(columnsOf(value, names), names).orNull;
  const mix = holds === 'tenant' && ties.length === 0 ? mixing(node, level, names, rows, isOfTenant) : why;
  return { ...rows, holds: mix ? 'mixed' : holds, why: mix, own, ties };
}

/**
 * One column may be the tenant's and another that of a row around: which of them is that of the rows is not known then.
 */
function known(rows: Rows): Rows {
  if (rows.own || rows.ties.length > 0) return rows;
  return { ...rows, columns: rows.columns.map((it) => (it.sources.includes(true) ? { ...it, sources: [] } : it)) };
}

function values(node: Node, place: Place): Rows {
  const columns: { name: string; sources: Source[] }[] = [];
  let ordered = Infinity;
  for (const { List } of node.valuesLists) {
    walk(List.items, place);
    ordered = Math.min(ordered, beforeStar(List.items).length);
    for (const [i, value] of List.items.entries())
      (columns[i] ??= { name: `column${i + 1}`, sources: [] }).sources.push(value);
  }
  // Rows of different lengths are PostgreSQL's error; what stands in a place of them is not known.
  if (!node.valuesLists.every((it: Node) => it.List.items.length === columns.length)) ordered = 0;
  // A star is as many values as its row has columns: behind it, each stands in another place.
  for (const it of columns.slice(ordered)) it.sources = [];
  return { ...noRows, columns, ordered, whole: ordered === columns.length };
}

/** What is around a query. */
interface Around {
  /** Tells a recursive query what its own rows are, as far as they are known. */
  readonly recursion?: ((rows: Rows) => void) | undefined;
  /** Whether a query around locks its rows. */
  readonly isLocked?: boolean;
}

function setOperation(
  proof: Proof,
  node: Node,
  outer: Names | undefined,
  ctes: Ctes | undefined,
  recursion: Around['recursion'],
): Rows {
  only(node, 'SelectStmt', 'op all larg rarg withClause sortClause limitOffset limitCount limitOption');
  const { all, larg, rarg, sortClause, limitOffset, limitCount } = node;
  let rows = select(proof, larg, outer, ctes);
  for (let before: string | undefined; ; ) {
    recursion?.(rows);
    const both = united(proof, rows, select(proof, rarg, outer, ctes), all === true);
    // What is known of the rows of a recursion is assumed, and given up where its second operand does not keep it.
    if (!recursion) rows = both;
    else if (before === (before = gistOf(both))) break;
    else
      rows = { ...both, columns: both.columns.map((it) => ({ ...it, sources: isTenant(it.sources) ? [true] : [] })) };
    if (!recursion) break;
  }
  const level = new Level();
  const place: Place = { proof, level, names: { scope: new Scope([], []), outer }, ctes };
  for (const clause of [sortClause, limitOffset, limitCount]) walk(clause, place);
  if (!proof.meets) return rows;
  if (level.sublinks.some((it) => it.rows.holds !== 'nothing')) {
    throw new Refusal('a subquery in LIMIT runs over the rows of every tenant', 'Give LIMIT a number');
  }
  const isLimited = (limitOffset || limitCount) && rows.holds === 'tenant' && rows.ties.length === 0;
  return isLimited ? { ...rows, holds: 'mixed', why: 'LIMIT and OFFSET count the rows of every tenant' } : rows;
}

/** What of rows can change from one round of a recursion to the next, and changes in one direction only. */
const gistOf = ({ holds, own, ties, columns }: Rows) =>
  `${holds} ${own} ${ties.length} ` +
  `${columns.map((it) => `${+isTenant(it.sources)}${+(it.orNull === true)}${+(it.orEverybody === true)}`).join('')}`;

/** The rows of both operands: a column is what it is in each. */
function united(proof: Proof, left: Rows, right: Rows, isAll: boolean): Rows {
  const ordered = Math.min(left.ordered, right.ordered);
  const columns = left.columns.map(({ name, sources, orNull, orEverybody }, i) => ({
    name,
    sources: i < ordered ? [...sources, ...right.columns[i]!.sources] : [],
    orNull: i < ordered && (orNull === true || right.columns[i]!.orNull === true),
    orEverybody: i < ordered && (orEverybody === true || right.columns[i]!.orEverybody === true),
  }));
  const holding = [left, right].filter((it) => it.holds !== 'nothing');
  const ties = commonTies(holding.map((it) => it.ties));
  const own = holding.every((it) => it.own);
  const rows: Rows = { columns, ordered, whole: left.whole, holds: 'nothing', own, ties };
  if (holding.length === 0) return rows;
  if (!proof.meets) return known({ ...rows, holds: 'tenant' });
  const mixed = holding.find((it) => it.holds === 'mixed');
  const why = mixed ? mixed.why : isAll ? undefined : comparing(rows);
  return why && ties.length === 0 ? { ...rows, holds: 'mixed', why } : { ...rows, holds: 'tenant' };
}
