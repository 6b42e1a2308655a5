/**
 * What writes: UPDATE and DELETE here, INSERT and MERGE in files of their own. What they write is the tenant's, and
 * stays so.
 */
import { Entry, Level, noRows, type Ctes, type Rows } from './entry.js';
import { walk, type Place } from './expression.js';
import { checkName, only } from './fields.js';
import { checkRangeVar, From } from './from.js';
import { insert } from './insert.js';
import { merge } from './merge.js';
import { Scope, type Names } from './names.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { Refusal } from '../refusal.js';
import { finish, targets } from './select.js';
import type { Declared } from '../tables.js';
import { withClause } from './with.js';

/**
 * Proves a statement that writes.
 *
 * @returns what is known of the rows that it returns; undefined for a statement of another kind
 */
export function write(
  proof: Proof,
  kind: string,
  node: Node,
  outer: Names | undefined,
  around: Ctes | undefined,
): Rows | undefined {
  const proveKind = { InsertStmt: insert, UpdateStmt: update, DeleteStmt: deleteFrom, MergeStmt: merge }[kind];
  return proveKind?.(proof, node, outer, around);
}

export const scopeOf = (...entries: Entry[]) => new Scope(entries, entries);

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
function changed(
  proof: Proof,
  node: Node,
  relation: Node,
  sources: Node,
  where: Node,
  outer: Names | undefined,
  around: Ctes | undefined,
) {
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

/** Refuses a target of INSERT or SET that is no column, or an element of one. */
export function checkTarget(node: Node, place: Place): void {
  only(node, 'ResTarget', 'name indirection val location');
  for (const it of node.indirection ?? []) {
    if (!it.A_Indices) throw new Refusal('a field of a column is written', 'Write the whole column', node.location);
    walk(it, place);
  }
}

export function set(list: readonly Node[] | undefined, table: Declared, place: Place): void {
  for (const { ResTarget } of list ?? []) {
    place.proof.isSettable(table, ResTarget.name, ResTarget.val);
    checkTarget(ResTarget, place);
    walk(ResTarget.val, place);
  }
}

/** RETURNING sees the row as it was, and as it became. */
export function returning(clause: Node | undefined, target: Entry, place: Place): Rows {
  if (!clause) return finish(noRows, {}, place);
  only(clause, 'ReturningClause', 'options exprs');
  const { level, names } = place;
  const other: Record<string, string> = {};
  for (const { ReturningOption: option } of clause.options ?? []) {
    only(option, 'ReturningOption', 'option value location');
    checkName(option.value, option.location);
    other[option.option === 'RETURNING_OPTION_OLD' ? 'old' : 'new'] = option.value;
  }
  // A table or alias that is called so comes before them.
  const rows = ['old', 'new'].flatMap((it) => {
    const name = other[it] ?? it;
    if (names.scope.named(undefined, name).length > 0) return [];
    const entry = new Entry(level, name);
    entry.isQualified = true;
    // A row that was not there before, or is not there after, is null there.
    for (const column of target.table!.columns) entry.add(column, target.column(column)?.of, undefined, true);
    return [entry];
  });
  const scope = new Scope([names.scope, ...rows], [...names.scope.entries, ...rows]);
  const selected: Place = { ...place, names: { scope, outer: names.outer }, isTarget: true };
  return finish(targets(clause.exprs, selected), {}, selected);
}
