/**
 * MERGE: the target's predicate stands in ON, and again in each WHEN NOT MATCHED BY SOURCE, whose rows ON does not
 * filter. Rows that are inserted are given their tenant.
 */
import type { Level } from './context.js';
import { barriersOf } from './barrier.js';
import { From, namesIn } from './from.js';
import { columnsUnnamed, unnamed } from './insert.js';
import type { Node } from '../parser.js';
import { quoted } from '../refusal.js';
import type { RowsReader } from './rows.js';
import type { Statement } from './statement.js';
import type { Declared } from '../tables.js';
import { startOf } from '../tokens.js';

export function merge(it: Statement, rows: RowsReader, node: Node, around: Level): void {
  const { withClause, relation, sourceRelation, joinCondition, mergeWhenClauses, returningClause } = node;
  const outer = it.with(withClause, around);
  const table = it.target(relation);
  const names = it.isMany ? namesIn([sourceRelation, { RangeVar: relation }]) : [];
  const level: Level = { ...outer, parent: around, names, alone: { count: 0 }, sources: [] };
  const on: string[] = [];
  const from = new From(it, rows, level, []);
  from.addTarget(relation, table, (predicate) => void on.push(predicate));
  const ofTarget = [...on];
  from.addSource(sourceRelation, (predicate) => void on.push(predicate));
  it.visit([joinCondition, mergeWhenClauses, returningClause], from.inside);

  // Citus asks for the tenant of the source, where that has one.
  const [source] = from.tables;
  const mayBeNull = table.tenant?.everybody || source?.table.tenant!.everybody;
  const isOfSource = sourceRelation.RangeVar && source && !mayBeNull && it.given.filters;
  const value = () => (isOfSource ? source.column : it.tenant);
  const { tokens } = it;
  const keyword = tokens.before(tokens.at(startOf(joinCondition)), 'ON');
  let when = tokens.endOf(keyword + 1, false, 'WHEN');
  if (on.length > 0) it.conjoin(keyword, when, on, barriersOf(it, joinCondition, keyword, when, from.inside));
  for (const { MergeWhenClause: arm } of mergeWhenClauses) {
    const end = tokens.endOf(when + 1, false, 'WHEN');
    if (arm.matchKind === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE' && ofTarget.length > 0)
      confineArm(it, arm, when, ofTarget);
    if (arm.commandType === 'CMD_UPDATE') it.keepsTenant(arm.targetList, table);
    if (arm.commandType === 'CMD_INSERT' && table.tenant) insertArm(it, arm, when, table, value);
    when = end;
  }
}

/** `when not matched by source [and condition] then`. */
function confineArm(it: Statement, { condition }: Node, when: number, predicates: readonly string[]): void {
  const { tokens, splices } = it;
  if (condition) {
    const keyword = tokens.before(tokens.at(startOf(condition)), 'AND');
    return it.conjoin(keyword, tokens.endOf(keyword + 1, false, 'THEN'), predicates);
  }
  let source = when;
  while (tokens.word(source) !== 'SOURCE') source++;
  splices.insert(tokens.end(source), ` and ${predicates.join(' and ')}`);
}

function insertArm(
  it: Statement,
  { targetList, values }: Node,
  when: number,
  table: Declared,
  value: () => string,
): void {
  const { column } = table.tenant!;
  const { tokens, splices } = it;
  const isOne = it.given.reach === 'one';
  if (!values) {
    if (!isOne) return unnamed(it, table);
    let i = when;
    while (tokens.word(i) !== 'DEFAULT' || tokens.word(i + 1) !== 'VALUES') i++;
    return splices.replace(tokens.start(i), tokens.end(i + 1), `(${quoted(column)}) values (${value()})`);
  }
  if (!targetList) throw columnsUnnamed(table, tokens.start(when), isOne);
  const index = targetList.findIndex(({ ResTarget }: Node) => ResTarget.name === column);
  if (index < 0) {
    if (!isOne) return unnamed(it, table);
    const { location } = targetList[0].ResTarget;
    splices.insert(location, `${quoted(column)}, `);
    let open = tokens.at(location);
    while (tokens.word(open) !== 'VALUES') open++;
    return splices.insert(tokens.end(open + 1), `${value()}, `);
  }
  const cell = values[index]?.SetToDefault;
  if (!cell) return;
  if (isOne) splices.replace(cell.location, cell.location + 'default'.length, value());
  else unnamed(it, table);
}
