/** How the schema of an export differs from that of a database. Named, and never guessed at. */
import { SchemaDifferenceError } from '../errors.js';
import type { Catalog, LiveTable } from './catalog.js';
import type { ExportHead } from './format.js';
import { sharedTables } from './shared.js';
import { ident } from './statements.js';

/**
 * `'same'`: the schemas must be one. `'compatible'`: the database may have more, and other types that read the same
 * text.
 */
export type SchemaMode = 'same' | 'compatible';

/** @throws SchemaDifferenceError with every difference */
export function compareSchemas(head: ExportHead, catalog: Catalog, mode: SchemaMode): void {
  const differences: string[] = [];
  const live = new Map<string, LiveTable>([...catalog.others.values()].map((it) => [it.title, it]));
  for (const it of catalog.tables) live.set(it.title, it);
  // A file says of any table that it is shared: only what this database exports so is, and by the same key.
  const shared = new Map(sharedTables(catalog).map((it) => [it.table.title, it.key]));
  for (const table of head.tables) {
    const there = live.get(table.name);
    if (!there) {
      differences.push(`the database has no table ${ident(table.name)}`);
      continue;
    }
    const own = catalog.tables.find((it) => it.title === table.name);
    if ((own !== undefined) !== (table.kind === 'tenant'))
      differences.push(`${ident(table.name)} is a ${table.kind} table in the export, and not here`);
    else if (own && own.column !== table.tenant[0])
      differences.push(
        `the tenant column of ${ident(table.name)} is ${ident(table.tenant[0]!)} in the export, ` +
          `and ${ident(own.column)} here`,
      );
    if (!own && JSON.stringify(shared.get(table.name)) !== JSON.stringify(table.key))
      differences.push(
        `${ident(table.name)} comes along by (${table.key.map((it) => ident(String(it))).join(', ')}) ` +
          'in the export, and no row of the tenant points at it so here',
      );
    const columns = new Map(there.columns.map((it) => [it.name, it]));
    for (const { name, type } of table.columns) {
      const column = columns.get(name);
      columns.delete(name);
      if (!column) differences.push(`${ident(table.name)} has no column ${ident(name)} here`);
      else if (column.isGenerated)
        differences.push(`${ident(table.name)}.${ident(name)} is generated here, and not in the export`);
      else if (column.type !== type && mode === 'same')
        differences.push(`${ident(table.name)}.${ident(name)} is ${type} in the export, and ${column.type} here`);
    }
    for (const column of columns.values()) {
      if (column.isGenerated) continue;
      if (mode === 'same')
        differences.push(`${ident(table.name)} has a column ${ident(column.name)} here that the export lacks`);
      else if (!column.isNullable && !column.hasDefault)
        differences.push(`${ident(table.name)}.${ident(column.name)}, which the export lacks, must not be empty`);
    }
  }
  if (mode === 'same') {
    const exported = new Set(head.tables.map((it) => it.name));
    for (const it of catalog.tables)
      if (!exported.has(it.title)) differences.push(`the export has no table ${ident(it.title)}`);
  }
  if (differences.length > 0) {
    throw new SchemaDifferenceError(
      mode === 'same'
        ? "Bring both to the same migrations, or pass schema: 'compatible' where the database may have more " +
            'than the export'
        : 'Bring the database to a schema that holds every row of the export',
      differences,
    );
  }
}
