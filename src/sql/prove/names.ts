/** What a name means where it stands, as PostgreSQL finds it: in the query itself, then in those around it. */
import type { Column, Entry } from './entry.js';
import { isStar, kindOf } from './fields.js';
import type { Node } from '../parser.js';
import { Refusal } from '../refusal.js';

/** They tell where a row lies among everybody's rows, and after how many transactions of all. */
const systemColumns = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid', 'oid']);

/** The entries that names may mean: those of a FROM, or of one join in it. */
export class Scope {
  constructor(
    readonly parts: readonly (Entry | Scope)[],
    /** The entries below it, with those whose names an alias of the join hides. */
    readonly entries: readonly Entry[],
    /** Columns that USING or NATURAL made one. */
    readonly merged?: ReadonlyMap<string, Column>,
    /** In NATURAL, a column that is not declared could be merged with any. */
    readonly isNatural = false,
    /** Those of the entries that an outer join may have filled up with nulls. */
    readonly absent: readonly Entry[] = parts.flatMap((it) => (it instanceof Scope ? it.absent : [])),
    /** The two sides of each FULL JOIN, of which one stands as a whole. */
    readonly either: readonly (readonly [left: readonly Entry[], right: readonly Entry[]])[] = parts.flatMap((it) =>
      it instanceof Scope ? it.either : [],
    ),
  ) {}

  /** The entries of a name. */
  named(schema: string | undefined, name: string, found: Entry[] = []): Entry[] {
    for (const part of this.parts) {
      if (part instanceof Scope) part.named(schema, name, found);
      else if (part.name === name && (schema === undefined || part.schema === schema)) found.push(part);
    }
    return found;
  }

  /** The column of a bare name. PostgreSQL refuses one that two entries have, unless they were merged. */
  column(name: string): Column | undefined {
    const merged = this.merged?.get(name);
    if (merged) return merged;
    let found: Column | undefined;
    for (const part of this.parts) {
      const column = !(part instanceof Scope) && part.isQualified ? undefined : part.column(name);
      if (column && found) return { name };
      found ??= column;
    }
    return found && this.isNatural ? { name } : found;
  }

  /** Whether every column is known. */
  get whole(): boolean {
    return this.parts.every((it) => it.whole);
  }

  columns(): Column[] {
    const all = this.parts.flatMap((it) => (!(it instanceof Scope) && it.isQualified ? [] : it.columns()));
    return this.merged ? [...this.merged.values(), ...all.filter((it) => !this.merged!.has(it.name))] : all;
  }
}

/** A scope, and those of the queries around it. */
export interface Names {
  readonly scope: Scope;
  readonly outer: Names | undefined;
}

/** The entries that a qualified name means: those of the nearest query that has any. */
function nearest(names: Names | undefined, schema: string | undefined, name: string): Entry[] {
  for (let it = names; it; it = it.outer) {
    const found = it.scope.named(schema, name);
    if (found.length > 0) return found;
  }
  return [];
}

/** The parts of a column's name; undefined for a star, or what is no name. */
const pathOf = (expression: Node): (string | undefined)[] | undefined =>
  expression?.ColumnRef?.fields.map((it: Node) => it.String?.sval);

/**
 * The column that an expression is, where there is no doubt which. A bare name is looked for in the query itself only.
 */
export function columnOf(expression: Node, names: Names): Column | undefined {
  const path = pathOf(expression);
  const column = path?.at(-1);
  if (!path || column === undefined || path.length > 3) return undefined;
  if (path.length === 1) return names.scope.column(column);
  const found = nearest(names, path.at(-3), path.at(-2)!);
  return found.length === 1 ? found[0]!.column(column) : undefined;
}

/** The entry of `name.*`; undefined where it is not one for sure. */
export function entryOf(path: readonly (string | undefined)[], names: Names): Entry | undefined {
  const found = nearest(names, path.at(-2), path.at(-1)!);
  return found.length === 1 ? found[0] : undefined;
}

/**
 * Refuses a name that could mean something else than a column: PostgreSQL calls the function `b(a)` for `a.b` where `a`
 * has no such column. The system columns of a row tell of other rows.
 */
export function checkColumn(node: Node, names: Names): void {
  const path = node.fields.map((it: Node) => (it.A_Star ? undefined : it.String?.sval)) as (string | undefined)[];
  const column = path.at(-1);
  if (path.length === 1) {
    if (column === undefined || !systemColumns.has(column) || names.scope.column(column)) return;
    refuseSystemColumn(column, node.location);
  }
  const found = path.length > 3 ? [] : nearest(names, path.at(-3), path.at(-2)!);
  if (found.length !== 1) {
    const reason = `"${path.slice(0, -1).join('.')}" is no source of rows here, or two are called so`;
    throw new Refusal(reason, 'Name a table or alias of the query', node.location);
  }
  if (column !== undefined && !found[0]!.column(column)) refuseField(column, path.at(-2)!, node.location);
}

/**
 * Whether an expression is `xmax = 0`, of a row of the tenant's own: whether an upsert inserted the row or updated it.
 * No other number, which would be a transaction's; nor of a row that others have, too.
 */
export function isOfUpsert({ kind, name, lexpr, rexpr }: Node, names: Names): boolean {
  const path = pathOf(lexpr);
  const operator = name?.length === 1 ? name[0].String?.sval : undefined;
  const isZero = rexpr?.A_Const?.ival !== undefined && (rexpr.A_Const.ival.ival ?? 0) === 0;
  const isTest = kind === 'AEXPR_OP' && (operator === '=' || operator === '<>') && isZero;
  if (!isTest || path?.at(-1) !== 'xmax' || path.length > 3) return false;
  const found =
    path.length === 1 ? names.scope.entries.filter((it) => it.table) : nearest(names, path.at(-3), path.at(-2)!);
  return found.length === 1 && found[0]!.table?.tenant !== undefined && !found[0]!.table.tenant.everybody;
}

/** Refuses `(a).b` unless it is a column of the whole row `a`, or a field of `row(...)`. */
export function checkField({ arg, indirection }: Node, names: Names): void {
  const [first, ...rest]: (string | undefined)[] = indirection.map((it: Node) => it.String?.sval);
  const path = pathOf(arg);
  if (rest.some((it) => it !== undefined))
    refuseField(rest.find((it) => it !== undefined)!, 'an expression', arg.ColumnRef?.location);
  if (first === undefined) return;
  const fields = arg.RowExpr?.args?.length ?? 0;
  if (/^f[1-9]\d*$/.test(first) && Number(first.slice(1)) <= fields) return;
  const name = path?.length === 1 ? path[0] : undefined;
  if (name !== undefined) {
    // A column of that name, in whichever query around, would come first.
    let isColumn = false;
    for (let it: Names | undefined = names; it; it = it.outer)
      isColumn ||= !it.scope.whole || it.scope.column(name) !== undefined;
    const found = isColumn ? [] : nearest(names, undefined, name);
    if (found.length === 1 && !found[0]!.isValue && found[0]!.column(first)) return;
  }
  throw new Refusal(
    `"${first}" behind an expression is a field or a function`,
    'Name the columns of a table or alias',
    arg.ColumnRef?.location,
  );
}

function refuseSystemColumn(name: string, location: number | undefined): never {
  const remedy = 'Leave the system columns out, and name a row by its primary key';
  throw new Refusal(`the system column ${name} tells of other rows`, remedy, location);
}

function refuseField(name: string, of: string, location: number | undefined): never {
  if (systemColumns.has(name)) refuseSystemColumn(name, location);
  throw new Refusal(
    `"${name}" is not known to be a column of "${of}", and could be a function`,
    'Name a declared column; name those of a function with an alias, as in unnest($1) as u(id)',
    location,
  );
}

/**
 * The name that PostgreSQL gives a column without an alias; `?column?` where there is none, or it is not known here.
 */
export const nameOf = (value: Node): string => figured(value)?.name ?? '?column?';

/** What has no name. */
const unnamed = new Set('A_Const ParamRef A_Expr BoolExpr NullTest BooleanTest JsonIsPredicate'.split(' '));

/** The name, and whether a cast or CASE around keeps it: it gives its own to what has none, or that of such a one. */
function figured(value: Node): { readonly name: string | undefined; readonly isKept: boolean } | undefined {
  const [kind, it] = kindOf(value);
  const last = (path: readonly Node[] | undefined): string | undefined =>
    path?.findLast((part) => part.String)?.String.sval;
  const kept = (name: string | undefined) => ({ name, isKept: true });
  const none = { name: undefined, isKept: false };
  if (isStar(value)) return undefined;
  if (kind === 'CollateClause') return figured(it.arg);
  if (kind === 'TypeCast' || kind === 'CaseExpr') {
    const inner = kind === 'TypeCast' ? figured(it.arg) : it.defresult ? figured(it.defresult) : none;
    if (!inner || inner.isKept) return inner;
    return { name: kind === 'TypeCast' ? last(it.typeName.names) : 'case', isKept: false };
  }
  if (kind === 'ColumnRef') return kept(last(it.fields));
  if (kind === 'FuncCall') return kept(last(it.funcname));
  if (kind === 'A_Indirection') {
    const field = last(it.indirection);
    return field === undefined ? figured(it.arg) : kept(field);
  }
  if (kind === 'SubLink' && it.subLinkType === 'EXPR_SUBLINK') {
    const target = it.subselect.SelectStmt?.targetList?.[0].ResTarget;
    const inner = target && (target.name === undefined ? figured(target.val) : target);
    return inner && kept(inner.name);
  }
  const name = named[kind === 'SubLink' ? it.subLinkType : kind === 'MinMaxExpr' ? it.op : kind];
  if (name !== undefined) return kept(name);
  return unnamed.has(kind) && it.kind !== 'AEXPR_NULLIF' ? none : undefined;
}

const named: Record<string, string> = {
  CaseExpr: 'case',
  CoalesceExpr: 'coalesce',
  IS_GREATEST: 'greatest',
  IS_LEAST: 'least',
  A_ArrayExpr: 'array',
  ARRAY_SUBLINK: 'array',
  EXISTS_SUBLINK: 'exists',
  RowExpr: 'row',
  GroupingFunc: 'grouping',
};
