/**
 * Proves that a view keeps tenants apart: that a filter on its tenant column, which is all that a handle adds, says as
 * much as the same filter inside of it. The filter is put inside, where no limit, window or group counts rows before
 * it would be applied, and the query is proved as any other.
 */
import { kindOf, only } from './fields.js';
import { statementOf, type Node, type Parse } from './parser.js';
import { Proof } from './proof.js';
import { typeNamed } from './prove.js';
import { placeOf, Refusal } from './refusal.js';
import { nameOf, select } from './select.js';
import type { Tables } from './tables.js';

/** A view that exposes a tenant column, and why it is not proved, if it is not. */
export interface ProvedView {
  readonly column: string;
  /** The names of all of its columns, where they are known. */
  readonly columns: readonly string[];
  readonly fault?: string;
}

/**
 * @param text the query that defines the view
 * @param tables every table that it may name
 * @param tenantColumns the names of their tenant columns
 * @returns undefined for a view that exposes no tenant column, which no handle of a tenant reads
 */
export function proveView(parse: Parse, text: string, tables: Tables, tenantColumns: ReadonlySet<string>): ProvedView | undefined {
  let columns: string[];
  try {
    columns = exposed(statementOf(parse, text), tables, tenantColumns);
  } catch (error) {
    return { column: '', columns: [], fault: reasonOf(error, text) };
  }
  const tried = columns.map((column) => attempt(parse, text, column, tables));
  return tried.find((it) => !it.fault) ?? tried[0];
}

function attempt(parse: Parse, text: string, column: string, tables: Tables): ProvedView {
  try {
    return { column, columns: prove(parse, statementOf(parse, text), column, tables) };
  } catch (error) {
    return { column, columns: [], fault: reasonOf(error, text) };
  }
}

function reasonOf(error: unknown, text: string): string {
  if (!(error instanceof Refusal)) return 'it is not understood';
  const place = placeOf(text, error.location);
  return place === '' ? error.reason : `${error.reason}, at "${place}"`;
}

/** Proves a view by one of its columns, and returns the names of all. */
function prove(parse: Parse, statement: Node, column: string, tables: Tables): string[] {
  const carriers = new Set<number>();
  confine(kindOf(statement)[1], { name: column, position: -1 }, () => {
    const number = carriers.size + 1;
    carriers.add(number);
    return { ParamRef: { number, location: -1 } };
  });
  const proof = new Proof({ tables, tenants: new Set(), carriers, typeNamed: (type) => typeNamed(parse, type) });
  const { columns } = select(proof, kindOf(statement)[1], undefined, undefined);
  proof.end();
  return columns.map((it) => it.name);
}

/** The columns of a query that may be the tenant's, by name: not those of tables whose tenant column is another one. */
function exposed(statement: Node, tables: Tables, tenantColumns: ReadonlySet<string>): string[] {
  let [kind, query] = kindOf(statement);
  if (kind !== 'SelectStmt') return [];
  while (query.larg) query = query.larg;
  const sources = sourcesOf(query.fromClause ?? []);
  return (query.targetList ?? []).flatMap(({ ResTarget: { name, val } }: Node) => {
    if (isStar(val)) return [...tenantColumns];
    const column = val.ColumnRef?.fields.at(-1).String.sval;
    const table = sourceOf(val, sources)?.source.table;
    const known = table && tables.known(table.schemaname, table.relname);
    const isOther = known !== undefined && known.tenant?.column !== column;
    return tenantColumns.has(column) && !isOther ? [name ?? column] : [];
  });
}

interface Column {
  readonly name: string;
  /** Where it stands, if that is known: in the right side of a set operation, names say nothing. */
  readonly position: number;
}

/** Puts `column = $n` into a query, as deep as the column comes from. */
function confine(query: Node, column: Column, parameter: () => Node): void {
  if (query.limitCount || query.limitOffset) throw new Refusal('LIMIT and OFFSET count the rows of every tenant', '', locationOf(query.limitCount ?? query.limitOffset));
  if (query.op !== 'SETOP_NONE') {
    const { position } = targetOf(query, column);
    if (position < 0) throw new Refusal('a star stands in a set operation', '');
    confine(query.larg, column, parameter);
    confine(query.rarg, { name: column.name, position }, parameter);
    return;
  }
  const { value } = targetOf(query, column);
  const sources = sourcesOf(query.fromClause ?? []);
  const at = sourceOf(value, sources);
  if (!at) throw new Refusal(`the tenant column "${column.name}" is an expression`, '', locationOf(value));
  const isTenant = (node: Node): boolean => {
    const position = node.A_Const?.ival ? (node.A_Const.ival.ival ?? 0) - 1 : undefined;
    const other = sourceOf(position === undefined ? node : query.targetList[position]?.ResTarget.val, sources);
    return other !== undefined && other.source === at.source && other.column === at.column;
  };
  const isWithin = (list: readonly Node[] | undefined) => list?.some(isTenant) === true;
  const distinctOn = query.distinctClause?.filter((it: Node) => kindOf(it)[0] !== '') ?? [];
  if (distinctOn.length > 0 && !isWithin(distinctOn)) throw new Refusal('DISTINCT ON chooses among the rows of every tenant', '', locationOf(distinctOn[0]));
  if (query.groupClause && !isWithin(query.groupClause)) throw new Refusal('GROUP BY puts rows of several tenants together', '', locationOf(query.groupClause[0]));
  const windows: readonly Node[] = (query.windowClause ?? []).map((it: Node) => it.WindowDef);
  for (const over of [...windows, ...windowsIn([query.targetList, query.sortClause])]) {
    const name = over.refname ?? (over.partitionClause || over.orderClause ? undefined : over.name);
    const named = windows.find((it) => it !== over && it.name === name);
    if (!isWithin(over.partitionClause) && !(named && isWithin(named.partitionClause))) {
      throw new Refusal('a window reaches over the rows of every tenant', '', over.location);
    }
  }
  if (at.source.subquery) confine(at.source.subquery, { name: at.column, position: -1 }, parameter);
  const equals = { A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '=' } }], lexpr: value, rexpr: parameter() } };
  query.whereClause = query.whereClause ? { BoolExpr: { boolop: 'AND_EXPR', args: [query.whereClause, equals] } } : equals;
}

/** The expression that gives a column, and where it stands; not where a star's columns, of which the order is unknown, come before. */
function targetOf(query: Node, { name, position }: Column): { value: Node; position: number } {
  let first = query;
  while (first.larg) first = first.larg;
  const targets: readonly Node[] = (first.targetList ?? []).map((it: Node) => it.ResTarget);
  const star = targets.findIndex((it) => isStar(it.val));
  const found = position >= 0 ? position : targets.findIndex((it) => !isStar(it.val) && (it.name ?? nameOf(it.val)) === name);
  const isCounted = found >= 0 && (star < 0 || found < star);
  if (position >= 0 && !isCounted) throw new Refusal('a star stands in a set operation', '', targets[star]?.location);
  if (found >= 0) return { value: targets[found]?.val, position: isCounted ? found : -1 };
  const { fields, location } = targets[star]?.val.ColumnRef ?? {};
  if (!fields) throw new Refusal(`the tenant column "${name}" is not found`, '');
  return { value: { ColumnRef: { fields: [...fields.slice(0, -1), { String: { sval: name } }], location } }, position: -1 };
}

const isStar = (value: Node): boolean => value.ColumnRef?.fields.at(-1).A_Star !== undefined;

/** What stands in FROM: a table, or a query with its text. */
interface Source {
  readonly name: string | undefined;
  readonly table?: { readonly schemaname?: string; readonly relname: string };
  readonly subquery?: Node;
}

function sourcesOf(list: readonly Node[]): Source[] {
  return list.flatMap((node): Source[] => {
    const [kind, fields] = kindOf(node);
    if (kind === 'JoinExpr') return sourcesOf([fields.larg, fields.rarg]);
    if (kind === 'RangeVar') return [{ name: fields.alias?.aliasname ?? fields.relname, table: fields }];
    if (kind !== 'RangeSubselect' || fields.lateral || fields.alias?.colnames) return [{ name: undefined }];
    only(fields, 'RangeSubselect', 'subquery alias');
    return [{ name: fields.alias?.aliasname, subquery: fields.subquery.SelectStmt }];
  });
}

/** The source that a column comes from, where there is no doubt; a bare name could be any's unless there is but one. */
function sourceOf(value: Node, sources: readonly Source[]): { source: Source; column: string } | undefined {
  const names: (string | undefined)[] | undefined = value?.ColumnRef?.fields.map((it: Node) => it.String?.sval);
  const column = names?.at(-1);
  if (!names || column === undefined) return undefined;
  const found = names.length === 1 ? sources : sources.filter((it) => it.name === names.at(-2));
  return found.length === 1 ? { source: found[0]!, column } : undefined;
}

/** The windows of the functions in a piece of the tree, but for those of queries of their own. */
function windowsIn(node: Node): Node[] {
  if (node === null || typeof node !== 'object' || node.SubLink) return [];
  return Object.entries<Node>(node).flatMap(([key, value]) => (key === 'over' ? [value] : windowsIn(value)));
}

const locationOf = (node: Node): number | undefined => kindOf(node)[1]?.location;
