/**
 * Which conditions can raise an error on a row. PostgreSQL looks at the conditions of a source of rows in the order of
 * their cost, so that an expensive filter on the tenant comes behind a cheap division. What is not listed here can
 * raise.
 */
import type { Node } from '../parser.js';
import type { Declared } from '../tables.js';
import { isAggregate } from './aggregates.js';

/** Operators that give a value for any operands. A regular expression, a division or a sum may fail. */
const total = new Set('= <> != < > <= >= -> ->> #> #>> @> <@ && ? ?| ?&'.split(' '));
const totalFunctions = new Set(
  (
    'lower upper btrim ltrim rtrim length char_length octet_length starts_with reverse cardinality ' +
    'array_length jsonb_typeof num_nulls num_nonnulls'
  ).split(' '),
);
/** Kinds that raise only if a part of them does. */
const composed = new Set(
  (
    'A_Const ParamRef BoolExpr NullTest BooleanTest CaseExpr CaseWhen CoalesceExpr MinMaxExpr RowExpr ' +
    'CollateClause List SQLValueFunction GroupingFunc'
  ).split(' '),
);
/**
 * Whether to read a column may raise: what a view computes is not known, and what is `json` is read anew each time.
 *
 * @param column undefined where it has another name here, and may be any
 */
export const isReadingUnsafe = ({ isView, texts }: Declared, column: string | undefined): boolean =>
  isView || (column === undefined ? !!texts?.size : !!texts?.has(column));

const oflikes = new Set(['AEXPR_LIKE', 'AEXPR_ILIKE']);

/** Whether a column may be an expression that raises, where the query that gives it is merged with the one around. */
export type Raising = (column: Node) => boolean;

/** @param raising of a column that is named */
export function canRaise(node: Node, raising: Raising): boolean {
  if (node === null || typeof node !== 'object') return false;
  if (Array.isArray(node)) return node.some((it) => canRaise(it, raising));
  for (const kind in node) {
    if (kindCanRaise(kind, node[kind], raising)) return true;
  }
  return false;
}

function kindCanRaise(kind: string, it: Node, raising: Raising): boolean {
  const inParts = () => Object.values(it).some((part) => canRaise(part, raising));
  if (kind === 'ColumnRef') return raising(it);
  if (kind === 'SubLink')
    return canRaise(it.testexpr, raising) || (it.subLinkType !== 'EXISTS_SUBLINK' && canRaise(it.subselect, raising));
  // Its own conditions are looked at where they stand.
  if (kind === 'SelectStmt')
    return [it.targetList, it.larg && { SelectStmt: it.larg }, it.rarg && { SelectStmt: it.rarg }].some((part) =>
      canRaise(part, raising),
    );
  if (kind === 'ResTarget') return canRaise(it.val, raising);
  // What runs over groups or windows runs behind every filter.
  if (kind === 'FuncCall' && (it.over || isAggregate(it))) return false;
  if (composed.has(kind)) return inParts();
  // Without a column, it fails or not whatever the rows are.
  if (!namesColumn(it)) return false;
  if (kind === 'FuncCall') return !totalFunctions.has(it.funcname.at(-1).String.sval) || inParts();
  if (kind === 'TypeCast')
    return (
      it.typeName.names.at(-1).String.sval !== 'text' ||
      it.typeName.arrayBounds !== undefined ||
      canRaise(it.arg, raising)
    );
  if (kind !== 'A_Expr') return true;
  const name: string = it.name.at(-1).String.sval;
  const isPattern = oflikes.has(it.kind) && /[^\\]$|^$/.test(it.rexpr?.A_Const?.sval?.sval ?? '\\');
  return (
    !(
      isPattern ||
      it.kind.includes('BETWEEN') ||
      (!oflikes.has(it.kind) && it.kind !== 'AEXPR_SIMILAR' && total.has(name))
    ) ||
    canRaise(it.lexpr, raising) ||
    canRaise(it.rexpr, raising)
  );
}

function namesColumn(node: Node): boolean {
  if (node === null || typeof node !== 'object') return false;
  return 'ColumnRef' in node || 'SubLink' in node || Object.values(node).some(namesColumn);
}

/** The columns that an expression names, and the queries in it. */
export function columnsIn(node: Node, found: Node[] = []): Node[] {
  if (node === null || typeof node !== 'object') return found;
  if (node.ColumnRef) found.push(node.ColumnRef);
  else for (const key in node) columnsIn(node[key], found);
  return found;
}
