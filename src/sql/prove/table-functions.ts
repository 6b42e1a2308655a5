/** Functions in FROM, JSON_TABLE and XMLTABLE: their rows come from their arguments only. */
import { walk, type Place } from './expression.js';
import { only } from './fields.js';
import type { Node } from '../parser.js';
import { Refusal } from '../refusal.js';
import { checkType, typeOf } from './types.js';

/** The columns of such rows. */
export interface Columns {
  /** The name of the entry, without an alias. */
  readonly name: string;
  readonly columns: readonly string[];
  /** Whether these are all of them, in this order. */
  readonly whole: boolean;
}

/** Functions whose rows are values without a name of their own: their one column is called as the alias is. */
const ofValues = new Set(
  (
    'unnest generate_series generate_subscripts regexp_matches regexp_split_to_table string_to_table ' +
    'json_object_keys jsonb_object_keys ' +
    'jsonb_path_query jsonb_path_query_tz json_array_elements json_array_elements_text ' +
    'jsonb_array_elements jsonb_array_elements_text'
  ).split(' '),
);
/** Arrays of values without columns of their own: of an array of rows, unnest() gives the columns of those. */
const plain = 'bool|int[248]|float[48]|numeric|text|varchar|bpchar|uuid|date|timestamp|timestamptz|jsonb?';
const ofPlain = new RegExp(`^\\["(?:${plain})"\\](?:\\(.*\\))?(?:\\[\\])+$`);
const isOfValues = (name: string, [arg, ...more]: readonly Node[]): boolean =>
  ofValues.has(name) &&
  (name !== 'unnest' ||
    (more.length === 0 &&
      (arg?.TypeCast
        ? ofPlain.test(typeOf(arg.TypeCast.typeName))
        : arg?.A_ArrayExpr?.elements?.every((it: Node) => it.A_Const || it.ParamRef) === true)));

/** The columns of functions that name them. */
const columnsOf: Record<string, readonly string[]> = Object.fromEntries(
  ['json', 'jsonb'].flatMap((kind) =>
    ['', '_text'].flatMap((text) => [
      [`${kind}_each${text}`, ['key', 'value']],
      [`${kind}_array_elements${text}`, ['value']],
    ]),
  ),
);

/** Walks the functions of an entry, and gives their columns: of those that are not known, only what is written. */
export function columnsOfFunctions(fields: Node, place: Place): Columns {
  only(fields, 'RangeFunction', 'lateral ordinality is_rowsfrom functions alias coldeflist');
  const { functions, alias, coldeflist, ordinality } = fields;
  const columns = [...defined(coldeflist)];
  const called: string[] = [];
  let whole = true;
  for (const { List } of functions) {
    const [call, definitions] = List.items;
    walk(call, place);
    const name: string = call.FuncCall?.funcname.at(-1).String.sval ?? '';
    called.push(name);
    columns.push(...defined(definitions?.List?.items));
    if (Object.hasOwn(columnsOf, name)) columns.push(...columnsOf[name]!);
    // Its one column is called as the function is, or as the alias. Any other name would be no column: `alias.alias`
    // would call the function of that name on the value.
    else if (isOfValues(name, call.FuncCall?.args ?? []))
      columns.push(alias && functions.length === 1 ? alias.aliasname : name);
    else whole = false;
  }
  // Without an alias it is called as PostgreSQL calls it in a select list: a cast as its type, COALESCE "coalesce".
  if (!alias && !called[0]) throw new Refusal('what stands in FROM has no name that is known here', 'Give it an alias');
  whole ||= coldeflist !== undefined;
  return { name: called[0]!, columns: ordinality ? [...columns, 'ordinality'] : columns, whole };
}

function* defined(list: readonly Node[] | undefined): Generator<string> {
  for (const { ColumnDef } of list ?? []) {
    only(ColumnDef, 'ColumnDef', 'colname typeName is_local location');
    checkType(ColumnDef.typeName);
    yield ColumnDef.colname;
  }
}

/** Walks a JSON_TABLE, and gives its columns. */
export function columnsOfJsonTable(table: Node, place: Place): Columns {
  only(table, 'JsonTable', 'context_item pathspec passing columns on_error alias lateral location');
  walk({ JsonValueExpr: table.context_item }, place);
  walk(table.passing, place);
  if (table.on_error) walk({ JsonBehavior: table.on_error }, place);
  return { name: 'json_table', columns: jsonColumns(table.columns, place), whole: true };
}

function jsonColumns(columns: readonly Node[] | undefined, place: Place): string[] {
  return (columns ?? []).flatMap(({ JsonTableColumn: column }: Node): string[] => {
    only(
      column,
      'JsonTableColumn',
      'coltype name typeName pathspec format wrapper quotes columns on_empty on_error location',
    );
    if (column.typeName) checkType(column.typeName);
    for (const it of [column.on_empty, column.on_error]) if (it) walk({ JsonBehavior: it }, place);
    return column.coltype === 'JTC_NESTED' ? jsonColumns(column.columns, place) : [column.name];
  });
}

/** Walks an XMLTABLE, and gives its columns. */
export function columnsOfXmlTable(table: Node, place: Place): Columns {
  only(table, 'RangeTableFunc', 'lateral docexpr rowexpr namespaces columns alias location');
  walk(table.docexpr, place);
  walk(table.rowexpr, place);
  walk(table.namespaces, place);
  const columns = table.columns.map(({ RangeTableFuncCol: column }: Node): string => {
    only(column, 'RangeTableFuncCol', 'colname typeName for_ordinality is_not_null colexpr coldefexpr location');
    if (column.typeName) checkType(column.typeName);
    walk(column.colexpr, place);
    walk(column.coldefexpr, place);
    return column.colname;
  });
  return { name: 'xmltable', columns, whole: true };
}
