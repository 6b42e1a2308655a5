/** MERGE: what each arm touches. */
import { Level, type Ctes, type Entry, type Rows } from './entry.js';
import { walk, walkCondition, type Place } from './expression.js';
import { addFacts, sameTenant, type Condition } from './facts.js';
import { beforeStar, only } from './fields.js';
import { checkRangeVar, From, isConfined, refuse } from './from.js';
import { checkCells, checkOverride, remedyFor } from './insert.js';
import { Scope, type Names } from './names.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { Refusal } from '../refusal.js';
import { sourcesOf } from './select.js';
import { withClause } from './with.js';
import { checkTarget, returning, scopeOf, set } from './write.js';

/**
 * MERGE. The condition of ON filters the target where it stands beside a row of the source, and the source only where
 * no arm is for its rows without a match. Rows of the target without a match are confined by the arm that changes them.
 */
export function merge(proof: Proof, node: Node, outer: Names | undefined, around: Ctes | undefined): Rows {
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
  const hasInsert = arms.some((it) => it.matchKind === ofSourceOnly);
  const join = { left: sources, right: [target], filtered: hasInsert ? [target] : [target, ...sources] };
  from.conditions.push({ expression: joinCondition, names: from.names, join, absent: from.names.scope.absent });
  from.end(undefined);
  const place: Place = { proof, level, names: from.names, ctes };
  const holdsData = sources.some((it) => it.holds !== 'nothing');
  for (const arm of arms) {
    only(arm, 'MergeWhenClause', 'matchKind commandType override condition targetList values');
    const names = namesOf(arm.matchKind, target, ofSource, from.names);
    const here: Place = { ...place, names };
    if (arm.matchKind === ofTargetOnly) checkAlone(proof, target, { expression: arm.condition, names, absent: [] });
    walkCondition(arm.condition, here);
    if (arm.commandType === 'CMD_INSERT') insertOf(arm, target, holdsData, relation.location, here);
    else set(arm.targetList, target.table!, here);
  }
  // A row of the target without a match is returned with nulls for the source.
  const missing = arms.some((it) => it.matchKind === ofTargetOnly) ? sources : [];
  const { scope } = from.names;
  const returned = new Scope([scope], scope.entries, undefined, false, [...scope.absent, ...missing]);
  return returning(returningClause, target, { ...place, names: { scope: returned, outer } });
}

const ofTargetOnly = 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE';
const ofSourceOnly = 'MERGE_WHEN_NOT_MATCHED_BY_TARGET';

/** What names mean in an arm: those of the rows that it is for. */
function namesOf(matchKind: string, target: Entry, ofSource: Names, ofBoth: Names): Names {
  if (matchKind === ofTargetOnly) return { scope: scopeOf(target), outer: ofBoth.outer };
  return matchKind === ofSourceOnly ? ofSource : ofBoth;
}

/** Refuses an arm for rows of the target without a match, which ON does not confine, unless its own condition does. */
function checkAlone(proof: Proof, target: Entry, condition: Condition): void {
  if (!proof.confines || !target.table!.tenant) return;
  const alone = new Level();
  addFacts(proof, alone, condition);
  const strict = alone.facts.filter((it) => !it.orNull);
  if (!isConfined(sameTenant([target], strict), target.level)) refuse(target, condition.expression ? [condition] : []);
}

function insertOf(arm: Node, target: Entry, holdsData: boolean, location: number, place: Place): void {
  const { targetList, values } = arm;
  for (const { ResTarget } of targetList ?? []) checkTarget(ResTarget, place);
  walk(values, place);
  const table = target.table!;
  checkOverride(arm, table, location);
  if (!table.tenant) return;
  const { column } = table.tenant;
  const value = beforeStar(values ?? [])[targetList?.findIndex((it: Node) => it.ResTarget.name === column) ?? -1];
  if (value === undefined)
    throw new Refusal(`a row of "${table.name}" is not given its tenant`, remedyFor(column), location);
  checkCells(place.proof, table, sourcesOf(value, place), holdsData, location);
}
