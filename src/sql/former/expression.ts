/** Walks an expression: every node kind and field that it accepts stands in the table below, and no other passes. */
import { kindOf, words } from './fields.js';
import { isSafeFunction } from '../prove/functions.js';
import type { Ctes, Item, Level } from './level.js';
import { checkOperator } from './operators.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { Refusal } from '../refusal.js';
import { select } from './select.js';
import { checkType } from './types.js';

/** Where an expression stands. */
export interface Place {
  readonly proof: Proof;
  readonly level: Level;
  readonly ctes: Ctes | undefined;
  /** The items of the level that are surely seen here, before those of any level around. */
  readonly sees?: readonly Item[] | undefined;
}

type Check = (value: Node, place: Place, node: Node) => void;

const plain: Check = () => {};
const nodes: Check = (value, place) => walk(value, place);
const operator: Check = (value, _, node) => checkOperator(value, node.location);
const type: Check = (value) => checkType(value);
const oneOf =
  (list: string): Check =>
  (value) => {
    if (!list.split(' ').includes(value)) throw new Refusal(`${value} is not understood`, 'Write the statement without it');
  };
const windowDef: Check = (value, place) => walk({ WindowDef: value }, place);
const subquery: Check = (value, { proof, level, ctes }) => {
  const [kind, fields] = kindOf(value);
  if (kind !== 'SelectStmt') throw new Refusal(`${words(kind)} is not understood as a subquery`, 'Write a query there');
  select(proof, fields, level, ctes);
};

const location = plain;
const kinds: Record<string, Record<string, Check>> = {
  A_Const: { ival: plain, fval: plain, sval: plain, boolval: plain, bsval: plain, isnull: plain, location },
  ParamRef: { number: (_, { proof }, node) => proof.parameter(node), location },
  ColumnRef: { fields: (value, place, node) => column(value, place, node), location },
  A_Expr: {
    kind: oneOf(
      'AEXPR_OP AEXPR_OP_ANY AEXPR_OP_ALL AEXPR_DISTINCT AEXPR_NOT_DISTINCT AEXPR_NULLIF AEXPR_IN AEXPR_LIKE AEXPR_ILIKE ' +
        'AEXPR_SIMILAR AEXPR_BETWEEN AEXPR_NOT_BETWEEN AEXPR_BETWEEN_SYM AEXPR_NOT_BETWEEN_SYM',
    ),
    name: (value, place, node) => (node.kind.includes('BETWEEN') ? undefined : operator(value, place, node)),
    lexpr: nodes,
    rexpr: nodes,
    rexpr_list_start: plain,
    rexpr_list_end: plain,
    location,
  },
  BoolExpr: { boolop: plain, args: nodes, location },
  NullTest: { arg: nodes, nulltesttype: plain, location },
  BooleanTest: { arg: nodes, booltesttype: plain, location },
  CaseExpr: { arg: nodes, args: nodes, defresult: nodes, location },
  CaseWhen: { expr: nodes, result: nodes, location },
  CoalesceExpr: { args: nodes, location },
  MinMaxExpr: { op: plain, args: nodes, location },
  FuncCall: {
    funcname: (value, _, node) => checkFunction(value, node.location),
    args: nodes,
    agg_order: nodes,
    agg_filter: nodes,
    over: windowDef,
    agg_within_group: plain,
    agg_star: plain,
    agg_distinct: plain,
    func_variadic: plain,
    funcformat: plain,
    location,
  },
  NamedArgExpr: { name: plain, arg: nodes, argnumber: plain, location },
  RowExpr: { args: nodes, row_format: plain, location },
  A_ArrayExpr: { elements: nodes, list_start: plain, list_end: plain, location },
  A_Indirection: { arg: nodes, indirection: (value) => indirection(value) },
  A_Indices: { is_slice: plain, lidx: nodes, uidx: nodes },
  TypeCast: { arg: nodes, typeName: type, location },
  CollateClause: { arg: nodes, collname: plain, location },
  SubLink: {
    subLinkType: oneOf('EXISTS_SUBLINK ANY_SUBLINK ALL_SUBLINK EXPR_SUBLINK ARRAY_SUBLINK ROWCOMPARE_SUBLINK'),
    testexpr: nodes,
    operName: operator,
    subselect: subquery,
    location,
  },
  SQLValueFunction: { op: plain, typmod: plain, location },
  GroupingFunc: { args: nodes, location },
  GroupingSet: { kind: plain, content: nodes, location },
  SortBy: { node: nodes, sortby_dir: plain, sortby_nulls: plain, useOp: operator, location },
  WindowDef: {
    name: plain,
    refname: plain,
    partitionClause: nodes,
    orderClause: nodes,
    frameOptions: plain,
    startOffset: nodes,
    endOffset: nodes,
    location,
  },
  List: { items: nodes },
  ResTarget: { name: plain, val: nodes, location },
  SetToDefault: { location },
  MultiAssignRef: { source: nodes, colno: plain, ncolumns: plain },
  JsonObjectConstructor: { exprs: nodes, absent_on_null: plain, unique: plain, location },
  JsonArrayConstructor: { exprs: nodes, absent_on_null: plain, location },
  JsonKeyValue: { key: nodes, value: (value, place) => walk({ JsonValueExpr: value }, place) },
  JsonValueExpr: { raw_expr: nodes, format: plain },
  JsonIsPredicate: { expr: nodes, format: plain, item_type: plain, unique_keys: plain, location },
};

/** Walks a node or a list of them. */
export function walk(node: Node, place: Place): void {
  if (node === undefined || node === null) return;
  if (Array.isArray(node)) {
    for (const it of node) walk(it, place);
    return;
  }
  const [kind, fields] = kindOf(node);
  if (kind === '') return; // An empty place in a list, as in DISTINCT without ON.
  const known = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (!known) throw new Refusal(`${words(kind)} is not understood`, 'Write the statement without it', fields?.location);
  for (const field in fields) {
    const check = Object.hasOwn(known, field) ? known[field] : undefined;
    if (!check) throw new Refusal(`${words(field)} is not understood in ${words(kind)}`, 'Write the statement without it', fields.location);
    check(fields[field], place, fields);
  }
  if (kind === 'A_Indirection') for (const it of fields.indirection) walk(it.A_Indices ? it : undefined, place);
}

const systemColumns = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid', 'oid']);

/**
 * `a.b` calls the function `b(a)` where `a` has no such column: every column of a qualified name must be known.
 * The system columns of a row tell how many rows of others lie before it.
 */
function column(fields: readonly Node[], { level, sees }: Place, node: Node): void {
  const names = fields.map((it) => (it.A_Star ? undefined : it.String?.sval));
  const last = names.at(-1);
  if (names.length === 1) {
    if (systemColumns.has(last!)) {
      throw new Refusal(`the system column ${last} tells of other rows`, 'Leave the system columns out', node.location);
    }
    return;
  }
  const qualifier = names.slice(0, -1);
  const name = qualifier.at(-1);
  const schema = qualifier.length === 2 ? qualifier[0] : undefined;
  const nearest = sees?.filter((it) => it.name === name && (schema === undefined || it.schema === schema)) ?? [];
  const found = qualifier.length > 2 || name === undefined ? [] : nearest.length > 0 ? nearest : level.named(schema, name);
  if (found.length === 0) throw new Refusal(`"${qualifier.join('.')}" is no source of rows here`, 'Name a table or alias of the query', node.location);
  if (last === undefined) return;
  if (found.some((it) => !it.columns?.has(last))) {
    throw new Refusal(
      `"${last}" is not known to be a column of "${name}", and could be a function`,
      'Name a declared column; name those of a function with an alias, as in unnest($1) as u(id)',
      node.location,
    );
  }
}

/** Functions that PostgreSQL's grammar calls by itself. */
const ofGrammar = new Set(['like_escape', 'similar_to_escape', 'overlaps', 'is_normalized', 'xmlexists', 'pg_collation_for']);

function checkFunction(path: readonly Node[], location: number | undefined): void {
  const names: string[] = path.map((it) => it.String?.sval ?? '');
  const isOwn = names.length === 2 && names[0] === 'pg_catalog';
  const name = names.at(-1)!;
  if ((names.length > 1 && !isOwn) || !(isSafeFunction(name) || (isOwn && ofGrammar.has(name)))) {
    throw new Refusal(`the function ${names.join('.')}() is not known to read its arguments only`, "Use PostgreSQL's own functions, or the handle's methods", location);
  }
}

function indirection(list: readonly Node[]): void {
  for (const it of list) {
    if (it.A_Indices || it.A_Star) continue;
    throw new Refusal(`"${it.String?.sval}" behind an expression is a field or a function`, 'Name the columns of a table or alias');
  }
}
