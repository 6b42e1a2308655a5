/**
 * Every constraint that means something else after the adoption: the old tables against the new ones, as drizzle-kit
 * sees both.
 */
import type { Entities, Row } from '../snapshot.js';
import type { Proposal, TableDecision } from './propose.js';
import { mustGo } from './rewrite-keys.js';

export interface Change {
  readonly table: string;
  readonly kind: 'primary key' | 'unique' | 'foreign key' | 'index' | 'column';
  /** The constraint's columns. */
  readonly columns: readonly string[];
  /** What it means now. */
  readonly meaning: string;
  /** Whether rows that were refused before are taken now, or the other way round. */
  readonly isLoosened: boolean;
}

const columnsOf = (row: Row): string[] => row.columns.map((it: any) => (typeof it === 'string' ? it : it.value));
const isSame = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((it) => b.includes(it));

/**
 * @param before the tables before the adoption, and `after` it; a table whose definition cannot work is not in it
 * @returns each change, by table
 */
export function differences(
  before: Entities,
  after: Entities,
  proposal: Proposal,
  options: { readonly citus: boolean },
): Change[] {
  const changes: Change[] = [];
  for (const decision of proposal.tables.values()) {
    const { table } = decision;
    const add = (kind: Change['kind'], columns: readonly string[], meaning: string, isLoosened = false) =>
      changes.push({ table: table.plain, kind, columns, meaning, isLoosened });
    if (!after.has(table)) continue;
    foreignKeys(decision, before, after, proposal, options, add);
    if (decision.kind !== 'tenant') continue;
    const tenant = decision.column!;
    const column = after.column(table, tenant);
    const was = before.column(table, tenant);
    if (!was)
      add(
        'column',
        [tenant],
        decision.why === 'as answered'
          ? 'is added; where no foreign key of the table leads to a tenant, the migration has to be told how ' +
              'to fill it in'
          : `is added, and filled in through ${decision.why.split(' points')[0]}`,
      );
    else if (!was.notNull && column?.notNull)
      add('column', [tenant], 'is NOT NULL: rows without a tenant have to be gone before');
    uniques(decision, before, after, proposal, add);
    const led = before
      .of('indexes', table)
      .filter(
        (it) =>
          !it.isUnique &&
          !columnsOf(it).includes(tenant) &&
          after.of('indexes', table).some((now) => !now.isUnique && isSame(columnsOf(now), [tenant, ...columnsOf(it)])),
      );
    for (const it of led) add('index', columnsOf(it), `begins with ${tenant}`);
    const known = before.of('indexes', table).map((it) => it.name);
    const fresh = after
      .of('indexes', table)
      .filter(
        (it) =>
          !it.isUnique &&
          !known.includes(it.name) &&
          !led.some((old) => isSame(columnsOf(it), [tenant, ...columnsOf(old)])),
      );
    for (const it of fresh) add('index', columnsOf(it), 'is new, for a foreign key');
  }
  return changes;
}

type Add = (kind: Change['kind'], columns: readonly string[], meaning: string, isLoosened?: boolean) => void;

function uniques(
  { table, column, everybody, isRoot }: TableDecision,
  before: Entities,
  after: Entities,
  proposal: Proposal,
  add: Add,
): void {
  const keysOf = (entities: Entities) => [
    ...entities.of('pks', table).map((it) => ({ kind: 'primary key' as const, columns: columnsOf(it) })),
    ...[...entities.of('uniques', table), ...entities.of('indexes', table).filter((it) => it.isUnique)].map((it) => ({
      kind: 'unique' as const,
      columns: columnsOf(it),
    })),
  ];
  const now = keysOf(after);
  for (const key of keysOf(before)) {
    if (key.columns.includes(column!)) continue;
    if (now.some((it) => isSame(it.columns, key.columns))) {
      if (!isRoot && !everybody) add(key.kind, key.columns, 'holds over all tenants, as before, by unscoped()');
      continue;
    }
    if (!now.some((it) => isSame(it.columns, [column!, ...key.columns]))) {
      add(key.kind, key.columns, 'is gone', true);
      continue;
    }
    const decided = proposal.uniques.find((it) => it.table.key === table.key && isSame(it.key.columns, key.columns));
    if (decided?.isEquivalent)
      add(key.kind, key.columns, `is (${column}, ${key.columns.join(', ')}), which means the same: ${decided.why}`);
    else add(key.kind, key.columns, `holds within each ${proposal.tenancy} only: two of them may have the same`, true);
  }
}

function foreignKeys(
  decision: TableDecision,
  before: Entities,
  after: Entities,
  proposal: Proposal,
  options: { readonly citus: boolean },
  add: Add,
): void {
  const { table } = decision;
  const now = after.of('fks', table);
  for (const key of table.foreignKeys) {
    const old = before.of('fks', table).find((it) => it.name === key.name)!;
    const at = (it: Row) => `${it.schemaTo}.${it.tableTo}`;
    const target = proposal.tables.get(key.to)?.table.plain ?? key.to;
    const found = now.find(
      (it) =>
        at(it) === at(old) &&
        key.columns.every((name) => it.columns.includes(name)) &&
        it.columns.length <= key.columns.length + 1,
    );
    if (!found) {
      add(
        'foreign key',
        key.columns,
        `to ${target} is gone: ${mustGo({ decision, proposal, options }, key) ?? 'it is not in the new schema'}`,
        true,
      );
      continue;
    }
    if (found.columns.length > key.columns.length)
      add(
        'foreign key',
        key.columns,
        `to ${target} is within the ${proposal.tenancy}: (${found.columns.join(', ')}) ` +
          `to (${found.columnsTo.join(', ')})`,
      );
    const actions = (it: Row) => [it.onDelete ?? 'NO ACTION', it.onUpdate ?? 'NO ACTION'] as const;
    const [[wasDelete, wasUpdate], [isDelete, isUpdate]] = [actions(old), actions(found)];
    if (wasDelete !== isDelete)
      add('foreign key', key.columns, `to ${target}: ON DELETE ${isDelete}, where it was ${wasDelete}`, true);
    else if (isDelete === 'SET NULL' && found.columns.length > key.columns.length)
      add(
        'foreign key',
        key.columns,
        `to ${target}: ON DELETE SET NULL (${key.columns.join(', ')}) clears that column only, and needs PostgreSQL 15`,
      );
    if (wasUpdate !== isUpdate)
      add('foreign key', key.columns, `to ${target}: ON UPDATE ${isUpdate}, where it was ${wasUpdate}`, true);
  }
}
