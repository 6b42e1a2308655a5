/**
 * What Citus refuses, checked against the schema before any SQL is written. Every fault is found in one go. A rule
 * that only matters on Citus is off when `tenancy.citus` is false.
 */
import type { Fault } from '../faults.js';
import { keyOf, type TableName } from '../names.js';
import type { Options } from '../options.js';
import type { Entities } from '../snapshot.js';
import type { TenancyState } from '../state.js';
import { foreignKeyFaults, indexFaults } from './foreign-keys.js';
import { Faults } from './found.js';
import { sharedSequences } from './sequences.js';
import { policyFaults, tenantTableFaults } from './tables.js';
import { type ViewReader, viewsOf } from './views.js';

/** The tables of a schema, what they are, and how strict to be. */
export interface RuleInput {
  readonly entities: Entities;
  readonly state: TenancyState;
  readonly options: Options;
  readonly views: ViewReader;
  /** Tables that `pgTable` made of columns among which is a tenant column. */
  readonly plain: readonly (TableName & { readonly column?: string; readonly tenancy?: string })[];
}

/**
 * Looks for faults of the schema as it is.
 *
 * @returns every fault that is not switched off, sorted by table
 */
export function faultsOf({ entities, state, options, views, plain }: RuleInput): Fault[] {
  const faults = new Faults(options, state.citus);
  const kindOf = (table: TableName) => state.tables[keyOf(table)];
  for (const table of Object.values(state.tables)) {
    if (table.kind === 'tenant') tenantTableFaults(table, entities, faults);
    policyFaults(table, entities, faults);
  }
  for (const fk of entities.list('fks')) {
    foreignKeyFaults(
      fk,
      kindOf({ schema: fk.schema, name: fk.table }),
      kindOf({ schema: fk.schemaTo, name: fk.tableTo }),
      entities,
      state,
      faults,
    );
  }
  for (const { table, column, remedy, reason } of sharedSequences(entities, state))
    faults.add('sequence-type', table, column, remedy, reason);
  if (!options.foreignKeyIndexes) indexFaults(entities, state, faults);
  nameFaults(entities, state, faults);
  colocationFaults(state, faults);
  settingFaults(state, faults);
  viewFaults(entities, state, views, faults);
  for (const table of plain)
    faults.add(
      'plain-table',
      table,
      table.column ?? '-',
      `Declare it with tenantTable(), or the column with ${table.tenancy}.ref(), which makes no tenant column`,
      'pgTable() makes a plain table of it: no handle takes it, and plain Drizzle reads the rows of every tenant',
      true,
    );
  return faults.sorted();
}

/** PostgreSQL cuts a name without an error, and two that begin alike become one. */
function nameFaults(entities: Entities, state: TenancyState, faults: Faults): void {
  const names = new Map<string, string>();
  for (const type of ['tables', 'columns', 'indexes', 'uniques', 'pks']) {
    for (const it of entities.list(type)) {
      const table = { schema: it.schema, name: type === 'tables' ? it.name : it.table };
      const cut = Buffer.from(it.name).subarray(0, 63).toString();
      // Columns of two tables may have one name; tables, indexes and keys of a schema may not.
      const among = type === 'columns' ? `${it.schema}.${it.table}..${cut}` : `${it.schema}.${cut}`;
      const other = names.get(among);
      names.set(among, it.name);
      if (!state.tables[keyOf(table)] || Buffer.byteLength(it.name) <= 63) continue;
      const columns =
        it.columns?.map((column: any) => column.value ?? column).join(', ') ?? (type === 'columns' ? it.name : '-');
      if (other !== undefined)
        faults.add(
          'name-length',
          table,
          columns,
          `Give "${it.name}" a name of at most 63 bytes`,
          `PostgreSQL keeps "${cut}" of it, which is what it keeps of "${other}" too`,
          true,
          'error',
        );
      else
        faults.add(
          'name-length',
          table,
          columns,
          `Give "${it.name}" a name of at most 63 bytes`,
          `PostgreSQL keeps "${cut}" of it, and drizzle-kit knows it by the whole name`,
          true,
        );
    }
  }
}

function colocationFaults(state: TenancyState, faults: Faults): void {
  const typeOf = (tenancy: string) => Object.values(state.tables).find((it) => it.tenancy === tenancy);
  for (const [name, { colocateWith }] of Object.entries(state.tenancies)) {
    if (colocateWith === undefined) continue;
    const [a, b] = [typeOf(name), typeOf(colocateWith)];
    if (a && b && a.type !== b.type) {
      faults.add(
        'colocation-type',
        a,
        a.column!,
        `Take colocateWith off "${name}", or give both tenancies ids of one type`,
        `"${name}" has ${a.type} and "${colocateWith}" has ${b.type}`,
      );
    }
  }
}

function settingFaults(state: TenancyState, faults: Faults): void {
  const renamed = Object.values(state.tables).filter((it) => it.rls?.also);
  for (const earlier of new Set(renamed.map((it) => it.rls!.also!.setting))) {
    const of = renamed.filter((it) => it.rls!.also!.setting === earlier);
    faults.add(
      'setting-renamed',
      of[0]!,
      of[0]!.column!,
      `Set tenancy.retiredSettings to ['${earlier}'] once no program of the version before runs`,
      `the policies of ${of.length === 1 ? 'this table' : `${of.length} tables`} read ` +
        `${of[0]!.rls!.setting}, and accept ${earlier} until then`,
      true,
    );
  }
  const owners = new Map<string, string>();
  for (const table of Object.values(state.tables)) {
    if (!table.rls) continue;
    const other = owners.get(table.rls.setting) ?? table.tenancy!;
    owners.set(table.rls.setting, other);
    if (other !== table.tenancy) {
      faults.add(
        'setting-name',
        table,
        table.column!,
        `Rename the tenancy "${table.tenancy}" or "${other}"`,
        `both would read the setting ${table.rls.setting}, so that an id of one opens the rows of the other`,
        true,
      );
    }
  }
}

function viewFaults(entities: Entities, state: TenancyState, views: ViewReader, faults: Faults): void {
  const mixed = views(entities, state);
  if (!mixed) {
    const all = viewsOf(entities);
    const names = [...Object.values(state.tables).filter((it) => it.kind === 'tenant'), ...all].map((it) =>
      it.name.toLowerCase(),
    );
    for (const view of all) {
      const definition = view.definition.toLowerCase();
      const level = names.some((it) => definition.includes(it)) ? 'error' : 'warn';
      faults.add(
        'view-tenant',
        view,
        '-',
        'Install drizzle-tenant with its dependencies: libpg-query, which reads views, cannot be loaded',
        'whether this one keeps tenants apart is not known',
        true,
        level,
      );
    }
    return;
  }
  for (const view of mixed) {
    const remedy =
      view.remedy ?? 'Join its tables on their tenant columns too, and group, partition and limit within the tenant';
    faults.add('view-tenant', view, view.column, remedy, view.reason, true);
  }
}
