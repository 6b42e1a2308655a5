/** JSON_TABLE and XMLTABLE: rows that are read out of a document. They read their arguments only. */
import { walk, type Place } from './expression.js';
import { only } from './fields.js';
import type { Node } from '../parser.js';
import { checkType } from './types.js';

/** Walks a JSON_TABLE, and gives the names of its columns. */
export function columnsOfJsonTable(table: Node, place: Place): string[] {
  only(table, 'JsonTable', 'context_item pathspec passing columns on_error alias lateral location');
  walk({ JsonValueExpr: table.context_item }, place);
  walk(table.passing, place);
  if (table.on_error) walk({ JsonBehavior: table.on_error }, place);
  return columnsOf(table.columns, place);
}

function columnsOf(columns: readonly Node[] | undefined, place: Place): string[] {
  return (columns ?? []).flatMap(({ JsonTableColumn: column }: Node): string[] => {
    only(column, 'JsonTableColumn', 'coltype name typeName pathspec format wrapper quotes columns on_empty on_error location');
    if (column.typeName) checkType(column.typeName);
    for (const it of [column.on_empty, column.on_error]) if (it) walk({ JsonBehavior: it }, place);
    return column.coltype === 'JTC_NESTED' ? columnsOf(column.columns, place) : [column.name];
  });
}

/** Walks an XMLTABLE, and gives the names of its columns. */
export function columnsOfXmlTable(table: Node, place: Place): string[] {
  only(table, 'RangeTableFunc', 'lateral docexpr rowexpr namespaces columns alias location');
  walk(table.docexpr, place);
  walk(table.rowexpr, place);
  walk(table.namespaces, place);
  return table.columns.map(({ RangeTableFuncCol: column }: Node) => {
    only(column, 'RangeTableFuncCol', 'colname typeName for_ordinality is_not_null colexpr coldefexpr location');
    if (column.typeName) checkType(column.typeName);
    walk(column.colexpr, place);
    walk(column.coldefexpr, place);
    return column.colname;
  });
}
