/**
 * The heart of drizzle-tenant/kit: drizzle-kit's statements, with what the tenancy needs at the places where Citus
 * accepts it. The order is
 *
 *   1. the sequential setting, drizzle's new tables, renames, dropped foreign keys and dropped tables
 *   2. tables that move: their other foreign keys dropped, and back to one node
 *   3. drizzle's columns and keys, and tenant columns filled in between
 *   4. distribution: reference tables, then the first of each group, then the rest; other foreign keys again
 *   5. drizzle's new foreign keys and all that follows; shard counts; policies
 */
import { backfill } from './backfill.js';
import { changesOf, isAdopted, isMoved, type Migrated, type TableChange } from '../changes.js';
import {
  addForeignKey,
  citusBlock,
  createDistributed,
  createReference,
  dropForeignKey,
  sequential,
  setShardCount,
  undistribute,
  type Distribution,
} from '../citus.js';
import { swapIndexes } from './indexes.js';
import { ident, keyOf, literal, quoted, type TableName } from '../names.js';
import { placeObstacles, stopAt } from '../obstacles.js';
import { changePolicies, lift, restore } from './policies.js';
import { collect, writeAgain } from '../again.js';
import { apart, renameConstraints, serials } from './rewrite.js';
import { roleStatements } from './roles.js';
import { nameCleared } from '../set-null.js';
import type { Entities, Row } from '../snapshot.js';
import { marker, type TenancyState } from '../state.js';
import { match } from '../statements.js';
import { doBlock } from '../quotes.js';

const header = `${marker}: tenancy.json beside this file says what the tables are after it.`;

/**
 * @param generated drizzle-kit's statements
 * @param migrated the tables before and after them
 * @returns the statements of the migration
 */
export function migrationStatements(generated: readonly string[], migrated: Migrated): string[] {
  const { prev, next, after } = migrated;
  const changes = changesOf(migrated);
  if (changes.length === 0 && Object.keys(prev.tables).length === 0) return [...generated];
  const drizzle = swapIndexes(generated, migrated);

  const moving = changes.filter(isMoved);
  const isMoving = (table: TableName) => moving.some((it) => keyOf(it.table) === keyOf(table));
  const touches = (fk: Row) =>
    isMoving({ schema: fk.schema, name: fk.table }) || isMoving({ schema: fk.schemaTo, name: fk.tableTo });
  const rebuilt = recreate(drizzle, foreignKeysBefore(migrated), changes, migrated);
  const created = new Set(drizzle.map((it) => match('addForeignKey', it)).map((it) => it && `${it.table}\0${it.name}`));
  const isCreated = (fk: Row) => created.has(`${quoted({ schema: fk.schema, name: fk.table })}\0${fk.name}`);
  const loosened = foreignKeysBefore(migrated).filter(
    (fk) => touches(fk) && !isDropped(fk, rebuilt.dropped) && !isDropped(fk, drizzle) && !isCreated(fk),
  );
  const kept = after.list('fks').filter((fk) => touches(fk) && !isCreated(fk));

  const policies = changePolicies(rebuilt.statements, changes, migrated);
  const taken = policies.rest.filter((it) => !unlocks(it, changes)).map((it) => tolerate(it, loosened));
  const statements = serials(renameConstraints(taken, migrated), migrated);
  const [start, end] = places(statements, migrated);
  const adopts = changes.some((it) => isAdopted(it, after));
  const resharded = reshardedGroups(changes, prev, next);
  const rewritten = changes.filter(
    (it) => adopts || isMoved(it) || (it.to.kind === 'tenant' && resharded.has(it.to.group)),
  );

  const back = [
    ...(moving.some((it) => it.from.kind !== 'local') ? [collect(moving.map((it) => it.table))] : []),
    ...loosened.map((fk) => dropForeignKey({ schema: fk.schema, name: fk.table }, fk.name)),
    ...moving.flatMap((it) =>
      it.from.kind === 'local' ? [] : [undistribute(it.table, oldNames(it.from, it.table, after))],
    ),
  ];
  const adopted = moving.filter((it) => it.from.kind === 'local' && it.to.kind !== 'local');
  const placings = adopted.map(({ table, to }) => ({ table, ...(to.kind === 'tenant' && { column: to.column }) }));
  const forth = [
    ...(placings.length > 0 ? [stopAt(placeObstacles(placings))] : []),
    ...distribute(changes, next),
    ...kept.map((fk) => addForeignKey(fk, next)),
    ...(moving.some((it) => it.from.kind !== 'local') ? [writeAgain] : []),
  ];
  // Citus adds the keys of a table to itself twice when it splits the table anew.
  const counts = [...resharded].map(([group, { table, shardCount }]) => {
    const members = changes
      .filter((it) => it.to.kind === 'tenant' && it.to.group === group && !it.isNew)
      .map((it) => it.table);
    const own = after
      .list('fks')
      .filter(
        (fk) =>
          fk.schema === fk.schemaTo &&
          fk.table === fk.tableTo &&
          members.some((it) => it.schema === fk.schema && it.name === fk.table),
      );
    const split = [
      ...own.map((fk) => dropForeignKey({ schema: fk.schema, name: fk.table }, fk.name)),
      setShardCount(table, shardCount),
      ...own.map((fk) => addForeignKey(fk, next)),
    ];
    return [collect(members, true), ...split, writeAgain];
  });
  return [
    `${header}${prev.citus || next.citus ? `\n${sequential}` : ''}`,
    ...statements.slice(0, start),
    ...rebuilt.dropped,
    ...policies.drop,
    ...lift(rewritten),
    ...(back.length > 0 ? [citusBlock('free the tables that change their place', back)] : []),
    ...backfill(statements.slice(start, end), changes, migrated),
    ...(forth.length > 0 ? [citusBlock('put the tables in their place', forth)] : []),
    ...statements.slice(end),
    ...counts.map((it) => citusBlock('split the tables anew', it)),
    ...restore(rewritten.filter((it) => it.was?.rls && it.is?.rls)),
    ...policies.create,
    ...roleStatements(migrated),
  ]
    .map((it) => nameCleared(it, next))
    .flatMap(apart);
}

/** At that place tables have their new names already, and columns not yet. */
const oldNames = <T extends Distribution>(from: T, table: TableName, after: Entities): T =>
  from.kind === 'tenant'
    ? { ...from, column: after.renamedColumns.get(`${keyOf(table)}\0${from.column}`) ?? from.column }
    : from;

/** The foreign keys that exist before the migration, under the tables' names after it. */
function foreignKeysBefore({ before, after }: Migrated): Row[] {
  return before.list('fks').flatMap((fk) => {
    const table = after.moved.get(keyOf({ schema: fk.schema, name: fk.table }));
    const to = after.moved.get(keyOf({ schema: fk.schemaTo, name: fk.tableTo }));
    return table && to
      ? [{ ...fk, schema: table.schema, table: table.name, schemaTo: to.schema, tableTo: to.name }]
      : [];
  });
}

const isDropped = (fk: Row, statements: readonly string[]) =>
  statements.some((it) => {
    const found = match('dropConstraint', it);
    return (
      found !== undefined && found.name === fk.name && found.table === quoted({ schema: fk.schema, name: fk.table })
    );
  });

/**
 * drizzle-kit changes a foreign key at the place of the new ones, and may rename it before. Where keys and tables
 * change under it, it has to go first, and come back as new.
 */
function recreate(
  drizzle: readonly string[],
  earlier: readonly Row[],
  changes: readonly TableChange[],
  { after }: Migrated,
) {
  const affected = changes.filter((it) => isMoved(it) || isAdopted(it, after)).map((it) => keyOf(it.table));
  const dropped: string[] = [];
  const obsolete = new Set<string>();
  const statements = drizzle.map((statement) => {
    const key = statement.includes(' DROP CONSTRAINT ') ? match('addForeignKey', statement) : undefined;
    if (!key) return statement;
    const rename = drizzle.find((it) => {
      const found = match('renameConstraint', it);
      return found?.table === key.table && found.to === key.name;
    });
    const name = rename ? match('renameConstraint', rename)!.name : key.name;
    const fk = earlier.find((it) => it.name === name && quoted({ schema: it.schema, name: it.table }) === key.table);
    const isAffected =
      fk &&
      (affected.includes(keyOf({ schema: fk.schema, name: fk.table })) ||
        affected.includes(keyOf({ schema: fk.schemaTo, name: fk.tableTo })));
    if (!isAffected) return statement;
    dropped.push(`ALTER TABLE ${key.table} DROP CONSTRAINT ${ident(name)};`);
    if (rename) obsolete.add(rename);
    return statement.replace(/ DROP CONSTRAINT "(?:[^"]|"")*",/, '');
  });
  return { statements: statements.filter((it) => !obsolete.has(it)), dropped };
}

/** A rename would miss a foreign key that, on Citus, is already gone: it comes back under its new name. */
function tolerate(statement: string, loosened: readonly Row[]): string {
  const renamed = match('renameConstraint', statement);
  if (
    !renamed ||
    !loosened.some((fk) => fk.name === renamed.name && quoted({ schema: fk.schema, name: fk.table }) === renamed.table)
  )
    return statement;
  return doBlock('rename', [
    'BEGIN',
    `\tIF EXISTS (SELECT FROM pg_constraint WHERE conrelid = ${literal(renamed.table)}::regclass ` +
      `AND conname = ${literal(renamed.name)}) THEN`,
    `\t\t${statement}`,
    '\tEND IF;',
    'END',
  ]);
}

/** drizzle-kit switches row-level security off with the schema's last policy: it does not know of ours. */
const unlocks = (statement: string, changes: readonly TableChange[]) =>
  changes.some(
    ({ table, is }) => is?.rls && statement.startsWith(`ALTER TABLE ${quoted(table)} DISABLE ROW LEVEL SECURITY`),
  );

/** Where tables go back to one node, and where they are distributed: between the two they are plain tables. */
function places(statements: readonly string[], { before }: Migrated): [number, number] {
  const oldKeys = new Set(before.list('fks').map((fk) => fk.name as string));
  const firstForeignKey = statements.findIndex((it) => match('addForeignKey', it));
  const others = firstForeignKey >= 0 ? firstForeignKey : statements.findIndex((it) => match('afterTables', it));
  const end = others >= 0 ? others : statements.length;
  const start = statements
    .slice(0, end)
    .findLastIndex((it) => match('moveTable', it) || oldKeys.has(match('dropConstraint', it)?.name ?? ''));
  const created = statements
    .slice(0, end)
    .findLastIndex((it) => match('createTable', it) || it.startsWith('CREATE TYPE'));
  return [Math.max(start, created) + 1, end];
}

/** The steps that distribute: what is new, and what moved. */
function distribute(changes: readonly TableChange[], next: TenancyState): string[] {
  const placed = changes.filter((it) => it.to.kind !== 'local' && (it.isNew || isMoved(it)));
  const steps = placed.filter((it) => it.to.kind === 'reference').map((it) => createReference(it.table));
  const groups = new Map<string, TableChange[]>();
  for (const it of placed)
    if (it.to.kind === 'tenant') groups.set(it.to.group, [...(groups.get(it.to.group) ?? []), it]);
  for (const [group, members] of groups) {
    const root = next.tenancies[group]?.root;
    const rootFirst = (a: TableChange, b: TableChange) =>
      Number(keyOf(b.table) === root) - Number(keyOf(a.table) === root);
    const standing = changes
      .filter((it) => it.to.kind === 'tenant' && it.to.group === group && !members.includes(it))
      .sort(rootFirst);
    const [first, ...rest] = [...members].sort(rootFirst);
    const beside = standing[0]?.table;
    const column = (it: TableChange) => it.is!.column!;
    steps.push(
      createDistributed(first!.table, column(first!), beside ?? { shardCount: next.tenancies[group]!.shardCount }),
    );
    for (const it of rest) steps.push(createDistributed(it.table, column(it), beside ?? first!.table));
  }
  return steps;
}

/** Groups that stay where they are, with another shard count. */
function reshardedGroups(changes: readonly TableChange[], prev: TenancyState, next: TenancyState) {
  const groups = new Map<string, { table: TableName; shardCount: number }>();
  for (const it of changes) {
    if (it.isNew || isMoved(it) || it.to.kind !== 'tenant' || groups.has(it.to.group)) continue;
    const was = prev.tenancies[it.was!.tenancy!]?.shardCount;
    const { shardCount } = next.tenancies[it.is!.tenancy!]!;
    if (was !== undefined && was !== shardCount) groups.set(it.to.group, { table: it.table, shardCount });
  }
  return groups;
}
