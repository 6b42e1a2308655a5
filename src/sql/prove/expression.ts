/** Walks an expression: every node kind and field that it accepts stands in the table below, and no other passes. */
import type { Ctes, Level } from './entry.js';
import { kindOf, unknownField, words } from './fields.js';
import { doing, isSafeFunction, remedyFor } from './functions.js';
import { checkColumn, checkField, columnOf, isOfUpsert, type Names } from './names.js';
import { checkOperator, isEquals } from './operators.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { Refusal } from '../refusal.js';
import { select } from './select.js';
import { checkType, typeOf } from './types.js';

/** Where an expression stands. */
export interface Place {
  readonly proof: Proof;
  readonly level: Level;
  readonly names: Names;
  readonly ctes: Ctes | undefined;
  /** Whether it is selected: what subqueries give there stands side by side. */
  readonly isTarget?: boolean;
}

type Check = (value: Node, place: Place, node: Node) => void;

const plain: Check = () => {};
const nodes: Check = (value, place) => walk(value, place);
const operator: Check = (value, _, node) => checkOperator(value, node.location);
const type: Check = (value) => checkType(value);
const as =
  (kind: string): Check =>
  (value, place) =>
    walk({ [kind]: value }, place);
const oneOf =
  (list: string): Check =>
  (value) => {
    if (!list.split(' ').includes(value))
      throw new Refusal(`${value} is not understood`, 'Write the statement without it');
  };
const subquery: Check = (value, { proof, level, names, ctes, isTarget = false }, { location }) => {
  const [kind, fields] = kindOf(value);
  if (kind !== 'SelectStmt') throw new Refusal(`${words(kind)} is not understood as a subquery`, 'Write a query there');
  level.sublinks.push({ rows: select(proof, fields, names, ctes), isTarget, location });
};

/**
 * `pg_typeof(x)::text`. Anywhere else its type, `regtype`, would become that of a literal or a parameter beside it, as
 * in `case when ... then pg_typeof(x) else '16400' end`, which looks up whose number that is.
 */
const castOf: Check = (value, place, { typeName }) => {
  const { funcname, ...rest } = value.FuncCall ?? {};
  const isTypeOf = funcname?.length === 1 && funcname[0].String.sval === 'pg_typeof';
  walk(isTypeOf && typeOf(typeName) === '["text"]' ? { FuncCall: rest } : value, place);
};
const over: Check = (value, place) => {
  place.level.windows.push(value);
  walk({ WindowDef: value }, place);
};

const location = plain;
const kinds: Record<string, Record<string, Check>> = {
  A_Const: { ival: plain, fval: plain, sval: plain, boolval: plain, bsval: plain, isnull: plain, location },
  ParamRef: { number: (_, { proof }, node) => proof.parameter(node), location },
  ColumnRef: { fields: (_, { names }, node) => checkColumn(node, names), location },
  A_Expr: {
    kind: oneOf(
      'AEXPR_OP AEXPR_OP_ANY AEXPR_OP_ALL AEXPR_DISTINCT AEXPR_NOT_DISTINCT AEXPR_NULLIF AEXPR_IN ' +
        'AEXPR_LIKE AEXPR_ILIKE ' +
        'AEXPR_SIMILAR AEXPR_BETWEEN AEXPR_NOT_BETWEEN AEXPR_BETWEEN_SYM AEXPR_NOT_BETWEEN_SYM',
    ),
    name: (value, place, node) => (node.kind.includes('BETWEEN') ? undefined : operator(value, place, node)),
    lexpr: (value, place, node) => (isOfUpsert(node, place.names) ? undefined : walk(value, place)),
    rexpr: (value, place, { kind, name, lexpr }) => {
      // Beside the tenant column, the array of tenants has its type, wherever that stands.
      if (kind === 'AEXPR_OP_ANY' && isEquals(name) && columnOf(lexpr, place.names)?.of) place.proof.isTenants(value);
      walk(value, place);
    },
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
    funcname: (value, { proof }, node) => checkFunction(value, proof, node.location),
    args: nodes,
    agg_order: nodes,
    agg_filter: nodes,
    over,
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
  A_Indirection: {
    arg: nodes,
    indirection: (value, place, node) => {
      checkField(node, place.names);
      for (const it of value) if (it.A_Indices) walk(it, place);
    },
  },
  A_Indices: { is_slice: plain, lidx: nodes, uidx: nodes },
  TypeCast: { arg: castOf, typeName: type, location },
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
  // (a, b) = (select ...) stands in the tree once for each column.
  MultiAssignRef: {
    source: (value, place, node) => (node.colno === 1 ? walk(value, place) : undefined),
    colno: plain,
    ncolumns: plain,
  },
  MergeSupportFunc: { msftype: plain, location },
  JsonObjectConstructor: { exprs: nodes, output: as('JsonOutput'), absent_on_null: plain, unique: plain, location },
  JsonArrayConstructor: { exprs: nodes, output: as('JsonOutput'), absent_on_null: plain, location },
  JsonArrayQueryConstructor: {
    query: subquery,
    output: as('JsonOutput'),
    format: plain,
    absent_on_null: plain,
    location,
  },
  JsonObjectAgg: {
    constructor: as('JsonAggConstructor'),
    arg: as('JsonKeyValue'),
    absent_on_null: plain,
    unique: plain,
  },
  JsonArrayAgg: { constructor: as('JsonAggConstructor'), arg: as('JsonValueExpr'), absent_on_null: plain },
  JsonAggConstructor: {
    output: as('JsonOutput'),
    agg_filter: nodes,
    agg_order: nodes,
    over,
    location,
  },
  JsonKeyValue: { key: nodes, value: as('JsonValueExpr') },
  JsonValueExpr: { raw_expr: nodes, formatted_expr: nodes, format: plain },
  JsonArgument: { val: as('JsonValueExpr'), name: plain },
  JsonOutput: { typeName: type, returning: plain },
  JsonBehavior: { btype: plain, expr: nodes, coerce: plain, location },
  JsonFuncExpr: {
    op: plain,
    column_name: plain,
    context_item: as('JsonValueExpr'),
    pathspec: nodes,
    passing: nodes,
    output: as('JsonOutput'),
    on_empty: as('JsonBehavior'),
    on_error: as('JsonBehavior'),
    wrapper: plain,
    quotes: plain,
    location,
  },
  JsonIsPredicate: { expr: nodes, format: plain, item_type: plain, unique_keys: plain, location },
  JsonParseExpr: { expr: as('JsonValueExpr'), output: as('JsonOutput'), unique_keys: plain, location },
  JsonScalarExpr: { expr: nodes, output: as('JsonOutput'), location },
  JsonSerializeExpr: { expr: as('JsonValueExpr'), output: as('JsonOutput'), location },
  XmlExpr: {
    op: plain,
    name: plain,
    named_args: nodes,
    arg_names: plain,
    args: nodes,
    xmloption: plain,
    indent: plain,
    location,
  },
  XmlSerialize: { xmloption: plain, expr: nodes, typeName: type, indent: plain, location },
};
const table = new Map(Object.entries(kinds).map(([kind, fields]) => [kind, new Map(Object.entries(fields))]));

/** Walks a node or a list of them. */
export function walk(node: Node, place: Place): void {
  if (node === undefined || node === null) return;
  if (Array.isArray(node)) {
    for (const it of node) walk(it, place);
    return;
  }
  const [kind, fields] = kindOf(node);
  if (kind === '') return; // An empty place in a list, as in DISTINCT without ON.
  const known = table.get(kind);
  if (!known) throw new Refusal(`${words(kind)} is not understood`, 'Write the statement without it', fields?.location);
  for (const field in fields) {
    const check = known.get(field);
    if (!check) unknownField(field, kind, fields.location);
    check(fields[field], place, fields);
  }
}

/** Walks what rows have to satisfy to be seen. */
export function walkCondition(node: Node, place: Place): void {
  place.proof.conditions++;
  walk(node, place);
  place.proof.conditions--;
}

/** Functions that PostgreSQL's grammar calls by itself. */
const ofGrammar = new Set([
  'like_escape',
  'similar_to_escape',
  'overlaps',
  'is_normalized',
  'xmlexists',
  'pg_collation_for',
]);

function checkFunction(
  path: readonly Node[],
  { given, confines, conditions }: Proof,
  location: number | undefined,
): void {
  const names: string[] = path.map((it) => it.String?.sval ?? '');
  const isOfCatalog = names.length === 2 && names[0] === 'pg_catalog';
  const name = names.at(-1)!;
  if (confines && conditions > 0 && doing.includes(name))
    throw new Refusal(
      `${name}() does something, and a condition is looked at on rows of other tenants, too`,
      'Call it in the select list or in RETURNING',
      location,
    );
  if ((names.length === 1 || isOfCatalog) && (isSafeFunction(name) || (isOfCatalog && ofGrammar.has(name)))) return;
  if (given.functions.has(names.join('.'))) return;
  throw new Refusal(
    `the function ${names.join('.')}() is not known to read its arguments only`,
    remedyFor(name),
    location,
  );
}
