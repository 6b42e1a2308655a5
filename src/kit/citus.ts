/**
 * The one place that turns a declaration into Citus SQL. Every step is guarded, so that a migration does nothing on
 * plain PostgreSQL, and nothing again when it runs a second time.
 */
import { ident, literal, plain, quoted, type TableName } from './names.js';
import type { Row } from './snapshot.js';

/** What Citus holds a table as. `group` tells apart the tenancies whose shards lie together. */
export type Distribution =
  | { readonly kind: 'local' }
  | { readonly kind: 'reference' }
  | { readonly kind: 'tenant'; readonly column: string; readonly group: string };

/**
 * Citus refuses a foreign key between a distributed table and a reference table in a transaction that touched the
 * shards in parallel. drizzle-kit runs all pending migrations in one transaction. Plain PostgreSQL takes this for a
 * setting of some extension.
 */
export const sequential = `SET LOCAL citus.multi_shard_modify_mode TO 'sequential';`;

/** One DO block, which returns at once where there is no Citus. `steps` are PL/pgSQL. */
export function citusBlock(title: string, steps: readonly string[], variables: readonly string[] = []): string {
  return [
    `-- Citus: ${title}. Does nothing on plain PostgreSQL.`,
    'DO $citus$',
    ...(variables.length > 0 ? ['DECLARE', ...variables.map((it) => `\t${it};`)] : []),
    'BEGIN',
    `\tIF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;`,
    ...steps.flatMap((step) => step.split('\n').map((line) => `\t${line}`)),
    'END',
    '$citus$;',
  ].join('\n');
}

const regclass = (table: TableName) => `${literal(quoted(table))}::regclass`;

/** The rows of `pg_dist_partition` that say that a table is reference or distributed. Local tables can have one too. */
const held = { reference: `partmethod = 'n' AND repmodel = 't'`, tenant: `partmethod = 'h'` } as const;

const unless = (table: TableName, kind: keyof typeof held, perform: string) =>
  `IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = ${regclass(table)} AND ${held[kind]}) THEN\n` +
  `\tPERFORM ${perform};\n` +
  'END IF;';

/** Copies a table to every node. */
export const createReference = (table: TableName): string =>
  `-- ${plain(table)}: every node has all rows\n` + unless(table, 'reference', `create_reference_table(${literal(quoted(table))})`);

/** Splits a table by its tenant column: the first of its group with a shard count, the others beside the first. */
export function createDistributed(table: TableName, column: string, beside: TableName | { readonly shardCount: number }): string {
  const args =
    'shardCount' in beside
      ? `shard_count => ${beside.shardCount}, colocate_with => 'none'`
      : `colocate_with => ${literal(quoted(beside))}`;
  const where = 'shardCount' in beside ? `over ${beside.shardCount} shards` : `beside ${plain(beside)}`;
  return (
    `-- ${plain(table)}: by ${column}, ${where}\n` +
    unless(table, 'tenant', `create_distributed_table(${literal(quoted(table))}, ${literal(column)}, ${args})`)
  );
}

/** Takes a table back to one node. Its foreign keys have to be gone before. */
export const undistribute = (table: TableName, was: 'reference' | 'tenant'): string =>
  `-- ${plain(table)}: back to one node\n` +
  `IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = ${regclass(table)} AND ${held[was]}) THEN\n` +
  `\tPERFORM undistribute_table(${literal(quoted(table))});\n` +
  'END IF;';

/** Splits all tables of a group anew. */
export const setShardCount = (table: TableName, shardCount: number): string =>
  `-- ${plain(table)} and the tables beside it: over ${shardCount} shards\n` +
  `IF (SELECT count(*) FROM pg_dist_shard WHERE logicalrelid = ${regclass(table)}) <> ${shardCount} THEN\n` +
  `\tPERFORM alter_distributed_table(${literal(quoted(table))}, shard_count => ${shardCount}, cascade_to_colocated => true);\n` +
  'END IF;';

export const dropForeignKey = (table: TableName, name: string): string =>
  `ALTER TABLE ${quoted(table)} DROP CONSTRAINT IF EXISTS ${ident(name)};`;

/** @param fk a foreign key of a snapshot */
export function addForeignKey(fk: Row): string {
  const table = { schema: fk.schema, name: fk.table };
  const list = (names: string[]) => names.map(ident).join(',');
  const action = (when: string, what: string | null) => (what && what !== 'NO ACTION' ? ` ON ${when} ${what}` : '');
  return (
    `IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = ${regclass(table)} AND conname = ${literal(fk.name)}) THEN\n` +
    `\tALTER TABLE ${quoted(table)} ADD CONSTRAINT ${ident(fk.name)} FOREIGN KEY (${list(fk.columns)}) ` +
    `REFERENCES ${quoted({ schema: fk.schemaTo, name: fk.tableTo })}(${list(fk.columnsTo)})${action('DELETE', fk.onDelete)}${action('UPDATE', fk.onUpdate)};\n` +
    'END IF;'
  );
}
