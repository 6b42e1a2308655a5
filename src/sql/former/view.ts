/**
 * Proves that a view keeps tenants apart: that a filter on its tenant column, which is all that a handle adds, says as
 * much as the same filter inside of it. The filter is put inside, where no limit, window or group counts rows before
 * it would be applied, and the query is proved as any other.
 */
import { withoutCtes } from './cte.js';
import { UnscopedTableError } from '../../errors.js';
import { kindOf, only } from './fields.js';
import { isEquals } from './operators.js';
import { statementOf, type Node, type Parse } from '../parser.js';
import { Proof } from './proof.js';
import { typeNamed } from './prove.js';
import { placeOf, Refusal } from '../refusal.js';
import { nameOf, select } from './select.js';
import type { Tables } from '../tables.js';

/** A view that exposes a tenant column, and why it is not proved, if it is not. */
export interface ProvedView {
  readonly column: string;
  /** The names of all of its columns, where they are known. */
  readonly columns: readonly string[];
  /** Whose tenants its rows are, as its tables say. */
  readonly tenancy?: unknown;
  readonly fault?: string;
  /** What to do about it, where that is known. */
  readonly remedy?: string | undefined;
}

/**
 * @param text the query that defines the view
 * @param tables every table that it may name
 * @param tenantColumns the names of their tenant columns
 * @param declared the column by which handles filter the view, where that is known; otherwise any column may be it that
 *   comes from a tenant column by its name
 * @param tenancy whose ids that column is declared to hold, as `tables` names tenancies, where that is known
 * @returns undefined for a view that exposes no tenant column, which no handle of a tenant reads
 */
export function proveView(
  parse: Parse,
  text: string,
  tables: Tables,
  tenantColumns: ReadonlySet<string>,
  declared?: string,
  tenancy?: unknown,
): ProvedView | undefined {
  let columns: string[];
  try {
    columns = declared === undefined ? exposed(statementOf(parse, text), tables, tenantColumns) : [declared];
  } catch (error) {
    return { column: '', columns: [], ...faultOf(error, text) };
  }
  const tried = columns.map((column) => attempt(parse, text, column, tables, tenancy));
  return tried.find((it) => !it.fault) ?? tried.find((it) => !it.remedy) ?? tried[0];
}

function attempt(parse: Parse, text: string, column: string, tables: Tables, tenancy: unknown): ProvedView {
  try {
    return { column, ...prove(parse, statementOf(parse, text), column, tables, tenancy) };
  } catch (error) {
    return { column, columns: [], ...faultOf(error, text) };
  }
}

function faultOf(error: unknown, text: string): { fault: string; remedy?: string | undefined } {
  if (error instanceof UnscopedTableError) return { fault: `the table "${error.table}" is not declared`, remedy: error.message };
  if (!(error instanceof Refusal)) return { fault: 'it is not understood' };
  const place = placeOf(text, error.location);
  return { fault: place === '' ? error.reason : `${error.reason}, at "${place}"`, remedy: error instanceof ViewRefusal ? error.remedy : undefined };
}

/** A refusal whose remedy is one for a view. */
class ViewRefusal extends Refusal {}

/** Proves a view by one of its columns, and returns the names of all, and whose tenants its rows are. */
function prove(parse: Parse, statement: Node, column: string, tables: Tables, declared: unknown): { columns: string[]; tenancy: unknown } {
  const [kind, given] = kindOf(statement);
  if (kind !== 'SelectStmt') throw new Refusal('it is no query', '');
  const query = withoutCtes(given);
  refuseLocks(query);
  const carriers = new Set<number>();
  const parameter = () => {
    const number = carriers.size + 1;
    carriers.add(number);
    return { ParamRef: { number, location: -1 } };
  };
  new Confined(column, tables, parameter, recursiveIn(query)).confine(query, { name: column, position: -1 });
  const proof = new Proof({ tables, tenants: new Set(), carriers, typeNamed: (type) => typeNamed(parse, type) });
  const { columns } = select(proof, query, undefined, undefined);
  proof.end();
  const tenancies = new Set<unknown>([...proof.touched].flatMap((it) => (it.tenant?.tenancy === undefined ? [] : [it.tenant.tenancy])));
  if (declared !== undefined) tenancies.add(declared);
  if (tenancies.size > 1) {
    const reason = `it brings rows of the tenancies ${[...tenancies].map(nameOfTenancy).join(' and ')} together, whose ids may be alike`;
    throw new ViewRefusal(reason, 'Make a view of each tenancy, filled from its own tables, and join them in the application', undefined);
  }
  return { columns: columns.map((it) => it.name), tenancy: [...tenancies][0] };
}

const nameOfTenancy = (it: any): string => `"${it?.name ?? it}"`;

/** The names of every WITH RECURSIVE: the others are put where they are named. */
function recursiveIn(node: Node): Set<string> {
  if (node === null || typeof node !== 'object') return new Set();
  const own: string[] = node.withClause?.ctes.map((it: Node) => it.CommonTableExpr.ctename) ?? [];
  return new Set([...own, ...Object.values<Node>(node).flatMap((it) => [...recursiveIn(it)])]);
}

/** A view is read by every tenant: it would lock the rows that a filter outside leaves out, and wait for them or fail. */
function refuseLocks(node: Node): void {
  if (node === null || typeof node !== 'object') return;
  if (node.lockingClause) throw new ViewRefusal('FOR UPDATE and FOR SHARE lock the rows of every tenant', 'Lock the rows in the query that reads the view', undefined);
  for (const value of Object.values(node)) refuseLocks(value);
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

/** A column of one source of rows. */
interface Origin {
  readonly source: Source;
  readonly column: string;
}

/** Puts `column = $n` into a query, as deep as the column comes from, and refuses a column that does not come from the tenant column of a table. */
class Confined {
  constructor(
    /** The column of the view, for messages. */
    readonly name: string,
    readonly tables: Tables,
    readonly parameter: () => Node,
    /** The names of WITH RECURSIVE, which hide tables of the same name. */
    readonly recursive: ReadonlySet<string>,
  ) {}

  confine(query: Node, column: Column): void {
    if (query.limitCount || query.limitOffset) throw new Refusal('LIMIT and OFFSET count the rows of every tenant', '', locationOf(query.limitCount ?? query.limitOffset));
    if (query.op !== 'SETOP_NONE') {
      const { position } = targetOf(query, column);
      if (position < 0) throw new Refusal('a star stands in a set operation', '');
      this.confine(query.larg, column);
      this.confine(query.rarg, { name: column.name, position });
      return;
    }
    const { value } = targetOf(query, column);
    const sources = sourcesOf(query.fromClause ?? []);
    const origins = this.#originsOf(value, sources, query.fromClause);
    if (!origins) throw this.#strange(`the tenant column "${this.name}" is an expression`, locationOf(value));
    const isTenant = (node: Node): boolean => {
      const others = this.#originsOf(node, sources, query.fromClause);
      return others?.length === origins.length && others.every((it, i) => it.source === origins[i]!.source && it.column === origins[i]!.column);
    };
    // DISTINCT ON and GROUP BY take a number for a column that is selected; DISTINCT ON takes a name for one, too.
    const selected = (node: Node, byName: boolean): Node => {
      if (node.A_Const?.ival) return query.targetList[(node.A_Const.ival.ival ?? 0) - 1]?.ResTarget.val;
      const [only, ...more] = node.ColumnRef?.fields ?? [];
      const named = byName && more.length === 0 ? query.targetList.find(({ ResTarget: it }: Node) => !isStar(it.val) && (it.name ?? nameOf(it.val)) === only?.String?.sval) : undefined;
      return named?.ResTarget.val ?? node;
    };
    const distinctOn: Node[] = query.distinctClause?.filter((it: Node) => kindOf(it)[0] !== '') ?? [];
    if (distinctOn.length > 0 && !distinctOn.some((it) => isTenant(selected(it, true)))) {
      throw new Refusal('DISTINCT ON chooses among the rows of every tenant', '', locationOf(distinctOn[0]));
    }
    if (query.groupClause && !query.groupClause.some((it: Node) => isTenant(selected(it, false)))) {
      throw new Refusal('GROUP BY puts rows of several tenants together', '', locationOf(query.groupClause[0]));
    }
    const isPartitioned = (over: Node) => over.partitionClause?.some(isTenant) === true;
    const windows: readonly Node[] = (query.windowClause ?? []).map((it: Node) => it.WindowDef);
    for (const over of [...windows, ...windowsIn([query.targetList, query.sortClause, query.distinctClause])]) {
      const name = over.refname ?? (over.partitionClause || over.orderClause ? undefined : over.name);
      const named = windows.find((it) => it !== over && it.name === name);
      if (!isPartitioned(over) && !(named && isPartitioned(named))) throw new Refusal('a window reaches over the rows of every tenant', '', over.location);
    }
    for (const { source, column } of origins) this.#leaf(source, column, value);
    if (origins.length > 1) {
      const isOfOne = query.fromClause.some((it: Node) => this.#joined(it, origins).length === origins.length);
      if (!isOfOne) throw new Refusal('a join brings rows of several tenants together', '', locationOf(value));
      if (origins.some(({ source }) => !source.table && !source.subquery)) throw this.#strange(`the tenant column "${this.name}" is an expression`, locationOf(value));
      query.fromClause = query.fromClause.map((node: Node) => this.#derived(node, origins));
    }
    for (const { source, column } of origins) if (source.subquery) this.confine(source.subquery, { name: column, position: -1 });
    const equals = equal(value, this.parameter());
    query.whereClause = query.whereClause ? { BoolExpr: { boolop: 'AND_EXPR', args: [query.whereClause, equals] } } : equals;
  }

  /** The column that an expression is; several, where it is the first of them that an outer join left there. */
  #originsOf(value: Node, sources: readonly Source[], from: readonly Node[] | undefined): readonly Origin[] | undefined {
    const one = sourceOf(value, sources, this.tables);
    if (one) return [one];
    const args: Node[] | undefined = value?.CoalesceExpr?.args;
    const column = value?.ColumnRef?.fields.length === 1 ? value.ColumnRef.fields[0].String?.sval : undefined;
    if (column !== undefined && from?.length === 1 && isMerged(from[0]!, column)) return sources.map((source) => ({ source, column }));
    const found = args?.map((it) => sourceOf(it, sources, this.tables));
    return found && found.length > 1 && found.every((it) => it !== undefined) ? found : undefined;
  }

  /** A table's own column has to be its tenant column. */
  #leaf({ table, subquery }: Source, column: string, value: Node): void {
    const isHidden = table !== undefined && table.schemaname === undefined && this.recursive.has(table.relname) && this.tables.known(undefined, table.relname) !== undefined;
    if (isHidden || !(table ?? subquery)) throw this.#strange(`the tenant column "${this.name}" is filled from no table`, locationOf(value));
    const known = table && this.tables.known(table.schemaname, table.relname);
    if (!known || known.tenant?.column === column) return;
    const what = known.tenant ? `which is not the tenant column of "${known.name}"` : `and "${known.name}" holds no tenants' rows`;
    throw this.#strange(`the tenant column "${this.name}" is filled from "${column}", ${what}`, locationOf(value));
  }

  #strange(reason: string, location: number | undefined): ViewRefusal {
    return new ViewRefusal(reason, `Fill "${this.name}" from the tenant column of one of its tables, in every branch of a UNION, and not from an expression`, location);
  }

  /**
   * Where a join brings such columns together, it has to say that they are equal: a row then has one tenant, and is
   * filled up with nulls, or not, whichever rows of other tenants there are.
   *
   * @returns those of the columns that come from here
   */
  #joined(node: Node, origins: readonly Origin[]): readonly Origin[] {
    const [kind, fields] = kindOf(node);
    if (kind !== 'JoinExpr') return origins.filter((it) => it.source.node === node);
    const { larg, rarg, quals, usingClause } = fields;
    const [left, right] = [this.#joined(larg, origins), this.#joined(rarg, origins)];
    const both = [...left, ...right];
    if (left.length === 0 || right.length === 0) return both;
    const [sources, count] = [sourcesOf([node]), both.length];
    const areOf = (value: Node, some: readonly Origin[]) =>
      this.#originsOf(value, sources, undefined)?.every((it) => some.some(({ source, column }) => source.node === it.source.node && column === it.column)) === true;
    const isUsing = sources.length === count && usingClause?.some((it: Node) => both.every(({ column }) => column === it.String.sval));
    const isOn = conjuncts(quals).some(({ A_Expr: it }) => {
      if (it?.kind !== 'AEXPR_OP' || !isEquals(it.name)) return false;
      return (areOf(it.lexpr, left) && areOf(it.rexpr, right)) || (areOf(it.lexpr, right) && areOf(it.rexpr, left));
    });
    if (!isUsing && !isOn) throw new Refusal('a join brings rows of several tenants together', '', locationOf(quals));
    return both;
  }

  /** The same FROM, with each table whose column it is confined before any join sees it. */
  #derived(node: Node, origins: readonly Origin[]): Node {
    const [kind, fields] = kindOf(node);
    if (kind === 'JoinExpr') return { JoinExpr: { ...fields, larg: this.#derived(fields.larg, origins), rarg: this.#derived(fields.rarg, origins) } };
    const origin = origins.find((it) => it.source.node === node);
    if (kind !== 'RangeVar' || !origin) return node;
    const { alias, ...table } = fields;
    const name = { String: { sval: table.relname } };
    const where = equal({ ColumnRef: { fields: [name, { String: { sval: origin.column } }], location: -1 } }, this.parameter());
    const query = { targetList: [{ ResTarget: { val: { ColumnRef: { fields: [{ A_Star: {} }] } } } }], fromClause: [{ RangeVar: table }], whereClause: where, op: 'SETOP_NONE' };
    return { RangeSubselect: { subquery: { SelectStmt: query }, alias: alias ?? { aliasname: table.relname } } };
  }
}

const equal = (lexpr: Node, rexpr: Node): Node => ({ A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '=' } }], lexpr, rexpr } });

const conjuncts = (expression: Node): Node[] =>
  expression?.BoolExpr?.boolop === 'AND_EXPR' ? expression.BoolExpr.args.flatMap(conjuncts) : expression ? [expression] : [];

/** Whether each join of a FROM merges a column: its bare name is then the first of them that is there. */
function isMerged(node: Node, column: string): boolean {
  const [kind, fields] = kindOf(node);
  if (kind !== 'JoinExpr') return true;
  return fields.usingClause?.some((it: Node) => it.String.sval === column) === true && isMerged(fields.larg, column) && isMerged(fields.rarg, column);
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
  readonly node: Node;
  readonly name: string | undefined;
  readonly table?: { readonly schemaname?: string; readonly relname: string };
  readonly subquery?: Node;
}

function sourcesOf(list: readonly Node[]): Source[] {
  return list.flatMap((node): Source[] => {
    const [kind, fields] = kindOf(node);
    if (kind === 'JoinExpr') return sourcesOf([fields.larg, fields.rarg]);
    if (kind === 'RangeVar') return [{ node, name: fields.alias?.aliasname ?? fields.relname, table: fields }];
    if (kind !== 'RangeSubselect' || fields.lateral || fields.alias?.colnames) return [{ node, name: undefined }];
    only(fields, 'RangeSubselect', 'subquery alias');
    return [{ node, name: fields.alias?.aliasname, subquery: fields.subquery.SelectStmt }];
  });
}

/** The source that a column comes from, where there is no doubt: a bare name could be any's of which the columns are not known. */
function sourceOf(value: Node, sources: readonly Source[], tables?: Tables): Origin | undefined {
  const names: (string | undefined)[] | undefined = value?.ColumnRef?.fields.map((it: Node) => it.String?.sval);
  const column = names?.at(-1);
  if (!names || column === undefined) return undefined;
  const mayHave = ({ table }: Source) => (table && tables?.known(table.schemaname, table.relname)?.columns.has(column)) !== false;
  const found = names.length === 1 ? sources.filter(mayHave) : sources.filter((it) => it.name === names.at(-2));
  return found.length === 1 ? { source: found[0]!, column } : undefined;
}

/** The windows of the functions in a piece of the tree, but for those of queries of their own: what is compared with one is not part of it. */
function windowsIn(node: Node): Node[] {
  if (node === null || typeof node !== 'object') return [];
  if (node.SubLink) return windowsIn(node.SubLink.testexpr);
  return Object.entries<Node>(node).flatMap(([key, value]) => (key === 'over' ? [value] : windowsIn(value)));
}

const locationOf = (node: Node): number | undefined => kindOf(node)[1]?.location;
