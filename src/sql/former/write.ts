/** INSERT, UPDATE and DELETE: what they write is the tenant's, and stays so. */
import { walk, type Place } from './expression.js';
import { only } from './fields.js';
import { From, checkRangeVar } from './from.js';
import { Level, type Ctes, type Item, type Rows } from './level.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { Refusal } from '../refusal.js';
import { select, targets } from './select.js';
import type { Declared } from '../tables.js';
import { withClause } from './with.js';

/**
 * Proves a statement that writes.
 *
 * @returns the rows that it returns; undefined for a statement of another kind
 */
export function write(proof: Proof, kind: string, node: Node, parent: Level | undefined, outer: Ctes | undefined): Rows | undefined {
  const proveKind = { InsertStmt: insert, UpdateStmt: update, DeleteStmt: deleteFrom }[kind];
  return proveKind?.(proof, node, parent, outer);
}

/** The table that is written. A common table expression of its name does not hide it. */
function targetOf(proof: Proof, relation: Node): Declared {
  checkRangeVar(relation);
  const { schemaname, relname, location, alias } = relation;
  const table = proof.table(schemaname, relname, location);
  if (alias?.colnames) throw new Refusal(`"${relname}" is given other names for its columns`, 'Give the table an alias only', location);
  if (table.isView) throw new Refusal(`"${relname}" is a view`, 'Write the table itself', location);
  if (!table.tenant && proof.given.tenants) {
    throw new Refusal(`"${relname}" is a reference table, which all tenants share`, 'Write it through db.shared', location);
  }
  return table;
}

function itemFor({ relname, schemaname, alias, location }: Node, table: Declared): Item {
  return { name: alias?.aliasname ?? relname, schema: alias ? undefined : schemaname, table, location, columns: table.columns, bound: new Set() };
}

function insert(proof: Proof, node: Node, parent: Level | undefined, outer: Ctes | undefined): Rows {
  only(node, 'InsertStmt', 'relation cols selectStmt onConflictClause returningClause withClause override');
  const { relation, cols, selectStmt, onConflictClause, returningClause } = node;
  const ctes = withClause(proof, node.withClause, parent, outer);
  const table = targetOf(proof, relation);
  const names: string[] | undefined = cols?.map(({ ResTarget }: Node) => {
    only(ResTarget, 'ResTarget', 'name indirection location');
    for (const it of ResTarget.indirection ?? []) {
      if (!it.A_Indices) throw new Refusal('a field of a column is written', 'Write the whole column', ResTarget.location);
    }
    return ResTarget.name;
  });
  const rows = selectStmt ? select(proof, selectStmt.SelectStmt, parent, ctes) : undefined;
  if (table.tenant) tenantColumn(proof, table, names, rows, relation.location);

  const target = itemFor(relation, table);
  if (table.tenant) target.bound.add(table.tenant.column);
  const level = new Level(parent);
  level.items.push(target);
  if (onConflictClause) {
    const conflict = new Level(parent);
    conflict.items.push(target, { ...target, name: 'excluded', schema: undefined });
    onConflict(onConflictClause, table, { proof, level: conflict, ctes });
  }
  return returning(returningClause, target, { proof, level, ctes });
}

/** Each row must be given its tenant, at a place that is known. */
function tenantColumn(proof: Proof, table: Declared, names: string[] | undefined, rows: Rows | undefined, location: number | undefined): void {
  const { column } = table.tenant!;
  const index = names?.indexOf(column) ?? -1;
  const remedy = `Name "${column}" in the columns of the INSERT, and give it the tenant's value in every row`;
  if (index < 0 || !rows) throw new Refusal(`a row of "${table.name}" is not given its tenant`, remedy, location);
  const sources = index < rows.ordered ? rows.columns[index]!.sources : [];
  const isTenant = sources.length > 0 && sources.every((it) => it === 'bound' || proof.isTenant(it, table));
  if (!isTenant) {
    const reason = index < rows.ordered ? 'a value that is not this handle\'s tenant' : 'a value whose place behind a star is not known';
    throw new Refusal(`a row of "${table.name}" is given ${reason}`, remedy, location);
  }
}

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
  // A row of another tenant could conflict, and be changed or told of, unless the tenant column is of the key.
  if (table.tenant && (infer || action !== 'ONCONFLICT_NOTHING')) {
    const { column } = table.tenant;
    if (!infer?.indexElems?.some(({ IndexElem }: Node) => IndexElem.name === column)) {
      throw new Refusal("a row of another tenant could conflict", `Put "${column}" into the target of ON CONFLICT`, infer?.location ?? location);
    }
  }
  set(targetList, table, place);
  walk(whereClause, place);
}

function update(proof: Proof, node: Node, parent: Level | undefined, outer: Ctes | undefined): Rows {
  only(node, 'UpdateStmt', 'relation targetList whereClause fromClause returningClause withClause');
  const { relation, targetList, whereClause, fromClause, returningClause } = node;
  const place = changed(proof, node, relation, fromClause, whereClause, parent, outer);
  set(targetList, place.target.table!, place);
  return returning(returningClause, place.target, place);
}

function deleteFrom(proof: Proof, node: Node, parent: Level | undefined, outer: Ctes | undefined): Rows {
  only(node, 'DeleteStmt', 'relation usingClause whereClause returningClause withClause');
  const { relation, usingClause, whereClause, returningClause } = node;
  const place = changed(proof, node, relation, usingClause, whereClause, parent, outer);
  return returning(returningClause, place.target, place);
}

/** The rows that UPDATE or DELETE changes: the target's, joined with the other sources. */
function changed(proof: Proof, node: Node, relation: Node, sources: Node, where: Node, parent: Level | undefined, outer: Ctes | undefined) {
  const ctes = withClause(proof, node.withClause, parent, outer);
  const level = new Level(parent);
  const from = new From(proof, level, ctes);
  from.add(sources);
  const target = from.addItem(itemFor(relation, targetOf(proof, relation)));
  from.end(where);
  return { proof, level, ctes, target, sees: level.items };
}

function set(list: readonly Node[] | undefined, table: Declared, place: Place): void {
  for (const { ResTarget } of list ?? []) {
    only(ResTarget, 'ResTarget', 'name indirection val location');
    const { name, indirection, val, location } = ResTarget;
    if (name === table.tenant?.column) {
      throw new Refusal(`the tenant column "${name}" of "${table.name}" is set`, 'Leave it out of SET: the tenant of a row cannot change', location);
    }
    for (const it of indirection ?? []) {
      if (!it.A_Indices) throw new Refusal('a field of a column is written', 'Write the whole column', location);
      walk(it, place);
    }
    walk(val, place);
  }
}

/** RETURNING sees the row as it was, and as it became. */
function returning(clause: Node | undefined, target: Item, place: Place): Rows {
  if (!clause) return { columns: [], ordered: 0, known: true };
  only(clause, 'ReturningClause', 'exprs');
  const around = new Level(place.level.parent);
  for (const name of ['old', 'new']) around.items.push({ ...target, name, schema: undefined });
  const level = new Level(around);
  level.items.push(...place.level.items);
  return targets(clause.exprs, { ...place, level, sees: level.items });
}
