/** What changes between two states: which table Citus has to hold differently, and which table gets a tenant. */
import type { Distribution } from './citus.js';
import { keyOf, type TableName } from './names.js';
import type { Entities } from './snapshot.js';
import type { TableState, TenancyState } from './state.js';

/** The tables before and after a migration, and how the one became the other. */
export interface Migrated {
  readonly before: Entities;
  /** `before` with the migration's changes applied, so that it knows what was moved and renamed. */
  readonly after: Entities;
  readonly prev: TenancyState;
  readonly next: TenancyState;
}

/** A table that exists before and after, or only after. */
export interface TableChange {
  /** As it is called afterwards. */
  readonly table: TableName;
  readonly from: Distribution;
  readonly to: Distribution;
  readonly isNew: boolean;
  readonly was?: TableState;
  readonly is?: TableState;
}

export const local: Distribution = { kind: 'local' };

const groupOf = (state: TenancyState, tenancy: string) => state.tenancies[tenancy]?.colocateWith ?? tenancy;

/** How a state wants a table to be held. */
export function distributionOf(state: TenancyState, table: TableState | undefined): Distribution {
  if (!state.citus || !table) return local;
  if (table.kind === 'reference') return { kind: 'reference' };
  return { kind: 'tenant', column: table.column!, group: groupOf(state, table.tenancy!) };
}

const same = (a: Distribution, b: Distribution) =>
  a.kind === b.kind && (a.kind !== 'tenant' || b.kind !== 'tenant' || (a.column === b.column && a.group === b.group));

/** Whether Citus has to move the table's rows. */
export const isMoved = (change: TableChange) => !change.isNew && !same(change.from, change.to);

/** Every table that some state knows, in the order of their names. */
export function changesOf({ after, prev, next }: Migrated): TableChange[] {
  const first = new Map([...after.moved].filter(([, to]) => to).map(([key, to]) => [keyOf(to!), key]));
  const groups = renamedGroups(prev, next, first);
  const changes: TableChange[] = [];
  for (const row of after.list('tables')) {
    const table: TableName = { schema: row.schema, name: row.name };
    const key = keyOf(table);
    const oldKey = first.get(key);
    const was = oldKey === undefined ? undefined : prev.tables[oldKey];
    const is = next.tables[key];
    let from = distributionOf(prev, was);
    if (from.kind === 'tenant') {
      from = { ...from, column: renamedColumn(after, table, from.column), group: groups.get(from.group) ?? from.group };
    }
    if (was || is) changes.push({ table, from, to: distributionOf(next, is), isNew: oldKey === undefined, was, is });
  }
  return changes.sort((a, b) => (keyOf(a.table) < keyOf(b.table) ? -1 : 1));
}

/** What a column that existed before is called now. */
export function renamedColumn(after: Entities, table: TableName, column: string): string {
  for (const [key, first] of after.renamedColumns) {
    const [at, now] = key.split('\0') as [string, string];
    if (at === keyOf(table) && first === column) return now;
  }
  return column;
}

/** What a table was called before the migration; undefined for a new one. */
export function nameBefore(table: TableName, after: Entities): TableName | undefined {
  for (const [key, now] of after.moved) {
    if (!now || keyOf(now) !== keyOf(table)) continue;
    const dot = key.indexOf('.');
    return { schema: key.slice(0, dot), name: key.slice(dot + 1) };
  }
  return undefined;
}

/** A tenancy that only got another name keeps its shards: its tables are all in one that did not exist. */
function renamedGroups(
  prev: TenancyState,
  next: TenancyState,
  first: ReadonlyMap<string, string>,
): Map<string, string> {
  const groups = new Map<string, string>();
  for (const old of Object.keys(prev.tenancies)) {
    if (next.tenancies[old]) continue;
    const now = new Set<string>();
    for (const [key, oldKey] of first) {
      if (prev.tables[oldKey]?.tenancy === old && next.tables[key]?.tenancy) now.add(next.tables[key].tenancy!);
    }
    const [only] = now;
    if (now.size === 1 && !prev.tenancies[only!]) groups.set(groupOf(prev, old), groupOf(next, only!));
  }
  return groups;
}

/** Existing tables that get a tenant, or another tenant column: their rows have to be given one. */
export const isAdopted = (change: TableChange, after: Entities) =>
  !change.isNew &&
  change.is?.kind === 'tenant' &&
  (change.was?.kind !== 'tenant' || renamedColumn(after, change.table, change.was.column!) !== change.is.column);
