/**
 * The one place that turns a declaration into Citus SQL. Every step is guarded, so that a migration does nothing on
 * plain PostgreSQL, and nothing again when it runs a second time.
 */
import { ident, literal, plain, quoted, type TableName } from './names.js';
import { comment, doBlock } from './quotes.js';
import { onDeleteOf } from './set-null.js';
import type { Row } from './snapshot.js';
import type { TenancyState } from './state.js';

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
    comment(`Citus: ${title}. Does nothing on plain PostgreSQL.`),
    doBlock('citus', [
      ...(variables.length > 0 ? ['DECLARE', ...variables.map((it) => `\t${it};`)] : []),
      'BEGIN',
      `\tIF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;`,
      ...steps.flatMap((step) => step.split('\n').map((line) => `\t${line}`)),
      'END',
    ]),
  ].join('\n');
}

/** Calls of Citus's functions. */
export const calls = {
  createReference: (table: TableName) => `create_reference_table(${literal(quoted(table))})`,
  /** The first table of a group gets a shard count, the others go beside it. */
  createDistributed: (table: TableName, column: string, beside: TableName | { readonly shardCount: number }) =>
    `create_distributed_table(${literal(quoted(table))}, ${literal(column)}, ` +
    ('shardCount' in beside
      ? `shard_count => ${beside.shardCount}, colocate_with => 'none')`
      : `colocate_with => ${literal(quoted(beside))})`),
  /** While rows are written. Not in a transaction; needs logical replication, and a primary key for updates. */
  createDistributedConcurrently: (
    table: TableName,
    column: string,
    beside: TableName | { readonly shardCount: number },
  ) =>
    calls
      .createDistributed(table, column, beside)
      .replace('create_distributed_table(', 'create_distributed_table_concurrently('),
  undistribute: (table: TableName) => `undistribute_table(${literal(quoted(table))})`,
  setShardCount: (table: TableName, shardCount: number) =>
    `alter_distributed_table(${literal(quoted(table))}, shard_count => ${shardCount}, cascade_to_colocated => true)`,
};

/** What a step does, in words: the comments of a migration, and the lines of a plan. */
export const words = {
  createReference: (table: TableName) => `${plain(table)}: every node has all rows`,
  createDistributed: (table: TableName, column: string, beside: TableName | { readonly shardCount: number }) =>
    `${plain(table)}: by ${column}, ` +
    `${'shardCount' in beside ? `over ${beside.shardCount} shards` : `beside ${plain(beside)}`}`,
  undistribute: (table: TableName) => `${plain(table)}: back to one node`,
  setShardCount: (table: TableName, shardCount: number) =>
    `${plain(table)} and the tables beside it: over ${shardCount} shards`,
};

/**
 * @param fk a foreign key of a snapshot
 * @param state what the tables are
 */
export function foreignKeySql(fk: Row, state: TenancyState): string {
  const list = (names: readonly string[]) => names.map(ident).join(',');
  const action = (when: string, what: string | null) => (what && what !== 'NO ACTION' ? ` ON ${when} ${what}` : '');
  return (
    `ALTER TABLE ${quoted({ schema: fk.schema, name: fk.table })} ADD CONSTRAINT ${ident(fk.name)} ` +
    `FOREIGN KEY (${list(fk.columns)}) ` +
    `REFERENCES ${quoted({ schema: fk.schemaTo, name: fk.tableTo })}(${list(fk.columnsTo)})` +
    `${action('DELETE', onDeleteOf(fk, state))}${action('UPDATE', fk.onUpdate)};`
  );
}

/** Without a look at the rows; PostgreSQL before 18 takes none so from a table with partitions. */
export const uncheckedForeignKeySql = (
  fk: Row,
  state: TenancyState,
  table: { readonly isPartitioned: boolean } | undefined,
): string => (table?.isPartitioned ? foreignKeySql(fk, state) : foreignKeySql(fk, state).replace(/;$/, ' NOT VALID;'));

const regclass = (table: TableName) => `${literal(quoted(table))}::regclass`;

/** The rows of `pg_dist_partition` that say that a table is reference or distributed. Local tables can have one too. */
const held = { reference: `partmethod = 'n' AND repmodel = 't'`, tenant: `partmethod = 'h'` } as const;

const isHeld = (table: TableName, kind: keyof typeof held, column?: string) =>
  `EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = ${regclass(table)} AND ${held[kind]}` +
  `${column === undefined ? '' : ` AND column_to_column_name(logicalrelid, partkey) = ${literal(column)}`})`;

const step = (why: string, condition: string, statement: string) =>
  `${comment(why)}\nIF ${condition} THEN\n\t${statement}\nEND IF;`;

export const createReference = (table: TableName): string =>
  step(words.createReference(table), `NOT ${isHeld(table, 'reference')}`, `PERFORM ${calls.createReference(table)};`);

export const createDistributed = (
  table: TableName,
  column: string,
  beside: TableName | { readonly shardCount: number },
): string =>
  step(
    words.createDistributed(table, column, beside),
    `NOT ${isHeld(table, 'tenant')}`,
    `PERFORM ${calls.createDistributed(table, column, beside)};`,
  );

/** Its foreign keys have to be gone before. */
export const undistribute = (table: TableName, was: Exclude<Distribution, { kind: 'local' }>): string =>
  step(
    words.undistribute(table),
    isHeld(table, was.kind, was.kind === 'tenant' ? was.column : undefined),
    `PERFORM ${calls.undistribute(table)};`,
  );

export const setShardCount = (table: TableName, shardCount: number): string =>
  step(
    words.setShardCount(table, shardCount),
    `(SELECT count(*) FROM pg_dist_shard WHERE logicalrelid = ${regclass(table)}) <> ${shardCount}`,
    `PERFORM ${calls.setShardCount(table, shardCount)};`,
  );

export const dropForeignKey = (table: TableName, name: string): string =>
  `ALTER TABLE ${quoted(table)} DROP CONSTRAINT IF EXISTS ${ident(name)};`;

export const addForeignKey = (fk: Row, state: TenancyState): string =>
  'IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = ' +
  `${regclass({ schema: fk.schema, name: fk.table })} AND conname = ${literal(fk.name)}) THEN\n` +
  `\t${foreignKeySql(fk, state)}\nEND IF;`;
