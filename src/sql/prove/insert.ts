/** INSERT: each row is given its tenant, and ON CONFLICT changes a row of the same. */
import { Entry, Level, type Ctes, type Rows, type Source } from './entry.js';
import { walk, type Place } from './expression.js';
import { only } from './fields.js';
import { checkRangeVar } from './from.js';
import type { Names } from './names.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { quoted, Refusal } from '../refusal.js';
import { select } from './select.js';
import type { Declared } from '../tables.js';
import { withClause } from './with.js';
import { checkTarget, returning, scopeOf, set } from './write.js';

export function insert(proof: Proof, node: Node, outer: Names | undefined, around: Ctes | undefined): Rows {
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
  const rows = selectStmt && select(proof, selectStmt.SelectStmt, outer, ctes);
  checkOverride(node, table, relation.location);
  if (table.tenant) checkRows(proof, table, names, rows, relation.location);

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

/** Where the tenant column is an identity column, the database would draw a number in place of the tenant. */
export function checkOverride({ override }: Node, { name, tenant }: Declared, location: number | undefined): void {
  if (!tenant || override !== 'OVERRIDING_USER_VALUE') return;
  const remedy = 'Leave OVERRIDING USER VALUE out, and the columns that the database fills in';
  throw new Refusal(`a row of "${name}" may be given another value than its tenant`, remedy, location);
}

/** Each row must be given its tenant, at a place that is known. */
function checkRows(
  proof: Proof,
  table: Declared,
  names: string[] | undefined,
  rows: Rows | undefined,
  location: number | undefined,
): void {
  const { column } = table.tenant!;
  const index = names?.indexOf(column) ?? -1;
  // The default gives it, which is a new tenant's or nobody's; not to rows that hold tenants' data.
  if (index < 0 && proof.given.reach === 'all' && (!rows || (names && rows.holds === 'nothing'))) return;
  const remedy = remedyFor(column);
  if (index < 0 || !rows) throw new Refusal(`a row of "${table.name}" is not given its tenant`, remedy, location);
  const reason = `a row of "${table.name}" is given a value whose place behind a star is not known`;
  if (index >= rows.ordered) throw new Refusal(reason, `Write out the columns in place of a star. ${remedy}`, location);
  checkCells(proof, table, rows.columns[index]!.sources, rows.holds !== 'nothing', location);
}

export const remedyFor = (column: string): string =>
  `Name ${quoted(column)} in the columns of the INSERT, and give it the tenant's value in every row`;

/**
 * Refuses what a row is given as its tenant, unless it is one of the handle's.
 *
 * @param holdsData whether the row is made of tenants' data, of which each row has one tenant: that is the row's then
 */
export function checkCells(
  proof: Proof,
  table: Declared,
  sources: readonly Source[],
  holdsData: boolean,
  location: number | undefined,
): void {
  const isAll = proof.given.reach === 'all';
  // A tenant column may hold null, which would make the row everybody's.
  const mayBeNull = table.tenant!.everybody !== true || isAll;
  const isTenant = (source: Source) =>
    source === true
      ? mayBeNull
      : !(holdsData && proof.meets) &&
        (proof.isCell(source, isAll && table.tenant!.everybody === true) || (isAll && isByDefault(source, table)));
  if (sources.length > 0 && sources.every(isTenant)) return;
  const reason = `a row of "${table.name}" is given a value that is not this handle's tenant`;
  throw new Refusal(reason, remedyFor(table.tenant!.column), location);
}

/** What only a handle of all tenants writes: a tenant that the database gives, or everybody. */
const isByDefault = (value: Node, { tenant }: Declared): boolean =>
  value.SetToDefault !== undefined || (tenant!.everybody === true && value.A_Const?.isnull === true);

/** The row that conflicts could be another tenant's, and be changed, unless the tenant column is of the key. */
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
  if (table.tenant && place.proof.given.filters && action !== 'ONCONFLICT_NOTHING') {
    const { column } = table.tenant;
    if (!infer?.indexElems?.some(({ IndexElem }: Node) => IndexElem.name === column))
      throw new Refusal(
        'a row of another tenant could conflict',
        `Put ${quoted(column)} into the target of ON CONFLICT, which names columns and no constraint`,
        infer?.location ?? location,
      );
  }
  set(targetList, table, place);
  walk(whereClause, place);
}
