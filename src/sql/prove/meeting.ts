/**
 * Several tenants at once: rows of tenant tables meet within one tenant only. What a query gives then holds, in each
 * row, one tenant's data, and so does what is made of its rows.
 */
import { isTenant, type Entry, type Level, type Rows } from './entry.js';
import { sameTenant } from './facts.js';
import { beforeStar } from './fields.js';
import { nameOf, type Names } from './names.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { Refusal } from '../refusal.js';

const remedy = 'In each subquery, group by the tenant column and join on it';

const titleOf = ({ name, table, why }: Entry) => `"${name || table?.name || 'a subquery'}"${why ? ` (${why})` : ''}`;

/**
 * Refuses entries of one FROM that bring tenants together. Mixed rows have no tenant, and meet none. Rows of everybody
 * may meet any tenant's.
 */
export function checkMeeting(proof: Proof, entries: readonly Entry[], level: Level): void {
  const found = entries.map((it) => sameTenant([it], level.facts, true));
  for (const [i, entry] of entries.entries()) {
    for (const [j, other] of entries.slice(0, i).entries()) {
      if (found[i]!.has(other) || found[j]!.has(entry)) continue;
      proof.work(level.facts.length * (level.facts.length + level.entries.length));
      if (sameTenant([other, entry], level.facts, true).has(entry)) continue;
      const reason = `rows of ${titleOf(other)} and ${titleOf(entry)} of different tenants would meet`;
      throw new Refusal(reason, remedy, entry.location ?? other.location);
    }
  }
}

/** The entries of levels around whose tenant is that of every one of these. */
export const commonTies = (ties: readonly (readonly Entry[])[]): readonly Entry[] =>
  ties.length === 0 ? [] : ties[0]!.filter((it) => ties.every((others) => others.includes(it)));

/** What a level holds with the subqueries of its expressions, which may not bring other tenants' rows to its own. */
export function holdingOf(level: Level): Pick<Rows, 'holds' | 'ties' | 'why'> {
  const holding = level.sublinks.filter((it) => it.rows.holds !== 'nothing');
  const overAll = 'a subquery of an expression runs over the rows of every tenant';
  if (level.entries.some((it) => it.holds !== 'nothing')) {
    // One that is tied to a level around is tied to this one: each of them is tied to one around it, or joined by its
    // tenant.
    const loose = holding.find((it) => it.rows.ties.length === 0);
    const correlate =
      'Compare its tenant column with that of the query around it, or group by the tenant column and join on it';
    if (loose) throw new Refusal(overAll, correlate, loose.location);
    const mixed = level.entries.find((it) => it.holds === 'mixed');
    return { holds: mixed ? 'mixed' : 'tenant', ties: level.ties, why: mixed?.why };
  }
  const ties = commonTies(holding.map((it) => it.rows.ties));
  const loose = holding.filter((it) => it.rows.ties.length === 0);
  // Side by side in a row, what each counts is its own affair; in a condition they would meet.
  if (loose.length > 1 && loose.some((it) => !it.isTarget)) {
    throw new Refusal('two subqueries of one condition run over the rows of every tenant', remedy, loose[1]!.location);
  }
  if (holding.length === 0) return { holds: 'nothing', ties };
  return ties.length > 0 ? { holds: 'tenant', ties } : { holds: 'mixed', ties, why: overAll };
}

/** What mixes rows that are compared with one another, if each of the columns that tell their tenant may be null. */
export function comparing({ columns }: Rows): string | undefined {
  const telling = columns.filter((it) => isTenant(it.sources));
  if (telling.length === 0 || telling.some((it) => !it.orNull)) return undefined;
  return 'an outer join leaves rows of several tenants without one, and they are put together';
}

/**
 * What keeps the rows of a query, filtered by the tenant that they tell, from being those that it gives for that tenant
 * alone. Rows that tell none meet no others anyway. A group that tells its tenant holds no other's rows: PostgreSQL
 * lets a column stand beside aggregates only where the group determines it.
 */
export function mixing(
  node: Node,
  level: Level,
  names: Names,
  rows: Rows,
  isOfTenant: (value: Node) => boolean,
): string | undefined {
  if (node.limitCount || node.limitOffset) return 'LIMIT and OFFSET count the rows of every tenant';
  const targets: Node[] = (node.targetList ?? []).map((it: Node) => it.ResTarget);
  const inOrder = beforeStar(targets.map(({ val }) => val));
  // Of two of one name, the first.
  const byName = new Map(targets.toReversed().map(({ name, val }) => [name ?? nameOf(val), val]));
  const selected = (it: Node): Node => {
    const { ival } = it.A_Const ?? {};
    if (ival) return inOrder[(ival.ival ?? 0) - 1];
    const fields = it.ColumnRef?.fields;
    return (fields?.length === 1 && byName.get(fields[0].String?.sval)) || it;
  };
  const on: Node[] = (node.distinctClause ?? []).filter((it: Node) => Object.keys(it).length > 0);
  if (on.length > 0 && !on.some((it) => isOfTenant(selected(it))))
    return 'DISTINCT ON chooses among the rows of every tenant';
  const named: Node[] = (node.windowClause ?? []).map((it: Node) => it.WindowDef);
  const isPartitioned = (over: Node): boolean => {
    if (over.partitionClause?.some(isOfTenant)) return true;
    const base = over.refname ?? over.name;
    const found = base === undefined ? undefined : named.find((it) => it !== over && it.name === base);
    return found !== undefined && isPartitioned(found);
  };
  if (!level.windows.every(isPartitioned)) return 'a window reaches over the rows of every tenant';
  const { groupClause, distinctClause } = node;
  const hasSets = groupClause?.some((it: Node) => it.GroupingSet) === true;
  if (hasSets && !groupClause.some((it: Node) => isOfTenant(selected(it))))
    return 'GROUP BY puts rows of several tenants together';
  return groupClause || distinctClause ? comparing(rows) : undefined;
}
