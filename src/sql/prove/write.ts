/** INSERT, UPDATE, DELETE and MERGE: what they write is the tenant's, and stays so. */
import { Entry, Level, noRows, type Ctes, type Rows, type Source } from './entry.js';
import { walk, type Place } from './expression.js';
import { addFacts, sameTenant, type Condition } from './facts.js';
import { only } from './fields.js';
import { checkRangeVar, From, isConfined, refuse } from './from.js';
import { Scope, type Names } from './names.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { Refusal } from '../refusal.js';
import { finish, select, sourcesOf, targets } from './select.js';
import type { Declared } from '../tables.js';
import { withClause } from './with.js';

/**
 * Proves a statement that writes.
 *
 * @returns what is known of the rows that it returns; undefined for a statement of another kind
 */
export function write(proof: Proof, kind: string, node: Node, outer: Names | undefined, around: Ctes | undefined): Rows | undefined {
  const proveKind = { InsertStmt: insert, UpdateStmt: update, DeleteStmt: deleteFrom, MergeStmt: merge }[kind];
  return proveKind?.(proof, node, outer, around);
}

const scopeOf = (...entries: Entry[]) => new Scope(entries, entries);

function insert(proof: Proof, node: Node, outer: Names | undefined, around: Ctes | undefined): Rows {
  only(node, 'InsertStmt', 'relation cols selectStmt onConflictClause returningClause withClause override');
  const { relation, cols, selectStmt, onConflictClause, returningClause } = node;
  checkRangeVar(relation);
  const ctes = withClause(proof, node.withClause, outer, around);
  const level = new Level();
  const target = proof.target(level, relation);
  const table = target.table!;
  const names: string[] | undefined = cols?.map(({ ResTarget }: Node) => {
    checkTarget(ResTarget, { proof, level, names: { scope: scopeOf(), outer }, ctes });
    return ResTarget.name;
  });
  insertedRows(proof, table, names, selectStmt?.SelectStmt, relation.location, outer, ctes);

  level.entries.push(target);
  level.own = true;
  const place: Place = { proof, level, names: { scope: scopeOf(target), outer }, ctes };
  if (onConflictClause) {
    const excluded = new Entry(level, 'excluded');
    for (const it of table.columns) excluded.add(it, target.column(it)?.of);
    onConflict(onConflictClause, table, { ...place, names: { scope: scopeOf(target, excluded), outer } });
  }
  return returning(returningClause, target, place);
}

/** Each row must be given its tenant, at a place that is known. */
function insertedRows(proof: Proof, table: Declared, names: string[] | undefined, query: Node, location: number | undefined, outer: Names | undefined, ctes: Ctes | undefined): void {
  const index = table.tenant ? (names?.indexOf(table.tenant.column) ?? -1) : 0;
  const rows = query && select(proof, query, outer, ctes);
  if (!table.tenant) return;
  const isAll = proof.given.reach === 'all';
  // Its default gives it, which is a new tenant's or nobody's; not to rows that hold tenants' data.
  if (index < 0 && isAll && (!rows || (names && rows.holds === 'nothing'))) return;
  const remedy = `Name "${table.tenant.column}" in the columns of the INSERT, and give it the tenant's value in every row`;
  if (index < 0 || !rows) throw new Refusal(`a row of "${table.name}" is not given its tenant`, remedy, location);
  if (index >= rows.ordered) throw new Refusal(`a row of "${table.name}" is given a value whose place behind a star is not known`, remedy, location);
  checkCells(proof, table, rows.columns[index]!.sources, rows.holds !== 'nothing', location);
}

/** Refuses what a row is given as its tenant, unless it is one of the handle's: that of the data that it is made of, if it is made of any. */
function checkCells(proof: Proof, table: Declared, sources: readonly Source[], holdsData: boolean, location: number | undefined): void {
  const isAll = proof.given.reach === 'all';
  // A tenant column may hold null, which would make the row everybody's.
  const mayBeNull = table.tenant!.everybody !== true || isAll;
  const isTenant = (source: Source) =>
    source === true ? mayBeNull : !(holdsData && proof.meets) && (proof.isCell(source) || (isAll && isByDefault(source, table)));
  if (sources.length > 0 && sources.every(isTenant)) return;
  throw new Refusal(
    `a row of "${table.name}" is given a value that is not this handle's tenant`,
    `Name "${table.tenant!.column}" in the columns of the INSERT, and give it the tenant's value in every row`,
    location,
  );
}

/** What only a handle of all tenants writes: a tenant that the database gives, or everybody. */
const isByDefault = (value: Node, { tenant }: Declared): boolean => value.SetToDefault !== undefined || (tenant!.everybody === true && value.A_Const?.isnull === true);

function onConflict(node: Node, table: Declared, place: Place): void {
  only(node, 'OnConflictClause', 'action infer targetList whereClause location');
  const { action, infer, targetList, whereClause, location } = node;
  if (infer) {
    only(infer, 'InferClause', 'indexElems whereClause conname location');
    for (const { IndexElem } of infer.indexElems ?? []) {
      only(IndexElem, 'IndexElem', 'name expr ordering nulls_ordering');
      walk(IndexElem.expr, place);
    }
    walk(infer.whereClause, place);
  }
  // The row that conflicts could be another tenant's, and be changed, unless the tenant column is of the key.
  if (table.tenant && place.proof.given.filters && action !== 'ONCONFLICT_NOTHING') {
    const { column } = table.tenant;
    if (!infer?.indexElems?.some(({ IndexElem }: Node) => IndexElem.name === column)) {
      throw new Refusal('a row of another tenant could conflict', `Put "${column}" into the target of ON CONFLICT`, infer?.location ?? location);
    }
  }
  set(targetList, table, place);
  walk(whereClause, place);
}

function update(proof: Proof, node: Node, outer: Names | undefined, around: Ctes | undefined): Rows {
  only(node, 'UpdateStmt', 'relation targetList whereClause fromClause returningClause withClause');
  const { relation, targetList, whereClause, fromClause, returningClause } = node;
  const { target, place } = changed(proof, node, relation, fromClause, whereClause, outer, around);
  set(targetList, target.table!, place);
  return returning(returningClause, target, place);
}

function deleteFrom(proof: Proof, node: Node, outer: Names | undefined, around: Ctes | undefined): Rows {
  only(node, 'DeleteStmt', 'relation usingClause whereClause returningClause withClause');
  const { relation, usingClause, whereClause, returningClause } = node;
  const { target, place } = changed(proof, node, relation, usingClause, whereClause, outer, around);
  return returning(returningClause, target, place);
}

/** The rows that UPDATE or DELETE changes: the target's, joined with the other sources. */
function changed(proof: Proof, node: Node, relation: Node, sources: Node, where: Node, outer: Names | undefined, around: Ctes | undefined) {
  checkRangeVar(relation);
  const ctes = withClause(proof, node.withClause, outer, around);
  const level = new Level();
  const from = new From(proof, level, outer, ctes);
  from.add(sources);
  const target = proof.target(level, relation);
  from.addTarget(target);
  from.end(where);
  return { target, place: { proof, level, names: from.names, ctes } satisfies Place };
}

/**
 * MERGE. The condition of ON filters the target where it stands beside a row of the source, and the source only where no
 * arm is for its rows without a match. Rows of the target without a match are confined by the arm that changes them.
 */
function merge(proof: Proof, node: Node, outer: Names | undefined, around: Ctes | undefined): Rows {
  only(node, 'MergeStmt', 'relation sourceRelation joinCondition mergeWhenClauses returningClause withClause');
  const { relation, sourceRelation, joinCondition, mergeWhenClauses, returningClause } = node;
  checkRangeVar(relation);
  const arms: readonly Node[] = mergeWhenClauses.map((it: Node) => it.MergeWhenClause);
  const ctes = withClause(proof, node.withClause, outer, around);
  const level = new Level();
  const from = new From(proof, level, outer, ctes);
  from.add([sourceRelation]);
  const ofSource = from.names;
  const sources = [...level.entries];
  const target = proof.target(level, relation);
  from.addTarget(target);
  const hasInsert = arms.some((it) => it.matchKind === 'MERGE_WHEN_NOT_MATCHED_BY_TARGET');
  const join = { left: sources, right: [target], filtered: hasInsert ? [target] : [target, ...sources] };
  from.conditions.push({ expression: joinCondition, names: from.names, join, absent: from.names.scope.absent });
  from.end(undefined);
  const place: Place = { proof, level, names: from.names, ctes };
  for (const arm of arms) {
    only(arm, 'MergeWhenClause', 'matchKind commandType override condition targetList values');
    const { matchKind, commandType, condition, targetList, values } = arm;
    const isOfTarget = matchKind === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE';
    const isInsert = commandType === 'CMD_INSERT';
    const names = isOfTarget ? { scope: scopeOf(target), outer } : matchKind === 'MERGE_WHEN_NOT_MATCHED_BY_TARGET' ? ofSource : from.names;
    const here: Place = { ...place, names };
    if (isOfTarget && proof.confines && target.table!.tenant) {
      const alone = new Level();
      const own: Condition = { expression: condition, names, absent: [] };
      addFacts(proof, alone, own);
      const strict = alone.facts.filter((it) => !it.orNull);
      if (!isConfined(sameTenant([target], strict), level)) refuse(target, condition ? [own] : []);
    }
    walk(condition, here);
    if (!isInsert) {
      set(targetList, target.table!, here);
      continue;
    }
    for (const { ResTarget } of targetList ?? []) checkTarget(ResTarget, here);
    walk(values, here);
    const { tenant } = target.table!;
    if (!tenant) continue;
    const value = values?.[targetList?.findIndex((it: Node) => it.ResTarget.name === tenant.column) ?? -1];
    const holdsData = sources.some((it) => it.holds !== 'nothing');
    if (value === undefined) throw new Refusal(`a row of "${target.table!.name}" is not given its tenant`, `Name "${tenant.column}" in the columns of the INSERT, and give it the tenant's value`, relation.location);
    checkCells(proof, target.table!, sourcesOf(value, here), holdsData, relation.location);
  }
  return returning(returningClause, target, place);
}

function checkTarget(node: Node, place: Place): void {
  only(node, 'ResTarget', 'name indirection val location');
  for (const it of node.indirection ?? []) {
    if (!it.A_Indices) throw new Refusal('a field of a column is written', 'Write the whole column', node.location);
    walk(it, place);
  }
}

function set(list: readonly Node[] | undefined, table: Declared, place: Place): void {
  for (const { ResTarget } of list ?? []) {
    place.proof.isSettable(table, ResTarget.name, ResTarget.val);
    checkTarget(ResTarget, place);
    walk(ResTarget.val, place);
  }
}

/** RETURNING sees the row as it was, and as it became. */
function returning(clause: Node | undefined, target: Entry, place: Place): Rows {
  if (!clause) return finish(noRows, {}, place);
  only(clause, 'ReturningClause', 'options exprs');
  const { level, names } = place;
  const other: Record<string, string> = {};
  for (const { ReturningOption: option } of clause.options ?? []) {
    only(option, 'ReturningOption', 'option value location');
    other[option.option === 'RETURNING_OPTION_OLD' ? 'old' : 'new'] = option.value;
  }
  // A table or alias that is called so comes before them.
  const rows = ['old', 'new'].flatMap((it) => {
    const name = other[it] ?? it;
    if (names.scope.named(undefined, name).length > 0) return [];
    const entry = new Entry(level, name);
    entry.isQualified = true;
    for (const column of target.table!.columns) entry.add(column, target.column(column)?.of);
    return [entry];
  });
  const scope = new Scope([names.scope, ...rows], [...names.scope.entries, ...rows]);
  const selected: Place = { ...place, names: { scope, outer: names.outer }, isTarget: true };
  return finish(targets(clause.exprs, selected), {}, selected);
}
