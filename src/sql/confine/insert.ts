/** INSERT: the tenant column is given the tenant in every row, and stands in the target of ON CONFLICT. */
import { TenantMismatchError } from '../../errors.js';
import type { Level } from './context.js';
import { about } from './from.js';
import type { Node } from '../parser.js';
import { quoted, Refusal } from '../refusal.js';
import { isTable } from './rows.js';
import type { Statement } from './statement.js';
import type { Declared } from '../tables.js';
import { startOf } from '../tokens.js';

export function insert(it: Statement, node: Node, around: Level): void {
  const { withClause, relation, selectStmt, onConflictClause, returningClause } = node;
  const outer = it.with(withClause, around);
  const table = it.target(relation);
  const query = selectStmt?.SelectStmt;
  if (table.tenant) giveTenant(it, node, table);
  if (query) it.select(query, { ...outer, alone: { count: 0 } });
  const own: Level = { ...outer, parent: around, names: [], alone: { count: 0 }, sources: [] };
  const level =
    it.isMany && table.tenant && !own.anchor
      ? about(own, {
          ...anchorOf(relation, table),
          isEverybodys: table.tenant.everybody === true && it.given.reach === 'all',
        })
      : own;
  it.visit([onConflictClause, returningClause], level);
  if (!table.tenant || !onConflictClause) return;
  it.keepsTenant(onConflictClause.targetList, table);
  if (it.given.filters) nameTenant(it, onConflictClause, table);
}

/** The target of ON CONFLICT gets the tenant column, unless it is a key that is unique over all tenants. */
function nameTenant(it: Statement, { action, infer, location }: Node, table: Declared): void {
  const names: string[] | undefined = infer?.indexElems?.map(
    ({ IndexElem }: Node) => IndexElem.name ?? `(${[...new Set(columnsIn(IndexElem.expr))].sort().join(', ')})`,
  );
  const { column, everybody } = table.tenant!;
  if (!names || names.includes(column)) return;
  const isOverAll = table.uniqueOverAll.some(
    (key) => key.length === names.length && key.every((name) => names.includes(name)),
  );
  if (!isOverAll) return it.splices.insert(infer.location + 1, `${quoted(column)}, `);
  if (action === 'ONCONFLICT_NOTHING') return;
  const instead = everybody ? `a unique() that has ${quoted(column)}` : 'a key within the tenant';
  throw new Refusal(
    `"${names.join('", "')}" of "${table.name}" is unique over all tenants, and the row that is in the way ` +
      "may be another's",
    'Use onConflictDoNothing() on that target, and update the row by its key if it is there; ' +
      `or onConflictDoUpdate() on ${instead}`,
    infer.location ?? location,
  );
}

/** The names of the columns in an expression. */
function columnsIn(node: Node): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const name = node.ColumnRef?.fields?.at(-1)?.String?.sval;
  return name === undefined ? Object.values(node).flatMap((it) => columnsIn(it as Node)) : [name];
}

function anchorOf({ alias, relname, schemaname }: Node, table: Declared) {
  const name: string = alias?.aliasname ?? relname;
  const qualified = alias || schemaname === undefined ? quoted(name) : `${quoted(schemaname)}.${quoted(name)}`;
  return { sql: `${qualified}.${quoted(table.tenant!.column)}`, names: [name] };
}

function giveTenant(it: Statement, { relation, cols, selectStmt }: Node, table: Declared): void {
  const { column } = table.tenant!;
  const isOne = it.given.reach === 'one';
  const query = selectStmt?.SelectStmt;
  if (!query) {
    if (!isOne) return unnamed(it, table);
    const { tokens } = it;
    let i = tokens.at(relation.location);
    while (tokens.word(i) !== 'DEFAULT' || tokens.word(i + 1) !== 'VALUES') i++;
    return it.splices.replace(tokens.start(i), tokens.end(i + 1), `(${quoted(column)}) values (${it.tenant})`);
  }
  if (!cols) throw columnsUnnamed(table, relation.location, isOne);
  const index = cols.findIndex(({ ResTarget }: Node) => ResTarget.name === column);
  if (index >= 0) {
    for (const { List } of query.valuesLists ?? []) {
      const cell = List.items[index];
      if (!cell?.SetToDefault) continue;
      if (isOne)
        it.splices.replace(cell.SetToDefault.location, cell.SetToDefault.location + 'default'.length, it.tenant);
      else unnamed(it, table);
    }
    return;
  }
  if (!isOne) return unnamed(it, table);
  if (query.valuesLists) {
    it.splices.insert(cols[0].ResTarget.location, `${quoted(column)}, `);
    return addToRows(it, query);
  }
  const value = `${it.tenant}::${table.tenant!.type}`;
  // How many columns a star stands for is not known here, so that the tenant comes first: where nothing counts them.
  if (hasStar(query) && !hasPosition(query)) {
    it.splices.insert(cols[0].ResTarget.location, `${quoted(column)}, `);
    return addToQuery(it, query, value, true);
  }
  const { tokens } = it;
  let close = tokens.at(cols.at(-1).ResTarget.location);
  while (tokens.word(close) !== ')') close = tokens.word(close) === '(' ? tokens.pair(close) + 1 : close + 1;
  it.splices.insert(tokens.start(close), `, ${quoted(column)}`);
  addToQuery(it, query, value, false);
}

/** Whether a query, or an operand of it, selects a star. */
const hasStar = ({ larg, rarg, targetList }: Node): boolean =>
  larg
    ? hasStar(larg) || hasStar(rarg)
    : (targetList ?? []).some(
        ({ ResTarget: { val } }: Node) =>
          (val.ColumnRef?.fields ?? val.A_Indirection?.indirection)?.at(-1).A_Star !== undefined,
      );

/** Whether a clause of a query, or of an operand of it, names a column by its position. */
const hasPosition = ({ larg, rarg, sortClause, groupClause, distinctClause }: Node): boolean =>
  [...(sortClause ?? []).map((it: Node) => it.SortBy.node), ...(groupClause ?? []), ...(distinctClause ?? [])].some(
    (it: Node) => it.A_Const !== undefined,
  ) ||
  (larg !== undefined && (hasPosition(larg) || hasPosition(rarg)));

/** A row of several tenants has to say whose it is. */
export function unnamed(it: Statement, table: Declared): void {
  const { reach } = it.given;
  if (reach === 'all' && table.tenant!.hasDefault) return;
  const orEverybody = reach === 'all' && table.tenant!.everybody ? ', or null for a row of everybody' : '';
  throw new TenantMismatchError(
    `Name the tenant of each row in ${quoted(table.tenant!.column)}${orEverybody}: ` +
      `a row for "${table.name}" names none.`,
  );
}

export function columnsUnnamed(table: Declared, location: number | undefined, isOne: boolean): Refusal {
  const columns = [...table.columns].filter((name) => !isOne || name !== table.tenant!.column);
  return new Refusal(
    `the columns of "${table.name}" are not named, and their order in the database may be another than in ` +
      'the declaration',
    `Name the columns of the INSERT, which are declared as (${columns.map((it) => quoted(it)).join(', ')})`,
    location,
  );
}

/** VALUES: each row begins with the tenant. */
function addToRows(it: Statement, { valuesLists }: Node): void {
  const { bytewise: text } = it.splices;
  const cell = `${it.tenant}, `;
  const places: number[] = [];
  for (const { List } of valuesLists) {
    const { ParamRef, A_Const, SetToDefault } = List.items[0];
    const first: number | undefined = (ParamRef ?? A_Const ?? SetToDefault)?.location;
    // The tree names the first value, and not the parenthesis before it.
    if (first === undefined || !beginsRow(text, first)) break;
    places.push(first);
  }
  if (places.length < valuesLists.length) {
    places.length = 0;
    forRows(it, valuesLists, (open) => places.push(it.tokens.end(open)));
  }
  for (const at of places) it.splices.insert(at, cell);
}

/** Whether a value follows `, (` or `values (`, and so is the first of its row. */
function beginsRow(text: string, at: number): boolean {
  let i = spacesBefore(text, at) - 1;
  if (text[i] !== '(') return false;
  i = spacesBefore(text, i) - 1;
  return text[i] === ',' || text[i] === 's' || text[i] === 'S';
}

function spacesBefore(text: string, at: number): number {
  let i = at;
  while (text[i - 1] === ' ' || text[i - 1] === '\n') i--;
  return i;
}

function forRows({ tokens }: Statement, valuesLists: readonly Node[], row: (open: number) => void): void {
  let open = tokens.before(tokens.at(startOf(valuesLists[0])), 'VALUES') + 1;
  for (; tokens.word(open) === '('; open = tokens.pair(open) + 2) row(open);
}

/** INSERT ... SELECT: what is selected ends with the tenant, or begins with it, in each operand of a set operation. */
function addToQuery(it: Statement, query: Node, value: string, isFirst: boolean): void {
  const { tokens, splices } = it;
  const { op, larg, rarg, valuesLists, targetList, fromClause, whereClause } = query;
  if (op !== 'SETOP_NONE') {
    addToQuery(it, larg, value, isFirst);
    return addToQuery(it, rarg, value, isFirst);
  }
  if (valuesLists)
    return forRows(it, valuesLists, (open) =>
      isFirst
        ? splices.insert(tokens.end(open), `${value}, `)
        : splices.insert(tokens.start(tokens.pair(open)), `, ${value}`),
    );
  if (isTable(query)) return void it.listed.set(query, isFirst ? `${value}, *` : `*, ${value}`);
  if (!targetList) throw new Refusal('nothing is selected', 'Name what is selected');
  if (isFirst) return splices.insert(targetList[0].ResTarget.location, `${value}, `);
  const end = tokens.endOf(
    tokens.at(targetList[0].ResTarget.location),
    false,
    fromClause ? 'FROM' : whereClause ? 'WHERE' : undefined,
  );
  splices.insert(tokens.end(end - 1), `, ${value}`);
}
