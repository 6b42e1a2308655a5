/**
 * The order in which rows can be inserted: what is pointed at before what points at it. Deleting goes the other way.
 */
import { SchemaDifferenceError } from '../errors.js';
import type { ForeignKey, LiveTable, TenantTable } from './catalog.js';

export interface Ordered {
  /** Parents first. */
  readonly tables: readonly TenantTable[];
  /** Of tables in a circle of keys: the columns that stay empty until every table has its rows. */
  readonly later: ReadonlyMap<number, readonly string[]>;
  /** Whether some circle is closed by a key that is DEFERRABLE. */
  readonly defers: boolean;
}

/** The columns of a key that may be empty; without one, the key cannot be left out for a while. */
export const breakable = (table: LiveTable & { readonly column?: string }, key: ForeignKey): string[] =>
  key.columns.filter((it) => it !== table.column && table.columns.find((own) => own.name === it)!.isNullable);

/**
 * @param isAtOnce whether all of it is one transaction, at whose end keys that are DEFERRABLE may be checked; otherwise
 * they help only where no column can be left empty
 * @throws SchemaDifferenceError for a circle of keys whose columns are all NOT NULL and not DEFERRABLE
 */
export function inOrder(tables: readonly TenantTable[], isAtOnce = true): Ordered {
  const later = new Map<number, string[]>();
  let defers = false;
  const edges = tables.flatMap((from) =>
    from.foreignKeys
      .filter((it) => it.to !== from.oid && tables.some((to) => to.oid === it.to))
      .map((key) => ({ from, key })),
  );
  const left = new Set(edges);
  const done: TenantTable[] = [];
  const waiting = new Set(tables);
  while (waiting.size > 0) {
    const free = [...waiting].filter((it) => ![...left].some(({ from }) => from === it));
    for (const it of free) {
      waiting.delete(it);
      done.push(it);
      for (const edge of left) if (edge.key.to === it.oid) left.delete(edge);
    }
    if (free.length > 0) continue;
    const inCircle = [...left].filter(({ from, key }) => leads(key.to, from.oid, left));
    const deferrable = inCircle.find(({ key }) => key.isDeferrable);
    const broken = inCircle.find(({ from, key }) => breakable(from, key).length > 0);
    const chosen = isAtOnce ? (deferrable ?? broken) : (broken ?? deferrable);
    if (!chosen) {
      const names = [...new Set(inCircle.map(({ from, key }) => `"${from.title}" by "${key.name}"`))];
      throw new SchemaDifferenceError(
        'Make one of these foreign keys DEFERRABLE, or one of its columns nullable, so that their rows can ' +
          'be written one after the other',
        [`they go in a circle: ${names.join(', ')}`],
      );
    }
    left.delete(chosen);
    if (chosen === deferrable && (isAtOnce || chosen !== broken)) defers = true;
    else
      later.set(chosen.from.oid, [
        ...new Set([...(later.get(chosen.from.oid) ?? []), ...breakable(chosen.from, chosen.key)]),
      ]);
  }
  return { tables: done, later, defers };
}

function leads(
  from: number,
  to: number,
  edges: ReadonlySet<{ readonly from: LiveTable; readonly key: ForeignKey }>,
): boolean {
  const seen = new Set<number>();
  const next = [from];
  for (let it = next.pop(); it !== undefined; it = next.pop()) {
    if (it === to) return true;
    if (seen.has(it)) continue;
    seen.add(it);
    for (const edge of edges) if (edge.from.oid === it) next.push(edge.key.to);
  }
  return false;
}
