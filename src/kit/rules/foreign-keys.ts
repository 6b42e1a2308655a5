/** Foreign keys: what they have to contain, where they may lead, and what they need to be quick. */
import { keyOf, plain } from '../names.js';
import { tsColumn } from '../quotes.js';
import type { Entities, Row } from '../snapshot.js';
import type { TableState, TenancyState } from '../state.js';
import type { Faults } from './found.js';
import { drawsDefault } from './sequences.js';
import { isUniqueKey } from './tables.js';

export function foreignKeyFaults(
  fk: Row,
  from: TableState | undefined,
  to: TableState | undefined,
  entities: Entities,
  state: TenancyState,
  faults: Faults,
): void {
  const table = { schema: fk.schema, name: fk.table };
  const target = plain({ schema: fk.schemaTo, name: fk.tableTo });
  const columns = fk.columns.join(', ');
  if (to?.kind === 'tenant' && from?.kind !== 'tenant') {
    // Without Citus, a plain table may point at what is unique over all tenants, such as the root's key.
    const isPossible = from === undefined && !state.citus && isUniqueKey(fk.columnsTo, to, entities);
    if (!isPossible) {
      faults.add(
        'foreign-key-place',
        table,
        columns,
        `Make "${plain(table)}" a tenantTable, or drop the reference to "${target}"`,
        'a table that is not split by tenant cannot point into one that is. With a tenant column, as in ' +
          `${to.tenancy}Id: ${to.tenancy}.id(), the migration adds it and fills it in from "${target}", by ${columns}`,
        true,
      );
    }
  } else if (from?.kind === 'tenant' && to === undefined) {
    faults.add(
      'foreign-key-place',
      table,
      columns,
      `Make "${target}" a referenceTable or a tenantTable, or drop the reference`,
      'its rows are on one node only, and a shard on another node cannot see them',
    );
  } else if (from?.kind === 'tenant' && to?.kind === 'tenant') {
    const at = fk.columns.indexOf(from.column);
    const isWithin = at >= 0 && fk.columnsTo[at] === to.column;
    const group = (it: TableState) => state.tenancies[it.tenancy!]?.colocateWith ?? it.tenancy;
    if (!isWithin) {
      faults.add(
        'foreign-key-tenant',
        table,
        columns,
        `Put "${from.column}" and "${to.column}" of "${target}" into the foreign key "${fk.name}", at one place`,
        'a row may only point at rows of its own tenant, which are on its own node',
      );
    } else if (group(from) !== group(to)) {
      faults.add(
        'foreign-key-place',
        table,
        columns,
        `Co-locate the tenancies with tenancy.citus.tenancies["${from.tenancy}"].colocateWith, or ` +
          `drop the reference to "${target}"`,
        `rows of "${from.tenancy}" and "${to.tenancy}" are on different nodes`,
      );
    }
  } else if (from?.kind === 'reference' && to === undefined) {
    const acts = [fk.onDelete, fk.onUpdate].some((it) => it && it !== 'NO ACTION' && it !== 'RESTRICT');
    if (acts) {
      faults.add(
        'foreign-key-action',
        table,
        columns,
        `Make "${target}" a referenceTable, or take onDelete and onUpdate off the reference`,
        'a reference table may point at a table on one node only without actions',
      );
    }
  }
  const drawn = (fk.columns as string[]).filter((it) => drawsDefault(entities.column(table, it)));
  const setsDefault = [fk.onDelete, fk.onUpdate].includes('SET DEFAULT');
  if (from && drawn.length > 0 && setsDefault && !(from.kind === 'tenant' && fk.columns.includes(from.column))) {
    faults.add(
      'foreign-key-action',
      table,
      columns,
      `Take 'set default' off the reference to "${target}"`,
      `the default of "${drawn[0]}" draws from a sequence, which Citus does not do there`,
    );
  }
  if (from?.kind === 'tenant' && fk.columns.includes(from.column)) {
    for (const [when, action] of [
      ['onDelete', fk.onDelete],
      ['onUpdate', fk.onUpdate],
    ]) {
      const refused =
        action === 'SET NULL' || action === 'SET DEFAULT' || (when === 'onUpdate' && action === 'CASCADE');
      if (refused) {
        const remedy = `Take ${when}: '${String(action).toLowerCase()}' off the reference to "${target}"`;
        const isClearing = when === 'onDelete' && action === 'SET NULL' && fk.columns.length > 1;
        if (isClearing) {
          faults.add(
            'foreign-key-action',
            table,
            columns,
            `${remedy}, and clear the column in the transaction that deletes the row`,
            'Citus has no SET NULL for a key that contains the tenant column',
          );
        } else
          faults.add(
            'foreign-key-action',
            table,
            columns,
            remedy,
            `it would change the tenant column "${from.column}"`,
          );
      }
    }
  }
}

export function indexFaults(entities: Entities, state: TenancyState, faults: Faults): void {
  for (const fk of entities.list('fks')) {
    const table = { schema: fk.schema, name: fk.table };
    if (state.tables[keyOf(table)]?.kind !== 'tenant') continue;
    const indexes = [
      ...[...entities.of('pks', table), ...entities.of('uniques', table)].map((it) => it.columns as string[]),
      ...entities
        .of('indexes', table)
        .filter((it) => !it.where && it.method === 'btree')
        .map((it) => it.columns.map((column: Row) => (column.isExpression ? undefined : column.value))),
    ];
    const isIndexed = indexes.some((names) =>
      fk.columns.every((it: string) => names.slice(0, fk.columns.length).includes(it)),
    );
    if (isIndexed) continue;
    faults.add(
      'foreign-key-index',
      table,
      fk.columns.join(', '),
      `Add index().on(${fk.columns.map(tsColumn).join(', ')}), or take foreignKeyIndexes: false out of the config`,
      `deleting a row of "${plain({ schema: fk.schemaTo, name: fk.tableTo })}" reads all of "${plain(table)}"`,
      true,
    );
  }
}
