/** Shared rows that a tenant's rows point at: they come along by key, and so do those that they point at. */
import type { Catalog, LiveTable } from './catalog.js';
import type { Pointer } from './statements.js';

export interface SharedTable {
  readonly table: LiveTable;
  readonly key: readonly string[];
  readonly pointers: readonly Pointer[];
}

/** @returns the tables of shared rows that are pointed at: what is pointed at before what points at it */
export function sharedTables({ tables, others, elsewhere }: Catalog): SharedTable[] {
  const leadingOn = (table: LiveTable) =>
    table.foreignKeys.filter((it) => others.has(it.to) && !elsewhere.has(it.to) && it.to !== table.oid);
  // What is pointed at comes first. A circle of shared tables is cut where it is met again.
  const order: LiveTable[] = [];
  const seen = new Set<number>();
  const visit = (oid: number): void => {
    if (seen.has(oid)) return;
    seen.add(oid);
    const table = others.get(oid)!;
    for (const { to } of leadingOn(table)) visit(to);
    order.push(table);
  };
  for (const table of tables) for (const { to } of leadingOn(table)) visit(to);

  const pointers = new Map<number, Pointer[]>(order.map((it) => [it.oid, []]));
  for (const table of tables)
    for (const foreignKey of leadingOn(table))
      pointers.get(foreignKey.to)!.push({ table, owned: table, pointers: [], foreignKey });
  for (const [i, table] of [...order.entries()].reverse()) {
    for (const foreignKey of leadingOn(table)) {
      if (order.findIndex((it) => it.oid === foreignKey.to) > i) continue;
      pointers.get(foreignKey.to)!.push({ table, owned: undefined, pointers: pointers.get(table.oid)!, foreignKey });
    }
  }
  return order.map((table) => {
    const to = pointers.get(table.oid)!;
    return { table, key: table.key.length > 0 ? table.key : (to[0]?.foreignKey.toColumns ?? []), pointers: to };
  });
}
