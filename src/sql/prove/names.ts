/** What a name means where it stands, as PostgreSQL finds it: in the query itself, then in those around it. */
import type { Column, Entry } from './entry.js';
import type { Node } from '../parser.js';
import { Refusal } from '../refusal.js';
import { isSystemColumn, refuseSystemColumn } from './system.js';

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
const pathOf = (expression: Node): (string | undefined)[] | undefined => expression?.ColumnRef?.fields.map((it: Node) => it.String?.sval);

/** The column that an expression is, where there is no doubt which. A bare name is looked for in the query itself only. */
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
    if (column !== undefined && isSystemColumn(column) && !names.scope.column(column)) refuseSystemColumn(column, node.location);
    return;
  }
  const found = path.length > 3 ? [] : nearest(names, path.at(-3), path.at(-2)!);
  if (found.length === 0) throw new Refusal(`"${path.slice(0, -1).join('.')}" is no source of rows here`, 'Name a table or alias of the query', node.location);
  if (column !== undefined && found.some((it) => !it.column(column))) refuseField(column, path.at(-2)!, node.location);
}

/** Refuses `(a).b` unless it is a column of the whole row `a`, or a field of `row(...)`. */
export function checkField({ arg, indirection }: Node, names: Names): void {
  const [first, ...rest]: (string | undefined)[] = indirection.map((it: Node) => it.String?.sval);
  const path = pathOf(arg);
  if (rest.some((it) => it !== undefined)) refuseField(rest.find((it) => it !== undefined)!, 'an expression', arg.ColumnRef?.location);
  if (first === undefined) return;
  const fields = arg.RowExpr?.args?.length ?? 0;
  if (/^f[1-9]\d*$/.test(first) && Number(first.slice(1)) <= fields) return;
  const name = path?.length === 1 ? path[0] : undefined;
  if (name !== undefined) {
    // A column of that name, in whichever query around, would come first.
    let isColumn = false;
    for (let it: Names | undefined = names; it; it = it.outer) isColumn ||= !it.scope.whole || it.scope.column(name) !== undefined;
    const found = isColumn ? [] : nearest(names, undefined, name);
    if (found.length === 1 && found[0]!.column(first)) return;
  }
  throw new Refusal(`"${first}" behind an expression is a field or a function`, 'Name the columns of a table or alias', arg.ColumnRef?.location);
}

function refuseField(name: string, of: string, location: number | undefined): never {
  throw new Refusal(
    `"${name}" is not known to be a column of "${of}", and could be a function`,
    'Name a declared column; name those of a function with an alias, as in unnest($1) as u(id)',
    location,
  );
}

/** The name that PostgreSQL gives a column without an alias. */
export function nameOf(value: Node): string {
  const [kind, it] = kindIn(value);
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
      return it.indirection.findLast((part: Node) => part.String)?.String.sval ?? nameOf(it.arg);
    case 'CaseExpr': {
      const inner = it.defresult ? nameOf(it.defresult) : '?column?';
      return inner === '?column?' ? 'case' : inner;
    }
    case 'MinMaxExpr':
      return it.op === 'IS_GREATEST' ? 'greatest' : 'least';
    case 'A_Expr':
      return it.kind === 'AEXPR_NULLIF' ? 'nullif' : '?column?';
    case 'SubLink':
      if (it.subLinkType === 'EXISTS_SUBLINK') return 'exists';
      if (it.subLinkType === 'ARRAY_SUBLINK') return 'array';
      if (it.subLinkType === 'EXPR_SUBLINK') {
        let query = it.subselect.SelectStmt;
        while (query?.larg) query = query.larg;
        const target = query?.targetList?.[0]?.ResTarget;
        if (target) return target.name ?? nameOf(target.val);
        if (query?.valuesLists) return 'column1';
      }
      return '?column?';
    case 'SQLValueFunction':
      return it.op.replace('SVFOP_', '').replace(/_N$/, '').toLowerCase();
  }
  return constructs[kind] ?? '?column?';
}

const kindIn = (node: Node): [string, Node] => Object.entries<Node>(node ?? {})[0] ?? ['', undefined];

const constructs: Record<string, string> = {
  CoalesceExpr: 'coalesce',
  A_ArrayExpr: 'array',
  RowExpr: 'row',
  GroupingFunc: 'grouping',
  MergeSupportFunc: 'merge_action',
  JsonObjectConstructor: 'json_object',
  JsonArrayConstructor: 'json_array',
  JsonArrayQueryConstructor: 'json_array',
  JsonObjectAgg: 'json_objectagg',
  JsonArrayAgg: 'json_arrayagg',
  JsonParseExpr: 'json',
  JsonScalarExpr: 'json_scalar',
  JsonSerializeExpr: 'json_serialize',
  XmlSerialize: 'xmlserialize',
};
